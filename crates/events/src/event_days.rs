//! Tells the days on which a course runs from stray days, far from all others: one device with a wrong clock must not
//! decide when a course begins or ends, nor when a log was taken.
//!
//! The days with events are cut into runs wherever more than [`GAP_DAYS`] days lie between two of them. The run with the
//! most events is the core. A run before all others, or after all others, is stray when it is small beside the core:
//!
//! - it holds at most a thousandth of the core's events, or
//! - it holds at most a tenth of them, and these are at most [`FEW_EVENTS`], or
//! - it holds at most a quarter of them, all of one learner, where the core is of several.
//!
//! The course runs from the first run that is not small to the last. Each run is measured against the core alone, so
//! the answer depends neither on the order of the events nor on other stray runs, and without the stray events it is the
//! same. With less than [`LEAST_CORE`] events in the core nothing is small: nobody can tell then which of the days is wrong.
//!
//! Nearer to the others, less can be told. The last days of what is left, or the first, are stray where all of this holds:
//!
//! - more than [`LEAST_GAP_DAYS`] days lie between them and the others, and at least [`OWN_GAPS`] times as many as between
//!   any two of the others that are of one run;
//! - they hold at most [`FEW_EVENTS`];
//! - these are at most a thousandth of the others, or at most a two-hundredth, all of one learner.
//!
//! For the gaps among the others, the outermost [`FEW_EVENTS`] on either side are no measure. So the slow end of a course
//! stays, where somebody comes back every few days. All this is done again until nothing more is stray.

use rustc_hash::FxHashMap;

use crate::time::{DAY_SECONDS, days_from_civil};

/// Bounds the days between two days with events that are of one run. No holidays between two halves of a course are that
/// long, or else both halves have more than a few events. With a shorter gap the first events of a course that has only begun
/// would be stray more often, and its start would move as it goes on.
const GAP_DAYS: i64 = 70;

/// Bounds the days between the days of a course and such as are stray for being few and apart.
pub(crate) const LEAST_GAP_DAYS: i64 = 14;

/// Says how many times a course's own longest gap lies before such days.
const OWN_GAPS: i64 = 3;

/// Bounds from below the events of a core beside which anything is small.
const LEAST_CORE: u64 = 10;

/// Bounds the events that are few in any course.
const FEW_EVENTS: u64 = 5;

/// Lists the days, from and to, that stand for a date that is not set, where they are written at all. They are zero on the
/// clock of Windows and .NET, in spreadsheets, in databases, and on that of Unix.
const NOT_SET: [[i32; 2]; 3] = [
    [days_from_civil(1, 1, 1), days_from_civil(2, 1, 1)],
    [days_from_civil(1899, 12, 30), days_from_civil(1901, 1, 1)],
    [days_from_civil(1970, 1, 1), days_from_civil(1971, 1, 1)],
];

/// Marks the first instant from which on every one stands for itself.
pub(crate) const ALL_SET: i64 = NOT_SET[2][1] as i64 * DAY_SECONDS;

/// Tells whether an instant stands for itself, and not for a time that is not set.
pub(crate) fn is_set(instant: i64) -> bool {
    let day = instant.div_euclid(DAY_SECONDS);
    instant >= ALL_SET || !NOT_SET.iter().any(|[from, to]| (i64::from(*from)..i64::from(*to)).contains(&day))
}

/// Counts the events of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DayEvents {
    events: u64,
    of: Learners,
}

/// Says whose events they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Learners {
    One(u32),
    Several,
}

impl DayEvents {
    fn join(self, other: Self) -> Self {
        let of = if self.of == other.of { self.of } else { Learners::Several };
        Self { events: self.events + other.events, of }
    }
}

/// Counts the events of a course on each day that has any. Holds 24 bytes for each such day.
#[derive(Clone, Debug, Default)]
pub struct EventDays {
    days: FxHashMap<i64, DayEvents>,
    /// The day of the event before, which mostly is that of the next one too.
    before: Option<(i64, DayEvents)>,
}

/// Describes a run of days with events: first and last day, in days since 1970-01-01, and the number of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRun {
    /// First day.
    pub first: i64,
    /// Last day.
    pub last: i64,
    /// Events.
    pub events: u64,
}

/// Holds the days of a course without the stray ones, and the stray ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningDays {
    /// First day that is not stray.
    pub first: i64,
    /// Last day that is not stray.
    pub last: i64,
    /// The stray runs, in the order of time.
    pub stray: Vec<DayRun>,
}

impl EventDays {
    /// Adds an event of learner number `learner`.
    pub(crate) fn add(&mut self, instant: i64, learner: u32) {
        self.add_day(instant.div_euclid(DAY_SECONDS), DayEvents { events: 1, of: Learners::One(learner) });
    }

    /// Adds a number of events on a day, of nobody knows how many learners.
    pub fn add_events(&mut self, day: i64, events: u64) {
        self.add_day(day, DayEvents { events, of: Learners::Several });
    }

    fn add_day(&mut self, day: i64, more: DayEvents) {
        if let Some((before, events)) = &mut self.before
            && *before == day
        {
            *events = events.join(more);
            return;
        }
        if let Some((before, events)) = self.before.replace((day, more)) {
            add_to(&mut self.days, before, events);
        }
    }

    /// Adds the days of `other`, which numbers a learner `n` who is `learner(n)` here.
    pub(crate) fn join(&mut self, other: &Self, learner: impl Fn(u32) -> u32) {
        for (&day, events) in other.days.iter().chain(other.before.as_ref().map(|(day, events)| (day, events))) {
            let of = match events.of {
                Learners::One(number) => Learners::One(learner(number)),
                Learners::Several => Learners::Several,
            };
            self.add_day(day, DayEvents { of, ..*events });
        }
    }

    /// Returns when the course runs, judged by the days from `from` on; `None` where there are none.
    #[must_use]
    pub fn running(&self, from: Option<i64>) -> Option<RunningDays> {
        let mut all = self.days.clone();
        if let Some((day, events)) = self.before {
            add_to(&mut all, day, events);
        }
        let mut days: Vec<(i64, DayEvents)> =
            all.into_iter().filter(|&(day, _)| from.is_none_or(|from| day >= from)).collect();
        days.sort_unstable_by_key(|&(day, _)| day);
        let mut left = days.as_slice();
        let mut stray = Vec::new();
        loop {
            let count = left.len();
            left = without_small_runs(left, &mut stray);
            left = without_few_apart(left, &mut stray);
            if left.len() == count {
                break;
            }
        }
        stray.sort_unstable_by_key(|run| run.first);
        Some(RunningDays { first: left.first()?.0, last: left.last()?.0, stray })
    }
}

/// Holds days with events, in order.
type Days<'d> = &'d [(i64, DayEvents)];

/// Returns the days without outer runs that are small beside the core, which go to `stray`.
fn without_small_runs<'d>(days: Days<'d>, stray: &mut Vec<DayRun>) -> Days<'d> {
    let parts: Vec<Days<'d>> = days.chunk_by(|(one, _), (next, _)| next.saturating_sub(*one) <= GAP_DAYS).collect();
    let runs: Vec<(DayRun, Learners)> = parts.iter().copied().filter_map(run).collect();
    let Some((core, core_of)) = runs.iter().copied().max_by_key(|(run, _)| (run.events, run.first)) else {
        return days;
    };
    let is_small = |&(run, of): &(DayRun, Learners)| {
        let is_share = |of_core: u64| run.events.saturating_mul(of_core) <= core.events;
        let of_one = of != Learners::Several && core_of == Learners::Several;
        core.events >= LEAST_CORE
            && (is_share(1_000) || (is_share(10) && run.events <= FEW_EVENTS) || (is_share(4) && of_one))
    };
    let first = runs.iter().take_while(|run| is_small(run)).count();
    let last = runs.len() - runs.iter().rev().take_while(|run| is_small(run)).count();
    stray.extend(runs[..first].iter().chain(&runs[last..]).map(|&(run, _)| run));
    let count = |parts: &[Days<'_>]| parts.iter().map(|part| part.len()).sum::<usize>();
    &days[count(&parts[..first])..days.len() - count(&parts[last..])]
}

/// Returns the days without the few that stand apart at either end, which go to `stray`.
fn without_few_apart<'d>(days: Days<'d>, stray: &mut Vec<DayRun>) -> Days<'d> {
    // How many days at one end hold few events.
    let few = |days: &mut dyn Iterator<Item = &(i64, DayEvents)>| {
        let mut events = 0;
        let so_far = days.map_while(|(_, of_day)| {
            events += of_day.events;
            (events <= FEW_EVENTS).then_some(())
        });
        so_far.count()
    };
    let (front, back) = (few(&mut days.iter()), days.len() - few(&mut days.iter().rev()));
    if front >= back {
        return days;
    }
    let gap = |place: usize| days[place].0.saturating_sub(days[place - 1].0);
    let own = (front + 1..back).map(gap).filter(|&gap| gap <= GAP_DAYS).max().unwrap_or(1);
    let is_long = |place: &usize| gap(*place) > LEAST_GAP_DAYS && gap(*place) >= OWN_GAPS.saturating_mul(own);
    let all: u64 = days.iter().map(|(_, of_day)| of_day.events).sum();
    let are_few = |apart: Days<'_>| {
        run(apart).filter(|(run, of)| {
            let is_share = |of_others: u64| run.events * of_others <= all - run.events;
            is_share(1_000) || (is_share(200) && *of != Learners::Several)
        })
    };
    // As many days as can be.
    let cut = |(from, to): (usize, usize)| are_few(&days[from..to]).map(|(run, _)| (run, from, to));
    let at_front = (1..=front).rev().filter(is_long).find_map(|place| cut((0, place)));
    let at_back = (back..days.len()).filter(is_long).find_map(|place| cut((place, days.len())));
    stray.extend(at_front.iter().chain(&at_back).map(|&(run, ..)| run));
    &days[at_front.map_or(0, |(_, _, to)| to)..at_back.map_or(days.len(), |(_, from, _)| from)]
}

fn add_to(days: &mut FxHashMap<i64, DayEvents>, day: i64, more: DayEvents) {
    days.entry(day).and_modify(|known| *known = known.join(more)).or_insert(more);
}

/// Returns the run of these days, and whose events it holds.
fn run(days: &[(i64, DayEvents)]) -> Option<(DayRun, Learners)> {
    let all = days.iter().map(|&(_, events)| events).reduce(DayEvents::join)?;
    let (first, last) = (days.first()?.0, days.last()?.0);
    Some((DayRun { first, last, events: all.events }, all.of))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Holds a day, the events on it and the learner of all of these.
    type Counted = (i64, u64, u32);

    fn days(all: &[Counted]) -> EventDays {
        let mut days = EventDays::default();
        for &(day, events, learner) in all {
            (0..events).for_each(|second| days.add(day * DAY_SECONDS + second as i64, learner));
        }
        days
    }

    /// Makes a course of eight weeks, with ten events of two learners every third day.
    fn course() -> Vec<Counted> {
        (0..56).step_by(3).flat_map(|day| [(day, 5, 1), (day, 5, 2)]).collect()
    }

    fn check(stray: &[Counted], expected: &[(i64, i64, u64)]) {
        let mut all = course();
        all.extend_from_slice(stray);
        let found = days(&all).running(None).unwrap();
        assert_eq!((found.first, found.last), (0, 54), "{stray:?}");
        let runs: Vec<(i64, i64, u64)> = found.stray.iter().map(|run| (run.first, run.last, run.events)).collect();
        assert_eq!(runs, expected, "{stray:?}");
    }

    #[test]
    fn stray_days_are_set_aside_on_either_side() {
        check(&[], &[]);
        check(&[(730, 1, 1)], &[(730, 730, 1)]);
        check(&[(-730, 1, 1)], &[(-730, -730, 1)]);
        check(&[(-730, 1, 1), (730, 2, 2), (1_200, 1, 1)], &[(-730, -730, 1), (730, 730, 2), (1_200, 1_200, 1)]);
        // A device with a wrong clock that was used for a while.
        check(&[(800, 9, 2), (810, 9, 2)], &[(800, 810, 18)]);
        // The least and the greatest day that a number of seconds can name.
        let [least, greatest] = [i64::MIN, i64::MAX].map(|instant| instant.div_euclid(DAY_SECONDS));
        let mut extreme = days(&course());
        [i64::MIN, i64::MAX].into_iter().for_each(|instant| extreme.add(instant, 9));
        let found = extreme.running(None).unwrap();
        assert_eq!(found.stray.iter().map(|run| run.first).collect::<Vec<_>>(), [least, greatest]);
    }

    fn check_span(all: &[Counted], expected: (i64, i64)) {
        let found = days(all).running(None).unwrap();
        assert_eq!((found.first, found.last), expected, "{all:?}");
    }

    #[test]
    fn what_is_near_or_more_than_a_little_stays() {
        let with = |more: &[Counted]| [course(), more.to_vec()].concat();
        check_span(&with(&[(54 + 70, 1, 1)]), (0, 124));
        check_span(&with(&[(54 + 71, 1, 1)]), (0, 54));
        // Six events of two learners are more than a few, and 47 of one learner are less than a quarter of 190.
        check_span(&with(&[(200, 3, 1), (201, 3, 2)]), (0, 201));
        check_span(&with(&[(200, 47, 1)]), (0, 54));
        check_span(&with(&[(200, 48, 1)]), (0, 200));
        // The second half of a course after a long break, and a stray day between the two halves.
        let halves: Vec<Counted> = course().into_iter().map(|(day, events, who)| (day + 300, events, who)).collect();
        check_span(&[with(&[(150, 1, 1)]), halves].concat(), (0, 354));
    }

    #[test]
    fn few_events_apart_are_stray_beside_many() {
        let with = |more: &[Counted]| {
            let thousand: Vec<Counted> = (0..50).flat_map(|day| [(day, 10, 1), (day, 10, 2)]).collect();
            [thousand, more.to_vec()].concat()
        };
        check_span(&with(&[(49 + 14, 1, 1)]), (0, 63));
        check_span(&with(&[(49 + 15, 1, 1)]), (0, 49));
        check_span(&with(&[(-15, 5, 1)]), (0, 49));
        check_span(&with(&[(-15, 6, 1)]), (-15, 49));
        check_span(&with(&[(-15, 1, 1), (49 + 15, 1, 2)]), (0, 49));
        // Two learners hold a five-hundredth.
        check_span(&with(&[(70, 1, 1), (71, 1, 2)]), (0, 71));
        // Gaps of the course's own, between days that count.
        check_span(&with(&[(60, 6, 1), (60 + 32, 1, 1)]), (0, 92));
        check_span(&with(&[(60, 6, 1), (60 + 33, 1, 1)]), (0, 60));
        // A thousandth, whoever it is of.
        let mut many = days(&with(&[(80, 2, 1), (81, 2, 2)]));
        many.add_events(30, 2_999);
        assert_eq!(many.running(None).unwrap().last, 81);
        many.add_events(30, 1);
        assert_eq!(many.running(None).unwrap().last, 49);
    }

    #[test]
    fn in_a_small_course_one_of_eleven_events_is_stray_and_one_of_ten_is_not() {
        check_span(&[(0, 5, 1), (7, 5, 2), (700, 1, 1)], (0, 7));
        check_span(&[(0, 5, 1), (7, 4, 2), (700, 1, 1)], (0, 700));
        check_span(&[(5, 1, 1)], (5, 5));
        assert_eq!(EventDays::default().running(None), None);
    }

    #[test]
    fn three_strays_of_one_of_four_learners_decide_nothing() {
        let small: Vec<Counted> = (1..=4).flat_map(|who| (0..7).map(move |week| (week * 7, 1, who))).collect();
        check_span(&[small.clone(), vec![(800, 1, 1), (801, 1, 1), (802, 1, 1)]].concat(), (0, 42));
        // One learner who comes back alone after the others.
        check_span(&[small, vec![(42 + 71, 4, 2)]].concat(), (0, 42));
    }

    #[test]
    fn of_many_events_a_thousandth_is_stray_whoever_they_are_of() {
        let mut many = days(&course());
        many.add_events(30, 100_000);
        many.add_events(-300, 100);
        assert_eq!(many.running(None).unwrap().first, 0);
        many.add_events(-300, 1);
        assert_eq!(many.running(None).unwrap().first, -300);
    }

    #[test]
    fn days_before_a_given_start_do_not_count() {
        let found = days(&[course(), vec![(-400, 3_000, 1)]].concat()).running(Some(-7)).unwrap();
        assert_eq!((found.first, found.last, found.stray), (0, 54, Vec::new()));
        assert_eq!(days(&course()).running(Some(60)), None);
    }

    #[test]
    fn times_that_are_not_set_are_known() {
        let day = |year, month, day| i64::from(days_from_civil(year, month, day)) * DAY_SECONDS;
        assert!(
            ![0, 86_399, day(1, 1, 1), day(1899, 12, 30), day(1900, 1, 1), day(1970, 12, 31)].into_iter().any(is_set)
        );
        assert!(
            [day(1500, 1, 1), day(1901, 1, 1), day(1969, 12, 31), day(1971, 1, 1), day(2038, 1, 19)]
                .into_iter()
                .all(is_set)
        );
    }

    proptest! {
        /// Checks blocks that number learners each in their own way, too.
        #[test]
        fn the_order_and_the_cutting_of_events_change_nothing(
            mut all in prop::collection::vec((-300_i64..900, 1_u64..9, 0_u32..4), 1..40),
            cut in 0_usize..40,
            turn in 0_usize..40,
        ) {
            let expected = days(&all).running(None);
            let turn = turn % all.len();
            all.rotate_left(turn);
            let (one, other) = all.split_at(cut.min(all.len()));
            let renamed: Vec<Counted> = other.iter().map(|&(day, events, who)| (day, events, 3 - who)).collect();
            let mut joined = days(one);
            joined.join(&days(&renamed), |who| 3 - who);
            prop_assert_eq!(joined.running(None), expected);
        }

        #[test]
        fn without_its_stray_days_a_course_runs_as_with_them(
            all in prop::collection::vec((-300_i64..900, 1_u64..30, 0_u32..4), 1..40),
        ) {
            let found = days(&all).running(None).unwrap();
            let is_stray = |day: i64| found.stray.iter().any(|run| (run.first..=run.last).contains(&day));
            let rest: Vec<Counted> = all.iter().copied().filter(|&(day, ..)| !is_stray(day)).collect();
            let again = days(&rest).running(None).unwrap();
            prop_assert_eq!(again, RunningDays { stray: Vec::new(), ..found.clone() });
            let stray: u64 = found.stray.iter().map(|run| run.events).sum();
            let kept: u64 = rest.iter().map(|&(_, events, _)| events).sum();
            prop_assert_eq!(stray + kept, all.iter().map(|&(_, events, _)| events).sum::<u64>());
        }

        #[test]
        fn days_without_a_long_gap_are_all_kept(all in prop::collection::vec((0_i64..71, 1_u64..30, 0_u32..4), 1..40)) {
            let found = days(&all).running(None).unwrap();
            let [first, last] = [all.iter().map(|day| day.0).min(), all.iter().map(|day| day.0).max()];
            prop_assert_eq!((Some(found.first), Some(found.last), found.stray.len()), (first, last, 0));
        }
    }
}
