//! Cuts a course's days into weeks, and tells which weeks were over when the log was taken (docs/definitions.md, "Time").
//!
//! Weeks are runs of seven days from the course's first, the last one short where the calendar ends earlier. Where they
//! are to end on a given date and those a multiple of seven days from it, the first week is short instead, if need be.

use staycast_events::Course;
use staycast_events::time::DAY_SECONDS;
use staycast_weeks::{CutOff, WeekIndex};

/// Counts the days of a whole week.
pub(crate) const WEEK_DAYS: u32 = 7;

/// Cuts a course's days into weeks. Weeks are numbered from 0, days from 0 at the course's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekGrid {
    /// Days of week 0, 1 to 7, unless the course is shorter.
    first_week_days: u32,
    /// Days in the grid.
    days: u32,
}

impl WeekGrid {
    /// Bounds the days that a grid can hold, however they are cut into weeks that a [`CutOff`] can count.
    pub(crate) const GREATEST_DAYS: u32 = WEEK_DAYS * (u16::MAX as u32 - 1);

    /// Cuts `days` days into weeks, of which the first has `first_week_days` days.
    ///
    /// # Panics
    /// When `first_week_days` is not 1 to 7, or there are more weeks than a [`CutOff`] counts.
    pub(crate) const fn new(first_week_days: u32, days: u32) -> Self {
        assert!(1 <= first_week_days && first_week_days <= WEEK_DAYS, "a week has 1 to 7 days");
        assert!(days <= Self::GREATEST_DAYS, "a course has fewer than 65,536 weeks");
        Self { first_week_days, days }
    }

    /// Cuts the `days` days of a course that begins on `start_day` (days since 1970-01-01): at most `weeks_limit` weeks,
    /// such that a week ends with the day `week_ending`, where one is given.
    #[must_use]
    pub(crate) fn for_course(start_day: i32, days: u32, weeks_limit: Option<u32>, week_ending: Option<i32>) -> Self {
        let first_week_days = week_ending.map_or(WEEK_DAYS, |last_day| {
            // Days up to and including the first that ends a week.
            (i64::from(last_day) - i64::from(start_day)).rem_euclid(i64::from(WEEK_DAYS)) as u32 + 1
        });
        let whole = Self::new(first_week_days, days);
        let within = |weeks: u32| CutOff::after_weeks(weeks.min(u16::MAX.into())).map_or(0, |last| whole.end_day(last));
        Self { days: weeks_limit.map_or(days, within), ..whole }
    }

    /// Returns the number of days in the grid.
    #[must_use]
    pub const fn days(&self) -> u32 {
        self.days
    }

    /// Returns the days of week 0: 7, or fewer where weeks end on a date that was asked for.
    pub(crate) const fn first_week_days(&self) -> u32 {
        self.first_week_days
    }

    /// Returns the number of weeks in the grid.
    pub(crate) const fn count(&self) -> u16 {
        (self.days.saturating_sub(self.first_week_days).div_ceil(WEEK_DAYS) + (self.days > 0) as u32) as u16
    }

    /// Lists the weeks in the grid.
    pub(crate) fn weeks(&self) -> impl DoubleEndedIterator<Item = WeekIndex> + use<> {
        (0..self.count()).map(WeekIndex::new)
    }

    /// Returns the day on which the weeks that `cut_off` sees are over: the first after them.
    #[must_use]
    pub const fn end_day(&self, cut_off: CutOff) -> u32 {
        self.boundary(cut_off.weeks() as u32)
    }

    /// Returns the first day of week `week`.
    pub(crate) const fn first_day(&self, week: WeekIndex) -> u32 {
        self.boundary(week.get() as u32)
    }

    /// Returns the days of week `week`: 7, or fewer in a short first or last week.
    #[must_use]
    pub const fn week_days(&self, week: WeekIndex) -> u32 {
        self.last_day_end(week) - self.first_day(week)
    }

    /// Returns the first day after week `week`.
    const fn last_day_end(&self, week: WeekIndex) -> u32 {
        self.boundary(week.get() as u32 + 1)
    }

    /// Returns the first day after the first `weeks` weeks.
    const fn boundary(&self, weeks: u32) -> u32 {
        match weeks {
            0 => 0,
            _ => {
                let end = self.first_week_days + WEEK_DAYS * (weeks - 1);
                if end < self.days { end } else { self.days }
            }
        }
    }

    /// Returns the last cut-off that is reached by the beginning of day `day`; `None` before the end of week 0.
    pub(crate) fn over_by(&self, day: u32) -> Option<CutOff> {
        let after_first = day.checked_sub(self.first_week_days)?;
        CutOff::after_weeks((1 + after_first / WEEK_DAYS).min(u16::MAX.into()))
    }

    /// Returns the week that holds an instant (seconds from the course's start). Negative before the start, where weeks are
    /// counted back from it; past the grid's end, whole weeks go on.
    pub(crate) const fn week_of(&self, seconds: i64) -> i64 {
        let shift = if seconds < 0 { 0 } else { self.shift_days() };
        (seconds + shift as i64 * DAY_SECONDS).div_euclid(WEEK_DAYS as i64 * DAY_SECONDS)
    }

    /// Returns the days by which a whole week 0 would have begun earlier.
    pub(crate) const fn shift_days(&self) -> u32 {
        WEEK_DAYS - self.first_week_days
    }
}

/// Holds the weeks of one course, and which of them were over when the log was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CourseGrid {
    /// First day, in days since 1970-01-01.
    pub(crate) start_day: i32,
    /// Days of the course's calendar.
    pub(crate) calendar_days: u32,
    /// The cut into weeks: of the calendar, or of less when weeks are limited.
    pub(crate) weeks: WeekGrid,
    /// Weeks over by the instant the log was taken.
    pub(crate) observed_weeks: u16,
    /// Seconds from the course's start to that instant.
    pub(crate) as_of_seconds: i64,
}

impl CourseGrid {
    /// Makes the grid of `course`, cut into `weeks`, in a log taken at `as_of` (seconds since 1970-01-01T00:00:00).
    pub(crate) fn new(course: &Course, weeks: WeekGrid, as_of: i64) -> Self {
        let as_of_seconds = as_of.saturating_sub(course.start_seconds());
        let mut grid =
            Self { start_day: course.start_day, calendar_days: course.days, weeks, observed_weeks: 0, as_of_seconds };
        grid.observed_weeks = weeks.weeks().take_while(|&week| grid.end_seconds(week) <= as_of_seconds).count() as u16;
        grid
    }

    /// Returns the first day, since 1970-01-01, that begins after an instant (seconds from the course's start).
    pub(crate) fn day_after(&self, seconds: i32) -> i32 {
        self.start_day.saturating_add(seconds.div_euclid(DAY_SECONDS as i32)).saturating_add(1)
    }

    /// Returns the first day after week `week`, since 1970-01-01.
    pub(crate) fn day_after_week(&self, week: WeekIndex) -> i64 {
        i64::from(self.start_day) + i64::from(self.weeks.first_day(week)) + i64::from(self.weeks.week_days(week))
    }

    /// Lists the weeks that were over when the log was taken.
    pub(crate) fn observed(&self) -> impl Iterator<Item = WeekIndex> + use<> {
        (0..self.observed_weeks).map(WeekIndex::new)
    }

    /// Lists the weeks that were not.
    pub(crate) fn unobserved(&self) -> impl Iterator<Item = WeekIndex> + use<> {
        (self.observed_weeks..self.weeks.count()).map(WeekIndex::new)
    }

    /// Returns the first instant of week `week`, in seconds from the course's start.
    pub(crate) const fn start_seconds(&self, week: WeekIndex) -> i64 {
        self.weeks.first_day(week) as i64 * DAY_SECONDS
    }

    /// Returns the end of week `week`, in seconds from the course's start.
    pub(crate) const fn end_seconds(&self, week: WeekIndex) -> i64 {
        self.weeks.last_day_end(week) as i64 * DAY_SECONDS
    }

    /// Returns the end of the course's calendar, in seconds from its start.
    pub(crate) const fn calendar_end_seconds(&self) -> i64 {
        self.calendar_days as i64 * DAY_SECONDS
    }
}

/// Returns the instant a log was taken when nothing says so: the end of the day of its newest event. A log's last day is
/// taken as whole, for otherwise the last week of the courses that end with the log would never be over.
#[must_use]
pub(crate) const fn end_of_day(newest_day: i64) -> i64 {
    (newest_day + 1) * DAY_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(days: u32, weeks_limit: Option<u32>, as_of: i64) -> CourseGrid {
        let course = Course { id: "c".to_owned(), start_day: 100, days, inferred: false };
        CourseGrid::new(&course, WeekGrid::for_course(100, days, weeks_limit, None), as_of)
    }

    #[test]
    fn thirty_days_are_four_weeks_and_two_days() {
        let as_of = 130 * DAY_SECONDS;
        let whole = grid(30, None, as_of);
        let week_days = |week| whole.weeks.week_days(WeekIndex::new(week));
        assert_eq!((whole.weeks.count(), week_days(3), week_days(4), whole.observed_weeks), (5, 7, 2, 5));
        assert_eq!(whole.end_seconds(WeekIndex::new(4)), 30 * DAY_SECONDS);
        assert_eq!(grid(30, None, as_of - 1).observed_weeks, 4);
        assert_eq!(grid(30, Some(3), as_of).weeks.count(), 3);
        assert_eq!(grid(30, None, 0).observed_weeks, 0);
    }

    #[test]
    fn weeks_are_floored() {
        let weeks = WeekGrid::for_course(100, 30, None, None);
        assert_eq!(weeks.week_of(-1), -1);
        assert_eq!(weeks.week_of(0), 0);
        assert_eq!(weeks.week_of(7 * DAY_SECONDS - 1), 0);
    }

    #[test]
    fn weeks_end_on_the_date_and_every_seventh_day_from_it() {
        // The course begins on day 100; a week ends with day 115, so one ends with day 101: two days, then whole weeks.
        for last_day in [115, 101, 94, 3] {
            let weeks = WeekGrid::for_course(100, 30, None, Some(last_day + 7 * ((115 - last_day) / 7)));
            assert_eq!(weeks, WeekGrid::for_course(100, 30, None, Some(last_day)), "{last_day}");
        }
        let weeks = WeekGrid::for_course(100, 30, None, Some(115));
        assert_eq!((weeks.first_week_days(), weeks.count()), (2, 5));
        let days: Vec<(u32, u32)> = weeks.weeks().map(|week| (weeks.first_day(week), weeks.week_days(week))).collect();
        assert_eq!(days, [(0, 2), (2, 7), (9, 7), (16, 7), (23, 7)]);
        assert_eq!(weeks.week_of(2 * DAY_SECONDS - 1), 0);
        assert_eq!(weeks.week_of(2 * DAY_SECONDS), 1);
        assert_eq!(weeks.week_of(-1), -1);
        // The last day of a whole first week, and a course that is over before the first week would be.
        assert_eq!(WeekGrid::for_course(100, 30, None, Some(106)), WeekGrid::for_course(100, 30, None, None));
        let short = WeekGrid::for_course(100, 3, None, Some(104));
        assert_eq!((short.count(), short.week_days(WeekIndex::new(0))), (1, 3));
        assert_eq!(WeekGrid::for_course(100, 30, Some(2), Some(115)).days(), 9);
    }

    proptest! {
        #[test]
        fn every_day_is_in_one_week(
            days in 1_u32..80,
            limit in prop::option::of(1_u32..8),
            ending in prop::option::of(-50_i32..200),
        ) {
            let weeks = WeekGrid::for_course(100, days, limit, ending);
            prop_assert_eq!(weeks.weeks().map(|week| weeks.week_days(week)).sum::<u32>(), weeks.days());
            for day in 0..weeks.days() {
                let week = WeekIndex::new(weeks.week_of(i64::from(day) * DAY_SECONDS) as u16);
                let cut_off = week.cut_off().expect("a short course");
                prop_assert!((weeks.first_day(week)..weeks.end_day(cut_off)).contains(&day));
                let over = weeks.weeks().filter_map(WeekIndex::cut_off).filter(|&cut_off| weeks.end_day(cut_off) <= day).count();
                prop_assert_eq!(weeks.over_by(day), CutOff::after_weeks(over));
            }
            if let Some(ending) = ending {
                let first_end = 100 + i64::from(weeks.first_week_days()) - 1;
                prop_assert_eq!((i64::from(ending) - first_end).rem_euclid(7), 0);
            }
            prop_assert!(weeks.weeks().all(|week| (1..=7).contains(&weeks.week_days(week))));
        }
    }

    #[test]
    fn a_log_is_taken_at_the_end_of_its_last_day() {
        assert_eq!(end_of_day(0), DAY_SECONDS);
        assert_eq!(end_of_day(-1), 0);
    }
}
