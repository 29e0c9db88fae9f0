//! Descriptions of splits.

use std::collections::BTreeSet;

use super::kind::SplitKind;
use super::part::{Part, SplitExclusion};
use super::request::SplitRow;
use crate::numbers::counted;

/// Describes the parts: enrolments, learners and courses of each, then the `notes`, then who was left out.
/// Clauses are joined by semicolons.
pub(super) fn describe(rows: &[SplitRow<'_>], part: &[Part], kind: SplitKind, notes: Vec<String>) -> String {
    let mut lines = vec![format!("kind {}", kind.name())];
    for (name, wanted) in [("train", Part::Train), ("validation", Part::Validation), ("test", Part::Test)] {
        let inside = || rows.iter().zip(part).filter(|&(_, &of_row)| of_row == wanted).map(|(row, _)| row);
        let learners: BTreeSet<&str> = inside().map(|row| row.learner).collect();
        let courses: BTreeSet<&str> = inside().map(|row| row.course).collect();
        lines.push(format!(
            "{name} {} of {} in {}",
            counted(inside().count() as u64, "enrolment"),
            counted(learners.len() as u64, "learner"),
            counted(courses.len() as u64, "course")
        ));
    }
    lines.extend(notes);
    let reasons = [
        (SplitExclusion::LearnerOnTestSide, "left out because the learner is on the test side"),
        (SplitExclusion::LearnerInValidation, "left out because the learner is in validation"),
        (SplitExclusion::CourseNotNamed, "left out because the course was not named"),
        (SplitExclusion::LabelsNotKnownInTime, "left out because labels were not known before the test cut-off"),
    ];
    for (reason, words) in reasons {
        let count = part.iter().filter(|&&of_row| of_row == Part::Excluded(reason)).count();
        if count > 0 {
            lines.push(format!("{count} {words}"));
        }
    }
    lines.join("; ")
}
