//! The roster: courses, enrolments and what belongs to them, as a source's small tables have them.
//!
//! In memory as a whole: about 200 bytes an enrolment and 16 an object, whatever the length of the log.

use crate::enrolled_again::EnrolledAgain;
use crate::event_days::DayRun;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::releases::Releases;
use crate::time::DAY_SECONDS;

/// Describes one run of a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The course's id.
    pub id: String,
    /// First day, in days since 1970-01-01.
    pub start_day: i32,
    /// Length in days, first and last day included; at least 1.
    pub days: u32,
    /// Whether the dates were inferred from the events.
    pub inferred: bool,
}

impl Course {
    /// Bounds the days of a course. More than these, ten years, are a mistake: of a date, or of whoever meant that it never
    /// ends.
    pub const GREATEST_DAYS: u32 = 3_660;

    /// Returns the course's first instant, in seconds since 1970-01-01T00:00:00.
    #[must_use]
    pub fn start_seconds(&self) -> i64 {
        i64::from(self.start_day) * DAY_SECONDS
    }
}

/// Describes days with events so far from a course's other events that the calendar inferred from these does not hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayDays {
    /// The course's id.
    pub course: String,
    /// The days and how many events they have.
    pub run: DayRun,
}

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
    /// The enrolment's id.
    pub id: String,
    /// The learner's id; the enrolment's again where the source does not identify learners.
    pub learner: String,
    /// The course.
    pub course: CourseIndex,
    /// Instant of enrolment, where the source has it.
    pub enrolled_seconds: Option<i32>,
    /// Instant of withdrawal, where the source has it.
    pub withdrawn_seconds: Option<i32>,
    /// How it ended, where the source says.
    pub outcome: Option<Outcome>,
    /// The source's own dropout label, or that of a labels file.
    pub dropout: Option<bool>,
    /// Values of [`Roster::static_columns`]; `None` where empty.
    pub statics: Vec<Option<String>>,
    /// Whether the log alone says that the learner is enrolled, and no table.
    pub by_log_alone: bool,
}

/// Describes something to be submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The source's id.
    pub id: String,
    /// The course.
    pub course: CourseIndex,
    /// Day it is due, counted from the course's start; `None` when the source leaves it open.
    pub due_day: Option<i32>,
}

/// Describes something submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The enrolment.
    pub enrolment: EnrolmentIndex,
    /// Index into [`Roster::assessments`].
    pub assessment: u32,
    /// When, in seconds from the course's start.
    pub seconds: i32,
    /// Points, 0 to 100, where they are known.
    pub score: Option<f32>,
    /// Whether it is a result carried over from an earlier run: it counts as submitted, and as nothing else.
    pub banked: bool,
}

/// Holds courses, enrolments and what belongs to them.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// Courses, ordered bytewise by id.
    pub courses: Vec<Course>,
    /// Enrolments, ordered bytewise by course id, then enrolment id.
    pub enrolments: Vec<Enrolment>,
    /// Names of the static columns.
    pub static_columns: Vec<String>,
    /// Assessments, ordered by course and id.
    pub assessments: Vec<Assessment>,
    /// Submissions, ordered by enrolment, instant and assessment.
    pub submissions: Vec<Submission>,
    /// When objects are released.
    pub releases: Releases,
    /// What counts of several enrolments of one learner in one course. Where it is each, those that rows of the log do not
    /// tell apart bear the id of the first and their date.
    pub enrolled_again: EnrolledAgain,
    /// Days that inferred calendars do not hold, by course and time: their events are set aside.
    pub stray_days: Vec<StrayDays>,
}

impl Roster {
    /// Makes a roster of these courses and enrolments, in order; an enrolment's `course` is an index into `courses` as
    /// given.
    #[must_use]
    pub fn new(courses: Vec<Course>, mut enrolments: Vec<Enrolment>) -> Self {
        let mut ordered: Vec<(usize, Course)> = courses.into_iter().enumerate().collect();
        ordered.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
        let mut place = vec![CourseIndex(0); ordered.len()];
        for (rank, (index, _)) in ordered.iter().enumerate() {
            place[*index] = CourseIndex(rank as u32);
        }
        for enrolment in &mut enrolments {
            enrolment.course = place[enrolment.course.as_usize()];
        }
        enrolments.sort_by(|a, b| (a.course, &a.id).cmp(&(b.course, &b.id)));
        let courses = ordered.into_iter().map(|(_, course)| course).collect();
        Self { courses, enrolments, ..Self::default() }
    }

    /// Returns the course of an enrolment.
    #[must_use]
    pub fn course_of(&self, enrolment: EnrolmentIndex) -> &Course {
        &self.courses[self.enrolments[enrolment.as_usize()].course.as_usize()]
    }
}
