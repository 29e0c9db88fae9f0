//! Which courses figures rest on, and of which of them the model saw another run.

use std::collections::{BTreeMap, BTreeSet};

use staycast_evaluation::report::RestsOn;
use staycast_evaluation::splits::course_family;
use staycast_sequences::{CourseIndex, Dataset, EnrolmentIndex};

use crate::artifact::Run;

/// Counts the courses of `enrolments`, and those of a family that the run was trained on in another course.
pub(super) fn of_model(run: &Run, data: &Dataset, enrolments: impl Iterator<Item = EnrolmentIndex>) -> RestsOn {
    let separator = &run.config().written().split.run_separator;
    let split = run.split();
    let trained: Vec<&String> = split.training.keys().chain(split.before.keys()).collect();
    let has_run = |course: &str| {
        let family = course_family(course, separator);
        trained.iter().any(|other| *other != course && course_family(other, separator) == family)
    };
    let courses: BTreeSet<CourseIndex> = enrolments.map(|row| data.enrolment(row).course).collect();
    count(courses.iter().map(|&course| has_run(&data.course(course).id)))
}

/// Counts the same of a cross-validation, from the enrolments and the folds that hold them out.
pub(super) fn of_folds(run: &Run, data: &Dataset, held_out: impl Iterator<Item = (EnrolmentIndex, u32)>) -> RestsOn {
    let separator = &run.config().written().split.run_separator;
    let mut folds: BTreeMap<CourseIndex, BTreeSet<u32>> = BTreeMap::new();
    for (row, fold) in held_out {
        folds.entry(data.enrolment(row).course).or_default().insert(fold);
    }
    let family = |course: CourseIndex| course_family(&data.course(course).id, separator);
    // A course of the same fold is held out along with it.
    let has_run = |(&course, own): (&CourseIndex, &BTreeSet<u32>)| {
        folds.iter().any(|(&other, folds)| {
            other != course && family(other) == family(course) && (folds != own || own.len() > 1)
        })
    };
    count(folds.iter().map(has_run))
}

fn count(with_a_run: impl Iterator<Item = bool>) -> RestsOn {
    let with_a_run: Vec<bool> = with_a_run.collect();
    let runs = with_a_run.iter().filter(|&&has_run| has_run).count() as u64;
    RestsOn { courses: with_a_run.len() as u64, with_a_run_trained_on: runs }
}
