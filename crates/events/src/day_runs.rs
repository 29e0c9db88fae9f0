//! The days on which a learner has events in a course, as far as it takes to tell whether any is in the course's time.

use std::ops::Range;

use crate::event_days::LEAST_GAP_DAYS;
use crate::time::DAY_SECONDS;

/// Holds the days with events of one learner in one course, as runs with no more than [`LEAST_GAP_DAYS`] days between two. As a rule
/// there is one run.
///
/// The time in which a course's events are used is always longer than such a gap (`CourseDays` of `row_limits.rs`). So a
/// run that has days on both of its sides has one inside, too, and runs tell as much as the days themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum DayRuns {
    #[default]
    Nothing,
    One(Run),
    /// In the order of time.
    Several(Vec<Run>),
}

/// Holds the first and last day of a run (since 1970-01-01), and when the learner first did something in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    first: i64,
    last: i64,
    /// `i64::MAX` where it holds nothing that the learner did.
    first_act: i64,
}

impl Run {
    fn is_one_with(&self, other: &Self) -> bool {
        self.first.saturating_sub(other.last) <= LEAST_GAP_DAYS
            && other.first.saturating_sub(self.last) <= LEAST_GAP_DAYS
    }

    fn join(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            first_act: self.first_act.min(other.first_act),
        }
    }
}

/// Says whether the learner did something, or it is recorded about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Act,
    Fact,
}

impl DayRuns {
    /// Adds an event at `instant`, in seconds since 1970-01-01T00:00:00.
    pub(crate) fn add(&mut self, instant: i64, happening: Happening) {
        let day = instant.div_euclid(DAY_SECONDS);
        let first_act = if happening == Happening::Act { instant } else { i64::MAX };
        self.add_run(Run { first: day, last: day, first_act });
    }

    /// Adds the days of another.
    pub(crate) fn join(&mut self, other: &Self) {
        other.runs().iter().for_each(|&run| self.add_run(run));
    }

    /// Tells whether any event is on one of these days.
    pub(crate) fn any_on(&self, days: &Range<i64>) -> bool {
        self.on(days).next().is_some()
    }

    /// Returns when the learner first did something, on one of these days or in the same run; `None` where they did
    /// nothing.
    pub(crate) fn first_act(&self, days: &Range<i64>) -> Option<i64> {
        self.on(days).map(|run| run.first_act).min().filter(|&first| first != i64::MAX)
    }

    fn on(&self, days: &Range<i64>) -> impl Iterator<Item = &Run> {
        let days = days.clone();
        self.runs().iter().filter(move |run| run.first < days.end && run.last >= days.start)
    }

    /// Tells whether there is no event.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Returns the first and the last day, and when the learner first did something, where the days are one run.
    pub(crate) fn only_run(&self) -> Option<(i64, i64, Option<i64>)> {
        match self {
            Self::One(run) => Some((run.first, run.last, Some(run.first_act).filter(|&act| act != i64::MAX))),
            Self::Nothing | Self::Several(_) => None,
        }
    }

    /// Makes the days of one run.
    pub(crate) fn of_one_run(first: i64, last: i64, first_act: Option<i64>) -> Self {
        Self::One(Run { first, last, first_act: first_act.unwrap_or(i64::MAX) })
    }

    fn runs(&self) -> &[Run] {
        match self {
            Self::Nothing => &[],
            Self::One(run) => std::slice::from_ref(run),
            Self::Several(runs) => runs,
        }
    }

    fn add_run(&mut self, new: Run) {
        match self {
            Self::Nothing => *self = Self::One(new),
            Self::One(run) if run.is_one_with(&new) => *run = run.join(new),
            Self::One(run) => {
                let mut both = vec![*run, new];
                both.sort_unstable_by_key(|run| run.first);
                *self = Self::Several(both);
            }
            Self::Several(runs) => {
                let joined = runs.iter().filter(|run| run.is_one_with(&new)).fold(new, |all, run| all.join(*run));
                runs.retain(|run| !run.is_one_with(&new));
                let place = runs.partition_point(|run| run.first < joined.first);
                runs.insert(place, joined);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_tell_as_much_as_days(
            days in prop::collection::vec((-500_i64..500, any::<bool>()), 0..30),
            start in -600_i64..600,
            length in LEAST_GAP_DAYS + 1..400,
            cut in 0_usize..30,
        ) {
            let window = start..start + length;
            let of = |days: &[(i64, bool)]| {
                let mut runs = DayRuns::default();
                for &(day, is_act) in days {
                    runs.add(day * DAY_SECONDS + 7, if is_act { Happening::Act } else { Happening::Fact });
                }
                runs
            };
            let runs = of(&days);
            prop_assert_eq!(runs.any_on(&window), days.iter().any(|(day, _)| window.contains(day)));
            // In any order, and in parts.
            let mut reversed = days.clone();
            reversed.reverse();
            let in_order = |runs: &DayRuns| runs.runs().to_vec();
            prop_assert_eq!(in_order(&of(&reversed)), in_order(&runs));
            let (first, second) = days.split_at(cut.min(days.len()));
            let mut joined = of(first);
            joined.join(&of(second));
            prop_assert_eq!(in_order(&joined), in_order(&runs));
            prop_assert!(runs.runs().windows(2).all(|pair| pair[1].first - pair[0].last > LEAST_GAP_DAYS));
        }
    }

    #[test]
    fn the_first_act_is_that_of_the_runs_in_the_courses_time() {
        let mut runs = DayRuns::default();
        for (day, happening) in
            [(-900, Happening::Act), (3, Happening::Fact), (5, Happening::Act), (400, Happening::Act)]
        {
            runs.add(day * DAY_SECONDS, happening);
        }
        assert_eq!(runs.first_act(&(-366..90)), Some(5 * DAY_SECONDS));
        assert_eq!(runs.first_act(&(100..200)), None);
        assert_eq!(DayRuns::default().first_act(&(-366..90)), None);
    }
}
