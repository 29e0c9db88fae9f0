//! Finds the day of a log's newest event, from which follows when the log was taken. Stray events, far from all others of
//! their course, do not count: else one device with a wrong clock would end the weeks of every course that still runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use staycast_events::time::DAY_SECONDS;
use staycast_events::{DayRun, EnrolmentIndex, EventDays, FarEvents, ParsedBlock, Roster, RunningDays, Side, TimeSpan};

use crate::store::Run;

/// Counts events by course (index) and day (since 1970-01-01), and those that are far from their course. Takes about 24
/// bytes for each day on which a course has events, and each thread.
#[derive(Debug)]
pub(crate) struct CourseDays {
    /// By thread, so that none waits for another, and the days of one block are found again in the next.
    days: Vec<Mutex<DayCounts>>,
    far: Mutex<BTreeMap<(u32, Side), FarEvents>>,
}

/// Holds events by course and day.
type DayCounts = FxHashMap<(u32, i32), u64>;

impl Default for CourseDays {
    fn default() -> Self {
        let threads = rayon::current_num_threads().max(1);
        Self { days: (0..threads).map(|_| Mutex::default()).collect(), far: Mutex::default() }
    }
}

/// Holds the counts as a checkpoint holds them, in order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct DaysState {
    /// Course, day, events.
    days: Vec<(u32, i32, u64)>,
    /// Course, whether they are after it, first and last instant, events.
    far: Vec<(u32, bool, i64, i64, u64)>,
}

/// Holds the newest day of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// The day, in days since 1970-01-01.
    pub(crate) day: i64,
    /// Runs of days after it, by course (index), which do not count.
    pub(crate) stray: Vec<(u32, DayRun)>,
}

/// Holds what the days of a log's events say.
#[derive(Debug, Default)]
pub(crate) struct LogDays {
    /// The newest day; `None` without an event, or where it was not asked for.
    pub(crate) newest: Option<Newest>,
    /// Events that are far from their course, by course (index) and side.
    pub(crate) far: BTreeMap<(u32, Side), FarEvents>,
}

impl CourseDays {
    /// Makes the counts again that [`CourseDays::state`] gave.
    pub(crate) fn restored(state: DaysState) -> Self {
        let days = state.days.into_iter().map(|(course, day, events)| ((course, day), events)).collect();
        let far = state.far.into_iter().map(|(course, is_after, first, last, events)| {
            let side = if is_after { Side::After } else { Side::Before };
            ((course, side), FarEvents { span: TimeSpan { first, last }, events })
        });
        let mut counts = Self::default();
        counts.days[0] = Mutex::new(days);
        counts.far = Mutex::new(far.collect());
        counts
    }

    /// Returns the counts, in order.
    pub(crate) fn state(&self) -> DaysState {
        let mut days: Vec<(u32, i32, u64)> =
            self.all_days().into_iter().map(|((course, day), events)| (course, day, events)).collect();
        days.sort_unstable();
        let far = self.far.lock().unwrap_or_else(PoisonError::into_inner);
        let far = far.iter().map(|(&(course, side), FarEvents { span, events })| {
            (course, side == Side::After, span.first, span.last, *events)
        });
        DaysState { days, far: far.collect() }
    }

    /// Adds up what the threads counted.
    fn all_days(&self) -> DayCounts {
        let mut all = DayCounts::default();
        for days in &self.days {
            for (&place, events) in &*days.lock().unwrap_or_else(PoisonError::into_inner) {
                *all.entry(place).or_default() += events;
            }
        }
        all
    }

    /// Takes note of the events of a block that are far from their course.
    pub(crate) fn add_far(&self, parsed: &ParsedBlock) {
        if parsed.far.is_empty() {
            return;
        }
        let mut far = self.far.lock().unwrap_or_else(PoisonError::into_inner);
        for (&(course, side), &more) in &parsed.far {
            far.entry((course.0, side)).and_modify(|far| *far = far.join(more)).or_insert(more);
        }
    }

    /// Counts the events of a block, of which `runs` are those of one enrolment each, and those after the calendar.
    pub(crate) fn add(&self, roster: &Roster, parsed: &ParsedBlock, runs: &[Run]) {
        let thread = rayon::current_thread_index().unwrap_or_default();
        let mut days = self.days[thread % self.days.len()].lock().unwrap_or_else(PoisonError::into_inner);
        let course = |enrolment: u32| {
            let course = roster.enrolments.course(enrolment as usize);
            (course.0, roster.courses[course.as_usize()].start_day)
        };
        for run in runs {
            let events = &parsed.events[run.start..run.end];
            count_days(&mut days, course(run.enrolment), events.iter().map(|event| event.seconds()));
        }
        for &(EnrolmentIndex(enrolment), seconds) in &parsed.after_calendar {
            count_days(&mut days, course(enrolment), std::iter::once(seconds));
        }
        for &(course, seconds) in &parsed.after_calendar_unenrolled {
            let start_day = roster.courses[course.as_usize()].start_day;
            count_days(&mut days, (course.0, start_day), std::iter::once(seconds));
        }
    }

    /// Returns what the days say.
    pub(crate) fn finish(self) -> LogDays {
        let newest = newest(self.all_days());
        LogDays { newest, far: self.far.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// Counts events of one enrolment, by seconds from the start of its course, into `days`.
fn count_days(days: &mut DayCounts, (course, start_day): (u32, i32), seconds: impl Iterator<Item = i32>) {
    // Events of a learner follow each other on the same day, mostly.
    let mut same: Option<(i32, u64)> = None;
    let mut begins = 0_i64;
    for seconds in seconds {
        let since = i64::from(seconds) - begins;
        match &mut same {
            Some((_, events)) if (0..DAY_SECONDS).contains(&since) => *events += 1,
            _ => {
                let day = seconds.div_euclid(DAY_SECONDS as i32);
                begins = i64::from(day) * DAY_SECONDS;
                if let Some((known, events)) = same.replace((day, 1)) {
                    *days.entry((course, start_day + known)).or_default() += events;
                }
            }
        }
    }
    if let Some((known, events)) = same {
        *days.entry((course, start_day + known)).or_default() += events;
    }
}

fn newest(days: DayCounts) -> Option<Newest> {
    let mut by_course: BTreeMap<u32, EventDays> = BTreeMap::new();
    for ((course, day), events) in days {
        by_course.entry(course).or_default().add_events(day.into(), events);
    }
    let running: Vec<(u32, RunningDays)> =
        by_course.into_iter().filter_map(|(course, days)| Some((course, days.running(None)?))).collect();
    let day = running.iter().map(|(_, running)| running.last).max()?;
    let stray = running
        .into_iter()
        .flat_map(|(course, running)| running.stray.into_iter().map(move |run| (course, run)))
        .filter(|(_, run)| run.last > day)
        .collect();
    Some(Newest { day, stray })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(days: &[(u32, i32, u64)]) -> Option<Newest> {
        CourseDays::restored(DaysState { days: days.to_vec(), far: Vec::new() }).finish().newest
    }

    #[test]
    fn a_checkpoint_holds_all_that_was_counted() {
        let far = vec![(0, false, -5, 7, 2), (0, true, 100, 100, 1), (3, true, 9, 10, 4)];
        let state = DaysState { days: vec![(0, -1, 3), (0, 5, 1), (2, 5, 9)], far };
        let again =
            CourseDays::restored(serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap()).state();
        assert_eq!((again.days, again.far), (state.days, state.far));
    }

    #[test]
    fn a_stray_event_of_one_course_is_not_the_newest() {
        let regular = [(0, 100, 50), (0, 120, 40), (1, 110, 200), (1, 160, 10)];
        assert_eq!(newest(&regular), Some(Newest { day: 160, stray: Vec::new() }));
        let with = |more: &[(u32, i32, u64)]| newest(&[&regular[..], more].concat());
        let stray = DayRun { first: 900, last: 900, events: 2 };
        assert_eq!(with(&[(0, 900, 2)]), Some(Newest { day: 160, stray: vec![(0, stray)] }));
        // A small course that runs long after the others is none of their stray events.
        assert_eq!(with(&[(2, 900, 2)]), Some(Newest { day: 900, stray: Vec::new() }));
        // A stray day before another course's newest tells nobody when the log was taken.
        assert_eq!(with(&[(0, 900, 2), (2, 901, 3)]), Some(Newest { day: 901, stray: Vec::new() }));
        assert_eq!(newest(&[]), None);
    }
}
