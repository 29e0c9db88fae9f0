//! Rows counted by outcome and decision.

use serde::{Deserialize, Serialize};

use super::checks::check_scores;
use super::error::MetricError;
use super::metric::{Metric, Undefined};

/// Counts rows by outcome and decision; positive = dropout, flagged = score at or above the threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Flagged, and dropped out.
    #[serde(rename = "tp")]
    pub true_positives: u64,
    /// Flagged, but stayed.
    #[serde(rename = "fp")]
    pub false_positives: u64,
    /// Not flagged, and stayed.
    #[serde(rename = "tn")]
    pub true_negatives: u64,
    /// Not flagged, but dropped out.
    #[serde(rename = "fn")]
    pub false_negatives: u64,
}

impl Confusion {
    /// Counts rows with `score >= threshold` as flagged.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] and [`MetricError::NanScore`].
    pub fn at_threshold(scores: &[f64], labels: &[bool], threshold: f64) -> Result<Self, MetricError> {
        check_scores(scores, labels)?;
        let mut confusion = Self::default();
        for (&score, &label) in scores.iter().zip(labels) {
            let cell = match (score >= threshold, label) {
                (true, true) => &mut confusion.true_positives,
                (true, false) => &mut confusion.false_positives,
                (false, false) => &mut confusion.true_negatives,
                (false, true) => &mut confusion.false_negatives,
            };
            *cell += 1;
        }
        Ok(confusion)
    }

    /// Counts the rows at or above the threshold.
    #[must_use]
    pub fn flagged(&self) -> u64 {
        self.true_positives + self.false_positives
    }

    /// Counts the rows that dropped out.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Counts the rows that stayed.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.true_negatives + self.false_positives
    }

    /// Counts all rows.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.positives() + self.negatives()
    }

    /// Returns tp / (tp + fp): of those flagged, the share that dropped out. Undefined when nothing is flagged.
    #[must_use]
    pub fn precision(&self) -> Metric {
        self.ratio(self.true_positives, self.flagged(), Undefined::NothingFlagged)
    }

    /// Returns tp / (tp + fn): of those who dropped out, the share flagged. Undefined without positives.
    #[must_use]
    pub fn recall(&self) -> Metric {
        self.ratio(self.true_positives, self.positives(), Undefined::NoPositives)
    }

    /// Returns 2 tp / (2 tp + fp + fn). Undefined when nothing is positive and nothing flagged.
    #[must_use]
    pub fn f1(&self) -> Metric {
        let denominator = 2 * self.true_positives + self.false_positives + self.false_negatives;
        self.ratio(2 * self.true_positives, denominator, Undefined::NoPositives)
    }

    /// Returns Matthews' correlation coefficient of outcome and decision, −1 to 1. Undefined (scikit-learn writes 0) when
    /// a class is missing, nothing is flagged, or everything is.
    #[must_use]
    pub fn mcc(&self) -> Metric {
        let missing = if self.total() == 0 {
            Some(Undefined::NoRows)
        } else if self.positives() == 0 {
            Some(Undefined::NoPositives)
        } else if self.negatives() == 0 {
            Some(Undefined::NoNegatives)
        } else if self.flagged() == 0 {
            Some(Undefined::NothingFlagged)
        } else if self.flagged() == self.total() {
            Some(Undefined::EverythingFlagged)
        } else {
            None
        };
        if let Some(undefined) = missing {
            return Metric::Undefined(undefined);
        }
        let product = |a: u64, b: u64| i128::from(a) * i128::from(b);
        let covariance =
            product(self.true_positives, self.true_negatives) - product(self.false_positives, self.false_negatives);
        let unflagged = self.total() - self.flagged();
        // Two square roots of exact products, since the product of all four margins can overflow.
        let margins = (product(self.positives(), self.negatives()) as f64).sqrt()
            * (product(self.flagged(), unflagged) as f64).sqrt();
        Metric::Value(covariance as f64 / margins)
    }

    fn ratio(&self, numerator: u64, denominator: u64, when_zero: Undefined) -> Metric {
        if self.total() == 0 {
            Metric::Undefined(Undefined::NoRows)
        } else if denominator == 0 {
            Metric::Undefined(when_zero)
        } else {
            Metric::Value(numerator as f64 / denominator as f64)
        }
    }
}
