//! Reduces one learner's events in one course to the values of its weeks. Pure: no IO, no clock, no randomness.
//!
//! The values of a week depend only on events before its end: the learner's events are walked once in the order of
//! time, and a week is written down before the first event after it is looked at.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{EnrolmentIndex, Event};
use staycast_weeks::WeekIndex;

use crate::count::{Frame, RunningTotals, Span, Submissions, WeekCounts, WeekView};
use crate::features::Feature;
use crate::grid::CourseGrid;

/// Holds the facts of an enrolment that are not weekly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    /// Seconds from the course's start to the learner's own first and last event.
    pub(crate) first_and_last: Option<[i32; 2]>,
    pub(crate) pre_start_events: u32,
    pub(crate) pre_start_active_days: u32,
}

impl Summary {
    /// Returns when the learner's own first event was, in seconds from the course's start.
    pub(crate) fn first_event_seconds(&self) -> Option<i32> {
        self.first_and_last.map(|[first, _]| first)
    }

    /// Returns when the learner's own last event was, in seconds from the course's start.
    pub(crate) fn last_event_seconds(&self) -> Option<i32> {
        self.first_and_last.map(|[_, last]| last)
    }
}

// There may be millions of them.
const _: () = assert!(size_of::<Summary>() <= 20);

/// Reduces enrolments to rows of `features`, with memory that goes from one enrolment to the next.
pub(crate) struct Reducer<'a> {
    frame: &'a Frame<'a>,
    features: &'a [Feature],
    /// By feature: whether the source meets its needs. Where it does not, the column is null.
    is_known: Vec<bool>,
    counts: WeekCounts,
    row: Vec<f64>,
}

/// Counts the seven-day steps from before any event to a course's start.
const BEFORE_START: i64 = -7 * ((1 << 31) / (7 * DAY_SECONDS) + 1);

impl<'a> Reducer<'a> {
    pub(crate) fn new(frame: &'a Frame<'a>, features: &'a [Feature]) -> Self {
        let is_known = features.iter().map(|feature| feature.needs.met_by(&frame.capabilities)).collect();
        Self { frame, features, is_known, counts: WeekCounts::default(), row: Vec::with_capacity(features.len()) }
    }

    /// Reduces the events of `enrolment`, ascending, to the rows of its observed weeks: `out(week, values)` with the values
    /// in the order of the features, NaN for null.
    pub(crate) fn reduce(
        &mut self,
        enrolment: EnrolmentIndex,
        events: &[Event],
        mut out: impl FnMut(WeekIndex, &[f64]),
    ) -> Summary {
        let frame = self.frame;
        let course = frame.roster.enrolments.course(enrolment.as_usize());
        let grid = &frame.grids[course.as_usize()];
        let mut totals = RunningTotals::default();
        // Votes received and facts are in the log by what someone else did: they do not say that this learner was there.
        let is_own = |event: &&Event| !frame.kinds[usize::from(event.kind())].detail.is_received();
        let (before_start, mut rest) = events.split_at(events.partition_point(|event| event.seconds() < 0));
        self.counts.count(frame, Span { course, first_day: BEFORE_START }, before_start, &mut totals);
        totals.start_course();
        let (first, last) = (events.iter().find(is_own), events.iter().rev().find(is_own));
        let summary = Summary {
            first_and_last: first.zip(last).map(|(first, last)| [first.seconds(), last.seconds()]),
            pre_start_events: self.counts.events,
            pre_start_active_days: days_with_events(before_start.iter().filter(is_own)),
        };
        let submissions = Submissions::for_enrolment(frame, enrolment);
        for week in grid.observed() {
            let end = grid.end_seconds(week);
            let (of_week, later) = rest.split_at(rest.partition_point(|event| i64::from(event.seconds()) < end));
            rest = later;
            let first_day = i64::from(grid.weeks.first_day(week));
            self.counts.count(frame, Span { course, first_day }, of_week, &mut totals);
            self.counts.add_to(&mut totals);
            if week == WeekIndex::new(0) {
                self.counts.add_days_before_start(frame, days_of_whole_first_week(grid, before_start));
            }
            let counts = &self.counts;
            let view = WeekView { frame, enrolment, grid, week, counts, totals: &totals, submissions: &submissions };
            self.row.clear();
            let columns = self.features.iter().zip(&self.is_known);
            self.row.extend(columns.map(|(feature, &known)| if known { feature.compute(&view) } else { f64::NAN }));
            out(week, &self.row);
        }
        summary
    }
}

/// Returns the events before the course's start on the days that a whole week 0 would have had: none unless weeks end on a
/// date that was asked for.
fn days_of_whole_first_week<'e>(grid: &CourseGrid, before_start: &'e [Event]) -> &'e [Event] {
    let from = -i64::from(grid.weeks.shift_days()) * DAY_SECONDS;
    &before_start[before_start.partition_point(|event| i64::from(event.seconds()) < from)..]
}

fn days_with_events<'e>(events: impl Iterator<Item = &'e Event>) -> u32 {
    let mut days: Vec<i64> = events.map(|event| i64::from(event.seconds()).div_euclid(DAY_SECONDS)).collect();
    days.dedup();
    days.len() as u32
}
