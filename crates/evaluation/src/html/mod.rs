//! The report as one self-contained HTML page, for instructors and for sceptical reviewers.
//!
//! [`render`] is a pure function: no file, no clock, no network; the page loads nothing and links nowhere. It reads on a
//! phone, in dark mode, on paper, and without JavaScript (then the slider is missing and the table beneath it is not).
//! It returns the page's drawings too, for SVG files: each is drawn once.
//!
//! The pages are templates in `templates/`, checked when they are compiled and escaped by default; the modules here find
//! the figures that they show. Colours, distances and type are the tokens of `assets/tokens.css`.
//!
//! | part | shows |
//! |---|---|
//! | `header` | in one sentence how good the forecast is, its interval, the simplest baseline, the kind of test |
//! | `operating` | the slider: flag from this probability on, or contact so many |
//! | `all_figures`, `ranking`, `weeks`, `calibration`, `worth` | the figures beside baselines, at the asked week and over weeks |
//! | `courses`, `groups` | by course and by group, with refusals where there are too few; fairness |
//! | `survival`, `stability` | when learners leave; how much scores move |
//! | `data`, `card`, `provenance` | exclusions, data quality, leakage; the model card; where the figures come from |
//!
//! # Holds for every page
//! - **All text is escaped**; names of courses and groups are untrusted until then, and set apart from the direction of the
//!   text around them (`<bdi>`).
//! - **Nobody is named**: a report holds counts of learners, never one of them.
//! - **Undefined is "–" with the reason** beneath the table, not only on hovering.
//! - **Every figure for both cohorts**, side by side, or one of them by the switch at the top.

mod about;
mod all_figures;
mod calibration;
mod card;
mod cell;
mod cohort;
mod courses;
mod data;
mod figure;
mod groups;
mod header;
mod operating;
mod page;
mod provenance;
mod ranking;
mod reasons;
mod render;
mod section;
mod stability;
mod survival;
mod weeks;
mod worth;

use crate::figures::{STYLE, TOKENS};
pub use crate::markup::without_control_characters;

/// Holds the style sheets of a page: tokens, the page's parts, drawings. Other pages of Staycast take them too.
pub const PAGE_STYLES: [&str; 3] = [TOKENS, include_str!("../../assets/report.css"), STYLE];

pub use about::{About, Compared, LeakageCheck, LeakageOutcome};
pub use figure::is_drawing_name;
pub use page::{NamedDrawing, Page, RenderedPage};
pub use render::render;
