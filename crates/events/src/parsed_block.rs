//! The outcome of parsing one block of a log.

use rustc_hash::FxHashMap;

use crate::event::{Event, ObjectKey};
use crate::event_days::EventDays;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::tally::BlockTally;

/// Holds the first and last instant of events, in seconds since 1970-01-01T00:00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan {
    /// First.
    pub first: i64,
    /// Last.
    pub last: i64,
}

impl TimeSpan {
    /// Returns the span of one instant.
    #[must_use]
    pub const fn at(instant: i64) -> Self {
        Self { first: instant, last: instant }
    }

    /// Returns the least span that holds both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// Counts events of one course that are so far from it that they are set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FarEvents {
    /// First and last instant.
    pub span: TimeSpan,
    /// How many.
    pub events: u64,
}

impl FarEvents {
    /// Returns both together.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { span: self.span.join(other.span), events: self.events + other.events }
    }
}

/// Names the side of a course on which an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Before its start.
    Before,
    /// After it.
    After,
}

/// Holds the events of one block of a file, and the fate of its rows.
#[derive(Clone, Debug, Default)]
pub struct ParsedBlock {
    /// Events, in the order of the rows.
    pub events: Vec<Event>,
    /// Events that a learner received (see [`crate::Detail::is_received`]), in the order of the rows. They are neither
    /// activity nor presence, so no other field takes note of them.
    pub received: Vec<Event>,
    /// Enrolments with an event after their course's grid, and the seconds from the course's start to it.
    pub after_calendar: Vec<(EnrolmentIndex, i32)>,
    /// The same of learners who are not enrolled, by course: these days say only when the log was still written.
    pub after_calendar_unenrolled: Vec<(CourseIndex, i32)>,
    /// Events set aside because they are far from their course, by course and side.
    pub far: FxHashMap<(CourseIndex, Side), FarEvents>,
    /// Counts of the rows, used and not used.
    pub tally: BlockTally,
    /// First and last instant of a row with an instant, inside the calendar or not, up to the instant of the log.
    pub span: Option<TimeSpan>,
    /// The same by course, when asked for.
    pub course_spans: FxHashMap<CourseIndex, TimeSpan>,
    /// The ids of the objects of its rows, when asked for: some of rows that are not used, too. What is no text in them is
    /// replaced.
    pub object_names: FxHashMap<ObjectKey, Box<str>>,
    /// The days of these rows by course, when asked for.
    pub(crate) course_days: FxHashMap<CourseIndex, EventDays>,
}

impl ParsedBlock {
    /// Takes note that there was a row of this instant.
    #[inline]
    pub(crate) fn note_instant(&mut self, instant: i64) {
        let here = TimeSpan::at(instant);
        self.span = Some(self.span.map_or(here, |span| span.join(here)));
    }
}
