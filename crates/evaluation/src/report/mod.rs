//! From prediction rows to the evaluation report, the JSON that `evaluate --json` prints.
//!
//! Both cohorts at the asked week, the same for every week, the trivial baselines beside the model, and every row
//! that is not in a cohort counted under a reason. Nothing is fitted here: thresholds, base rates and the recency
//! baseline come from the training side, by week, as [`WeekReference`].
//!
//! At the asked week alone, since they cost more: bootstrap intervals, lines by course, capacities, and what is made of
//! [`Extras`]: groups and tests between them, survival, data quality. Stability looks at all weeks of the report.

mod baselines;
mod bootstrap;
mod capacity;
mod cohort;
mod comparison;
mod curves;
mod error;
mod extras;
mod groups;
mod input;
mod mean;
mod metric_names;
mod slices;
mod stability;
mod survival;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use staycast_weeks::CutOff;

use crate::metrics::MetricError;
use crate::splits::SplitKind;

pub use baselines::{BaselineError, DAYS_SINCE_LAST, EVERYONE_DROPS, RecencyBaseline};
pub use bootstrap::{BootstrapIntervals, BootstrapRange, FEWEST_COURSES, ResampledUnit, Resampling};
pub use capacity::CapacityLine;
pub use cohort::Cohort;
pub use comparison::{ComparedForecast, ModelComparison, PairedDifference, compare};
pub use curves::{CURVE_RESOLUTION, CohortCurves, ForecastCurves, Plots, plots};
pub use error::ReportError;
pub use extras::{
    DEFAULT_CAPACITIES, DataQuality, ExcludedCourse, Extras, GroupColumn, MinimumSize, Randomisation, TooFew,
};
pub(crate) use groups::group_name;
pub use groups::{Gaps, GroupComparison, GroupLine, GroupReport, GroupTable, TestedGap};
pub use input::{EvaluationRequest, PredictionRow, WeekReference};
pub(crate) use metric_names::metric_name;
pub use slices::{CourseLine, Slice};
pub use stability::{SmoothingReport, StabilityReport};
pub use staycast_weeks::Exclusion;
pub use survival::{BrierOfWeek, SurvivalPoint, SurvivalReport};

use bootstrap::bootstrap;
use cohort::Forecast;
use input::check_rows;

/// Something for each of the two cohorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ByCohort<T> {
    /// Enrolments known by the cut-off.
    pub all: T,
    /// Those of them not yet gone.
    pub active: T,
}

/// One week of the curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekReport {
    /// The cut-off.
    pub week: CutOff,
    /// The model's figures.
    pub cohorts: ByCohort<Cohort>,
    /// The same for each trivial baseline, by name.
    pub baselines: BTreeMap<&'static str, ByCohort<Cohort>>,
    /// Rows in no cohort, by reason.
    pub excluded: BTreeMap<Exclusion, u64>,
}

/// One course's part in the figures of the asked week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseReport {
    /// Course identifier.
    pub course: String,
    /// The model's figures on this course's rows alone.
    pub cohorts: ByCohort<Cohort>,
}

/// Why a week that has rows is not on the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekRefusal {
    /// Its cut-off lies inside the label window.
    InsideLabelWindow,
    /// The run has no threshold and baselines for it, as when a test course is longer than every training course.
    NoTrainingReference,
}

impl Evaluation {
    /// Weeks that are not on the curve and why, a sentence for each reason.
    #[must_use]
    pub fn describe_refused_weeks(&self) -> Vec<String> {
        let reasons = [
            (WeekRefusal::InsideLabelWindow, "the outcome could already be seen at their cut-off"),
            (WeekRefusal::NoTrainingReference, "no training course reached them"),
        ];
        let sentence = |(refusal, words): (WeekRefusal, &str)| {
            let weeks = self.weeks_refused.iter().filter(|&(_, &why)| why == refusal);
            let weeks: Vec<String> = weeks.map(|(week, _)| week.to_string()).collect();
            (!weeks.is_empty()).then(|| format!("Weeks not reported, since {words}: {}.", weeks.join(", ")))
        };
        reasons.into_iter().filter_map(sentence).collect()
    }
}

/// The evaluation report. Its JSON is a contract (PROTOCOL, "Contracts"): `week`, `label_rule`, `kind`, `cohorts`,
/// `weeks`, `excluded`, `baselines`; the fields after those are additions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The cut-off that was asked for.
    pub week: CutOff,
    /// What counts as dropout.
    pub label_rule: String,
    /// What the test measures.
    pub kind: SplitKind,
    /// The model's figures at the asked week.
    pub cohorts: ByCohort<Cohort>,
    /// The same for every week that can be reported, ascending.
    pub weeks: Vec<WeekReport>,
    /// Rows in no cohort at the asked week, by reason.
    pub excluded: BTreeMap<Exclusion, u64>,
    /// The trivial baselines at the asked week, by name.
    pub baselines: BTreeMap<&'static str, ByCohort<Cohort>>,
    /// Weeks with rows that are not on the curve, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weeks_refused: BTreeMap<CutOff, WeekRefusal>,
    /// Bootstrap intervals at the asked week, by learner and, with ten courses or more, by course.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bootstrap: Vec<ByCohort<BootstrapIntervals>>,
    /// Figures by course at the asked week, where there are fewer than ten courses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub courses: Vec<CourseReport>,
    /// How often this test part has been evaluated, this time included, where the caller keeps count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluations_of_this_part: Option<u32>,
    /// Precision, recall and lift at each capacity, by cohort, at the asked week.
    pub capacity: ByCohort<Vec<CapacityLine>>,
    /// A line a course at the asked week, however many there are, ordered bytewise; those too small have no figures.
    pub course_lines: Vec<CourseLine>,
    /// A table a group column at the asked week.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupReport>,
    /// When learners leave, from the asked week on, where there are exit times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survival: Option<ByCohort<SurvivalReport>>,
    /// How much forecasts move from week to week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<StabilityReport>,
    /// Of a mean over repeats of a cross-validation, the one whose predictions the fields from `capacity` to `stability`
    /// are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sections_of_repeat: Option<u32>,
    /// What became of the data before there were predictions, where the caller says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_quality: Option<DataQuality>,
}

/// Makes the report.
///
/// Holds a copy of one week's rows at a time, about 40 bytes a row, and as much again for each bootstrap; for stability,
/// 24 bytes for each row of every week.
///
/// # Errors
/// [`ReportError`]. A metric that is undefined is no error: it is null, with its reason in the cohort.
pub fn evaluate(request: &EvaluationRequest<'_>) -> Result<Evaluation, ReportError> {
    check_rows(request)?;
    check_asked_week(request)?;
    let mut weeks_refused = BTreeMap::new();
    let mut weeks = Vec::new();
    for week in weeks_present(request) {
        if request.last_allowed_week.is_some_and(|last| week.weeks() > last) {
            weeks_refused.insert(week, WeekRefusal::InsideLabelWindow);
        } else if let Some(reference) = request.references.get(&week) {
            weeks.push(week_report(request, week, reference)?);
        } else {
            weeks_refused.insert(week, WeekRefusal::NoTrainingReference);
        }
    }
    let asked = weeks.iter().find(|report| report.week == request.week).cloned();
    let asked = asked.ok_or_else(|| ReportError::NoRowsAtWeek {
        week: request.week.weeks(),
        present: weeks_present(request).into_iter().collect(),
    })?;
    let rows = rows_of_week(request, request.week);
    let active = rows.active();
    let capacity = |rows: &[LabelledRow<'_>]| capacity::lines(rows, request.extras.capacities());
    Ok(Evaluation {
        week: request.week,
        label_rule: request.label_rule.to_owned(),
        kind: request.kind,
        cohorts: asked.cohorts,
        weeks,
        excluded: asked.excluded,
        baselines: asked.baselines,
        weeks_refused,
        bootstrap: bootstraps(&rows, request.resampling),
        courses: slices::course_reports(&rows, request)?,
        evaluations_of_this_part: request.evaluations_of_this_part,
        capacity: ByCohort { all: capacity(&rows.all)?, active: capacity(&active)? },
        course_lines: slices::course_lines(&rows, request)?,
        groups: groups::reports(&rows, request)?,
        survival: survival::report(&rows, request)?,
        stability: Some(stability::report(&rows, request)?),
        sections_of_repeat: None,
        data_quality: request.extras.data_quality.cloned(),
    })
}

fn check_asked_week(request: &EvaluationRequest<'_>) -> Result<(), ReportError> {
    let week = request.week;
    if let Some(last_allowed_week) = request.last_allowed_week.filter(|&last| week.weeks() > last) {
        return Err(ReportError::WeekInsideLabelWindow { week, last_allowed_week });
    }
    let present = weeks_present(request);
    if !present.contains(&week) {
        return Err(ReportError::NoRowsAtWeek { week: week.weeks(), present: present.into_iter().collect() });
    }
    if !request.references.contains_key(&week) {
        return Err(ReportError::NoReference { week, present: request.references.keys().copied().collect() });
    }
    Ok(())
}

fn weeks_present(request: &EvaluationRequest<'_>) -> BTreeSet<CutOff> {
    request.rows.iter().map(|row| row.week).collect()
}

/// A row of a cohort with its label.
type LabelledRow<'a> = (&'a PredictionRow, bool);

/// The rows of one week that are in a cohort, and the count of those that are not.
struct WeekRows<'a> {
    /// Rows of cohort `all`, each with its label.
    all: Vec<LabelledRow<'a>>,
    excluded: BTreeMap<Exclusion, u64>,
}

impl<'a> WeekRows<'a> {
    fn active(&self) -> Vec<LabelledRow<'a>> {
        still_active(&self.all)
    }
}

fn still_active<'a>(rows: &[LabelledRow<'a>]) -> Vec<LabelledRow<'a>> {
    rows.iter().filter(|(row, _)| row.active).copied().collect()
}

fn labels_of(rows: &[LabelledRow<'_>]) -> Vec<bool> {
    rows.iter().map(|&(_, label)| label).collect()
}

fn values_of(rows: &[LabelledRow<'_>], value: impl Fn(&PredictionRow) -> f64) -> Vec<f64> {
    rows.iter().map(|&(row, _)| value(row)).collect()
}

fn rows_of_week<'a>(request: &EvaluationRequest<'a>, week: CutOff) -> WeekRows<'a> {
    let mut sorted = WeekRows { all: Vec::new(), excluded: BTreeMap::new() };
    for row in request.rows.iter().filter(|row| row.week == week) {
        match row.place() {
            Ok(label) => sorted.all.push((row, label)),
            Err(reason) => *sorted.excluded.entry(reason).or_insert(0) += 1,
        }
    }
    sorted
}

fn week_report(
    request: &EvaluationRequest<'_>,
    week: CutOff,
    reference: &WeekReference,
) -> Result<WeekReport, ReportError> {
    let rows = rows_of_week(request, week);
    let active = rows.active();
    let cohorts = ByCohort {
        all: model_cohort(&rows.all, reference.threshold)?,
        active: model_cohort(&active, reference.threshold)?,
    };
    let of_all = baselines::forecasts(&rows.all, reference);
    let of_active = baselines::forecasts(&active, reference);
    let mut by_name = BTreeMap::new();
    for ((name, in_all), (_, in_active)) in of_all.iter().zip(&of_active) {
        let all = baselines::measure(&rows.all, in_all)?;
        by_name.insert(*name, ByCohort { all, active: baselines::measure(&active, in_active)? });
    }
    Ok(WeekReport { week, cohorts, baselines: by_name, excluded: rows.excluded })
}

fn model_cohort(rows: &[LabelledRow<'_>], threshold: f64) -> Result<Cohort, MetricError> {
    let probabilities = values_of(rows, |row| row.p);
    let forecast = Forecast { probabilities: &probabilities, threshold };
    Cohort::measure(&labels_of(rows), &values_of(rows, |row| row.score), Some(forecast))
}

fn bootstraps(rows: &WeekRows<'_>, resampling: Resampling) -> Vec<ByCohort<BootstrapIntervals>> {
    let Resampling::Resamples { count, seed } = resampling else {
        return Vec::new();
    };
    let active = rows.active();
    let mut units = vec![ResampledUnit::Learner];
    if course_count(rows) >= FEWEST_COURSES {
        units.push(ResampledUnit::Course);
    }
    let of_unit =
        |unit| ByCohort { all: bootstrap(&rows.all, unit, count, seed), active: bootstrap(&active, unit, count, seed) };
    units.into_iter().map(of_unit).collect()
}

fn course_count(rows: &WeekRows<'_>) -> usize {
    rows.all.iter().map(|(row, _)| row.course).collect::<BTreeSet<_>>().len()
}
