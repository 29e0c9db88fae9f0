//! Who is trained on, who is validated on, and who is kept for the test.
//!
//! A [`Split`] is what the user asks for, [`assign`] gives every row its [`Part`], and [`Assignment::kind`] says
//! what the test will measure; [`Folds`] does the same for cross-validation.
//!
//! | split | the test is | trained on | measures ([`SplitKind`]) |
//! |---|---|---|---|
//! | [`Split::Course`] | whole courses, named or drawn | all other courses, or those named | transfer; a forecast if all labels were known in time |
//! | [`Split::Time`] | the courses that start last, or those named | courses whose labels were known before the earliest test cut-off | a forecast |
//! | [`Split::LaterRun`] | the latest runs of course families held before | other courses, earlier runs among them, whose labels were known before the earliest test cut-off | a forecast |
//! | [`Split::Learner`] | learners with all their rows | the other learners, same courses | other learners |
//! | [`Split::Institution`] | whole institutions, named or drawn | the other institutions | transfer to another institution |
//! | [`Split::Random`] | enrolments | the other enrolments, but for the test's learners | nothing that lasts: optimistic |
//!
//! | folds ([`Folds`]) | each fold is | measures |
//! |---|---|---|
//! | by [`Grouping::Course`] | a part of the courses; one course with [`Folds::leave_one_out`] | transfer |
//! | by [`Grouping::Learner`] | a part of the learners | other learners |
//! | by [`Grouping::Institution`] | a part of the institutions; one of them with [`Folds::leave_one_out`] | transfer to another institution |
//! | by [`Grouping::Enrolment`] | a part of the enrolments | nothing that lasts: optimistic |
//!
//! Whatever the split, **a learner who has a row on the test side is in training and validation nowhere**, and one with
//! a validation row is not in training: such rows are [`Part::Excluded`] with the reason, and counted. The one
//! exception is folds by enrolment, where a learner's rows in several courses may be on both sides: such folds are how
//! much published work was tested and are there to be compared with, their kind is [`SplitKind::RandomOptimistic`], and
//! their description says that the rule is off.
//!
//! Nothing depends on the order of rows. Where chance decides, groups are ordered by a keyed hash of their
//! identifier ([`keyed_hash`]), so the same identifiers and seed give the same parts in any order and with
//! any number of threads. A part says on which side a row is, not whether it has a label: rows without one keep
//! their side (so that their learner does), and are left out by training and listed by the report.

mod by_course;
mod by_family;
mod by_group;
mod by_institution;
mod describe;
mod error;
mod family;
mod folds;
mod group;
mod hash;
mod kind;
mod request;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use describe::describe;
pub use error::SplitError;
pub use family::course_family;
pub use folds::{FoldRequest, Folds};
pub use hash::keyed_hash;
pub use kind::SplitKind;
pub use request::{Grouping, LaterRuns, Split, SplitRequest, SplitRow, TestCourses, TestInstitutions, Validation};

/// Why a row is in no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitExclusion {
    /// The learner has a row on the test side.
    LearnerOnTestSide,
    /// The learner has a row in the validation part, and this one would be in training.
    LearnerInValidation,
    /// The course is neither among the named training courses nor the test courses.
    CourseNotNamed,
    /// The course's labels were not known before the earliest test course's cut-off.
    LabelsNotKnownInTime,
}

/// On which side a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Fitted on.
    Train,
    /// Stopping, calibration, thresholds and model choice.
    Validation,
    /// Touched once, at the end.
    Test,
    /// In no part.
    Excluded(SplitExclusion),
}

/// Every row's part, in the order of the rows given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// One part a row.
    pub part: Vec<Part>,
    /// What the test measures.
    pub kind: SplitKind,
    /// The split in words, with counts.
    pub description: String,
}

impl Assignment {
    /// Rows of each part.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Part, usize> {
        let mut counts = BTreeMap::new();
        for &part in &self.part {
            *counts.entry(part).or_insert(0) += 1;
        }
        counts
    }

    /// Indices of the rows of a part, ascending.
    #[must_use]
    pub fn rows_of(&self, part: Part) -> Vec<usize> {
        self.part.iter().enumerate().filter(|&(_, &of_row)| of_row == part).map(|(row, _)| row).collect()
    }
}

/// Gives every row its part.
///
/// # Errors
/// [`SplitError`] if the request can't be met by these rows; nothing is quietly made smaller.
pub fn assign(rows: &[SplitRow<'_>], request: &SplitRequest) -> Result<Assignment, SplitError> {
    check_rows(rows)?;
    let chosen = match &request.split {
        Split::Course { test, train } => by_course::courses(rows, test, train.as_ref(), request.seed)?,
        Split::Time { test } => by_course::later_courses(rows, test, request.cut_off)?,
        Split::LaterRun { test } => by_family::later_runs(rows, test, request.cut_off, request.seed)?,
        Split::Learner { test_share } => by_group::learners(rows, *test_share, request.seed)?,
        Split::Institution { test } => by_institution::institutions(rows, test, request.seed)?,
        Split::Random { test_share } => by_group::enrolments(rows, *test_share, request.seed)?,
    };
    let mut part = chosen;
    exclude_learners_of(rows, &mut part, Part::Test, SplitExclusion::LearnerOnTestSide);
    if let Some(validation) = request.validation {
        let in_time = matches!(request.split, Split::Time { .. } | Split::LaterRun { .. });
        let order = if in_time { by_course::Order::LatestFirst } else { by_course::Order::Hashed(request.seed) };
        draw_validation(rows, &mut part, validation, order, request.seed)?;
    }
    require_part(&part, Part::Train)?;
    require_part(&part, Part::Test)?;
    let kind = match request.split {
        Split::Learner { .. } => SplitKind::Learner,
        Split::Random { .. } => SplitKind::RandomOptimistic,
        Split::Institution { .. } => SplitKind::Institution,
        Split::Course { .. } | Split::Time { .. } | Split::LaterRun { .. } => {
            by_course::kind(rows, &part, request.cut_off)
        }
    };
    let notes = match request.split {
        Split::LaterRun { .. } => by_family::describe_families(rows, &part),
        Split::Institution { .. } => by_institution::describe_institutions(rows, &part),
        _ => Vec::new(),
    };
    let description = describe(rows, &part, kind, notes);
    Ok(Assignment { part, kind, description })
}

/// Moves a share of the training rows to validation, and excludes from training whoever has a row there.
fn draw_validation(
    rows: &[SplitRow<'_>],
    part: &mut [Part],
    validation: Validation,
    order: by_course::Order,
    seed: u64,
) -> Result<(), SplitError> {
    match validation.by {
        Grouping::Learner => by_group::validation_learners(rows, part, validation.share, seed)?,
        Grouping::Course => by_course::validation_courses(rows, part, validation.share, order)?,
        Grouping::Institution => by_institution::validation_institutions(rows, part, validation.share, seed)?,
        Grouping::Enrolment => return Err(SplitError::ValidationByEnrolment),
    }
    exclude_learners_of(rows, part, Part::Validation, SplitExclusion::LearnerInValidation);
    require_part(part, Part::Validation)?;
    require_part(part, Part::Train)
}

/// Takes out of training (and, for the test, of validation) the rows of learners who have one in `side`.
fn exclude_learners_of(rows: &[SplitRow<'_>], part: &mut [Part], side: Part, reason: SplitExclusion) {
    let inside = |part: &[Part], row: usize| part[row] == side;
    let learners: BTreeSet<&str> =
        rows.iter().enumerate().filter(|&(row, _)| inside(part, row)).map(|(_, row)| row.learner).collect();
    for (row, of_row) in rows.iter().zip(part.iter_mut()) {
        let trained_on = *of_row == Part::Train || (*of_row == Part::Validation && side == Part::Test);
        if trained_on && learners.contains(row.learner) {
            *of_row = Part::Excluded(reason);
        }
    }
}

fn require_part(part: &[Part], wanted: Part) -> Result<(), SplitError> {
    if part.contains(&wanted) { Ok(()) } else { Err(SplitError::EmptyPart { part: wanted }) }
}

fn check_rows(rows: &[SplitRow<'_>]) -> Result<(), SplitError> {
    if rows.is_empty() {
        return Err(SplitError::NoRows);
    }
    let mut seen = BTreeSet::new();
    match rows.iter().find(|row| !seen.insert((row.course, row.enrolment))) {
        Some(row) => {
            Err(SplitError::RepeatedEnrolment { course: row.course.to_owned(), enrolment: row.enrolment.to_owned() })
        }
        None => Ok(()),
    }
}

fn check_share(what: &'static str, share: f64) -> Result<(), SplitError> {
    if share > 0.0 && share < 1.0 { Ok(()) } else { Err(SplitError::ShareOutOfRange { what, share }) }
}
