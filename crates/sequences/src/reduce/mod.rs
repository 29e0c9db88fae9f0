//! One learner's events in one course, reduced to weeks. Pure: no IO, no clock, no randomness.
//!
//! The values of a week depend only on events before its end: the learner's events are walked once in the order of
//! time, and a week is written down before the first event after it is looked at.

mod distinct;
mod values;
mod week;
mod work;

use rustc_hash::FxHashSet;
use staycast_events::time::DAY_SECONDS;
use staycast_events::{Activity, Assessment, Capabilities, Event, EventKind, ObjectKey, Roster};
use staycast_weeks::WeekIndex;

pub(crate) use self::week::Marks;
use self::week::{Span, Week};
use self::work::Work;

use crate::features::FeatureSet;
use crate::grid::CourseGrid;
use crate::peers::Peers;

/// A gap longer than this ends a session, in seconds.
pub const SESSION_GAP_SECONDS: i64 = 1_800;

/// What is the same for every enrolment.
pub(crate) struct Frame<'a> {
    pub(crate) roster: &'a Roster,
    pub(crate) grids: &'a [CourseGrid],
    pub(crate) kinds: &'a [EventKind],
    /// Of these kinds.
    pub(crate) marks: Marks,
    pub(crate) capabilities: Capabilities,
    pub(crate) set: FeatureSet,
    /// Whether a column is added for each of the source's kinds.
    pub(crate) raw_kinds: bool,
    /// Days from a submission to the day its score is known.
    pub(crate) score_lag_days: u32,
    /// `None` for the core features, which compare with no one.
    pub(crate) peers: Option<&'a Peers>,
    /// Assessments with a due day, by course.
    pub(crate) due: Vec<Vec<(u32, &'a Assessment)>>,
}

/// Facts of an enrolment that are not weekly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) first_event_seconds: Option<i32>,
    pub(crate) last_event_seconds: Option<i32>,
    pub(crate) pre_start_events: u32,
    pub(crate) pre_start_active_days: u32,
}

/// What is carried from one week to the next.
#[derive(Default)]
struct Running {
    last_event: Option<i64>,
    events: u64,
    active_days: u32,
    sessions: u64,
    seconds: i64,
    silent_weeks: u32,
    events_before: Option<u32>,
    opened: FxHashSet<ObjectKey>,
    by_activity: [u64; Activity::ALL.len()],
}

/// Memory that goes from one enrolment to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    week: Week,
    row: Vec<f64>,
}

/// Seven-day steps from before any event to a course's start.
const BEFORE_START: i64 = -7 * ((1 << 31) / (7 * DAY_SECONDS) + 1);

/// Reduces the events of enrolment `place`, ascending, to the rows of its observed weeks: `out(week, values)` with the
/// values in the order of the feature columns, NaN for null.
pub(crate) fn reduce(
    frame: &Frame<'_>,
    place: u32,
    events: &[Event],
    scratch: &mut Scratch,
    mut out: impl FnMut(WeekIndex, &[f64]),
) -> Summary {
    let Scratch { week: counted, row } = scratch;
    let enrolment = &frame.roster.enrolments[place as usize];
    let grid = &frame.grids[enrolment.course.as_usize()];
    let mut running = Running::default();
    // Votes received are in the log by what someone else did: they say nothing of when this learner was there.
    let is_own = |event: &&Event| !frame.kinds[usize::from(event.kind())].detail.is_received();
    let mut summary = Summary {
        first_event_seconds: events.iter().find(is_own).map(|event| event.seconds()),
        last_event_seconds: events.iter().rev().find(is_own).map(|event| event.seconds()),
        ..Summary::default()
    };
    let (before_start, mut rest) = events.split_at(events.partition_point(|event| event.seconds() < 0));
    let span = |first_day| Span { course: enrolment.course, first_day };
    counted.count(frame, span(BEFORE_START), before_start, &mut running);
    summary.pre_start_events = counted.events;
    summary.pre_start_active_days = days_of(before_start.iter().filter(is_own));
    // What came before the start is in the `pre_start` columns, not in the running totals.
    running.sessions = 0;
    running.seconds = 0;
    let work = Work::of(frame, place);
    for week in grid.observed() {
        let end = grid.end_seconds(week);
        let (mine, later) = rest.split_at(rest.partition_point(|event| i64::from(event.seconds()) < end));
        rest = later;
        counted.count(frame, span(i64::from(grid.weeks.first_day(week))), mine, &mut running);
        let (mut all, mut count) = ([0; 7], 0);
        for day in (0..7).filter(|&day| counted.by_day[day as usize] > 0) {
            all[count] = day;
            count += 1;
        }
        let days = &all[..count];
        running.active_days += days.len() as u32;
        running.events += u64::from(counted.events);
        for (total, &count) in running.by_activity.iter_mut().zip(&counted.by_activity) {
            *total += u64::from(count);
        }
        running.silent_weeks = if counted.events == 0 { running.silent_weeks + 1 } else { 0 };
        row.clear();
        values::core_values(frame, counted, &running, end, days.len(), row);
        if frame.set == FeatureSet::All {
            values::rhythm_values(frame, grid, week, counted, days, row);
            values::share_values(counted, row);
            values::object_values(frame, counted, row);
            work::work_values(frame, grid, &work, week, row);
            values::course_of_things(frame, place, week, end, counted, &running, row);
            values::preference_values(&running, row);
            if week == WeekIndex::new(0) {
                counted.take_in_eve(frame, eve_of_first_week(grid, before_start));
            }
            values::engagement_values(frame, counted, row);
        }
        if frame.raw_kinds {
            row.extend(counted.by_kind[..frame.kinds.len()].iter().map(|&count| f64::from(count)));
        }
        running.events_before = Some(counted.events);
        out(week, row);
    }
    summary
}

/// The events before the course's start on the days that a whole week 0 would have had: none unless weeks end on a date
/// that was asked for.
fn eve_of_first_week<'e>(grid: &CourseGrid, before_start: &'e [Event]) -> &'e [Event] {
    let from = -i64::from(grid.weeks.shift_days()) * DAY_SECONDS;
    &before_start[before_start.partition_point(|event| i64::from(event.seconds()) < from)..]
}

fn days_of<'a>(events: impl Iterator<Item = &'a Event>) -> u32 {
    let mut days: Vec<i64> = events.map(|event| i64::from(event.seconds()).div_euclid(DAY_SECONDS)).collect();
    days.dedup();
    days.len() as u32
}
