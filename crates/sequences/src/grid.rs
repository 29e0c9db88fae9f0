//! The week grid of a course (PROTOCOL "Time"): which days each week holds, and which weeks were over when the log was
//! taken.
//!
//! Weeks are runs of seven days from the course's first, the last one short where the calendar ends earlier. Where they
//! are to end on a given date and those a multiple of seven days from it, the first week is short instead, if need be.

use staycast_events::Course;
use staycast_events::time::DAY_SECONDS;

/// Days of a whole week.
pub(crate) const WEEK_DAYS: u32 = 7;

/// How a course's days are cut into weeks. Weeks are numbered from 0, days from 0 at the course's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weeks {
    /// Days of week 0, 1 to 7, unless the course is shorter.
    pub first_week_days: u32,
    /// Days in the grid.
    pub days: u32,
}

impl Weeks {
    /// The weeks of a course that begins on `start_day` (days since 1970-01-01) and has `days` days, at most
    /// `weeks_limit` weeks of it, such that a week ends with the day `week_ending`, where one is given.
    #[must_use]
    pub fn new(start_day: i32, days: u32, weeks_limit: Option<u32>, week_ending: Option<i32>) -> Self {
        let first_week_days = week_ending.map_or(WEEK_DAYS, |last_day| {
            // Days up to and including the first that ends a week.
            (i64::from(last_day) - i64::from(start_day)).rem_euclid(i64::from(WEEK_DAYS)) as u32 + 1
        });
        let whole = Self { first_week_days, days };
        Self { days: weeks_limit.map_or(days, |weeks| whole.end_day(weeks)), ..whole }
    }

    /// Weeks in the grid.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.days.saturating_sub(self.first_week_days).div_ceil(WEEK_DAYS) + (self.days > 0) as u32
    }

    /// The day on which `weeks` weeks are over: that of the cut-off at week `weeks`, the first of week number `weeks`.
    #[must_use]
    pub const fn end_day(&self, weeks: u32) -> u32 {
        match weeks {
            0 => 0,
            _ => {
                let end = self.first_week_days.saturating_add(WEEK_DAYS.saturating_mul(weeks - 1));
                if end < self.days { end } else { self.days }
            }
        }
    }

    /// First day of week `week`.
    #[must_use]
    pub const fn first_day(&self, week: u32) -> u32 {
        self.end_day(week)
    }

    /// Days of week `week`: 7, or fewer in a short first or last week.
    #[must_use]
    pub const fn week_days(&self, week: u32) -> u32 {
        self.end_day(week + 1) - self.first_day(week)
    }

    /// Whole weeks that are over by the beginning of day `day`.
    #[must_use]
    pub const fn over_by(&self, day: u32) -> u32 {
        match day.checked_sub(self.first_week_days) {
            None => 0,
            Some(after_first) => 1 + after_first / WEEK_DAYS,
        }
    }

    /// The week that holds an instant (seconds from the course's start). Negative before the start, where weeks are
    /// counted back from it; past the grid's end, whole weeks go on.
    #[must_use]
    pub const fn week_of(&self, seconds: i64) -> i64 {
        let shift = if seconds < 0 { 0 } else { self.shift_days() };
        (seconds + shift as i64 * DAY_SECONDS).div_euclid(WEEK_DAYS as i64 * DAY_SECONDS)
    }

    /// Days by which a whole week 0 would have begun earlier.
    pub(crate) const fn shift_days(&self) -> u32 {
        WEEK_DAYS - self.first_week_days
    }
}

/// The weeks of one course, and which of them were over when the log was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// First day, in days since 1970-01-01.
    pub start_day: i32,
    /// Days of the course's calendar.
    pub calendar_days: u32,
    /// The cut into weeks: of the calendar, or of less when weeks are limited.
    pub cut: Weeks,
    /// Weeks in the grid.
    pub weeks: u32,
    /// Weeks over by the instant the log was taken.
    pub observed_weeks: u32,
    /// Seconds from the course's start to that instant.
    pub as_of_seconds: i64,
}

impl Grid {
    /// The grid of `course`, cut into the weeks `cut`, in a log taken at `as_of` (seconds since 1970-01-01T00:00:00).
    #[must_use]
    pub fn new(course: &Course, cut: Weeks, as_of: i64) -> Self {
        let weeks = cut.count();
        let as_of_seconds = as_of.saturating_sub(course.start_seconds());
        let mut grid = Self {
            start_day: course.start_day,
            calendar_days: course.days,
            cut,
            weeks,
            observed_weeks: 0,
            as_of_seconds,
        };
        grid.observed_weeks = (0..weeks).take_while(|&week| grid.end_seconds(week) <= as_of_seconds).count() as u32;
        grid
    }

    /// Days of week `week`: 7, or fewer in a short first or last week.
    #[must_use]
    pub const fn week_days(&self, week: u32) -> u32 {
        self.cut.week_days(week)
    }

    /// First instant of week `week`, in seconds from the course's start.
    #[must_use]
    pub const fn start_seconds(&self, week: u32) -> i64 {
        self.cut.first_day(week) as i64 * DAY_SECONDS
    }

    /// End of week `week`, in seconds from the course's start.
    #[must_use]
    pub const fn end_seconds(&self, week: u32) -> i64 {
        self.cut.end_day(week + 1) as i64 * DAY_SECONDS
    }

    /// End of the course's calendar, in seconds from its start.
    #[must_use]
    pub const fn calendar_end_seconds(&self) -> i64 {
        self.calendar_days as i64 * DAY_SECONDS
    }
}

/// The instant a log was taken when nothing says so: the end of the day of its newest event. A log's last day is taken
/// as whole, for otherwise the last week of the courses that end with the log would never be over.
#[must_use]
pub(crate) const fn end_of_day(newest: i64) -> i64 {
    (newest.div_euclid(DAY_SECONDS) + 1).saturating_mul(DAY_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(days: u32, weeks_limit: Option<u32>, as_of: i64) -> Grid {
        let course = Course { id: "c".to_owned(), start_day: 100, days, inferred: false };
        Grid::new(&course, Weeks::new(100, days, weeks_limit, None), as_of)
    }

    #[test]
    fn thirty_days_are_four_weeks_and_two_days() {
        let as_of = 130 * DAY_SECONDS;
        let whole = grid(30, None, as_of);
        assert_eq!((whole.weeks, whole.week_days(3), whole.week_days(4), whole.observed_weeks), (5, 7, 2, 5));
        assert_eq!(whole.end_seconds(4), 30 * DAY_SECONDS);
        assert_eq!(grid(30, None, as_of - 1).observed_weeks, 4);
        assert_eq!(grid(30, Some(3), as_of).weeks, 3);
        assert_eq!(grid(30, None, 0).observed_weeks, 0);
    }

    #[test]
    fn weeks_are_floored() {
        let weeks = Weeks::new(100, 30, None, None);
        assert_eq!(weeks.week_of(-1), -1);
        assert_eq!(weeks.week_of(0), 0);
        assert_eq!(weeks.week_of(7 * DAY_SECONDS - 1), 0);
    }

    #[test]
    fn weeks_end_on_the_date_and_every_seventh_day_from_it() {
        // The course begins on day 100; a week ends with day 115, so one ends with day 101: two days, then whole weeks.
        for last_day in [115, 101, 94, 3] {
            let weeks = Weeks::new(100, 30, None, Some(last_day + 7 * ((115 - last_day) / 7)));
            assert_eq!(weeks, Weeks::new(100, 30, None, Some(last_day)), "{last_day}");
        }
        let weeks = Weeks::new(100, 30, None, Some(115));
        assert_eq!((weeks.first_week_days, weeks.count()), (2, 5));
        let days: Vec<(u32, u32)> = (0..5).map(|week| (weeks.first_day(week), weeks.week_days(week))).collect();
        assert_eq!(days, [(0, 2), (2, 7), (9, 7), (16, 7), (23, 7)]);
        assert_eq!(weeks.week_of(2 * DAY_SECONDS - 1), 0);
        assert_eq!(weeks.week_of(2 * DAY_SECONDS), 1);
        assert_eq!(weeks.week_of(-1), -1);
        // The last day of a whole first week, and a course that is over before the first week would be.
        assert_eq!(Weeks::new(100, 30, None, Some(106)), Weeks::new(100, 30, None, None));
        let short = Weeks::new(100, 3, None, Some(104));
        assert_eq!((short.count(), short.week_days(0)), (1, 3));
        assert_eq!(Weeks::new(100, 30, Some(2), Some(115)).days, 9);
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_week(
            days in 1_u32..80,
            limit in prop::option::of(1_u32..8),
            ending in prop::option::of(-50_i32..200),
        ) {
            let weeks = Weeks::new(100, days, limit, ending);
            prop_assert_eq!((0..weeks.count()).map(|week| weeks.week_days(week)).sum::<u32>(), weeks.days);
            for day in 0..weeks.days {
                let week = weeks.week_of(i64::from(day) * DAY_SECONDS) as u32;
                prop_assert!((weeks.first_day(week)..weeks.end_day(week + 1)).contains(&day));
                let over = (0..=weeks.count()).filter(|&week| week > 0 && weeks.end_day(week) <= day).count();
                prop_assert_eq!(weeks.over_by(day) as usize, over);
            }
            if let Some(ending) = ending {
                let first_end = 100 + i64::from(weeks.first_week_days) - 1;
                prop_assert_eq!((i64::from(ending) - first_end).rem_euclid(7), 0);
            }
            prop_assert!((0..weeks.count()).all(|week| (1..=7).contains(&weeks.week_days(week))));
        }
    }

    #[test]
    fn a_log_is_taken_at_the_end_of_its_last_day() {
        assert_eq!(end_of_day(0), DAY_SECONDS);
        assert_eq!(end_of_day(DAY_SECONDS - 1), DAY_SECONDS);
        assert_eq!(end_of_day(DAY_SECONDS), 2 * DAY_SECONDS);
    }
}
