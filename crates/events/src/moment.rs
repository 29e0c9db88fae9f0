//! A time as a row of a table gives it.

use crate::packed::GREATEST;
use crate::time::DAY_SECONDS;

/// Holds a time as a row gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Seconds since 1970-01-01T00:00:00.
    Instant(i64),
    /// Days after the course's first.
    Day(i64),
}

impl Moment {
    /// Returns seconds since 1970-01-01T00:00:00, in a course whose first instant is `start`. Saturates at the ends of
    /// time.
    pub(crate) fn instant(self, start: i64) -> i64 {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => start.saturating_add(day.saturating_mul(DAY_SECONDS)),
        }
    }

    /// Returns the nearest moment that has room in 40 bits. All that are farther, by 17,000 years, are as much a mistake.
    pub(crate) fn within_reach(self) -> Self {
        match self {
            Self::Instant(instant) => Self::Instant(instant.clamp(-GREATEST - 1, GREATEST)),
            Self::Day(day) => Self::Day(day.clamp(-GREATEST - 1, GREATEST)),
        }
    }

    /// Returns seconds after `start`, at most 68 years either way: an enrolment longer ago was as surely before the
    /// course.
    pub(crate) fn seconds_after(self, start: i64) -> i32 {
        let seconds = self.instant(start).saturating_sub(start);
        seconds.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
    }
}
