//! The simplest baselines, without which no figure says much.

use std::collections::BTreeMap;

use super::cohort::{Cohort, Forecast};
use super::input::WeekReference;
use super::rows::{LabelledRow, labels_of, values_of};
use crate::metrics::{Metric, MetricError, Ranking};

/// Names the baseline that flags everyone.
///
/// Everyone has the same score, so its AUC is 0.5, and everyone is flagged (threshold 0). Its probability is
/// the base rate of the training set, the best constant known before the test: with p = 1 Brier and log loss would
/// measure nothing but the penalty for certainty.
pub const EVERYONE_DROPS: &str = "everyone_drops";

/// Names the baseline that goes by the days since the last activity alone.
///
/// Its score is that number of days, longest for those never active; its probability and threshold come from a
/// [`RecencyBaseline`](super::RecencyBaseline) fitted on the training set.
pub const DAYS_SINCE_LAST: &str = "days_since_last";

/// Returns the scores of each baseline by name, whether or not it has probabilities.
pub(super) fn scores(rows: &[LabelledRow<'_>]) -> [(&'static str, Vec<f64>); 2] {
    [(EVERYONE_DROPS, vec![0.0; rows.len()]), (DAYS_SINCE_LAST, days_inactive(rows))]
}

/// Computes the AUC of each baseline by name.
pub(super) fn aucs(rows: &[LabelledRow<'_>]) -> Result<BTreeMap<&'static str, Metric>, MetricError> {
    let labels = labels_of(rows);
    scores(rows).into_iter().map(|(name, scores)| Ok((name, Ranking::new(&scores, &labels)?.auc()))).collect()
}

fn days_inactive(rows: &[LabelledRow<'_>]) -> Vec<f64> {
    values_of(rows, |row| row.days_since_last.unwrap_or(f64::INFINITY))
}

/// Holds a forecast of some rows: scores and, where a fit allows, probabilities.
pub(super) struct RowForecast {
    pub(super) scores: Vec<f64>,
    /// Probabilities and threshold, if the training set allowed a fit.
    pub(super) forecast: Option<(Vec<f64>, f64)>,
}

/// Makes each baseline's forecast, by name.
pub(super) fn forecasts(rows: &[LabelledRow<'_>], reference: &WeekReference) -> [(&'static str, RowForecast); 2] {
    let constant = vec![reference.training_base_rate; rows.len()];
    let everyone = RowForecast { scores: constant.clone(), forecast: Some((constant, 0.0)) };
    let fitted = reference.recency.as_ref();
    let by_recency = fitted.map(|fit| (values_of(rows, |row| fit.probability(row.days_since_last)), fit.threshold));
    [(EVERYONE_DROPS, everyone), (DAYS_SINCE_LAST, RowForecast { scores: days_inactive(rows), forecast: by_recency })]
}

/// Measures one baseline.
pub(super) fn measure(rows: &[LabelledRow<'_>], baseline: &RowForecast) -> Result<Cohort, MetricError> {
    let forecast = baseline.forecast.as_ref();
    let forecast = forecast.map(|(probabilities, threshold)| Forecast { probabilities, threshold: *threshold });
    Cohort::measure(&labels_of(rows), &baseline.scores, forecast)
}
