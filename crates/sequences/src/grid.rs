//! The week grid of a course (PROTOCOL "Time"): which days each week holds, and which weeks were over when the log was
//! taken.

use staycast_events::Course;
use staycast_events::time::DAY_SECONDS;

/// Days of a whole week.
pub(crate) const WEEK_DAYS: u32 = 7;

/// The weeks of one course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// First day, in days since 1970-01-01.
    pub start_day: i32,
    /// Days of the course's calendar.
    pub calendar_days: u32,
    /// Days in the grid: those of the calendar, or fewer when weeks are limited.
    pub days: u32,
    /// Weeks in the grid.
    pub weeks: u32,
    /// Weeks over by the instant the log was taken.
    pub observed_weeks: u32,
    /// Seconds from the course's start to that instant.
    pub as_of_seconds: i64,
}

impl Grid {
    /// The grid of `course`, of at most `weeks_limit` weeks, in a log taken at `as_of` (seconds since 1970-01-01T00:00:00).
    #[must_use]
    pub fn new(course: &Course, weeks_limit: Option<u32>, as_of: i64) -> Self {
        let days = grid_days(course, weeks_limit);
        let weeks = days.div_ceil(WEEK_DAYS);
        let as_of_seconds = as_of - course.start_seconds();
        let mut grid = Self {
            start_day: course.start_day,
            calendar_days: course.days,
            days,
            weeks,
            observed_weeks: 0,
            as_of_seconds,
        };
        grid.observed_weeks = (0..weeks).take_while(|&week| grid.end_seconds(week) <= as_of_seconds).count() as u32;
        grid
    }

    /// Days of week `week`: 7, or fewer in a short last week.
    #[must_use]
    pub const fn week_days(&self, week: u32) -> u32 {
        let left = self.days - WEEK_DAYS * week;
        if left < WEEK_DAYS { left } else { WEEK_DAYS }
    }

    /// End of week `week`, in seconds from the course's start.
    #[must_use]
    pub const fn end_seconds(&self, week: u32) -> i64 {
        (WEEK_DAYS * week + self.week_days(week)) as i64 * DAY_SECONDS
    }

    /// The week that holds an instant (seconds from the course's start); negative before the start.
    #[must_use]
    pub const fn week_of(seconds: i64) -> i64 {
        seconds.div_euclid(WEEK_DAYS as i64 * DAY_SECONDS)
    }

    /// End of the course's calendar, in seconds from its start.
    #[must_use]
    pub const fn calendar_end_seconds(&self) -> i64 {
        self.calendar_days as i64 * DAY_SECONDS
    }
}

/// Days of the grid of a course of at most `weeks_limit` weeks.
#[must_use]
pub(crate) fn grid_days(course: &Course, weeks_limit: Option<u32>) -> u32 {
    weeks_limit.map_or(course.days, |weeks| course.days.min(weeks.saturating_mul(WEEK_DAYS)))
}

/// The instant a log was taken when nothing says so: the end of the day of its newest event. A log's last day is taken
/// as whole, for otherwise the last week of the courses that end with the log would never be over.
#[must_use]
pub(crate) const fn end_of_day(newest: i64) -> i64 {
    (newest.div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(days: u32) -> Course {
        Course { id: "c".to_owned(), start_day: 100, days, inferred: false }
    }

    #[test]
    fn thirty_days_are_four_weeks_and_two_days() {
        let as_of = 130 * DAY_SECONDS;
        let grid = Grid::new(&course(30), None, as_of);
        assert_eq!((grid.weeks, grid.week_days(3), grid.week_days(4), grid.observed_weeks), (5, 7, 2, 5));
        assert_eq!(grid.end_seconds(4), 30 * DAY_SECONDS);
        assert_eq!(Grid::new(&course(30), None, as_of - 1).observed_weeks, 4);
        assert_eq!(Grid::new(&course(30), Some(3), as_of).weeks, 3);
        assert_eq!(Grid::new(&course(30), None, 0).observed_weeks, 0);
    }

    #[test]
    fn weeks_are_floored() {
        assert_eq!(Grid::week_of(-1), -1);
        assert_eq!(Grid::week_of(0), 0);
        assert_eq!(Grid::week_of(7 * DAY_SECONDS - 1), 0);
    }

    #[test]
    fn a_log_is_taken_at_the_end_of_its_last_day() {
        assert_eq!(end_of_day(0), DAY_SECONDS);
        assert_eq!(end_of_day(DAY_SECONDS - 1), DAY_SECONDS);
        assert_eq!(end_of_day(DAY_SECONDS), 2 * DAY_SECONDS);
    }
}
