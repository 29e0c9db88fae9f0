//! Kinds of event by the source's names for them, or by patterns of these.

use rustc_hash::FxHashMap;

use super::flexible_values::{KindInFull, KindSpec};
use super::mapping::Activities;
use super::pattern::{fits, is_pattern};
use crate::activity::Activity;
use crate::kind::{Detail, EventKind};

/// Names the kind of rows whose kind the mapping does not declare.
pub(super) const UNDECLARED: &str = "undeclared";

/// Bounds the kinds that an event's number can tell apart.
const MOST_KINDS: usize = 256;

/// Bounds the names remembered while a block is read.
const MOST_REMEMBERED: usize = 1 << 10;

/// Holds the mapping's kinds.
#[derive(Clone, Debug)]
pub(super) struct MappedKinds {
    /// Every kind, in the order of their numbers.
    pub(super) all: Vec<EventKind>,
    exact: FxHashMap<Box<[u8]>, u8>,
    /// Patterns, those with more before their first `*` first, then those with more signs of their own.
    patterns: Vec<(Box<[u8]>, u8)>,
    undeclared: u8,
    /// By kind: the kinds of attempts that were right, and that were not.
    attempts: FxHashMap<u8, [u8; 2]>,
}

/// Says whether rows tell if an attempt was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempts {
    /// A column does.
    Recorded,
    /// Nothing does, unless kinds do.
    Unrecorded,
}

impl MappedKinds {
    /// Returns the kinds that the mapping declares.
    ///
    /// # Errors
    /// A description of the fault.
    pub(super) fn new(activities: &Activities, attempts: Attempts) -> Result<Self, String> {
        let activity = |key: &str, name: &str| -> Result<Activity, String> {
            name.parse().map_err(|unknown: crate::activity::UnknownActivity| format!("{key}: {unknown}"))
        };
        let default = match &activities.default {
            Some(name) => activity("activities.default", name)?,
            None => Activity::Other,
        };
        let mut kinds = Self {
            all: Vec::new(),
            exact: FxHashMap::default(),
            patterns: Vec::new(),
            undeclared: 0,
            attempts: FxHashMap::default(),
        };
        let declared = activities.kinds.len();
        let mut numbers: FxHashMap<String, usize> = FxHashMap::default();
        for (raw, KindSpec(KindInFull { activity: counts_as, detail, name })) in &activities.kinds {
            let key = format!("activities.kinds.{raw}");
            let name = name.as_ref().unwrap_or(raw);
            let kind = EventKind::new(name, activity(&key, counts_as)?).with_detail(detail.detail());
            if kind.raw == UNDECLARED {
                return Err(format!("activities.kinds.{UNDECLARED} is taken: it stands for every kind not declared"));
            }
            let number = match numbers.get(name) {
                Some(&number) if kinds.all[number] == kind => number,
                Some(_) => return Err(format!("{key}: `{name}` is the name of a kind that counts as something else")),
                None => {
                    numbers.insert(name.clone(), kinds.all.len());
                    kinds.all.push(kind.clone());
                    kinds.all.len() - 1
                }
            };
            if kinds.all.len() > MOST_KINDS - 1 {
                return Err(format!("activities.kinds declares {declared} kinds; at most 255 are told apart"));
            }
            match is_pattern(raw) {
                true => kinds.patterns.push((raw.as_bytes().into(), number as u8)),
                false => drop(kinds.exact.insert(raw.as_bytes().into(), number as u8)),
            }
        }
        // The keys are ordered bytewise, and the sort keeps that order among equals.
        let is_own = |sign: &&u8| !matches!(sign, b'*' | b'?');
        let before = |pattern: &[u8]| pattern.iter().take_while(is_own).count();
        let all = |pattern: &[u8]| pattern.iter().filter(is_own).count();
        kinds.patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse((before(pattern), all(pattern))));
        if attempts == Attempts::Recorded {
            kinds.tell_attempts()?;
        }
        kinds.undeclared = kinds.all.len() as u8;
        kinds.all.push(EventKind::new(UNDECLARED, default));
        Ok(kinds)
    }

    /// Adds, for each kind that is an attempt, the kinds of those that were right and wrong.
    fn tell_attempts(&mut self) -> Result<(), String> {
        for number in 0..self.all.len() {
            if self.all[number].detail != Detail::Attempt {
                continue;
            }
            let place = self.all.len();
            if place + 2 > MOST_KINDS - 1 {
                return Err("activities.kinds: at most 255 kinds are told apart, with two more for each attempt".into());
            }
            for (ending, detail) in [("right", Detail::AttemptRight), ("wrong", Detail::AttemptWrong)] {
                let name = format!("{}_{ending}", self.all[number].raw);
                if self.all.iter().any(|kind| kind.raw == name) {
                    return Err(format!("activities.kinds.{name} is taken: it stands for attempts that were {ending}"));
                }
                self.all.push(EventKind::new(name, self.all[number].activity).with_detail(detail));
            }
            self.attempts.insert(number as u8, [place as u8, place as u8 + 1]);
        }
        if self.attempts.is_empty() {
            return Err("log.columns.correct needs a kind with detail = \"attempt\", which it says more about".into());
        }
        Ok(())
    }

    /// Returns number of the kind of this name, if it is declared.
    pub(super) fn declared(&self, name: &[u8]) -> Option<u8> {
        let by_pattern = || self.patterns.iter().find(|(pattern, _)| fits(pattern, name)).map(|&(_, number)| number);
        self.exact.get(name).copied().or_else(by_pattern)
    }

    /// Returns number of the kind of this name. `remembered` saves looking through the patterns for names seen before.
    pub(super) fn number(&self, name: &[u8], remembered: &mut FxHashMap<Box<[u8]>, u8>) -> u8 {
        if self.patterns.is_empty() {
            return self.exact.get(name).copied().unwrap_or(self.undeclared);
        }
        if let Some(&number) = remembered.get(name) {
            return number;
        }
        let number = self.declared(name).unwrap_or(self.undeclared);
        if remembered.len() < MOST_REMEMBERED {
            remembered.insert(name.into(), number);
        }
        number
    }

    /// Tells whether a number stands for the kinds that are not declared.
    pub(super) fn is_undeclared(&self, number: u8) -> bool {
        number == self.undeclared
    }

    /// Returns number of the kind of an attempt of kind `number` that was right, or was not; `number` for what is no
    /// attempt.
    pub(super) fn attempt(&self, number: u8, right: bool) -> u8 {
        self.attempts.get(&number).map_or(number, |numbers| numbers[usize::from(!right)])
    }

    /// Tells whether any kind says of attempts whether they were right.
    pub(super) fn tell_correctness(&self) -> bool {
        self.all.iter().any(|kind| matches!(kind.detail, Detail::AttemptRight | Detail::AttemptWrong))
    }
}
