//! The trivial baselines every model has to beat, without which no figure says much.

use serde::{Deserialize, Serialize};

use super::cohort::{Cohort, Forecast};
use super::{LabelledRow, labels_of, values_of};
use crate::calibration::{Calibration, CalibrationError, CalibrationMethod};
use crate::metrics::MetricError;
use crate::threshold::{ThresholdError, ThresholdRule};

/// Name of the baseline that flags everyone.
///
/// Everyone has the same score, so its AUC is 0.5, and everyone is flagged (threshold 0). Its probability is
/// the training side's base rate, the best constant known before the test: with p = 1 Brier and log loss would
/// measure nothing but the penalty for certainty.
pub const EVERYONE_DROPS: &str = "everyone_drops";

/// Name of the baseline that goes by the days since the last activity alone.
///
/// Its score is that number of days, longest for those never active; its probability and threshold come from a
/// [`RecencyBaseline`] fitted on the training side.
pub const DAYS_SINCE_LAST: &str = "days_since_last";

/// Days since the last activity made a forecast, fitted on the training side at one week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecencyBaseline {
    /// From days to probability.
    pub calibration: Calibration,
    /// Rows with a probability at or above it are flagged.
    pub threshold: f64,
    /// The days someone never active counts as: a day more than the longest silence seen in training and than the
    /// course so far. Longer silences in the test count as this many, so that no silence outranks never.
    pub never_active_days: f64,
}

/// Why the recency baseline could not be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BaselineError {
    /// Its probabilities could not be fitted.
    #[error("the days-since-last baseline can't be calibrated: {0}")]
    Calibration(#[from] CalibrationError),
    /// Its threshold could not be chosen.
    #[error("the days-since-last baseline has no threshold: {0}")]
    Threshold(#[from] ThresholdError),
}

impl RecencyBaseline {
    /// Fits it on training-side rows known at the cut-off of `cutoff_week`: Platt scaling of the days, and the
    /// threshold that `rule` chooses on the same rows' probabilities.
    ///
    /// # Errors
    /// [`BaselineError`]; most often one class is missing, or a precision is out of its reach.
    pub fn fit(
        days_since_last: &[Option<f64>],
        labels: &[bool],
        cutoff_week: u16,
        rule: ThresholdRule,
    ) -> Result<Self, BaselineError> {
        let longest = days_since_last.iter().flatten().copied().fold(7.0 * f64::from(cutoff_week), f64::max);
        let never_active_days = longest + 1.0;
        let days: Vec<f64> = days_since_last.iter().map(|days| days.unwrap_or(never_active_days)).collect();
        let calibration = CalibrationMethod::Platt.fit(&days, labels)?;
        let threshold = rule.choose(&calibration.apply_all(&days), labels)?.threshold;
        Ok(Self { calibration, threshold, never_active_days })
    }

    /// The probability of dropout after this many days of silence, `None` for never active.
    #[must_use]
    pub fn probability(&self, days_since_last: Option<f64>) -> f64 {
        let days = days_since_last.unwrap_or(self.never_active_days);
        self.calibration.apply(days.min(self.never_active_days))
    }
}

pub(super) fn everyone_drops(rows: &[LabelledRow<'_>], training_base_rate: f64) -> Result<Cohort, MetricError> {
    let probabilities = vec![training_base_rate; rows.len()];
    let forecast = Forecast { probabilities: &probabilities, threshold: 0.0 };
    Cohort::measure(&labels_of(rows), &probabilities, Some(forecast))
}

pub(super) fn days_since_last(
    rows: &[LabelledRow<'_>],
    fitted: Option<&RecencyBaseline>,
) -> Result<Cohort, MetricError> {
    let labels = labels_of(rows);
    let scores = values_of(rows, |row| row.days_since_last.unwrap_or(f64::INFINITY));
    let Some(fitted) = fitted else {
        return Cohort::measure(&labels, &scores, None);
    };
    let probabilities = values_of(rows, |row| fitted.probability(row.days_since_last));
    let forecast = Forecast { probabilities: &probabilities, threshold: fitted.threshold };
    Cohort::measure(&labels, &scores, Some(forecast))
}
