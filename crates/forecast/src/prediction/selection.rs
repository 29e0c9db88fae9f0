//! Which enrolments an evaluation is about, and what figures on them measure.

use std::collections::{BTreeMap, BTreeSet};

use staycast_evaluation::splits::SplitKind;
use staycast_sequences::{CourseRow, CutOff, Dataset, DropoutRule, EnrolmentIndex, Exclusion};

use super::error::PredictionError;
use super::request::{EvaluateRequest, Rows};
use crate::artifact::Run;
use crate::config::Adaptation;

/// Counts enrolments that were left out, by reason.
pub(super) type LeftOut = BTreeMap<Exclusion, u64>;

/// Refuses data whose labels follow another rule than the run's.
pub(super) fn require_rule(run: &Run, data: &Dataset) -> Result<(), PredictionError> {
    let (run, data) = (run.manifest().label_rule, data.manifest.labels.rule);
    if run == data { Ok(()) } else { Err(PredictionError::OtherRule { run: run.to_string(), data: data.to_string() }) }
}

/// Tells whether `data` is what the run was trained on.
pub(super) fn is_own_data(run: &Run, data: &Dataset) -> bool {
    run.manifest().data.fingerprint == data.manifest.fingerprint()
}

/// Returns the week to forecast at where none is asked for: the run's own or, where all of `courses` are too short for that,
/// the last that one of them allows.
#[must_use]
pub fn week_for<'a>(run: &Run, rule: DropoutRule, courses: impl IntoIterator<Item = &'a CourseRow>) -> CutOff {
    let own = run.manifest().target_week;
    let last = courses.into_iter().filter_map(|course| rule.last_cut_off(course.week_grid())).max();
    last.map_or(own, |last| own.min(last))
}

/// Returns the week asked for, or that of [`week_for`].
pub(super) fn asked_week(run: &Run, request: &EvaluateRequest<'_>) -> CutOff {
    let data = request.data;
    let is_asked = |course: &&CourseRow| request.courses.is_none_or(|asked| asked.contains(&course.id));
    let courses = data.courses.iter().filter(is_asked);
    request.week.unwrap_or_else(|| week_for(run, data.manifest.labels.rule, courses))
}

/// Lists what the data decided of the run's settings, as far as it bears on forecasts at the week asked for.
pub(super) fn adaptations(run: &Run, request: &EvaluateRequest<'_>) -> Vec<Adaptation> {
    let (own, week) = (run.manifest().target_week, asked_week(run, request));
    if request.week.is_none() && week < own {
        return vec![Adaptation::ShorterCourses { run: own, chosen: week }];
    }
    let bears = |adaptation: &Adaptation| match adaptation {
        Adaptation::TargetWeek { chosen, .. } | Adaptation::ShorterCourses { chosen, .. } => *chosen == week,
        Adaptation::NoSecondTask(_) => true,
    };
    run.manifest().adaptations.iter().copied().filter(bears).collect()
}

/// Lists the enrolments of the named courses, all when none is named.
pub(super) fn enrolments_in(
    data: &Dataset,
    courses: Option<&[String]>,
) -> Result<Vec<EnrolmentIndex>, PredictionError> {
    let Some(courses) = courses else { return Ok(data.enrolment_indices().collect()) };
    let known: Vec<String> = data.courses.iter().map(|course| course.id.clone()).collect();
    let unknown: Vec<String> = courses.iter().filter(|course| !known.contains(course)).cloned().collect();
    if !unknown.is_empty() {
        return Err(PredictionError::UnknownCourses { unknown, known });
    }
    let wanted: BTreeSet<&String> = courses.iter().collect();
    Ok(data.enrolment_indices().filter(|&row| wanted.contains(&data.course_of(row).id)).collect())
}

/// Lists the enrolments of the run's training set that `data` has.
pub(super) fn training_rows(run: &Run, data: &Dataset) -> Vec<EnrolmentIndex> {
    let training = &run.split().training;
    let trained = |&row: &EnrolmentIndex| {
        let ids = training.get(&data.course_of(row).id);
        ids.is_some_and(|ids| ids.binary_search(&data.enrolment(row).id).is_ok())
    };
    data.enrolment_indices().filter(trained).collect()
}

/// Lists the enrolments to evaluate, and counts in `left_out` those that are not.
pub(super) fn rows_to_evaluate(
    run: &Run,
    request: &EvaluateRequest<'_>,
    left_out: &mut LeftOut,
) -> Result<Vec<EnrolmentIndex>, PredictionError> {
    let data = request.data;
    let asked = enrolments_in(data, request.courses)?;
    let members = |part: &BTreeMap<String, Vec<String>>| {
        let ids = part.iter().flat_map(|(course, ids)| ids.iter().map(move |id| (course.clone(), id.clone())));
        ids.collect::<BTreeSet<(String, String)>>()
    };
    let key = |enrolment: EnrolmentIndex| (data.course_of(enrolment).id.clone(), data.enrolment(enrolment).id.clone());
    let rows: Vec<EnrolmentIndex> = if request.rows == Rows::InSample {
        asked
    } else {
        let training = members(&run.split().all_trained_on());
        let trained: Vec<EnrolmentIndex> = asked.iter().copied().filter(|&row| training.contains(&key(row))).collect();
        // On the run's own data the test part is meant, unless a course was named that has none of it.
        let own = is_own_data(run, data);
        let meant = !own || names_a_training_course(run, request);
        if let Some(&first) = trained.first().filter(|_| meant) {
            // Not its id: that may name a learner, and errors end up in logs.
            let (first, _) = key(first);
            return Err(PredictionError::TrainingRows { count: trained.len(), rows: asked.len(), first });
        }
        if own {
            let test = members(&run.split().test);
            asked.into_iter().filter(|&row| test.contains(&key(row))).collect()
        } else {
            without_training_learners(run, data, asked, left_out)
        }
    };
    if rows.is_empty() {
        return Err(PredictionError::NoRows("no enrolment of these courses is in the run's test part".to_owned()));
    }
    Ok(rows)
}

/// Tells whether a course was asked for by name that was trained on and has no test row.
fn names_a_training_course(run: &Run, request: &EvaluateRequest<'_>) -> bool {
    let split = run.split();
    let asked = request.courses.unwrap_or_default();
    asked.iter().any(|course| split.trained_in(course) && !split.test.contains_key(course))
}

/// Leaves out the rows whose learner was trained on: in another course, that is no test of anything either.
fn without_training_learners(
    run: &Run,
    data: &Dataset,
    asked: Vec<EnrolmentIndex>,
    left_out: &mut LeftOut,
) -> Vec<EnrolmentIndex> {
    let learners: BTreeSet<&String> = run.split().training_learners.iter().collect();
    let (known, unseen): (Vec<EnrolmentIndex>, Vec<EnrolmentIndex>) =
        asked.into_iter().partition(|&row| learners.contains(&data.enrolment(row).learner));
    if !known.is_empty() {
        left_out.insert(Exclusion::LearnerInTraining, known.len() as u64);
    }
    unseen
}

/// Returns the kind of generalisation that figures on these rows measure.
pub(super) fn measured_kind(
    run: &Run,
    request: &EvaluateRequest<'_>,
    enrolments: &[EnrolmentIndex],
    cut_off: CutOff,
) -> SplitKind {
    let (data, split) = (request.data, run.split());
    if request.rows == Rows::InSample {
        return SplitKind::InSample;
    }
    if is_own_data(run, data) {
        return split.kind;
    }
    if enrolments.iter().any(|&row| split.trained_in(&data.course_of(row).id)) {
        return SplitKind::Learner;
    }
    let earliest_cutoff = enrolments
        .iter()
        .map(|&row| data.course_of(row))
        .map(|course| {
            let seen = course.week_grid().end_day(cut_off);
            (!course.nominal_dates).then(|| i64::from(course.start_day) + i64::from(seen))
        })
        .min()
        .flatten();
    match (split.training_labels_known_day, earliest_cutoff) {
        (Some(known), Some(cutoff)) if known <= cutoff => SplitKind::Forecast,
        _ => SplitKind::Transfer,
    }
}
