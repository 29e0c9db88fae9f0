//! Finds the day of a log's newest event, from which follows when the log was taken. Stray events, far from all others of
//! their course, do not count: else one device with a wrong clock would end the weeks of every course that still runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;
use staycast_events::time::DAY_SECONDS;
use staycast_events::{DayRun, EnrolmentIndex, EventDays, ParsedBlock, Roster, RunningDays};

use crate::store::Run;

/// Events by course (index) and day (since 1970-01-01). About 24 bytes for each day on which a course has events.
#[derive(Debug, Default)]
pub(crate) struct CourseDays(Mutex<FxHashMap<(u32, i32), u64>>);

/// The newest day of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// The day, in days since 1970-01-01.
    pub(crate) day: i64,
    /// Stray runs of days after it, by course (index).
    pub(crate) stray: Vec<(u32, DayRun)>,
}

impl CourseDays {
    /// Makes the counts again that [`CourseDays::state`] gave.
    pub(crate) fn restored(state: Vec<(u32, i32, u64)>) -> Self {
        Self(Mutex::new(state.into_iter().map(|(course, day, events)| ((course, day), events)).collect()))
    }

    /// Returns the counts, in order.
    pub(crate) fn state(&self) -> Vec<(u32, i32, u64)> {
        let days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state: Vec<(u32, i32, u64)> =
            days.iter().map(|(&(course, day), &events)| (course, day, events)).collect();
        state.sort_unstable();
        state
    }

    /// Counts the events of a block, of which `runs` are those of one enrolment each, and those after the calendar.
    pub(crate) fn add(&self, roster: &Roster, parsed: &ParsedBlock, runs: &[Run]) {
        let mut days: FxHashMap<(u32, i32), u64> = FxHashMap::default();
        let mut count = |enrolment: u32, seconds: &mut dyn Iterator<Item = i32>| {
            let course = roster.enrolments[enrolment as usize].course;
            let start_day = roster.courses[course.as_usize()].start_day;
            // Events of a learner follow each other on the same day, mostly.
            let mut same: Option<(i32, u64)> = None;
            for seconds in seconds {
                let day = seconds.div_euclid(DAY_SECONDS as i32);
                match &mut same {
                    Some((known, events)) if *known == day => *events += 1,
                    _ => {
                        if let Some((known, events)) = same.replace((day, 1)) {
                            *days.entry((course.0, start_day + known)).or_default() += events;
                        }
                    }
                }
            }
            if let Some((known, events)) = same {
                *days.entry((course.0, start_day + known)).or_default() += events;
            }
        };
        for run in runs {
            count(run.enrolment, &mut parsed.events[run.start..run.end].iter().map(|event| event.seconds()));
        }
        for &(EnrolmentIndex(enrolment), seconds) in &parsed.after_calendar {
            count(enrolment, &mut std::iter::once(seconds));
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, events) in days {
            *all.entry(place).or_default() += events;
        }
    }

    /// Returns the newest day, and the stray ones after it; `None` without an event.
    pub(crate) fn newest(self) -> Option<Newest> {
        let days = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(days: &[(u32, i32, u64)]) -> Option<Newest> {
        CourseDays::restored(days.to_vec()).newest()
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
