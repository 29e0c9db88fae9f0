//! Survival: when learners leave, predicted and observed, counted from the asked week's cut-off.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::by_cohort::ByCohort;
use super::error::ReportError;
use super::extras::MinimumSize;
use super::input::EvaluationRequest;
use super::rows::{LabelledRow, WeekRows, values_of};
use crate::metrics::survival::{
    End, ExitTime, IncidencePoint, KaplanMeier, KaplanMeierPoint, brier_curve, concordance, cumulative_incidence,
    integrated_brier,
};
use crate::metrics::{Metric, Undefined};
use crate::numbers::counted;

/// Holds one cohort's survival at the asked week. Times are weeks after the cut-off.
///
/// It follows the cohort's rows that were still there at the cut-off by their exit time; the others are counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurvivalReport {
    /// Learners followed.
    pub n: u64,
    /// Those of them who dropped out.
    pub dropouts: u64,
    /// Those whose observation ended by something else (a Fail).
    pub competing_ends: u64,
    /// Those still there when observation ended.
    pub censored: u64,
    /// Rows of the cohort left out since they had left, or their observation had ended, by the cut-off.
    pub already_gone: u64,
    /// Rows of the cohort left out since the source has no exit time for them.
    pub without_exit_time: u64,
    /// Share not dropped out, observed (Kaplan & Meier 1958), competing ends counted as censored; 1 from time 0 to the
    /// first point.
    pub kaplan_meier: Vec<KaplanMeierPoint>,
    /// Mean of the predicted curves over the rows that have one, one point a week from (0, 1) on; empty without them.
    pub predicted: Vec<SurvivalPoint>,
    /// Rows with a predicted curve.
    pub with_prediction: u64,
    /// Cumulative incidence of dropout and of competing ends (Aalen & Johansen 1978); empty without competing ends,
    /// where the first is 1 − Kaplan–Meier.
    pub incidence: Vec<IncidencePoint>,
    /// Harrell's C of the model's score.
    pub c_index: Metric,
    /// Harrell's C of the days since the last activity.
    pub c_index_days_since_last: Metric,
    /// Brier score of the predicted curves (Graf et al. 1999), integrated over the whole weeks after the cut-off in
    /// `brier_by_week`, on the rows that have a curve.
    pub integrated_brier: Metric,
    /// The same for the Kaplan–Meier curve given to everybody, the baseline.
    pub integrated_brier_kaplan_meier: Metric,
    /// Both by week.
    pub brier_by_week: Vec<BrierOfWeek>,
    /// Why readers are told nothing but that they are too few: where fewer were followed, or dropped out, than the report's
    /// minimum size.
    pub too_few: Option<TooFewFollowed>,
    /// The way that competing ends enter, in words; null if there are none.
    pub competing_ends_note: Option<&'static str>,
    /// By name, the reason of each metric that is null.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<&'static str, &'static str>,
}

/// Says that too few learners were followed to tell when they leave. Its `Display` is the sentence to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TooFewFollowed {
    /// Learners followed.
    pub n: u64,
    /// Those of them who dropped out.
    pub dropouts: u64,
    /// The size needed: rows, and dropouts among them.
    pub needed: MinimumSize,
}

impl fmt::Display for TooFewFollowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n, dropouts, needed } = self;
        write!(
            f,
            "too few to tell: {} followed, {dropouts} dropped out (needed: {}, with {} dropping out)",
            counted(*n, "learner"),
            needed.rows,
            needed.per_class
        )
    }
}

/// Holds a point of a survival curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SurvivalPoint {
    /// Weeks after the cut-off.
    pub weeks: f64,
    /// Share, or probability, of not having dropped out by then.
    pub survival: f64,
}

/// Holds Brier scores at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BrierOfWeek {
    /// Weeks after the cut-off.
    pub weeks: f64,
    /// Of the predicted curves.
    pub model: f64,
    /// Of the Kaplan–Meier curve given to everybody.
    pub kaplan_meier: f64,
}

const COMPETING_ENDS: &str = "Some ended without dropping out, by a Fail for instance. The Kaplan–Meier curve counts them as \
     censored, the incidence curves as an end of its own. For C and the Brier scores they are learners who never drop \
     out.";

/// Measures both cohorts' survival, if there are exit times.
pub(super) fn report(
    rows: &WeekRows<'_>,
    request: &EvaluationRequest<'_>,
) -> Result<Option<ByCohort<SurvivalReport>>, ReportError> {
    if request.extras.exits.is_empty() {
        return Ok(None);
    }
    Ok(Some(ByCohort { all: measure(&rows.all, request)?, active: measure(&rows.active(), request)? }))
}

fn measure(rows: &[LabelledRow<'_>], request: &EvaluationRequest<'_>) -> Result<SurvivalReport, ReportError> {
    let cutoff = f64::from(request.week.weeks());
    let (mut already_gone, mut without_exit_time) = (0, 0);
    let mut followed: Vec<LabelledRow<'_>> = Vec::new();
    let mut exits: Vec<ExitTime> = Vec::new();
    for &(row, label) in rows {
        match request.extras.exits[row.enrolment as usize] {
            None => without_exit_time += 1,
            Some(exit) if exit.weeks <= cutoff => already_gone += 1,
            Some(exit) => {
                followed.push((row, label));
                exits.push(ExitTime { weeks: exit.weeks - cutoff, end: exit.end });
            }
        }
    }
    let count = |end: End| exits.iter().filter(|exit| exit.end == end).count() as u64;
    let competing_ends = count(End::CompetingEnd);
    let inactivity = values_of(&followed, |row| row.days_since_last.unwrap_or(f64::INFINITY));
    let errors = prediction_errors(&followed, &exits, request.extras.predicted_survival)?;
    let mut report = SurvivalReport {
        n: exits.len() as u64,
        dropouts: count(End::Dropout),
        competing_ends,
        censored: count(End::Censored),
        already_gone,
        without_exit_time,
        kaplan_meier: KaplanMeier::new(&exits)?.points().to_vec(),
        predicted: errors.mean_curve,
        with_prediction: errors.rows,
        incidence: if competing_ends > 0 { cumulative_incidence(&exits)? } else { Vec::new() },
        c_index: concordance(&exits, &values_of(&followed, |row| row.score))?.index(),
        c_index_days_since_last: concordance(&exits, &inactivity)?.index(),
        integrated_brier: errors.model,
        integrated_brier_kaplan_meier: errors.kaplan_meier,
        brier_by_week: errors.by_week,
        too_few: too_few(exits.len() as u64, count(End::Dropout), request.extras.minimum_size),
        competing_ends_note: (competing_ends > 0).then_some(COMPETING_ENDS),
        undefined: BTreeMap::new(),
    };
    report.undefined = report.reasons();
    Ok(report)
}

fn too_few(n: u64, dropouts: u64, needed: MinimumSize) -> Option<TooFewFollowed> {
    (n < needed.rows || dropouts < needed.per_class).then_some(TooFewFollowed { n, dropouts, needed })
}

impl SurvivalReport {
    fn reasons(&self) -> BTreeMap<&'static str, &'static str> {
        let metrics = [
            ("c_index", self.c_index),
            ("c_index_days_since_last", self.c_index_days_since_last),
            ("integrated_brier", self.integrated_brier),
            ("integrated_brier_kaplan_meier", self.integrated_brier_kaplan_meier),
        ];
        metrics.into_iter().filter_map(|(name, metric)| Some((name, metric.undefined()?.reason()))).collect()
    }
}

/// Holds the errors of the predicted curves.
struct PredictionErrors {
    rows: u64,
    mean_curve: Vec<SurvivalPoint>,
    by_week: Vec<BrierOfWeek>,
    model: Metric,
    kaplan_meier: Metric,
}

/// Computes Brier scores at every whole week up to the longest predicted curve, and to the last time at which somebody is still
/// observed: nothing is known of later ones.
///
/// Once a course is over, and with it a learner's curve, nobody leaves any more: the last value goes on.
fn prediction_errors(
    rows: &[LabelledRow<'_>],
    exits: &[ExitTime],
    predicted: &[Vec<f64>],
) -> Result<PredictionErrors, ReportError> {
    let curve_of = |row: &LabelledRow<'_>| predicted.get(row.0.enrolment as usize).filter(|curve| !curve.is_empty());
    let (curves, exits): (Vec<&Vec<f64>>, Vec<ExitTime>) =
        rows.iter().zip(exits).filter_map(|(row, &exit)| Some((curve_of(row)?, exit))).unzip();
    let longest = curves.iter().map(|curve| curve.len()).max().unwrap_or(0);
    let observed = exits.iter().map(|exit| exit.weeks).fold(0.0, f64::max);
    let weeks: Vec<f64> = (1..=longest as u32).map(f64::from).take_while(|&week| week < observed).collect();
    if curves.is_empty() {
        let none = Metric::Undefined(Undefined::NoPrediction);
        let (mean_curve, by_week) = (Vec::new(), Vec::new());
        return Ok(PredictionErrors { rows: 0, mean_curve, by_week, model: none, kaplan_meier: none });
    }
    let of_model = |row: usize, at: usize| curves[row][at.min(curves[row].len() - 1)];
    let of_everybody = KaplanMeier::new(&exits)?;
    let model = brier_curve(&exits, &weeks, of_model)?;
    let kaplan_meier = brier_curve(&exits, &weeks, |_, at| of_everybody.survival_at(weeks[at]))?;
    let mean = |at: usize| (0..curves.len()).map(|row| of_model(row, at)).sum::<f64>() / curves.len() as f64;
    let mut mean_curve = vec![SurvivalPoint { weeks: 0.0, survival: 1.0 }];
    mean_curve.extend((0..longest).map(|at| SurvivalPoint { weeks: (at + 1) as f64, survival: mean(at) }));
    let pairs = model.iter().zip(&kaplan_meier);
    let by_week = pairs.map(|(a, b)| BrierOfWeek { weeks: a.weeks, model: a.brier, kaplan_meier: b.brier });
    Ok(PredictionErrors {
        rows: curves.len() as u64,
        mean_curve,
        by_week: by_week.collect(),
        model: integrated_brier(&model),
        kaplan_meier: integrated_brier(&kaplan_meier),
    })
}
