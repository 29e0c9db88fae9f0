//! Who is in a course at an instant.

use staycast_events::Source;

use super::course::Course;
use super::instants::{DAY_SECONDS, WEEK_SECONDS};
use super::uses::{Uses, week_bit};

/// Says how an enrolment stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// In the course.
    Current,
    /// Not known by then.
    NotYetKnown,
    /// Withdrawn before.
    Withdrawn,
    /// The course has not begun.
    CourseNotStarted,
    /// The course is over.
    CourseOver,
}

/// Tells how the enrolments of a source stand.
#[derive(Clone, Copy)]
pub(super) struct Standings<'a> {
    pub(super) source: &'a Source,
    pub(super) uses: &'a Uses,
}

impl Standings<'_> {
    /// Tells how a learner of `course` stands at `instant`, in seconds from the course's start. Nothing later counts.
    pub(super) fn of(self, course: &Course, learner: usize, instant: i32) -> Standing {
        let place = course.first_enrolment + learner;
        let all = &self.source.roster.enrolments;
        let is_known = match all.enrolled_seconds(place) {
            Some(enrolled) => enrolled < instant,
            None if self.source.capabilities.register && !all.is_by_log_alone(place) => true,
            None => self.uses.first_event[place] < instant,
        };
        if instant <= 0 {
            Standing::CourseNotStarted
        } else if instant >= course.end {
            Standing::CourseOver
        } else if !is_known {
            Standing::NotYetKnown
        } else if all.withdrawn_seconds(place).is_some_and(|withdrawn| withdrawn < instant) {
            Standing::Withdrawn
        } else {
            Standing::Current
        }
    }

    /// Tells whether a learner did anything in the two weeks before an instant, or in the part of a week before these.
    pub(super) fn is_active(self, course: &Course, learner: usize, instant: i32) -> bool {
        let weeks = self.uses.weeks[course.first_enrolment + learner];
        let first = week_bit(instant.saturating_sub(2 * WEEK_SECONDS));
        let last = week_bit(instant.saturating_sub(1));
        (first..=last).any(|bit| weeks >> bit & 1 == 1)
    }
}

/// Returns the number of the week, from 1, that holds an instant; 0 before the start.
pub(super) fn week_number(seconds: i32) -> i64 {
    (i64::from(seconds).div_euclid(7 * DAY_SECONDS) + 1).max(0)
}
