//! The histories of enrolments, as far as statements tell.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::statement::{EnrolmentChange, Part};
use crate::day_runs::{DayRuns, Happening};
use crate::enrolment::{Outcome, OutcomeKind};
use crate::event_days::is_set;
use crate::packed::{Packed, pack, unpack};

/// Holds the history of one enrolment, as far as statements tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EnrolmentHistory {
    enrolled: Option<i64>,
    pub(super) withdrew: Option<i64>,
    /// Days on which the learner did something in the course, or it is recorded about them.
    days: DayRuns,
    completed: bool,
    /// Whether a statement says that somebody is enrolled, was or completed the course.
    is_recorded: bool,
    /// Whether a statement is about somebody as a learner: those who only did something about others are none.
    pub(super) is_named: bool,
    /// Whether a statement after the instant of the log is about somebody as a learner.
    pub(super) is_named_later: bool,
    /// Whether a statement up to the instant of the log names somebody at all.
    pub(super) is_there: bool,
    /// Instant of the last report on whether the learner is enrolled, and whether they are; of two at one instant, that
    /// they are.
    last_report: Option<(i64, bool)>,
}

impl EnrolmentHistory {
    /// Adds what another says of the same enrolment.
    pub(super) fn join(&mut self, other: &Self) {
        let earlier = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        self.enrolled = earlier(self.enrolled, other.enrolled);
        self.withdrew = earlier(self.withdrew, other.withdrew);
        self.days.join(&other.days);
        self.completed |= other.completed;
        self.is_recorded |= other.is_recorded;
        self.is_named |= other.is_named;
        self.is_named_later |= other.is_named_later;
        self.is_there |= other.is_there;
        self.last_report = self.last_report.max(other.last_report);
    }

    /// Adds a change of the enrolment.
    pub(super) fn add_change(&mut self, instant: i64, change: EnrolmentChange) {
        let report = |enrolled| Some((instant, enrolled));
        let added = match change {
            EnrolmentChange::Enrolled => Self { enrolled: Some(instant), last_report: report(true), ..Self::default() },
            EnrolmentChange::Withdrew => {
                Self { withdrew: Some(instant), last_report: report(false), ..Self::default() }
            }
            EnrolmentChange::Completed => Self { completed: true, ..Self::default() },
        };
        self.join(&Self { is_recorded: true, is_named: true, ..added });
    }

    /// Adds an interaction, in which the learner had this part.
    pub(super) fn add_interaction(&mut self, instant: i64, part: Part) {
        self.is_there = true;
        let happening = match part {
            Part::Did => Happening::Act,
            Part::Concerned => Happening::Fact,
            Part::Caused => return,
        };
        self.is_named = true;
        // A time that is not set says nothing of when it was.
        if is_set(instant) {
            self.days.add(instant, happening);
        }
    }

    /// Tells whether somebody is enrolled in a course that uses the events of `days`: where a statement says so, or one of their
    /// events is used.
    pub(super) fn is_enrolled(&self, days: &Range<i64>) -> bool {
        self.is_recorded || self.days.any_on(days)
    }

    /// Returns the instant of enrolment: none where somebody withdrew, or was at work in the course, before the first
    /// there is.
    pub(super) fn known_enrolment(&self, days: &Range<i64>) -> Option<i64> {
        let not_after = |enrolled: i64, other: Option<i64>| other.is_none_or(|other| enrolled <= other);
        self.enrolled
            .filter(|&enrolled| not_after(enrolled, self.withdrew) && not_after(enrolled, self.days.first_act(days)))
    }

    /// Returns how the enrolment ended, where statements say so.
    pub(super) fn outcome(&self) -> Option<Arc<Outcome>> {
        let outcome = |text: &str, kind| Some(Arc::new(Outcome { recorded: text.to_owned(), kind }));
        match self.last_report {
            _ if self.completed => outcome("completed", OutcomeKind::Completed),
            Some((_, false)) => outcome("unenrolled", OutcomeKind::Withdrew),
            _ => None,
        }
    }
}

/// Holds the histories of many enrolments, packed.
#[derive(Debug, Default)]
pub(super) struct Histories {
    packed: Vec<PackedHistory>,
    /// Days that are not one run, by the place of the enrolment.
    days: FxHashMap<usize, DayRuns>,
}

/// Holds a history without gaps. What is not there is told by the flags.
#[derive(Clone, Copy, Debug, Default)]
struct PackedHistory {
    enrolled: Packed,
    withdrew: Packed,
    last_report: Packed,
    first_act: Packed,
    /// Days, in 24 bits.
    first: [u8; 3],
    last: [u8; 3],
    flags: [u8; 2],
}

// There may be millions of them.
const _: () = assert!(size_of::<PackedHistory>() == 28);

/// Lists the flags.
mod flag {
    pub(super) const ENROLLED: u16 = 1;
    pub(super) const WITHDREW: u16 = 1 << 1;
    pub(super) const REPORTED: u16 = 1 << 2;
    pub(super) const REPORTED_ENROLLED: u16 = 1 << 3;
    pub(super) const ACTED: u16 = 1 << 4;
    pub(super) const ONE_RUN: u16 = 1 << 5;
    pub(super) const OTHER_DAYS: u16 = 1 << 6;
    pub(super) const COMPLETED: u16 = 1 << 7;
    pub(super) const RECORDED: u16 = 1 << 8;
    pub(super) const NAMED: u16 = 1 << 9;
    pub(super) const NAMED_LATER: u16 = 1 << 10;
    pub(super) const THERE: u16 = 1 << 11;
}

fn pack_day(day: i64) -> Option<[u8; 3]> {
    let [a, b, c, ..] = day.to_le_bytes();
    (unpack_day([a, b, c]) == day).then_some([a, b, c])
}

fn unpack_day([a, b, c]: [u8; 3]) -> i64 {
    i64::from(i32::from_le_bytes([0, a, b, c]) >> u8::BITS)
}

impl Histories {
    /// Adds a history in which nothing happened yet.
    pub(super) fn push(&mut self) {
        self.packed.push(PackedHistory::default());
    }

    /// Returns a history.
    pub(super) fn get(&self, place: usize) -> EnrolmentHistory {
        let packed = &self.packed[place];
        let other_days = || self.days.get(&place).cloned().unwrap_or_default();
        packed.unpack(other_days)
    }

    /// Changes a history.
    pub(super) fn update(&mut self, place: usize, change: impl FnOnce(&mut EnrolmentHistory)) {
        let Self { packed, days } = self;
        let mut history = packed[place].unpack(|| days.remove(&place).unwrap_or_default());
        change(&mut history);
        packed[place] = PackedHistory::of(&history);
        if packed[place].has(flag::OTHER_DAYS) {
            days.insert(place, history.days);
        }
    }
}

impl PackedHistory {
    /// Packs a history, without days that are not one run.
    fn of(history: &EnrolmentHistory) -> Self {
        let EnrolmentHistory {
            enrolled,
            withdrew,
            days,
            completed,
            is_recorded,
            is_named,
            is_named_later,
            is_there,
            last_report,
        } = history;
        let mut flags = 0;
        let mut set = |flag: u16, is_so: bool| flags |= if is_so { flag } else { 0 };
        set(flag::ENROLLED, enrolled.is_some());
        set(flag::WITHDREW, withdrew.is_some());
        set(flag::REPORTED, last_report.is_some());
        set(flag::REPORTED_ENROLLED, last_report.is_some_and(|(_, enrolled)| enrolled));
        set(flag::COMPLETED, *completed);
        set(flag::RECORDED, *is_recorded);
        set(flag::NAMED, *is_named);
        set(flag::NAMED_LATER, *is_named_later);
        set(flag::THERE, *is_there);
        let run = days.only_run().and_then(|(first, last, act)| Some((pack_day(first)?, pack_day(last)?, act)));
        set(flag::ONE_RUN, run.is_some());
        set(flag::OTHER_DAYS, run.is_none() && !days.is_empty());
        let (first, last, act) = run.unwrap_or_default();
        set(flag::ACTED, act.is_some());
        Self {
            enrolled: pack(enrolled.unwrap_or_default()),
            withdrew: pack(withdrew.unwrap_or_default()),
            last_report: pack(last_report.unwrap_or_default().0),
            first_act: pack(act.unwrap_or_default()),
            first,
            last,
            flags: flags.to_le_bytes(),
        }
    }

    fn has(&self, flag: u16) -> bool {
        u16::from_le_bytes(self.flags) & flag != 0
    }

    fn unpack(&self, other_days: impl FnOnce() -> DayRuns) -> EnrolmentHistory {
        let instant = |flag: u16, packed: Packed| self.has(flag).then(|| unpack(packed));
        let days = match (self.has(flag::ONE_RUN), self.has(flag::OTHER_DAYS)) {
            (true, _) => {
                let [first, last] = [self.first, self.last].map(unpack_day);
                DayRuns::of_one_run(first, last, instant(flag::ACTED, self.first_act))
            }
            (false, true) => other_days(),
            (false, false) => DayRuns::default(),
        };
        let report = instant(flag::REPORTED, self.last_report);
        EnrolmentHistory {
            enrolled: instant(flag::ENROLLED, self.enrolled),
            withdrew: instant(flag::WITHDREW, self.withdrew),
            days,
            completed: self.has(flag::COMPLETED),
            is_recorded: self.has(flag::RECORDED),
            is_named: self.has(flag::NAMED),
            is_named_later: self.has(flag::NAMED_LATER),
            is_there: self.has(flag::THERE),
            last_report: report.map(|instant| (instant, self.has(flag::REPORTED_ENROLLED))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_histories_are_what_they_were(
            happened in prop::collection::vec((0_usize..3, -40_i64..40, 0_u8..7), 0..60),
            day in prop::sample::select(vec![1_i64, 86_400, 40 * 86_400, 86_400 * 4_000_000]),
        ) {
            let (mut packed, mut plain) = (Histories::default(), vec![EnrolmentHistory::default(); 3]);
            (0..plain.len()).for_each(|_| packed.push());
            for (place, instant, what) in happened {
                let instant = 1_700_000_000 + instant * day;
                let change = |history: &mut EnrolmentHistory| match what {
                    0 => history.add_change(instant, EnrolmentChange::Enrolled),
                    1 => history.add_change(instant, EnrolmentChange::Withdrew),
                    2 => history.add_change(instant, EnrolmentChange::Completed),
                    3 => history.add_interaction(instant, Part::Did),
                    4 => history.add_interaction(instant, Part::Concerned),
                    5 => history.is_named_later = true,
                    _ => history.add_interaction(instant, Part::Caused),
                };
                change(&mut plain[place]);
                packed.update(place, change);
                // Instants are as good as they come up to the year 19,000.
                prop_assume!((instant.unsigned_abs()) < 1 << 39);
            }
            for (place, expected) in plain.iter().enumerate() {
                prop_assert_eq!(&packed.get(place), expected);
            }
        }
    }
}
