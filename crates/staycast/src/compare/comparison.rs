//! The result of a comparison.

use std::path::PathBuf;

use serde::Serialize;
use staycast_evaluation::report::{ByCohort, Cohort};
use staycast_evaluation::splits::SplitKind;

use super::paired::Pair;

/// Holds the runs compared, with the differences of every pair.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) week: u16,
    pub(super) label_rule: String,
    pub(super) kind: SplitKind,
    /// Rows on which all are compared, by cohort.
    pub(super) rows: ByCohort<u64>,
    pub(super) runs: Vec<Figures>,
    /// Every pair, the earlier one first.
    pub(super) pairs: Vec<Pair>,
    /// Runs that could not be trained, and why.
    pub(super) failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) name: String,
    #[serde(serialize_with = "crate::display::path_text")]
    pub(super) run: PathBuf,
    /// Seconds that its training took, where the run says so.
    pub(super) training_seconds: Option<f64>,
    pub(super) cohorts: ByCohort<Cohort>,
}

#[derive(Debug, Serialize)]
pub(super) struct Failed {
    pub(super) name: String,
    pub(super) reason: String,
}
