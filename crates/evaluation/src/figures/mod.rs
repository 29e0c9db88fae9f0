//! Drawings as SVG: pure functions from points to a [`Drawing`].
//!
//! | function | what it shows |
//! |---|---|
//! | [`roc`], [`precision_recall`] | how well scores rank, beside baselines |
//! | [`roc_gap`] | the ROC curves of a group and of the rest, the area between them shaded (ABROCA) |
//! | [`reliability`], [`histogram`] | whether probabilities mean what they say, and who gets which |
//! | [`by_week`] | a figure over weeks with its interval, beside baselines |
//! | [`capacity`], [`decision`], [`cost`] | what contacting so many, or flagging from such a probability on, is worth |
//! | [`survival`] | the share still there by week, forecast against what happened |
//! | [`intervals`] | a figure by group or course, as dots with intervals |
//!
//! # What every drawing keeps to
//! - `role="img"`, a `<title>` and a `<desc>` that say in words what is seen, for those who can't see it.
//! - Colours of Okabe and Ito's palette (2008, told apart by nearly everyone), and never colour alone: each series has a
//!   dash pattern and a marker of its own, too.
//! - Ink follows the page: CSS variables where the page sets them, `prefers-color-scheme` elsewhere, black on white on
//!   paper. Fonts are the system's. 360 units wide, so that on a phone a letter is as large as it was drawn.
//! - No link, no script, no font, nothing that would be fetched.
//!
//! # Why the SVG is written here
//! plotters finds the ticks and maps values to the page ([`plotters::coord::cartesian::Cartesian2d`]). Its SVG backend
//! writes fixed colours into every shape, whole pixels, no class, no dash pattern, no title of a shape, and no description
//! of the drawing, and a backend of one's own needs types that plotters does not re-export. So the shapes are written
//! here, in tenths of a unit.

mod by_week;
mod calibration;
mod curves;
mod decisions;
mod groups;
mod plot;
mod style;
mod survival;
mod thin;

pub use by_week::{WeekFigure, WeekPoint, WeekSeries, by_week};
pub use calibration::{HistogramBar, ReliabilityPoint, histogram, reliability};
pub use curves::{Curve, precision_recall, roc, roc_gap};
pub use decisions::{CapacityPoint, capacity, cost, decision};
pub use groups::{Interval, IntervalRow, intervals};
pub use style::STYLE;
pub use survival::{SurvivalPoint, survival};

use crate::markup::escape;

/// Width of every drawing in its own units.
pub const WIDTH: u32 = 360;

/// A drawing, to be put into a page or written to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    title: String,
    description: String,
    height: u32,
    /// Where the plot lies and what its axes cover: left, top, right, bottom, then low and high of x and of y.
    frame: [f64; 8],
    body: String,
}

impl Drawing {
    /// What is drawn, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// An `<svg>` element for a page that has [`STYLE`] in its own style sheet.
    #[must_use]
    pub fn inline(&self) -> String {
        let frame: Vec<String> = self.frame.iter().map(ToString::to_string).collect();
        self.element(&format!(" data-frame=\"{}\"", frame.join(" ")), "")
    }

    /// A whole SVG file, its style sheet and background within it.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let before =
            format!("<style>{STYLE}</style><rect class=\"sc-paper\" width=\"{WIDTH}\" height=\"{}\"/>", self.height);
        let width = 2 * WIDTH;
        let height = 2 * self.height;
        let attributes = format!(" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\"");
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", self.element(&attributes, &before))
    }

    fn element(&self, attributes: &str, before: &str) -> String {
        format!(
            "<svg class=\"sc-figure\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\"{attributes}><title>{}</title><desc>{}</desc>{before}{}</svg>",
            self.height,
            escape(&self.title),
            escape(&self.description),
            self.body
        )
    }
}
