//! The enrolments of a roster, packed: there may be many millions of them.
//!
//! An enrolment takes 23 bytes, the text of its two ids and 2 or 3 bytes for their lengths; and a byte for each static
//! column, or 4 where a column has more than 255 different values.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::enrolment::{Enrolment, Outcome};
use crate::index::CourseIndex;
use crate::moment::Moment;
use crate::names::{NameList, Names};
use crate::packed::{Packed, pack, unpack};
use crate::static_column::StaticColumn;

/// Holds enrolments by their places.
#[derive(Clone, Default)]
pub struct Enrolments {
    names: Arc<NameList>,
    facts: Vec<Facts>,
    /// The different outcomes. An enrolment holds one more than the place of its own, or 0.
    outcomes: Vec<Arc<Outcome>>,
    statics: Vec<StaticColumn>,
}

/// Holds what is known of an enrolment besides its names and static values, in bytes without gaps.
#[derive(Clone, Copy)]
struct Facts {
    course: [u8; 4],
    enrolled: Packed,
    withdrawn: Packed,
    outcome: [u8; 3],
    /// Two bits each for the date of enrolment, that of withdrawal and the label, then one for `by_log_alone`.
    flags: u8,
}

const _: () = assert!(size_of::<Facts>() == 18);

const ENROLLED_AT: u32 = 0;
const WITHDRAWN_AT: u32 = 2;
const LABEL_AT: u32 = 4;
const BY_LOG_ALONE: u8 = 1 << 6;

/// Says, in two bits, what a packed number is. Nothing is 0.
const SECONDS: u8 = 1;
const DAYS: u8 = 2;

impl Facts {
    fn bits(&self, at: u32) -> u8 {
        self.flags >> at & 3
    }

    fn set_bits(&mut self, at: u32, bits: u8) {
        self.flags = self.flags & !(3 << at) | bits << at;
    }

    fn course(&self) -> CourseIndex {
        CourseIndex(u32::from_le_bytes(self.course))
    }

    fn moment(&self, at: u32) -> Option<Moment> {
        let packed = if at == ENROLLED_AT { self.enrolled } else { self.withdrawn };
        match self.bits(at) {
            SECONDS => Some(Moment::Instant(unpack(packed))),
            DAYS => Some(Moment::Day(unpack(packed))),
            _ => None,
        }
    }

    fn set_moment(&mut self, at: u32, moment: Option<Moment>) {
        let (bits, number) = match moment.map(Moment::within_reach) {
            None => (0, 0),
            Some(Moment::Instant(instant)) => (SECONDS, instant),
            Some(Moment::Day(day)) => (DAYS, day),
        };
        self.set_bits(at, bits);
        match at {
            ENROLLED_AT => self.enrolled = pack(number),
            _ => self.withdrawn = pack(number),
        }
    }

    fn seconds(&self, at: u32) -> Option<i32> {
        self.moment(at).map(|moment| moment.seconds_after(0))
    }

    fn outcome(&self) -> usize {
        let [a, b, c] = self.outcome;
        u32::from_le_bytes([a, b, c, 0]) as usize
    }

    fn label(&self) -> Option<bool> {
        match self.bits(LABEL_AT) {
            0 => None,
            bits => Some(bits == 2),
        }
    }

    fn set_label(&mut self, label: Option<bool>) {
        self.set_bits(LABEL_AT, label.map_or(0, |dropout| 1 + u8::from(dropout)));
    }
}

impl Enrolments {
    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Lists the places of all.
    pub fn places(&self) -> Range<usize> {
        0..self.len()
    }

    /// Lists the ids of all.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.places().map(|place| self.id(place))
    }

    /// Returns the id of an enrolment.
    #[must_use]
    #[inline]
    pub fn id(&self, place: usize) -> &str {
        self.names.get(place).0
    }

    /// Returns the id of an enrolment's learner; the enrolment's where the source does not identify learners.
    #[must_use]
    #[inline]
    pub fn learner(&self, place: usize) -> &str {
        self.names.get(place).1
    }

    /// Returns the course of an enrolment.
    #[must_use]
    #[inline]
    pub fn course(&self, place: usize) -> CourseIndex {
        self.facts[place].course()
    }

    /// Returns when somebody enrolled, in seconds from the course's start, where the source has it.
    #[must_use]
    #[inline]
    pub fn enrolled_seconds(&self, place: usize) -> Option<i32> {
        self.facts[place].seconds(ENROLLED_AT)
    }

    /// Returns when somebody withdrew, in seconds from the course's start, where the source has it.
    #[must_use]
    #[inline]
    pub fn withdrawn_seconds(&self, place: usize) -> Option<i32> {
        self.facts[place].seconds(WITHDRAWN_AT)
    }

    /// Returns how an enrolment ended, where the source says.
    #[must_use]
    pub fn outcome(&self, place: usize) -> Option<&Outcome> {
        self.shared_outcome(place).map(AsRef::as_ref)
    }

    /// Returns the source's own dropout label, or that of a labels file.
    #[must_use]
    pub fn dropout(&self, place: usize) -> Option<bool> {
        self.facts[place].label()
    }

    /// Tells whether the log alone says that the learner is enrolled, and no table.
    #[must_use]
    pub fn is_by_log_alone(&self, place: usize) -> bool {
        self.facts[place].flags & BY_LOG_ALONE != 0
    }

    /// Returns the value of a static column (see [`Roster::static_columns`](crate::Roster::static_columns)); `None` where
    /// empty.
    #[must_use]
    pub fn static_value(&self, place: usize, column: usize) -> Option<&str> {
        self.shared_static(place, column).map(AsRef::as_ref)
    }

    /// Returns all that is known of an enrolment, which is unpacked for it: of many, ask for what is needed.
    #[must_use]
    pub fn get(&self, place: usize) -> Enrolment {
        let (id, learner) = self.names.get(place);
        Enrolment {
            names: Names::new(id, learner),
            course: self.course(place),
            enrolled_seconds: self.enrolled_seconds(place),
            withdrawn_seconds: self.withdrawn_seconds(place),
            outcome: self.shared_outcome(place).cloned(),
            dropout: self.dropout(place),
            statics: (0..self.statics.len()).map(|column| self.shared_static(place, column).cloned()).collect(),
            by_log_alone: self.is_by_log_alone(place),
        }
    }

    /// Lists the enrolments, each unpacked.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Enrolment> + Clone {
        (0..self.len()).map(|place| self.get(place))
    }

    fn shared_outcome(&self, place: usize) -> Option<&Arc<Outcome>> {
        self.facts[place].outcome().checked_sub(1).map(|outcome| &self.outcomes[outcome])
    }

    fn shared_static(&self, place: usize, column: usize) -> Option<&Arc<str>> {
        self.statics.get(column).and_then(|column| column.get(place))
    }

    /// Returns the names alone, for what finds enrolments by them.
    pub(crate) fn names(&self) -> &Arc<NameList> {
        &self.names
    }

    /// Returns when somebody enrolled and withdrew, before it is known when the course begins.
    pub(crate) fn moments(&self, place: usize) -> [Option<Moment>; 2] {
        [ENROLLED_AT, WITHDRAWN_AT].map(|at| self.facts[place].moment(at))
    }

    /// Adds an enrolment.
    pub(crate) fn push(&mut self, one: &Enrolment) {
        let place = self.len();
        self.push_named(one.id(), one.learner(), one.course);
        self.set_facts(place, one);
        self.set_statics(place, &one.statics);
    }

    /// Adds an enrolment of which no more is known.
    pub(crate) fn push_named(&mut self, id: &str, learner: &str, course: CourseIndex) {
        Arc::make_mut(&mut self.names).push(id, learner);
        self.facts.push(Facts {
            course: course.0.to_le_bytes(),
            enrolled: Packed::default(),
            withdrawn: Packed::default(),
            outcome: [0; 3],
            flags: 0,
        });
        self.statics.iter_mut().for_each(|column| column.push(None));
    }

    /// Puts an enrolment in the place of another.
    pub(crate) fn set(&mut self, place: usize, one: &Enrolment) {
        if (self.id(place), self.learner(place)) != (one.id(), one.learner()) {
            self.set_names(place, one.id(), one.learner());
        }
        self.set_course(place, one.course);
        self.set_facts(place, one);
        self.set_statics(place, &one.statics);
    }

    fn set_facts(&mut self, place: usize, one: &Enrolment) {
        let outcome = one.outcome.as_ref().map_or(0, |outcome| self.outcome_number(outcome));
        let moment = |seconds: Option<i32>| seconds.map(|seconds| Moment::Instant(seconds.into()));
        let facts = &mut self.facts[place];
        facts.set_moment(ENROLLED_AT, moment(one.enrolled_seconds));
        facts.set_moment(WITHDRAWN_AT, moment(one.withdrawn_seconds));
        let [a, b, c, _] = outcome.to_le_bytes();
        facts.outcome = [a, b, c];
        facts.set_label(one.dropout);
        facts.flags = facts.flags & !BY_LOG_ALONE | if one.by_log_alone { BY_LOG_ALONE } else { 0 };
    }

    /// Returns one more than the place of an outcome among the different ones. These are few: a mapping declares each.
    fn outcome_number(&mut self, outcome: &Arc<Outcome>) -> u32 {
        let is_it = |known: &Arc<Outcome>| Arc::ptr_eq(known, outcome) || known == outcome;
        let place = self.outcomes.iter().position(is_it).unwrap_or_else(|| {
            assert!(self.outcomes.len() < (1 << 24) - 1, "outcomes are few");
            self.outcomes.push(Arc::clone(outcome));
            self.outcomes.len() - 1
        });
        place as u32 + 1
    }

    fn set_statics(&mut self, place: usize, statics: &[Option<Arc<str>>]) {
        self.add_static_columns(statics.len());
        for (number, column) in self.statics.iter_mut().enumerate() {
            column.set(place, statics.get(number).and_then(Option::as_ref));
        }
    }

    /// Makes sure that there are `count` static columns; new ones are empty.
    pub(crate) fn add_static_columns(&mut self, count: usize) {
        while self.statics.len() < count {
            self.statics.push(StaticColumn::empty(self.len()));
        }
    }

    pub(crate) fn set_course(&mut self, place: usize, course: CourseIndex) {
        self.facts[place].course = course.0.to_le_bytes();
    }

    pub(crate) fn set_names(&mut self, place: usize, id: &str, learner: &str) {
        Arc::make_mut(&mut self.names).set(place, id, learner);
    }

    pub(crate) fn set_moments(&mut self, place: usize, [enrolled, withdrawn]: [Option<Moment>; 2]) {
        self.facts[place].set_moment(ENROLLED_AT, enrolled);
        self.facts[place].set_moment(WITHDRAWN_AT, withdrawn);
    }

    /// Counts moments from the start of the course, at `start`, once that is known.
    pub(crate) fn date_from(&mut self, place: usize, start: i64) {
        let seconds = |moment: Moment| Moment::Instant(moment.seconds_after(start).into());
        self.set_moments(place, self.moments(place).map(|moment| moment.map(seconds)));
    }

    pub(crate) fn set_dropout(&mut self, place: usize, label: Option<bool>) {
        self.facts[place].set_label(label);
    }

    pub(crate) fn set_by_log_alone(&mut self, place: usize) {
        self.facts[place].flags |= BY_LOG_ALONE;
    }

    /// Takes a withdrawal away, and the outcome too where `with_outcome` says so.
    pub(crate) fn take_withdrawal(&mut self, place: usize, with_outcome: bool) {
        self.facts[place].set_moment(WITHDRAWN_AT, None);
        if with_outcome {
            self.take_outcome(place);
        }
    }

    /// Takes an outcome away.
    pub(crate) fn take_outcome(&mut self, place: usize) {
        self.facts[place].outcome = [0; 3];
    }

    /// Keeps the enrolments at the places that `stays` tells.
    pub(crate) fn retain(&mut self, stays: impl Fn(&Self, usize) -> bool) {
        let mut kept = 0;
        for place in 0..self.len() {
            if stays(self, place) {
                if kept < place {
                    self.swap(kept, place);
                }
                kept += 1;
            }
        }
        if kept < self.len() {
            self.facts.truncate(kept);
            Arc::make_mut(&mut self.names).truncate(kept);
            self.statics.iter_mut().for_each(|column| column.truncate(kept));
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        Arc::make_mut(&mut self.names).swap(one, other);
        self.facts.swap(one, other);
        self.statics.iter_mut().for_each(|column| column.swap(one, other));
    }

    /// Orders enrolments by `rank` of their course and by id, and those of one id as they stood. Only their numbers take
    /// room beside them.
    pub(crate) fn sort_by_rank<R: Ord>(&mut self, rank: impl Fn(CourseIndex) -> R) {
        let key = |place: u32| (rank(self.course(place as usize)), self.id(place as usize), place);
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        if order.is_sorted_by(|&a, &b| key(a) <= key(b)) {
            return;
        }
        order.sort_unstable_by(|&a, &b| key(a).cmp(&key(b)));
        for start in 0..order.len() {
            // What stands at `start` moves along its cycle to where it belongs; places that are right name themselves.
            let mut at = start;
            loop {
                let from = std::mem::replace(&mut order[at], at as u32) as usize;
                if from == start {
                    break;
                }
                self.swap(at, from);
                at = from;
            }
        }
    }
}

impl FromIterator<Enrolment> for Enrolments {
    fn from_iter<I: IntoIterator<Item = Enrolment>>(all: I) -> Self {
        let mut enrolments = Self::default();
        all.into_iter().for_each(|one| enrolments.push(&one));
        enrolments
    }
}

impl fmt::Debug for Enrolments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Enrolments {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
