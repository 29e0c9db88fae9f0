//! The trivial baselines every model has to beat, without which no figure says much.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use super::cohort::{Cohort, Forecast};
use super::{LabelledRow, WeekReference, labels_of, values_of};
use crate::calibration::{Calibration, CalibrationError, CalibrationMethod};
use crate::metrics::{Metric, MetricError, Ranking};
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
    /// Fits it on training-side rows known at the cut-off: Platt scaling of the days, and the
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

    /// The probability of dropout after this many days of silence, `None` for never active.
    #[must_use]
    pub fn probability(&self, days_since_last: Option<f64>) -> f64 {
        let days = days_since_last.unwrap_or(self.never_active_days);
        self.calibration.apply(days.min(self.never_active_days))
    }
}

/// Scores of each trivial baseline by name, whether or not it has probabilities.
pub(super) fn scores(rows: &[LabelledRow<'_>]) -> [(&'static str, Vec<f64>); 2] {
    [(EVERYONE_DROPS, vec![0.0; rows.len()]), (DAYS_SINCE_LAST, silence(rows))]
}

/// AUC of each trivial baseline by name.
pub(super) fn aucs(rows: &[LabelledRow<'_>]) -> Result<BTreeMap<&'static str, Metric>, MetricError> {
    let labels = labels_of(rows);
    scores(rows).into_iter().map(|(name, scores)| Ok((name, Ranking::new(&scores, &labels)?.auc()))).collect()
}

fn silence(rows: &[LabelledRow<'_>]) -> Vec<f64> {
    values_of(rows, |row| row.days_since_last.unwrap_or(f64::INFINITY))
}

/// What a trivial baseline says of some rows.
pub(super) struct TrivialForecast {
    pub(super) scores: Vec<f64>,
    /// Probabilities and threshold, if the training side allowed a fit.
    pub(super) forecast: Option<(Vec<f64>, f64)>,
}

/// Each trivial baseline's forecast, by name.
pub(super) fn forecasts(rows: &[LabelledRow<'_>], reference: &WeekReference) -> [(&'static str, TrivialForecast); 2] {
    let constant = vec![reference.training_base_rate; rows.len()];
    let everyone = TrivialForecast { scores: constant.clone(), forecast: Some((constant, 0.0)) };
    let fitted = reference.recency.as_ref();
    let by_silence = fitted.map(|fit| (values_of(rows, |row| fit.probability(row.days_since_last)), fit.threshold));
    [(EVERYONE_DROPS, everyone), (DAYS_SINCE_LAST, TrivialForecast { scores: silence(rows), forecast: by_silence })]
}

/// One trivial baseline's figures.
pub(super) fn measure(rows: &[LabelledRow<'_>], baseline: &TrivialForecast) -> Result<Cohort, MetricError> {
    let forecast = baseline.forecast.as_ref();
    let forecast = forecast.map(|(probabilities, threshold)| Forecast { probabilities, threshold: *threshold });
    Cohort::measure(&labels_of(rows), &baseline.scores, forecast)
}
