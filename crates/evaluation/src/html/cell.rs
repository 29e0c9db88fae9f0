//! Tables and what stands in their cells.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::metrics::Metric;
use crate::numbers::{count, decimal, p_value, percent};

/// Holds one cell of a table.
#[derive(Debug, Clone, PartialEq, Template)]
#[template(path = "cell.html")]
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// A figure as it is written.
    Figure(String),
    /// A figure that stands out.
    Strong(String),
    /// An interval, kept on one line.
    Range(f64, f64),
    /// A figure with smaller lines below it: its interval, its p-value.
    WithDetails(String, Vec<String>),
    /// An expected figure, since the last places among equal scores go by lot.
    ByLot(String),
    /// A figure that does not exist, and why.
    Missing(String),
    /// A name out of the data, whose direction is its own.
    Name(String),
    /// Two names out of the data, the first compared with the second.
    Against(String, String),
    /// Words, which are read from the left.
    Words(String),
    /// Words that stand out.
    StrongWords(String),
    /// Words out of the data.
    GivenWords(String),
}

impl HtmlSafe for Cell {}

impl Cell {
    /// Tells whether the cell is read from the left.
    fn is_words(&self) -> bool {
        matches!(self, Self::Words(_) | Self::StrongWords(_) | Self::GivenWords(_))
    }

    /// Writes text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// Writes a count.
    pub(super) fn count(number: u64) -> Self {
        Self::Figure(count(number))
    }

    /// Writes a metric to three decimals, or a dash that says why when pointed at.
    pub(super) fn metric(value: Metric) -> Self {
        Self::or_missing(value, decimal(value).replace('-', "−"))
    }

    /// Writes a share in percent, or a dash that says why when pointed at.
    pub(super) fn share(value: Metric) -> Self {
        Self::or_missing(value, percent(value))
    }

    fn or_missing(value: Metric, written: String) -> Self {
        match value {
            Metric::Value(_) => Self::Figure(written),
            Metric::Undefined(undefined) => Self::Missing(undefined.reason().to_owned()),
        }
    }

    /// Writes a value with its interval below it, if it has one.
    pub(super) fn with_interval(value: Metric, low: Metric, high: Metric) -> Self {
        match (Self::metric(value), low, high) {
            // Without any width it is an interval in name only: all scores alike, or all in the right order.
            (Self::Figure(written), Metric::Value(low), Metric::Value(high)) if low < high => {
                Self::WithDetails(written, vec![format!("{low:.3}–{high:.3}")])
            }
            (cell, ..) => cell,
        }
    }

    /// Writes a figure with the p-value of its test below it, if it was tested.
    pub(super) fn tested(written: String, p: Option<f64>) -> Self {
        Self::WithDetails(written, p.map(|p| format!("p {}", p_value(p))).into_iter().collect())
    }

    /// Writes a figure, or a plain dash.
    pub(super) fn or_dash(written: Option<String>) -> Self {
        written.map_or_else(Self::dash, Self::Figure)
    }

    /// Writes a plain dash.
    pub(super) fn dash() -> Self {
        Self::Figure("–".to_owned())
    }
}

/// Holds a table that scrolls sideways where it is too wide. The first cell of each row is its head.
#[derive(Debug, Clone, PartialEq, Template)]
#[template(path = "table.html")]
pub(super) struct Table {
    pub(super) caption: &'static str,
    pub(super) heads: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl HtmlSafe for Table {}

impl Table {
    /// Counts the lines from which on a table is folded away.
    const FOLDED: usize = 15;

    /// Tells whether a column is of words.
    fn is_words(&self, column: &usize) -> bool {
        self.rows.iter().any(|row| row.get(*column).is_some_and(Cell::is_words))
    }

    /// Tells whether the table is long enough to be folded away.
    pub(super) fn is_long(&self) -> bool {
        self.rows.len() > Self::FOLDED
    }

    /// Writes the number of rows.
    pub(super) fn length(&self) -> String {
        count(self.rows.len() as u64)
    }

    /// Tells whether a figure of the table rests on a lot among equal scores.
    pub(super) fn has_lots(&self) -> bool {
        self.rows.iter().flatten().any(|cell| matches!(cell, Cell::ByLot(_)))
    }
}
