//! From prediction rows to the evaluation report, the JSON that `evaluate --json` prints.
//!
//! Both cohorts at the asked week, the same for every week, the trivial baselines beside the model, and every row
//! that is not in a cohort counted under a reason. Nothing is fitted here: thresholds, base rates and the recency
//! baseline come from the training side, by week, as [`WeekReference`].

mod baselines;
mod bootstrap;
mod cohort;
mod error;
mod input;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::metrics::{MetricError, Ranking, ReliabilityBin, RocPoint, reliability_bins};
use crate::splits::SplitKind;

pub use baselines::{BaselineError, DAYS_SINCE_LAST, EVERYONE_DROPS, RecencyBaseline};
pub use bootstrap::{BootstrapIntervals, BootstrapRange, FEWEST_COURSES, ResampledUnit, Resampling};
pub use cohort::Cohort;
pub use error::ReportError;
pub use input::{EvaluationRequest, ExclusionReason, PredictionRow, WeekReference};

use bootstrap::bootstrap;
use cohort::Forecast;
use input::check_rows;

/// Bins of the reliability plot in [`Plots`].
const RELIABILITY_BINS: usize = 10;

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
    /// The week: its cut-off is 7 · week days after the start.
    pub week: u16,
    /// The model's figures.
    pub cohorts: ByCohort<Cohort>,
    /// The same for each trivial baseline, by name.
    pub baselines: BTreeMap<&'static str, ByCohort<Cohort>>,
    /// Rows in no cohort, by reason.
    pub excluded: BTreeMap<ExclusionReason, u64>,
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

/// The evaluation report. Its JSON is a contract (PROTOCOL, "Contracts"): `week`, `label_rule`, `kind`, `cohorts`,
/// `weeks`, `excluded`, `baselines`; the fields after those are additions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The asked week.
    pub week: u16,
    /// What counts as dropout.
    pub label_rule: String,
    /// What the test measures.
    pub kind: SplitKind,
    /// The model's figures at the asked week.
    pub cohorts: ByCohort<Cohort>,
    /// The same for every week that can be reported, ascending.
    pub weeks: Vec<WeekReport>,
    /// Rows in no cohort at the asked week, by reason.
    pub excluded: BTreeMap<ExclusionReason, u64>,
    /// The trivial baselines at the asked week, by name.
    pub baselines: BTreeMap<&'static str, ByCohort<Cohort>>,
    /// Weeks with rows that are not on the curve, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weeks_refused: BTreeMap<u16, WeekRefusal>,
    /// Bootstrap intervals at the asked week, by learner and, with ten courses or more, by course.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bootstrap: Vec<ByCohort<BootstrapIntervals>>,
    /// Figures by course at the asked week, where there are fewer than ten courses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub courses: Vec<CourseReport>,
    /// How often this test part has been evaluated, this time included, where the caller keeps count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluations_of_this_part: Option<u32>,
}

/// Curves of the model at the asked week on cohort `all`, for plots.
#[derive(Debug, Clone, PartialEq)]
pub struct Plots {
    /// ROC curve of the scores; empty without both classes.
    pub roc: Vec<RocPoint>,
    /// Ten bins of the probabilities, of equal count.
    pub reliability: Vec<ReliabilityBin>,
}

/// Makes the report.
///
/// Holds a copy of one week's rows at a time, about 40 bytes a row, and as much again for each bootstrap.
///
/// # Errors
/// [`ReportError`]. A metric that is undefined is no error: it is null, with its reason in the cohort.
pub fn evaluate(request: &EvaluationRequest<'_>) -> Result<Evaluation, ReportError> {
    check_rows(request)?;
    check_asked_week(request)?;
    let mut weeks_refused = BTreeMap::new();
    let mut weeks = Vec::new();
    for week in weeks_present(request) {
        if request.last_allowed_week.is_some_and(|last| week > last) {
            weeks_refused.insert(week, WeekRefusal::InsideLabelWindow);
        } else if let Some(reference) = request.references.get(&week) {
            weeks.push(week_report(request, week, reference)?);
        } else {
            weeks_refused.insert(week, WeekRefusal::NoTrainingReference);
        }
    }
    let asked = weeks.iter().find(|report| report.week == request.week).cloned();
    let asked = asked.ok_or_else(|| ReportError::NoRowsAtWeek {
        week: request.week,
        present: weeks_present(request).into_iter().collect(),
    })?;
    let rows = rows_of_week(request, request.week);
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
        courses: course_reports(&rows, request)?,
        evaluations_of_this_part: request.evaluations_of_this_part,
    })
}

/// The curves that [`crate::text`] plots.
///
/// # Errors
/// As [`evaluate`].
pub fn plots(request: &EvaluationRequest<'_>) -> Result<Plots, ReportError> {
    check_rows(request)?;
    check_asked_week(request)?;
    let rows = rows_of_week(request, request.week);
    let labels = labels_of(&rows.all);
    let ranking = Ranking::new(&values_of(&rows.all, |row| row.score), &labels)?;
    let reliability = reliability_bins(&values_of(&rows.all, |row| row.p), &labels, RELIABILITY_BINS)?;
    Ok(Plots { roc: ranking.roc_curve(), reliability })
}

fn check_asked_week(request: &EvaluationRequest<'_>) -> Result<(), ReportError> {
    let week = request.week;
    if let Some(last_allowed_week) = request.last_allowed_week.filter(|&last| week > last) {
        return Err(ReportError::WeekInsideLabelWindow { week, last_allowed_week });
    }
    let present = weeks_present(request);
    if !present.contains(&week) {
        return Err(ReportError::NoRowsAtWeek { week, present: present.into_iter().collect() });
    }
    if !request.references.contains_key(&week) {
        return Err(ReportError::NoReference { week, present: request.references.keys().copied().collect() });
    }
    Ok(())
}

fn weeks_present(request: &EvaluationRequest<'_>) -> BTreeSet<u16> {
    request.rows.iter().map(|row| row.week).collect()
}

/// A row of a cohort with its label.
type LabelledRow<'a> = (&'a PredictionRow, bool);

/// The rows of one week that are in a cohort, and the count of those that are not.
struct WeekRows<'a> {
    /// Rows of cohort `all`, each with its label.
    all: Vec<LabelledRow<'a>>,
    excluded: BTreeMap<ExclusionReason, u64>,
}

impl<'a> WeekRows<'a> {
    fn active(&self) -> Vec<LabelledRow<'a>> {
        self.all.iter().filter(|(row, _)| row.active).copied().collect()
    }
}

fn labels_of(rows: &[LabelledRow<'_>]) -> Vec<bool> {
    rows.iter().map(|&(_, label)| label).collect()
}

fn values_of(rows: &[LabelledRow<'_>], value: impl Fn(&PredictionRow) -> f64) -> Vec<f64> {
    rows.iter().map(|&(row, _)| value(row)).collect()
}

fn rows_of_week<'a>(request: &EvaluationRequest<'a>, week: u16) -> WeekRows<'a> {
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
    week: u16,
    reference: &WeekReference,
) -> Result<WeekReport, ReportError> {
    let rows = rows_of_week(request, week);
    let active = rows.active();
    let by_cohort = |forecast: &dyn Fn(&[LabelledRow<'_>]) -> Result<Cohort, MetricError>| {
        Ok::<_, MetricError>(ByCohort { all: forecast(&rows.all)?, active: forecast(&active)? })
    };
    let cohorts = by_cohort(&|rows| model_cohort(rows, reference.threshold))?;
    let baselines = BTreeMap::from([
        (EVERYONE_DROPS, by_cohort(&|rows| baselines::everyone_drops(rows, reference.training_base_rate))?),
        (DAYS_SINCE_LAST, by_cohort(&|rows| baselines::days_since_last(rows, reference.recency.as_ref()))?),
    ]);
    Ok(WeekReport { week, cohorts, baselines, excluded: rows.excluded })
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

fn course_reports(rows: &WeekRows<'_>, request: &EvaluationRequest<'_>) -> Result<Vec<CourseReport>, ReportError> {
    let mut by_course: BTreeMap<&str, Vec<LabelledRow<'_>>> = BTreeMap::new();
    for &(row, label) in &rows.all {
        by_course.entry(request.course_names[row.course as usize].as_str()).or_default().push((row, label));
    }
    if by_course.len() >= FEWEST_COURSES {
        return Ok(Vec::new());
    }
    let threshold = request.references[&request.week].threshold;
    let of_course = |(course, rows): (&str, Vec<LabelledRow<'_>>)| {
        let active: Vec<_> = rows.iter().filter(|(row, _)| row.active).copied().collect();
        let cohorts = ByCohort { all: model_cohort(&rows, threshold)?, active: model_cohort(&active, threshold)? };
        Ok(CourseReport { course: course.to_owned(), cohorts })
    };
    by_course.into_iter().map(of_course).collect()
}
