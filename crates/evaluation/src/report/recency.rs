//! The baseline that goes by days since the last activity.

use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::calibration::{Calibration, CalibrationError, CalibrationMethod};
use crate::threshold::{ThresholdError, ThresholdRule};

/// Turns days since the last activity into a forecast, fitted on the training set at one week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecencyBaseline {
    /// From days to probability.
    pub calibration: Calibration,
    /// Rows with a probability at or above it are flagged.
    pub threshold: f64,
    /// The days someone never active counts as: a day more than the longest inactivity seen in training and than
    /// the course so far. Longer inactivity in the test counts as this many, so that none outranks never.
    pub never_active_days: f64,
}

/// Says why the recency baseline could not be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BaselineError {
    /// Its probabilities could not be fitted.
    #[error("the inactivity baseline can't be calibrated: {0}")]
    Calibration(#[from] CalibrationError),
    /// Its threshold could not be chosen.
    #[error("the inactivity baseline has no threshold: {0}")]
    Threshold(#[from] ThresholdError),
}

impl RecencyBaseline {
    /// Fits the baseline on rows of the training set known at the cut-off: Platt scaling of the days, and the
    /// threshold that `rule` chooses on the same rows' probabilities.
    ///
    /// # Errors
    /// [`BaselineError`]; most often one class is missing, or a precision is out of its reach.
    pub fn fit(
        days_since_last: &[Option<f64>],
        labels: &[bool],
        cut_off: CutOff,
        rule: ThresholdRule,
    ) -> Result<Self, BaselineError> {
        let longest = days_since_last.iter().flatten().copied().fold(7.0 * f64::from(cut_off.weeks()), f64::max);
        let never_active_days = longest + 1.0;
        let days: Vec<f64> = days_since_last.iter().map(|days| days.unwrap_or(never_active_days)).collect();
        let calibration = CalibrationMethod::Platt.fit(&days, labels)?;
        let threshold = rule.choose(&calibration.apply_all(&days), labels)?.threshold;
        Ok(Self { calibration, threshold, never_active_days })
    }

    /// Returns the probability of dropout after this many days of inactivity, `None` for never active.
    #[must_use]
    pub fn probability(&self, days_since_last: Option<f64>) -> f64 {
        let days = days_since_last.unwrap_or(self.never_active_days);
        self.calibration.apply(days.min(self.never_active_days))
    }
}
