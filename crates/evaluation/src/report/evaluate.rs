//! From prediction rows to the report.

use std::collections::{BTreeMap, BTreeSet};

use staycast_weeks::CutOff;

use super::across_courses::across_courses;
use super::bootstrap::{BootstrapIntervals, FEWEST_COURSES, bootstrap};
use super::by_cohort::ByCohort;
use super::cohort::Cohort;
use super::error::ReportError;
use super::evaluation::{Evaluation, WeekRefusal, WeekReport};
use super::input::{EvaluationRequest, WeekReference, check_asked_week, check_rows, weeks_present};
use super::resampling::{ResampledUnit, Resampling};
use super::rows::{LabelledRow, WeekRows, model_cohort, rows_of_week};
use super::{baselines, capacity, groups, slices, stability, survival};

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
    let course_lines = slices::course_lines(&rows, request)?;
    let capacity = |rows: &[LabelledRow<'_>]| capacity::lines(rows, request.extras.capacities());
    let too_few = |cohort: &Cohort| request.extras.minimum_size.refuses(cohort.n, cohort.positives);
    let too_few = ByCohort { all: too_few(&asked.cohorts.all), active: too_few(&asked.cohorts.active) };
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
        too_few,
        across_courses: across_courses(&course_lines),
        rests_on: request.extras.rests_on,
        course_lines,
        groups: groups::reports(&rows, request)?,
        survival: survival::report(&rows, request)?,
        stability: Some(stability::report(&rows, request)?),
        sections_of_repeat: None,
        data_quality: request.extras.data_quality.cloned(),
    })
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
