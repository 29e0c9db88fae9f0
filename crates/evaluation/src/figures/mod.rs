//! Drawings as SVG: pure functions from points to a [`Drawing`].
//!
//! | function | shows |
//! |---|---|
//! | [`roc`], [`precision_recall`] | how well scores rank, beside baselines |
//! | [`roc_gap`] | the ROC curves of a group and of the rest, the area between them shaded (ABROCA) |
//! | [`reliability`], [`histogram`] | whether probabilities are right, and who gets which |
//! | [`by_week`] | a figure over weeks with its interval, beside baselines |
//! | [`capacity`], [`decision`], [`cost`] | the worth of contacting so many, or of flagging from a probability on |
//! | [`survival`] | the share still there by week, forecast and observed |
//! | [`intervals`] | a figure by group or course, as dots with intervals |
//!
//! # Holds for every drawing
//! - `role="img"`, and a `<title>` and a `<desc>` that say in words what is seen, for those who can't see it.
//! - Colours are the page's tokens (`assets/tokens.css`), and never colour alone: each series has a dash pattern and a
//!   marker of its own, too. They follow the page's dark mode, and a file carries the tokens itself.
//! - 360 units wide, so that on a phone a letter is as large as it was drawn. Fonts are the system's.
//! - No link, no script, no font, nothing that would be fetched.
//!
//! # Why the SVG is a template of this crate
//! plotters finds the ticks and maps values to the page ([`plotters::coord::cartesian::Cartesian2d`]). Its SVG backend
//! writes fixed colours into every shape, whole pixels, no class, no dash pattern, no title of a shape and no description
//! of the drawing; and a backend of one's own needs types that plotters does not re-export.

mod by_week;
mod calibration;
mod curves;
mod decisions;
mod drawing;
mod groups;
mod plot;
mod shape;
mod style;
mod survival;
mod thin;

pub use by_week::{WeekFigure, WeekPoint, WeekSeries, by_week};
pub use calibration::{HistogramBar, ReliabilityPoint, histogram, reliability};
pub use curves::{Curve, precision_recall, roc, roc_gap};
pub use decisions::{CapacityPoint, capacity, cost, decision};
pub use drawing::Drawing;
pub use groups::{Interval, IntervalRow, intervals};
pub use style::STYLE;
pub use style::TOKENS;
pub use survival::{SurvivalPoint, survival};
