//! Describes a request for an evaluation.

use staycast_evaluation::metrics::Capacity;
use staycast_evaluation::report::{MinimumSize, Resampling};
use staycast_sequences::{CutOff, Dataset};

use crate::device::ChosenDevice;

/// Names the rows to evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The run's test part or, on other data, all rows that were not trained on.
    Unseen,
    /// All rows, trained on or not: marks every figure.
    InSample,
}

/// Asks for an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct EvaluateRequest<'a> {
    /// The sequences.
    pub data: &'a Dataset,
    /// The cut-off; the run's target week when `None`.
    pub week: Option<CutOff>,
    /// Only these courses.
    pub courses: Option<&'a [String]>,
    /// Which rows.
    pub rows: Rows,
    /// Whether and how to bootstrap.
    pub resampling: Resampling,
    /// Static columns to group by; those with a few values when `None`.
    pub groups: Option<&'a [String]>,
    /// Weight of the newest week when log odds are smoothed over weeks, in (0, 1]; no smoothing when `None`.
    pub smoothing: Option<f64>,
    /// How many learners can be contacted; [`DEFAULT_CAPACITIES`](staycast_evaluation::report::DEFAULT_CAPACITIES) when
    /// empty.
    pub capacities: &'a [Capacity],
    /// The rows that a course or group needs for figures of its own.
    pub minimum_size: MinimumSize,
    /// Where to compute.
    pub device: &'a ChosenDevice,
}

impl<'a> EvaluateRequest<'a> {
    /// Asks for a run's forecasts at its own week, for the rows of `data` that it was not trained on, without a bootstrap.
    #[must_use]
    pub fn new(data: &'a Dataset, device: &'a ChosenDevice) -> Self {
        Self {
            data,
            week: None,
            courses: None,
            rows: Rows::Unseen,
            resampling: Resampling::Off,
            groups: None,
            smoothing: None,
            capacities: &[],
            minimum_size: MinimumSize::default(),
            device,
        }
    }
}
