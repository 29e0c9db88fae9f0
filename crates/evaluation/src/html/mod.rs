//! The report as one self-contained HTML page, for instructors and for sceptical reviewers.
//!
//! [`render`] is a pure function: no file, no clock, no network; the page loads nothing and links nowhere. It reads on a
//! phone, in dark mode, on paper, and without JavaScript (then the slider is missing and the table beneath it is not).
//! [`drawings`] gives the same figures for SVG files.
//!
//! | part | what it says |
//! |---|---|
//! | `overview` | in one sentence how good the forecast is, how sure that is, against which trivial baseline, what kind of test |
//! | `operating` | the slider: flag from this probability on, or contact so many |
//! | `figures_table`, `ranking`, `weeks`, `calibration`, `worth` | the figures beside baselines, at the asked week and over weeks |
//! | `courses`, `groups` | by course and by group, with refusals where too few; fairness |
//! | `survival`, `stability` | when learners leave; how much scores move |
//! | `data`, `card` | exclusions, data quality, leakage; the model card and where the figures come from |
//!
//! # What it keeps to
//! - **All text is escaped**; names of courses and groups are hostile until then, and set apart from the direction of the
//!   text around them (`<bdi>`).
//! - **Nobody is named**: a report holds counts of learners, never one of them.
//! - **Undefined is "–" with the reason** beneath the table, not only on hovering.
//! - **Every figure for both cohorts**, side by side, or one of them by the switch at the top.

mod about;
mod calibration;
mod card;
mod cohorts;
mod courses;
mod data;
mod element;
mod figures_table;
mod groups;
mod operating;
mod overview;
mod ranking;
mod stability;
mod survival;
mod weeks;
mod worth;

pub use about::{About, Compared, LeakageCheck, LeakageOutcome};

use crate::figures::{self, Drawing};
use crate::markup::escape;
use crate::report::{Evaluation, Plots};
use crate::splits::SplitKind;

/// What a page is made from.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The figures.
    pub evaluation: &'a Evaluation,
    /// Curves at the asked week; without them the page has no curves and no slider, and says so. Of a mean over repeats,
    /// those of the repeat that [`Evaluation::sections_of_repeat`] names.
    pub plots: Option<&'a Plots>,
    /// What was evaluated, in the caller's words.
    pub about: &'a About,
}

/// A figure and the name of the file it belongs in, without the ending.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedDrawing {
    /// Letters, digits and hyphens: safe as a file name everywhere.
    pub name: String,
    /// The drawing.
    pub drawing: Drawing,
}

/// A section of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    /// Markup.
    body: String,
    drawings: Vec<NamedDrawing>,
}

/// The whole page, a UTF-8 HTML document.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let sections = sections(page);
    let mut contents = String::new();
    let mut main = String::new();
    for section in &sections {
        contents += &format!("<li><a href=\"#{}\">{}</a></li>", section.id, escape(section.title));
        main += &format!(
            "<section id=\"{}\" class=\"part\"><h2>{}</h2>{}</section>\n",
            section.id,
            escape(section.title),
            section.body
        );
    }
    let title = format!("{}: forecast at the end of week {}", page.about.run, page.evaluation.week);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<title>{}</title>\n<style>{}\n{}</style>\n</head>\n<body{}>\n{}\n\
         <main>\n{}\n<nav class=\"contents\" aria-label=\"Contents\"><ul>{contents}</ul></nav>\n{main}</main>\n{}\n{}\
         <script>{}</script>\n</body>\n</html>\n",
        escape(&title),
        include_str!("report.css"),
        figures::STYLE,
        if flatters(page.evaluation.kind) { " class=\"flatters\"" } else { "" },
        cohorts::switch(),
        overview::header(page),
        card::provenance(page),
        operating::data(page),
        include_str!("report.js"),
    )
}

/// The figures of the page, in its order, to be written as `NAME.svg` each.
#[must_use]
pub fn drawings(page: &Page<'_>) -> Vec<NamedDrawing> {
    sections(page).into_iter().flat_map(|section| section.drawings).collect()
}

/// The sections there is something to say in.
fn sections(page: &Page<'_>) -> Vec<Section> {
    let parts = [
        operating::section(page),
        Some(figures_table::section(page)),
        ranking::section(page),
        Some(weeks::section(page)),
        calibration::section(page),
        Some(worth::section(page)),
        courses::section(page),
        groups::section(page),
        survival::section(page),
        stability::section(page),
        Some(data::section(page)),
        Some(card::section(page)),
    ];
    let mut sections: Vec<Section> = parts.into_iter().flatten().collect();
    if let Some(repeat) = page.evaluation.sections_of_repeat {
        for section in sections.iter_mut().filter(|section| WITHOUT_A_MEAN.contains(&section.id)) {
            section.body.insert_str(0, &of_one_repeat(repeat));
        }
    }
    sections
}

/// Sections that hold what has no mean over repeats.
const WITHOUT_A_MEAN: [&str; 8] =
    ["operating", "ranking", "calibration", "worth", "courses", "groups", "survival", "stability"];

fn of_one_repeat(repeat: u32) -> String {
    format!(
        "<p class=\"banner neutral\">Of repeat {} alone: whatever has no mean over repeats (curves, capacities, courses, groups, \
         survival, stability).</p>",
        u64::from(repeat) + 1
    )
}

/// Whether figures of this kind must not be read as what new learners would give.
fn flatters(kind: SplitKind) -> bool {
    matches!(kind, SplitKind::RandomOptimistic | SplitKind::InSample)
}
