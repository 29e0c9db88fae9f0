//! Values of metrics, and why some have none.

use serde::{Serialize, Serializer};

/// Says why a metric has no value for the rows at hand.
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
    /// The training set allowed no fit of the probabilities (a baseline only).
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
    /// Too few courses have an AUC of their own.
    TooFewUnits {
        /// How many it takes.
        needed: u8,
    },
}

impl Undefined {
    /// Returns the reason in words, as reports print it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoRows => "no rows",
            Self::NoPositives => "no positive row (nobody dropped out)",
            Self::NoNegatives => "no negative row (everybody dropped out)",
            Self::NothingFlagged => "no row reaches the threshold",
            Self::EverythingFlagged => "every row reaches the threshold",
            Self::TooFewOfAClass => "an interval needs at least two rows of each class",
            Self::NotFitted => "the training set allowed no fit of probabilities",
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
            Self::TooFewUnits { needed: 2 } => "fewer than two courses are large enough",
            Self::TooFewUnits { .. } => "fewer than three courses are large enough",
        }
    }
}

/// Holds a metric's value, or the reason why it has none. Serialises as a number or null; the reason is kept beside it by
/// whoever writes the report ([`crate::report::Cohort`] has a map of them).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// The metric's value.
    Value(f64),
    /// The metric has no value for these rows.
    Undefined(Undefined),
}

impl Metric {
    /// Returns the value, if there is one.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Undefined(_) => None,
        }
    }

    /// Returns the reason for no value, if there is none.
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

/// Computes the share of positive rows, undefined without rows.
#[must_use]
pub fn base_rate(labels: &[bool]) -> Metric {
    if labels.is_empty() {
        return Metric::Undefined(Undefined::NoRows);
    }
    let positives = labels.iter().filter(|&&label| label).count();
    Metric::Value(positives as f64 / labels.len() as f64)
}
