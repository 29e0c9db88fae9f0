//! A learner in a course, and how it ended.

use std::sync::Arc;

use crate::index::CourseIndex;
use crate::names::Names;

/// Says how an enrolment ended, as the source records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The source's own text.
    pub recorded: String,
    /// Its meaning.
    pub kind: OutcomeKind,
}

/// Says what a recorded outcome means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    /// Completed.
    Completed,
    /// Stayed to the end and failed.
    Failed,
    /// Withdrew.
    Withdrew,
}

/// Describes a learner in a course. Seconds are counted from the course's start and may be negative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolment {
    /// The enrolment's id, and the learner's; the enrolment's again where the source does not identify learners.
    pub names: Names,
    /// The course.
    pub course: CourseIndex,
    /// Instant of enrolment, where the source has it.
    pub enrolled_seconds: Option<i32>,
    /// Instant of withdrawal, where the source has it.
    pub withdrawn_seconds: Option<i32>,
    /// How it ended, where the source says.
    pub outcome: Option<Arc<Outcome>>,
    /// The source's own dropout label, or that of a labels file.
    pub dropout: Option<bool>,
    /// Values of [`Roster::static_columns`](crate::Roster::static_columns); `None` where empty.
    pub statics: Box<[Option<Arc<str>>]>,
    /// Whether the log alone says that the learner is enrolled, and no table.
    pub by_log_alone: bool,
}

impl Enrolment {
    /// Returns the enrolment's id.
    #[must_use]
    #[inline]
    pub fn id(&self) -> &str {
        self.names.id()
    }

    /// Returns the learner's id.
    #[must_use]
    #[inline]
    pub fn learner(&self) -> &str {
        self.names.learner()
    }
}
