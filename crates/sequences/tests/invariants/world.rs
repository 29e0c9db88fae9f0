//! Makes up what happens in a few small courses, before anyone writes it down in a format.

use proptest::prelude::*;
use staycast_events::time::{DAY_SECONDS, days_from_civil};

/// A course: first day, in days since 1970-01-01, always the first of a month, and length in days.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) month: u32,
    pub(crate) days: u32,
}

impl Course {
    pub(crate) fn start_day(&self) -> i32 {
        days_from_civil(2014, self.month, 1)
    }
}

/// A learner in a course. Instants are seconds after 1 February 2014, when the first course begins.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    pub(crate) learner: usize,
    pub(crate) course: usize,
    /// `None`: in the register without a date.
    pub(crate) enrolled: Option<i64>,
    pub(crate) withdrawn: Option<i64>,
}

/// Something a learner did.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) enrolment: usize,
    pub(crate) at: i64,
    pub(crate) kind: usize,
    pub(crate) object: usize,
    pub(crate) count: u32,
}

/// Something submitted, for an assessment of the enrolment's course.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) enrolment: usize,
    pub(crate) assessment: usize,
    pub(crate) at: i64,
    pub(crate) score: u32,
}

/// All that happens.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) courses: Vec<Course>,
    pub(crate) enrolments: Vec<Enrolment>,
    pub(crate) events: Vec<Event>,
    pub(crate) submissions: Vec<Submission>,
    /// By object, the same in every course: when it is released, if that is planned at all.
    pub(crate) releases: Vec<Option<i64>>,
    /// By assessment, the same in every course: the day it is due, from the course's start.
    pub(crate) due: Vec<i32>,
}

/// Kinds of event; a format takes the remainder.
pub(crate) const KINDS: usize = 40;
const OBJECTS: usize = 9;
const ASSESSMENTS: usize = 4;
/// Days in which anything happens, from and to.
const DAYS: std::ops::Range<i64> = -8..60;

/// 1 February 2014, in seconds since 1970.
pub(crate) fn origin() -> i64 {
    i64::from(days_from_civil(2014, 2, 1)) * DAY_SECONDS
}

fn instant() -> impl Strategy<Value = i64> {
    // Often on the very edges of days, where one second decides on the week.
    (DAYS, prop_oneof![0_i64..DAY_SECONDS, Just(0), Just(DAY_SECONDS - 1)]).prop_map(|(day, at)| day * DAY_SECONDS + at)
}

/// When a log may be cut.
pub(crate) fn cut() -> impl Strategy<Value = i64> {
    (8_i64..55, prop_oneof![0_i64..DAY_SECONDS, Just(0)]).prop_map(|(day, at)| day * DAY_SECONDS + at)
}

fn events(enrolments: usize) -> impl Strategy<Value = Vec<Event>> {
    let one = (0..enrolments, instant(), 0..KINDS, 0..OBJECTS, prop_oneof![Just(1_u32), 1_u32..600]);
    // In bursts, so that there are sessions.
    let burst = (one, prop::collection::vec((0_i64..4_000, 0..KINDS), 0..5));
    prop::collection::vec(burst, 1..30).prop_map(|bursts| {
        let mut all = Vec::new();
        for ((enrolment, mut at, kind, object, count), more) in bursts {
            all.push(Event { enrolment, at, kind, object, count });
            for (gap, kind) in more {
                at += gap;
                all.push(Event { enrolment, at, kind, object, count: 1 });
            }
        }
        all
    })
}

/// Any world.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let courses = [(2..=2_u32, 9..36_u32), (2..=3, 5..30), (3..=3, 8..24)]
        .map(|(months, days)| (months, days).prop_map(|(month, days)| Course { month, days }));
    let pairs = prop::collection::btree_set((0..5_usize, 0..3_usize), 3..11);
    (courses, pairs).prop_flat_map(|(courses, pairs)| {
        let instants = || prop::option::of(instant());
        let dates = prop::collection::vec((instants(), instants()), pairs.len());
        let submission = (0..pairs.len(), 0..ASSESSMENTS, instant(), 0..=100_u32)
            .prop_map(|(enrolment, assessment, at, score)| Submission { enrolment, assessment, at, score });
        (
            Just(courses),
            Just(pairs),
            dates,
            events(11).prop_map(|events| events),
            prop::collection::vec(submission, 0..14),
            prop::collection::vec(instants(), OBJECTS),
            prop::collection::vec(0..40_i32, ASSESSMENTS),
        )
            .prop_map(|(courses, pairs, dates, mut events, submissions, releases, due)| {
                let enrolments: Vec<Enrolment> = pairs
                    .into_iter()
                    .zip(dates)
                    .map(|((learner, course), (enrolled, withdrawn))| Enrolment {
                        learner,
                        course,
                        enrolled,
                        withdrawn,
                    })
                    .collect();
                events.iter_mut().for_each(|event| event.enrolment %= enrolments.len());
                World { courses: courses.into(), enrolments, events, submissions, releases, due }
            })
    })
}

/// The world as it is known at an instant: what happened before it.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'w> {
    pub(crate) world: &'w World,
    pub(crate) until: i64,
    pub(crate) calendar: Calendar,
}

/// Origin of the dates of courses, in formats that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calendar {
    Given,
    /// From the events.
    Inferred,
}

/// Use of dates of enrolment in a format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dates {
    Given,
    Lacking,
}

impl<'w> Seen<'w> {
    pub(crate) fn events(self) -> impl Iterator<Item = &'w Event> {
        self.world.events.iter().filter(move |event| event.at < self.until)
    }

    pub(crate) fn submissions(self) -> impl Iterator<Item = &'w Submission> {
        // Nobody hands the same thing in twice.
        let all = &self.world.submissions;
        let first = move |(place, one): &(usize, &Submission)| {
            !all[..*place].iter().any(|other| (other.enrolment, other.assessment) == (one.enrolment, one.assessment))
        };
        let before = move |one: &&Submission| one.at < self.until;
        all.iter().enumerate().filter(first).map(|(_, one)| one).filter(before)
    }

    /// Enrolments that a table lists, with their numbers.
    pub(crate) fn enrolments(self, dates: Dates) -> impl Iterator<Item = (usize, &'w Enrolment)> {
        self.world.enrolments.iter().enumerate().filter(move |(number, one)| match dates {
            Dates::Given => one.enrolled.is_none_or(|at| at < self.until),
            Dates::Lacking => {
                one.enrolled.is_some_and(|at| at < self.until) || self.events().any(|event| event.enrolment == *number)
            }
        })
    }

    pub(crate) fn withdrawn(self, enrolment: &Enrolment) -> Option<i64> {
        enrolment.withdrawn.filter(|&at| at < self.until)
    }

    /// Objects that a table lists, with the instants of their release: those released and those used.
    pub(crate) fn objects(self) -> impl Iterator<Item = (usize, Option<i64>)> {
        self.world.releases.iter().copied().enumerate().filter(move |(object, release)| {
            release.is_some_and(|at| at < self.until) || self.events().any(|event| event.object == *object)
        })
    }

    /// The same instant in seconds since 1970.
    pub(crate) fn instant(at: i64) -> i64 {
        origin() + at
    }

    /// The day of an instant, from the first of a course.
    pub(crate) fn day(self, at: i64, course: usize) -> i64 {
        Self::instant(at).div_euclid(DAY_SECONDS) - i64::from(self.world.courses[course].start_day())
    }
}
