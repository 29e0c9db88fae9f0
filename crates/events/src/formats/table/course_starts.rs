//! The first instants of courses, from which a table may count days.

use rustc_hash::FxHashMap;

use crate::roster::Course;
use crate::time::{DAY_SECONDS, days_from_civil};

/// Dates the first day of every course of a source that counts days from an unnamed start.
pub(super) const NOMINAL_START: i32 = days_from_civil(2000, 1, 1);

/// Holds the first instants of courses, as far as they are known before the log is read.
#[derive(Clone, Debug, Default)]
pub(super) struct CourseStarts(FxHashMap<Box<[u8]>, i64>);

impl CourseStarts {
    /// Makes the starts of courses that have all their dates.
    pub(super) fn of_courses(courses: &[Course]) -> Self {
        Self(courses.iter().map(|course| (course.id.as_bytes().into(), course.start_seconds())).collect())
    }

    /// Makes the starts of courses that may lack dates.
    pub(super) fn of_days<'a>(courses: impl Iterator<Item = (&'a str, Option<i32>)>) -> Self {
        let start = |(id, day): (&str, Option<i32>)| Some((id.as_bytes().into(), i64::from(day?) * DAY_SECONDS));
        Self(courses.filter_map(start).collect())
    }

    /// Returns the first instant of a course: the nominal one where days are counted from a start that nothing dates.
    pub(super) fn of(&self, course: &[u8]) -> i64 {
        self.0.get(course).copied().unwrap_or(i64::from(NOMINAL_START) * DAY_SECONDS)
    }
}
