//! Metrics of a binary forecast, each exact, in `f64`, and null with a reason where it is undefined.
//!
//! The positive class is dropout, always. Scores may be any number but NaN (infinities rank like any other
//! value); probabilities lie in [0, 1]. A row is flagged when `score >= threshold`.
//!
//! Everything about order (AUC, average precision, curves, thresholds) is computed from one sorted
//! [`Ranking`], in which equal scores form one tie group, so no metric depends on the order of rows.

mod capacity;
mod confusion;
mod corrected_t;
mod decision;
mod decomposition;
mod delong;
pub mod fairness;
mod histogram;
mod normal;
mod probability;
mod ranking;
mod recalibration;
pub(crate) mod resample;
pub mod stability;
mod student;
pub mod survival;

use serde::{Serialize, Serializer};

pub use capacity::{AtCapacity, Capacity};
pub use confusion::Confusion;
pub use corrected_t::{CorrectedT, corrected_t};
pub use decision::{CostPoint, NetBenefitPoint, cost_curve, decision_curve};
pub use decomposition::BrierDecomposition;
pub use delong::{AucDifference, DeLongInterval, delong_difference, delong_interval};
pub use histogram::{HISTOGRAM_BINS, HistogramBin, score_histogram};
pub use probability::{ECE_BINS, ReliabilityBin, brier, expected_calibration_error, log_loss, reliability_bins};
pub use ranking::{PrPoint, Ranking, RocPoint, TieGroup};
pub use recalibration::Recalibration;

pub(crate) use probability::{binned_figures, log_miss, squared_miss};

/// Why a set of scores or probabilities can't be measured at all. A metric that is merely undefined for the
/// rows at hand is no error but [`Metric::Undefined`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// The two slices describe different numbers of rows.
    #[error("{scores} scores but {labels} labels: give one label for each score")]
    LengthMismatch {
        /// Number of scores given.
        scores: usize,
        /// Number of labels given.
        labels: usize,
    },
    /// A score is NaN, so it has no place in a ranking.
    #[error("the score of row {row} is NaN: leave the row out under a reason, or mend the model that wrote it")]
    NanScore {
        /// 0-based row.
        row: usize,
    },
    /// A probability is NaN or outside [0, 1].
    #[error("the probability of row {row} is {value}: it must lie between 0 and 1; calibrate the score first")]
    NotAProbability {
        /// 0-based row.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// Two forecasts can't be compared on rows with fewer than two of a class.
    #[error("{positives} positive and {negatives} negative rows: comparing AUCs needs at least two of each")]
    TooFewOfAClass {
        /// Rows that dropped out.
        positives: usize,
        /// Rows that stayed.
        negatives: usize,
    },
    /// A group has rows of one outcome only, so it has no ROC curve.
    #[error("a group lacks rows that dropped out, or rows that stayed: leave it out of the comparison")]
    GroupLacksAClass,
}

/// Why a metric has no value for the rows at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undefined {
    /// There are no rows.
    NoRows,
    /// No row is positive, and the metric needs some.
    NoPositives,
    /// No row is negative, and the metric needs some.
    NoNegatives,
    /// No row reaches the threshold, so there is nothing to be right about.
    NothingFlagged,
    /// Every row reaches the threshold, so the metric's denominator is zero.
    EverythingFlagged,
    /// A variance needs at least two rows of each class.
    TooFewOfAClass,
    /// The training side allowed no fit of the probabilities (a baseline only).
    NotFitted,
    /// Every bootstrap resample lacked one of the classes.
    NoUsableResample,
    /// All rows have the same probability, so there is no slope.
    OneProbability,
    /// The probabilities separate the classes, so the likelihood of a slope has no maximum.
    Separated,
    /// A fit did not converge.
    NotConverged,
    /// No pair of rows in which it is known who left first.
    NoComparablePair,
    /// An integral needs at least two times.
    TooFewTimes,
    /// No enrolment has predictions at two successive weeks.
    NoPairsOfWeeks,
    /// A test needs at least two differences, from at least two folds.
    TooFewDifferences,
    /// All differences are equal, so there is nothing to divide by.
    NoVariance,
    /// There is nothing predicted to measure.
    NoPrediction,
}

impl Undefined {
    /// The reason in words, as reports print it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoRows => "no rows",
            Self::NoPositives => "no positive row (nobody dropped out)",
            Self::NoNegatives => "no negative row (everybody dropped out)",
            Self::NothingFlagged => "no row reaches the threshold",
            Self::EverythingFlagged => "every row reaches the threshold",
            Self::TooFewOfAClass => "an interval needs at least two rows of each class",
            Self::NotFitted => "the training side allowed no fit of probabilities",
            Self::NoUsableResample => "no bootstrap resample held both classes",
            Self::OneProbability => "every row has the same probability",
            Self::Separated => "the probabilities separate the classes, so a slope has no maximum likelihood",
            Self::NotConverged => "the fit did not converge",
            Self::NoComparablePair => "no pair of rows in which it is known who left first",
            Self::TooFewTimes => "an integral needs at least two times",
            Self::NoPairsOfWeeks => "no enrolment has predictions at two successive weeks",
            Self::TooFewDifferences => "a test needs at least two differences, from at least two folds",
            Self::NoVariance => "all differences are equal",
            Self::NoPrediction => "nothing was predicted",
        }
    }
}

/// A metric's value, or why it has none. Serialises as a number or null; the reason is kept beside it by
/// whoever writes the report ([`crate::report::Cohort`] has a map of them).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// The metric's value.
    Value(f64),
    /// The metric has no value for these rows.
    Undefined(Undefined),
}

impl Metric {
    /// The value, if there is one.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Undefined(_) => None,
        }
    }

    /// Why there is no value, if there is none.
    #[must_use]
    pub fn undefined(self) -> Option<Undefined> {
        match self {
            Self::Value(_) => None,
            Self::Undefined(undefined) => Some(undefined),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

/// Share of positive rows, undefined without rows.
#[must_use]
pub fn base_rate(labels: &[bool]) -> Metric {
    if labels.is_empty() {
        return Metric::Undefined(Undefined::NoRows);
    }
    let positives = labels.iter().filter(|&&label| label).count();
    Metric::Value(positives as f64 / labels.len() as f64)
}

/// Checks that there is one label a score and that no score is NaN.
pub(crate) fn check_scores(scores: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    check_lengths(scores, labels)?;
    match scores.iter().position(|score| score.is_nan()) {
        Some(row) => Err(MetricError::NanScore { row }),
        None => Ok(()),
    }
}

/// Checks that there is one label a probability and that every probability lies in [0, 1].
pub(crate) fn check_probabilities(probabilities: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    check_lengths(probabilities, labels)?;
    match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        Some(row) => Err(MetricError::NotAProbability { row, value: probabilities[row] }),
        None => Ok(()),
    }
}

fn check_lengths(scores: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    if scores.len() == labels.len() {
        Ok(())
    } else {
        Err(MetricError::LengthMismatch { scores: scores.len(), labels: labels.len() })
    }
}
