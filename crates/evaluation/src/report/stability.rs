//! Movement of forecasts from week to week, and the effect of smoothing.

use serde::Serialize;
use staycast_weeks::CutOff;

use super::by_cohort::ByCohort;
use super::error::ReportError;
use super::input::EvaluationRequest;
use super::rows::{LabelledRow, WeekRows, labels_of};
use crate::metrics::stability::{Movement, Pairs, WeekForecast, smooth_logits};
use crate::metrics::{Metric, MetricError, Ranking};

/// Holds the movement of forecasts over the weeks of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StabilityReport {
    /// Between all pairs of successive weeks.
    pub all_pairs: Movement,
    /// Between those pairs of weeks in which the learner's activity did not change: movement without cause.
    pub unchanged_pairs: Movement,
    /// Meaning of "did not change", in words.
    pub unchanged_means: &'static str,
    /// Effect of smoothing; null unless asked for.
    pub smoothed: Option<SmoothingReport>,
}

/// Holds the effect of exponential smoothing of log odds. See [`crate::metrics::stability::smooth_logits`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SmoothingReport {
    /// Weight of the newest week.
    pub weight: f64,
    /// Movement of the smoothed probabilities, all pairs.
    pub all_pairs: Movement,
    /// The same where activity did not change.
    pub unchanged_pairs: Movement,
    /// AUC of the probabilities as they are, at the asked week.
    pub auc_before: ByCohort<Metric>,
    /// AUC of the smoothed probabilities, at the asked week.
    pub auc_after: ByCohort<Metric>,
}

/// Counts the days of inactivity at a cut-off after which neither of the last two weeks saw the learner.
const TWO_WEEKS: f64 = 14.0;

const INACTIVE_BOTH_WEEKS: &str = "no activity in the last week seen nor in the week before it";
const SAME_ACTIVITY: &str = "the same activity in the last week seen as in the week before it";

/// Measures stability over every week of the report, of the rows that were scored.
pub(super) fn report(asked: &WeekRows<'_>, request: &EvaluationRequest<'_>) -> Result<StabilityReport, ReportError> {
    let changes_given = !request.extras.activity_changed.is_empty();
    let mut forecasts = forecasts(request);
    forecasts.sort_by_key(|row| (row.enrolment, row.week));
    let measure = |rows: &[WeekForecast]| {
        (Movement::between_weeks(rows, Pairs::All), Movement::between_weeks(rows, Pairs::Unchanged))
    };
    let (all_pairs, unchanged_pairs) = measure(&forecasts);
    let smoothed = match request.extras.smoothing {
        None => None,
        Some(weight) => {
            let before = p_by_enrolment(&forecasts, request.week);
            smooth(&mut forecasts, weight, request);
            let after = p_by_enrolment(&forecasts, request.week);
            let (all_pairs, unchanged_pairs) = measure(&forecasts);
            let (auc_before, auc_after) = (aucs(asked, &before)?, aucs(asked, &after)?);
            Some(SmoothingReport { weight, all_pairs, unchanged_pairs, auc_before, auc_after })
        }
    };
    let unchanged_means = if changes_given { SAME_ACTIVITY } else { INACTIVE_BOTH_WEEKS };
    Ok(StabilityReport { all_pairs, unchanged_pairs, unchanged_means, smoothed })
}

/// Lists every scored row of every week that the report covers, labelled or not: outcomes play no part.
fn forecasts(request: &EvaluationRequest<'_>) -> Vec<WeekForecast> {
    let scored = |row: &super::prediction_row::PredictionRow| {
        let reported = request.last_allowed_week.is_none_or(|last| row.week.weeks() <= last);
        row.exclusion.is_none() && row.known && reported
    };
    let rows = request.rows.iter().enumerate().filter(|(_, row)| scored(row));
    let forecast = |(at, row): (usize, &super::prediction_row::PredictionRow)| {
        let threshold = request.references.get(&row.week)?.threshold;
        let inactive = row.days_since_last.is_none_or(|days| days >= TWO_WEEKS);
        Some(WeekForecast {
            enrolment: row.enrolment,
            week: row.week,
            p: row.p,
            flagged: row.p >= threshold,
            activity_changed: request.extras.activity_changed.get(at).copied().unwrap_or(!inactive),
        })
    };
    rows.filter_map(forecast).collect()
}

fn smooth(sorted: &mut [WeekForecast], weight: f64, request: &EvaluationRequest<'_>) {
    for weeks in sorted.chunk_by_mut(|a, b| a.enrolment == b.enrolment) {
        let before: Vec<f64> = weeks.iter().map(|row| row.p).collect();
        for (row, p) in weeks.iter_mut().zip(smooth_logits(&before, weight)) {
            row.p = p;
            row.flagged = request.references.get(&row.week).is_some_and(|reference| p >= reference.threshold);
        }
    }
}

/// Lists the asked week's probabilities, by enrolment.
fn p_by_enrolment(sorted: &[WeekForecast], week: CutOff) -> Vec<(u32, f64)> {
    sorted.iter().filter(|row| row.week == week).map(|row| (row.enrolment, row.p)).collect()
}

fn aucs(asked: &WeekRows<'_>, probabilities: &[(u32, f64)]) -> Result<ByCohort<Metric>, MetricError> {
    let auc = |rows: &[LabelledRow<'_>]| {
        let p =
            |row: &LabelledRow<'_>| probabilities.binary_search_by_key(&row.0.enrolment, |&(enrolment, _)| enrolment);
        let found: Vec<f64> = rows.iter().filter_map(|row| Some(probabilities[p(row).ok()?].1)).collect();
        Ok(Ranking::new(&found, &labels_of(rows))?.auc())
    };
    Ok(ByCohort { all: auc(&asked.all)?, active: auc(&asked.active())? })
}
