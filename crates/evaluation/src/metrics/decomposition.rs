//! Murphy's decomposition of the Brier score.

use serde::Serialize;

use super::checks::check_probabilities;
use super::error::MetricError;
use super::metric::Metric;
use super::probability::{ECE_BINS, TiedRow, equal_count_bins, expected_calibration_error_of, tied_rows};
use super::ranking::Ranking;

/// Holds Murphy's (1973) decomposition of the Brier score over bins, with the two terms (Stephenson, Coelho & Jolliffe 2008)
/// that make it exact where probabilities vary inside a bin:
///
/// Brier = reliability − resolution + uncertainty + within-bin variance − within-bin covariance.
///
/// The bins are those of the expected calibration error: 15 of equal count, tied rows counting with their mean label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BrierDecomposition {
    /// Mean squared distance of a bin's mean probability from its observed rate; 0 is best.
    pub reliability: f64,
    /// Mean squared distance of a bin's observed rate from the base rate; the more, the better the forecast sorts.
    pub resolution: f64,
    /// base rate · (1 − base rate): the Brier score of forecasting the base rate to everybody.
    pub uncertainty: f64,
    /// Mean squared distance of a probability from its bin's mean.
    pub within_bin_variance: f64,
    /// Twice the mean product of a row's distance from its bin's mean probability and from its observed rate.
    pub within_bin_covariance: f64,
    /// Bins with rows.
    pub bins: usize,
}

impl BrierDecomposition {
    /// Decomposes the Brier score; `None` without rows.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
    pub fn new(probabilities: &[f64], labels: &[bool]) -> Result<Option<Self>, MetricError> {
        check_probabilities(probabilities, labels)?;
        Ok(Self::from_rows(&tied_rows(&Ranking::from_checked(probabilities, labels))))
    }

    pub(super) fn from_rows(rows: &[TiedRow]) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let n = rows.len() as f64;
        let base_rate = rows.iter().map(|row| row.rate).sum::<f64>() / n;
        let mut sums = Self {
            reliability: 0.0,
            resolution: 0.0,
            uncertainty: base_rate * (1.0 - base_rate),
            within_bin_variance: 0.0,
            within_bin_covariance: 0.0,
            bins: 0,
        };
        for inside in equal_count_bins(rows, ECE_BINS) {
            let count = inside.len() as f64;
            let mean = inside.iter().map(|row| row.probability).sum::<f64>() / count;
            let rate = inside.iter().map(|row| row.rate).sum::<f64>() / count;
            sums.bins += 1;
            sums.reliability += count / n * (mean - rate).powi(2);
            sums.resolution += count / n * (rate - base_rate).powi(2);
            for row in inside {
                sums.within_bin_variance += (row.probability - mean).powi(2) / n;
                sums.within_bin_covariance += 2.0 * (row.probability - mean) * (row.rate - rate) / n;
            }
        }
        Some(sums)
    }

    /// Computes the mean of several, term by term, which sums to the mean of their Brier scores. All 0 without any.
    #[must_use]
    pub(crate) fn mean(of: &[Self]) -> Self {
        let mean = |term: fn(&Self) -> f64| of.iter().map(term).sum::<f64>() / of.len().max(1) as f64;
        Self {
            reliability: mean(|one| one.reliability),
            resolution: mean(|one| one.resolution),
            uncertainty: mean(|one| one.uncertainty),
            within_bin_variance: mean(|one| one.within_bin_variance),
            within_bin_covariance: mean(|one| one.within_bin_covariance),
            bins: of.iter().map(|one| one.bins).max().unwrap_or(0),
        }
    }

    /// Returns the Brier score, put together again.
    #[must_use]
    pub fn brier(&self) -> f64 {
        self.reliability - self.resolution + self.uncertainty + self.within_bin_variance - self.within_bin_covariance
    }
}

/// Computes expected calibration error and decomposition of the Brier score from one ranking by probability.
pub(crate) fn binned_figures(ranking: &Ranking) -> (Metric, Option<BrierDecomposition>) {
    let rows = tied_rows(ranking);
    (expected_calibration_error_of(&rows), BrierDecomposition::from_rows(&rows))
}
