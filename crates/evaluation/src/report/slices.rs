//! Lines of the tables by course and by group: a part of a cohort, with figures if it is large enough for any.

use std::collections::BTreeMap;

use serde::Serialize;

use super::baselines;
use super::bootstrap::FEWEST_COURSES;
use super::by_cohort::ByCohort;
use super::cohort::Cohort;
use super::error::ReportError;
use super::extras::{MinimumSize, TooFew};
use super::input::EvaluationRequest;
use super::rows::{LabelledRow, WeekRows, labels_of, model_cohort, still_active, values_of};
use crate::metrics::{Metric, MetricError, Ranking, Undefined, delong_interval};

/// Holds one course's line at the asked week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseLine {
    /// Course identifier.
    pub course: String,
    /// Its part of each cohort.
    pub cohorts: ByCohort<Slice>,
}

/// Holds one course's part in the figures of the asked week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseReport {
    /// Course identifier.
    pub course: String,
    /// The model's figures on this course's rows alone.
    pub cohorts: ByCohort<Cohort>,
}

/// Holds a part of a cohort. Either `figures` or `refused` is there, never both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// Rows.
    pub n: u64,
    /// Rows that dropped out.
    pub positives: u64,
    /// The model's figures; null if the part is too small.
    pub figures: Option<Cohort>,
    /// DeLong's variance of the AUC. Left out of the JSON, which has the interval.
    #[serde(skip)]
    pub(crate) auc_variance: Metric,
    /// AUC of each baseline on the same rows, by name; empty if the part is too small.
    pub baseline_auc: BTreeMap<&'static str, Metric>,
    /// The reason for no figures, if there are none.
    pub refused: Option<TooFew>,
}

impl Slice {
    /// Measures rows, unless they are too few.
    pub(super) fn measure(rows: &[LabelledRow<'_>], threshold: f64, minimum: MinimumSize) -> Result<Self, MetricError> {
        let n = rows.len() as u64;
        let positives = rows.iter().filter(|(_, label)| *label).count() as u64;
        let refused = minimum.refuses(n, positives);
        let auc_variance = Metric::Undefined(Undefined::NoRows);
        let mut slice = Self { n, positives, figures: None, auc_variance, baseline_auc: BTreeMap::new(), refused };
        if refused.is_none() {
            slice.figures = Some(model_cohort(rows, threshold)?);
            slice.auc_variance =
                delong_interval(&Ranking::new(&values_of(rows, |row| row.score), &labels_of(rows))?).variance;
            slice.baseline_auc = baselines::aucs(rows)?;
        }
        Ok(slice)
    }
}

/// Groups rows by course identifier.
fn by_course<'a>(rows: &WeekRows<'a>, request: &EvaluationRequest<'a>) -> BTreeMap<&'a str, Vec<LabelledRow<'a>>> {
    let mut by_course: BTreeMap<&str, Vec<LabelledRow<'_>>> = BTreeMap::new();
    for &(row, label) in &rows.all {
        by_course.entry(request.course_names[row.course as usize].as_str()).or_default().push((row, label));
    }
    by_course
}

/// Makes every course's line.
pub(super) fn course_lines(
    rows: &WeekRows<'_>,
    request: &EvaluationRequest<'_>,
) -> Result<Vec<CourseLine>, ReportError> {
    let threshold = request.references[&request.week].threshold;
    let minimum = request.extras.minimum_size;
    let line = |(course, rows): (&str, Vec<LabelledRow<'_>>)| {
        let active = still_active(&rows);
        let all = Slice::measure(&rows, threshold, minimum)?;
        let cohorts = ByCohort { all, active: Slice::measure(&active, threshold, minimum)? };
        Ok(CourseLine { course: course.to_owned(), cohorts })
    };
    by_course(rows, request).into_iter().map(line).collect()
}

/// Measures each course, of any size, where there are too few courses for an interval across them.
pub(super) fn course_reports(
    rows: &WeekRows<'_>,
    request: &EvaluationRequest<'_>,
) -> Result<Vec<CourseReport>, ReportError> {
    let by_course = by_course(rows, request);
    if by_course.len() >= FEWEST_COURSES {
        return Ok(Vec::new());
    }
    let threshold = request.references[&request.week].threshold;
    let of_course = |(course, rows): (&str, Vec<LabelledRow<'_>>)| {
        let active = still_active(&rows);
        let cohorts = ByCohort { all: model_cohort(&rows, threshold)?, active: model_cohort(&active, threshold)? };
        Ok(CourseReport { course: course.to_owned(), cohorts })
    };
    by_course.into_iter().map(of_course).collect()
}
