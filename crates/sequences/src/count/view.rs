//! Shows one counted week to the features.

use staycast_events::EnrolmentIndex;
use staycast_weeks::WeekIndex;

use super::frame::Frame;
use super::submissions::Submissions;
use super::totals::RunningTotals;
use super::week::WeekCounts;
use crate::grid::CourseGrid;

/// Holds one week of one enrolment, counted: all that the features of that week may read. Nothing in it comes from
/// after the week's end.
pub(crate) struct WeekView<'a> {
    pub(crate) frame: &'a Frame<'a>,
    pub(crate) enrolment: EnrolmentIndex,
    /// The weeks of the enrolment's course.
    pub(crate) grid: &'a CourseGrid,
    pub(crate) week: WeekIndex,
    /// Counts of the week's events.
    pub(crate) counts: &'a WeekCounts,
    /// Totals up to the week's end.
    pub(crate) totals: &'a RunningTotals,
    pub(crate) submissions: &'a Submissions<'a>,
}

impl WeekView<'_> {
    /// Returns the end of the week, in seconds from the course's start.
    pub(crate) const fn end_seconds(&self) -> i64 {
        self.grid.end_seconds(self.week)
    }
}
