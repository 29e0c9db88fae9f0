//! Checks of the record of a split: by itself, beside the run's other records, and of the data that the run was trained
//! on.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use staycast_evaluation::splits::Split;
use staycast_sequences::Dataset;

use super::manifest::RunManifest;
use super::records::SplitRecord;
use crate::config::{CheckedConfig, SplitSpec};

/// Bounds days since 1970-01-01, to either side.
const FARTHEST_DAY: i64 = 10_000_000;

/// Checks the record of a run.
///
/// # Errors
/// Says what makes no sense.
pub(super) fn check(split: &SplitRecord, manifest: &RunManifest, config: &CheckedConfig) -> Result<(), String> {
    let require = |sound: bool, problem: &str| if sound { Ok(()) } else { Err(problem.to_owned()) };
    let same = split.kind == manifest.split_kind && split.description == manifest.split;
    require(same, "its split is not that of manifest.json")?;
    let day = split.training_labels_known_day.unwrap_or(0);
    require(day.abs() <= FARTHEST_DAY, "training_labels_known_day is no day of any course")?;
    for (name, part) in [("training", &split.training), ("test", &split.test), ("before", &split.before)] {
        let ascend = part.values().all(|ids| !ids.is_empty() && ids.is_sorted_by(|one, next| one < next));
        require(ascend, &format!("the enrolments in `{name}` are not in order, each once in its course"))?;
    }
    let ascend = split.training_learners.is_sorted_by(|one, next| one < next);
    require(ascend, "its training_learners are not in order, each once")?;
    require(!split.training.is_empty(), "it has no training set")?;
    require(split.test.is_empty() == manifest.folds.is_some(), "it has a test part where there is none, or none")?;
    check_parts(split, config)?;

    let (training, test) = (size(&split.training), size(&split.test));
    let excluded = split.excluded.values().fold(0_u64, |sum, &count| sum.saturating_add(count));
    let all = training.saturating_add(test).saturating_add(excluded);
    let known = manifest.data.enrolments;
    let whole = config.split.offered_courses.is_none() && manifest.folds.is_none();
    require(all <= known && (all == known || !whole), "its parts are not the enrolments that manifest.json counts")?;
    let courses: FxHashSet<&String> = split.training.keys().chain(split.test.keys()).collect();
    require(courses.len() as u64 <= manifest.data.courses, "it has more courses than manifest.json")?;
    let learners = split.training_learners.len() as u64;
    require(
        has_other_learners(manifest) || learners <= training,
        "it has more training_learners than enrolments in `training`",
    )
}

/// Tells whether the learners of another run, or of other courses, are among those of the training set.
const fn has_other_learners(manifest: &RunManifest) -> bool {
    manifest.from.is_some() || manifest.recalibrated.is_some()
}

/// Checks that nothing is in both parts.
fn check_parts(split: &SplitRecord, config: &CheckedConfig) -> Result<(), String> {
    let whole_courses = matches!(
        config.split.spec,
        SplitSpec::OneTest(Split::Course { .. } | Split::Time { .. } | Split::LaterRun { .. })
    );
    for (course, tested) in &split.test {
        let Some(trained) = split.training.get(course) else { continue };
        if tested.iter().any(|id| trained.binary_search(id).is_ok()) {
            return Err("an enrolment is in the training set and in the test part".to_owned());
        }
        if whole_courses {
            return Err(format!("the course `{course}` is in the training set and in the test part"));
        }
    }
    Ok(())
}

/// Counts the enrolments of a part.
pub(super) fn size(part: &BTreeMap<String, Vec<String>>) -> u64 {
    part.values().map(|ids| ids.len() as u64).sum()
}

/// Checks the record of a run against the data that the run was trained on, or some courses of it.
///
/// # Errors
/// Says what makes no sense.
pub(super) fn check_with(split: &SplitRecord, manifest: &RunManifest, data: &Dataset) -> Result<(), String> {
    let learners: FxHashSet<&str> = split.training_learners.iter().map(String::as_str).collect();
    let tells_learners = data.manifest.capabilities.learners && !learners.is_empty();
    let is_whole = data.courses.len() as u64 == data.manifest.totals.courses;
    for (name, part, is_trained) in [("training", &split.training, true), ("test", &split.test, false)] {
        let mut rows = data.enrolment_indices().peekable();
        for (course, ids) in part {
            if !data.courses.iter().any(|row| row.id == *course) {
                if is_whole {
                    return Err(format!("`{name}` has the course `{course}`, which the data does not have"));
                }
                continue;
            }
            for id in ids {
                // Both are in the order of courses and ids.
                let key = |row| (data.course_of(row).id.as_str(), data.enrolment(row).id.as_str());
                while rows.next_if(|&row| key(row) < (course.as_str(), id.as_str())).is_some() {}
                let found = rows.next_if(|&row| key(row) == (course.as_str(), id.as_str()));
                let Some(row) = found else {
                    return Err(format!("`{name}` has an enrolment in `{course}` that the data does not have"));
                };
                let may_be_trained = is_trained || has_other_learners(manifest);
                let knows = learners.contains(data.enrolment(row).learner.as_str());
                if tells_learners && (knows && !may_be_trained || !knows && is_trained) {
                    return Err(format!("an enrolment in `{name}` is of a learner whom training_learners deny"));
                }
            }
        }
    }
    Ok(())
}
