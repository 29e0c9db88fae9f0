//! Curves of the asked week, for plots.

use std::collections::BTreeMap;

use serde::Serialize;

use super::baselines::{self, RowForecast};
use super::by_cohort::ByCohort;
use super::error::ReportError;
use super::input::{EvaluationRequest, WeekReference, check_asked_week, check_rows};
use super::rows::{LabelledRow, labels_of, rows_of_week, values_of};
use crate::metrics::{
    CostPoint, HistogramBin, Metric, MetricError, NetBenefitPoint, PrPoint, Ranking, ReliabilityBin, RocPoint,
    base_rate, cost_curve, decision_curve, reliability_bins, score_histogram,
};

/// Counts the bins of the reliability diagrams.
const RELIABILITY_BINS: usize = 10;

/// Sets the resolution of a thinned curve, which keeps a point at least every 1/`CURVE_RESOLUTION` along both axes
/// together, and both ends.
const CURVE_RESOLUTION: u32 = 500;

/// Holds curves at the asked week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plots {
    /// The model's ROC curve on cohort `all`, every point; empty without both classes.
    #[serde(skip)]
    pub roc: Vec<RocPoint>,
    /// The model's reliability on cohort `all`: ten bins of the probabilities, of equal count.
    #[serde(skip)]
    pub reliability: Vec<ReliabilityBin>,
    /// Each cohort's curves.
    #[serde(flatten)]
    pub cohorts: ByCohort<CohortCurves>,
}

/// Holds one cohort's curves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CohortCurves {
    /// The model's.
    pub model: ForecastCurves,
    /// Those of each baseline, by name.
    pub baselines: BTreeMap<&'static str, ForecastCurves>,
    /// Share of dropouts: the height of the precision–recall curve of picking at random. Null without rows.
    pub base_rate: Metric,
}

/// Holds curves of one forecast. The ROC curve is of the scores, as the AUC is; all others are of the probabilities, as the
/// average precision is, and empty if the forecast has none. ROC and precision–recall curves are thinned where they have
/// more points than a plot can show.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ForecastCurves {
    /// ROC curve from (0, 0) to (1, 1); empty without both classes. The first threshold, +∞, is null in JSON.
    pub roc: Vec<RocPoint>,
    /// Precision–recall curve, the highest threshold first; empty without positives.
    pub precision_recall: Vec<PrPoint>,
    /// Ten bins of the probabilities, of equal count, the lowest first.
    pub reliability: Vec<ReliabilityBin>,
    /// Twenty bins of the probabilities, of equal width, by outcome.
    pub histogram: Vec<HistogramBin>,
    /// Decision curve: net benefit by threshold probability (Vickers & Elkin 2006).
    pub net_benefit: Vec<NetBenefitPoint>,
    /// Cost curve: normalised expected cost by probability-cost (Drummond & Holte 2006); empty without both classes.
    pub cost: Vec<CostPoint>,
}

/// Computes the curves of the asked week.
///
/// # Errors
/// As [`super::evaluate`].
pub fn plots(request: &EvaluationRequest<'_>) -> Result<Plots, ReportError> {
    check_rows(request)?;
    check_asked_week(request)?;
    let rows = rows_of_week(request, request.week);
    let reference = &request.references[&request.week];
    let labels = labels_of(&rows.all);
    let ranking = Ranking::new(&values_of(&rows.all, |row| row.score), &labels)?;
    let reliability = reliability_bins(&values_of(&rows.all, |row| row.p), &labels, RELIABILITY_BINS)?;
    let cohorts =
        ByCohort { all: cohort_curves(&rows.all, reference)?, active: cohort_curves(&rows.active(), reference)? };
    Ok(Plots { roc: ranking.roc_curve(), reliability, cohorts })
}

fn cohort_curves(rows: &[LabelledRow<'_>], reference: &WeekReference) -> Result<CohortCurves, MetricError> {
    let labels = labels_of(rows);
    let scores = values_of(rows, |row| row.score);
    let model = RowForecast { scores, forecast: Some((values_of(rows, |row| row.p), reference.threshold)) };
    let mut of_baselines = BTreeMap::new();
    for (name, baseline) in baselines::forecasts(rows, reference) {
        of_baselines.insert(name, forecast_curves(&baseline, &labels)?);
    }
    Ok(CohortCurves {
        model: forecast_curves(&model, &labels)?,
        baselines: of_baselines,
        base_rate: base_rate(&labels),
    })
}

fn forecast_curves(forecast: &RowForecast, labels: &[bool]) -> Result<ForecastCurves, MetricError> {
    let ranking = Ranking::new(&forecast.scores, labels)?;
    let roc = roc_points(&ranking);
    let mut curves = ForecastCurves { roc, ..ForecastCurves::default() };
    if let Some((probabilities, threshold)) = &forecast.forecast {
        let by_probability = Ranking::new(probabilities, labels)?;
        curves.precision_recall = thinned(&by_probability.pr_curve(), |point| (point.recall, point.precision));
        curves.reliability = reliability_bins(probabilities, labels, RELIABILITY_BINS)?;
        curves.histogram = score_histogram(probabilities, labels)?;
        curves.net_benefit = decision_curve(probabilities, labels)?;
        curves.cost = cost_curve(probabilities, labels, *threshold)?;
    }
    Ok(curves)
}

/// Computes the ROC curve, thinned.
pub(super) fn roc_points(ranking: &Ranking) -> Vec<RocPoint> {
    thinned(&ranking.roc_curve(), |point| (point.false_positive_rate, point.true_positive_rate))
}

/// Leaves out points that lie nearer to the last kept one than a plot can show, never the first or last.
fn thinned<T: Copy>(points: &[T], place: impl Fn(&T) -> (f64, f64)) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let here = place(point);
        let needed = at + 1 == points.len() || kept.last().is_none_or(|last| far(place(last), here))
            // The point before a jump, so that a jump stays where it is.
            || points.get(at + 1).is_some_and(|next| far(here, place(next)));
        if needed {
            kept.push(*point);
        }
    }
    kept
}

fn far(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() + (a.1 - b.1).abs() >= 1.0 / f64::from(CURVE_RESOLUTION)
}
