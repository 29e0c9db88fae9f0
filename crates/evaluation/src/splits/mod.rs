//! Who is trained on, who is validated on, and who is kept for the test.
//!
//! A [`Split`] is what the user asks for, [`assign`] gives every row its [`Part`], and [`Assignment::kind`] says
//! what the test will measure. Whatever the split, **a learner who has a row on the test side is in training and
//! validation nowhere**, and one with a validation row is not in training: such rows are
//! [`Part::Excluded`] with the reason, and counted.
//!
//! Nothing depends on the order of rows. Where chance decides, groups are ordered by a keyed hash of their
//! identifier ([`keyed_hash`]), so the same identifiers and seed give the same parts in any order and with
//! any number of threads. A part says on which side a row is, not whether it has a label: rows without one keep
//! their side (so that their learner does), and are left out by training and listed by the report.

mod by_course;
mod by_group;
mod error;
mod folds;
mod hash;
mod kind;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use error::SplitError;
pub use folds::{FoldRequest, Folds};
pub use hash::keyed_hash;
pub use kind::SplitKind;

/// One enrolment, as far as splitting needs to know it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitRow<'a> {
    /// Enrolment identifier, unique within its course.
    pub enrolment: &'a str,
    /// Learner identifier, the same in all of a learner's courses. A source without learners gives the enrolment.
    pub learner: &'a str,
    /// Course identifier.
    pub course: &'a str,
    /// First day of the course, in days since 1970-01-01; needed by [`Split::Time`].
    pub course_start_day: Option<i64>,
    /// The first day at whose start the course's labels are known (the day after the label window), in days since
    /// 1970-01-01; needed by [`Split::Time`], and by other course splits to tell a forecast from transfer.
    pub labels_known_day: Option<i64>,
    /// Dropout, where known. Used to spread positives evenly, never to decide whether a row is in.
    pub label: Option<bool>,
}

/// Which courses are kept for the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TestCourses {
    /// These.
    Named(BTreeSet<String>),
    /// Whole courses until they hold this share of the rows, as near as whole courses come: drawn by seed in
    /// [`Split::Course`], the latest to start in [`Split::Time`].
    Share(f64),
}

/// How the test part is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Split {
    /// Whole courses. Measures transfer to other courses, or a forecast if every training label was known before
    /// the test courses' first cut-off.
    Course {
        /// Courses kept for the test.
        test: TestCourses,
        /// Courses to train on; all others if `None`.
        train: Option<BTreeSet<String>>,
    },
    /// Later courses are the test, and only courses whose labels were known before the earliest test course's
    /// cut-off are trained on: what a forecast in real use can do.
    Time {
        /// Courses kept for the test.
        test: TestCourses,
    },
    /// A share of the learners with all their rows: the same courses on both sides.
    Learner {
        /// Share of learners on the test side, above 0 and below 1.
        test_share: f64,
    },
    /// A share of the enrolments. Optimistic: the same courses, at the same time, on both sides.
    Random {
        /// Share of enrolments on the test side, above 0 and below 1.
        test_share: f64,
    },
}

/// By which unit a part is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// Whole courses.
    Course,
    /// Learners with all their rows.
    Learner,
}

/// How the validation part is drawn from the training side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Share of the training side's learners, or of its rows in whole courses; above 0 and below 1.
    pub share: f64,
    /// By which unit. [`Validation::like`] takes the test's.
    pub by: Grouping,
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Course => "course",
            Self::Learner => "learner",
        })
    }
}

impl Validation {
    /// Validation drawn by the same unit as the test of `split`: what model choice is told by it is then what the
    /// test measures. Under [`Split::Time`] validation by course takes the latest training courses.
    #[must_use]
    pub fn like(split: &Split, share: f64) -> Self {
        let by = match split {
            Split::Course { .. } | Split::Time { .. } => Grouping::Course,
            Split::Learner { .. } | Split::Random { .. } => Grouping::Learner,
        };
        Self { share, by }
    }
}

/// A split in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRequest {
    /// How the test part is chosen.
    pub split: Split,
    /// How the validation part is drawn; none if `None`.
    pub validation: Option<Validation>,
    /// Week at whose end forecasts are made: the cut-off is the course's start plus 7 · `cutoff_week` days.
    pub cutoff_week: u16,
    /// Seed of every draw.
    pub seed: u64,
}

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
        Split::Time { test } => by_course::later_courses(rows, test, request.cutoff_week)?,
        Split::Learner { test_share } => by_group::learners(rows, *test_share, request.seed)?,
        Split::Random { test_share } => by_group::enrolments(rows, *test_share, request.seed)?,
    };
    let mut part = chosen;
    exclude_learners_of(rows, &mut part, Part::Test, SplitExclusion::LearnerOnTestSide);
    if let Some(validation) = request.validation {
        let in_time = matches!(request.split, Split::Time { .. });
        let order = if in_time { by_course::Order::LatestFirst } else { by_course::Order::Hashed(request.seed) };
        draw_validation(rows, &mut part, validation, order, request.seed)?;
    }
    require_part(&part, Part::Train)?;
    require_part(&part, Part::Test)?;
    let kind = match request.split {
        Split::Learner { .. } => SplitKind::Learner,
        Split::Random { .. } => SplitKind::RandomOptimistic,
        Split::Course { .. } | Split::Time { .. } => by_course::kind(rows, &part, request.cutoff_week),
    };
    let description = describe(rows, &part, kind);
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

/// The parts in words: enrolments, learners and courses of each.
fn describe(rows: &[SplitRow<'_>], part: &[Part], kind: SplitKind) -> String {
    let mut lines = vec![format!("kind {}", kind.name())];
    for (name, wanted) in [("train", Part::Train), ("validation", Part::Validation), ("test", Part::Test)] {
        let inside = || rows.iter().zip(part).filter(|&(_, &of_row)| of_row == wanted).map(|(row, _)| row);
        let learners: BTreeSet<&str> = inside().map(|row| row.learner).collect();
        let courses: BTreeSet<&str> = inside().map(|row| row.course).collect();
        let counts = (inside().count(), learners.len(), courses.len());
        lines.push(format!("{name} {} enrolments of {} learners in {} courses", counts.0, counts.1, counts.2));
    }
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
