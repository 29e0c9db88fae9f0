//! Who is enrolled, since when and to what end, and when courses have events: gathered from statements, the same
//! whatever order they come in.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::statement::{Content, EnrolmentChange, EnrolmentReport, Interaction, Statement, Subject};
use crate::error::ReadError;
use crate::event_days::{EventDays, is_set};
use crate::formats::calendar::{self, InferredCourse};
use crate::formats::course_ids::is_course;
use crate::formats::pair_lookup::pair_id;
use crate::index::CourseIndex;
use crate::roster::{Course, Enrolment, Outcome, OutcomeKind, StrayDays};

/// The history of one enrolment, as far as statements tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct EnrolmentHistory {
    enrolled: Option<i64>,
    withdrew: Option<i64>,
    /// When the learner first did something in the course, if only to enrol.
    first_interaction: Option<i64>,
    completed: bool,
    /// Instant of the last report on whether the learner is enrolled, and whether they are; of two at one instant, that
    /// they are.
    last_report: Option<(i64, bool)>,
}

impl EnrolmentHistory {
    fn join(&mut self, other: &Self) {
        let earlier = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        self.enrolled = earlier(self.enrolled, other.enrolled);
        self.withdrew = earlier(self.withdrew, other.withdrew);
        self.first_interaction = earlier(self.first_interaction, other.first_interaction);
        self.completed |= other.completed;
        self.last_report = self.last_report.max(other.last_report);
    }

    fn add_change(&mut self, instant: i64, change: EnrolmentChange) {
        let report = |enrolled| Some((instant, enrolled));
        let added = match change {
            EnrolmentChange::Enrolled => Self { enrolled: Some(instant), last_report: report(true), ..Self::default() },
            EnrolmentChange::Withdrew => {
                Self { withdrew: Some(instant), last_report: report(false), ..Self::default() }
            }
            EnrolmentChange::Completed => Self { completed: true, ..Self::default() },
        };
        self.join(&added);
    }

    /// Returns the instant of enrolment: none where somebody withdrew, or was at work in the course, before the first
    /// there is.
    fn known_enrolment(&self) -> Option<i64> {
        let not_after = |enrolled: i64, other: Option<i64>| other.is_none_or(|other| enrolled <= other);
        self.enrolled
            .filter(|&enrolled| not_after(enrolled, self.withdrew) && not_after(enrolled, self.first_interaction))
    }

    fn outcome(&self) -> Option<Outcome> {
        let outcome = |text: &str, kind| Some(Outcome { recorded: text.to_owned(), kind });
        match self.last_report {
            _ if self.completed => outcome("completed", OutcomeKind::Completed),
            Some((_, false)) => outcome("unenrolled", OutcomeKind::Withdrew),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Entry {
    /// Place of the course.
    course: u32,
    /// Where the learner's name stands in [`Survey::names`].
    learner: Range<usize>,
    history: EnrolmentHistory,
}

/// The course and the learner of an entry.
#[derive(Clone, Debug)]
pub(super) struct EntryKey {
    /// Place of the course.
    pub(super) course: u32,
    learner: Range<usize>,
}

/// A course, and when it has statements.
#[derive(Clone, Debug)]
struct SurveyedCourse {
    id: Box<[u8]>,
    /// Days of interactions that change no enrolment.
    interactions: EventDays,
    /// Days of statements that change one, which count where there are no others.
    changes: EventDays,
}

/// The entries of a statement in the survey of its block.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatementEntries {
    /// The entry of the learner who interacted, or else of the one whose enrolment changed.
    pub(super) entry: u32,
    /// The entry of another learner who received the interaction.
    pub(super) received: Option<u32>,
}

/// The enrolments and courses found in a block, or in all of them.
#[derive(Debug, Default)]
pub(super) struct Survey {
    courses: Vec<SurveyedCourse>,
    places: FxHashMap<Box<[u8]>, u32>,
    entries: Vec<Entry>,
    by_pair: HashTable<u32>,
    names: Vec<u8>,
    /// Where the names of numbered learners stand in `names`. Of several names the first in bytewise order.
    numbers: FxHashMap<u64, Range<usize>>,
}

impl Survey {
    /// Adds a statement.
    pub(super) fn add(&mut self, statement: &Statement<'_>) -> StatementEntries {
        let course = self.course(statement.course);
        let entries = self.add_to_entries(course, statement);
        // A time that is not set says neither when a course runs nor when somebody did something.
        if is_set(statement.instant) {
            let surveyed = &mut self.courses[course as usize];
            let days = match statement.content {
                Content::Interaction(_) => &mut surveyed.interactions,
                Content::Change(_) | Content::Both(..) => &mut surveyed.changes,
            };
            days.add(statement.instant, entries.entry);
        }
        entries
    }

    fn add_to_entries(&mut self, course: u32, statement: &Statement<'_>) -> StatementEntries {
        match &statement.content {
            Content::Interaction(interaction) => self.add_interaction(course, statement.instant, interaction),
            Content::Change(report) => {
                StatementEntries { entry: self.add_report(course, statement.instant, *report), received: None }
            }
            Content::Both(interaction, report) => {
                let entries = self.add_interaction(course, statement.instant, interaction);
                self.add_report(course, statement.instant, *report);
                entries
            }
        }
    }

    fn add_interaction(&mut self, course: u32, instant: i64, interaction: &Interaction<'_>) -> StatementEntries {
        let place = self.entry(course, interaction.learner);
        let first_interaction = Some(instant).filter(|&instant| is_set(instant));
        self.entries[place].history.join(&EnrolmentHistory { first_interaction, ..EnrolmentHistory::default() });
        if let Some(number) = interaction.number {
            self.number(number, self.entries[place].learner.clone());
        }
        let received = interaction.received.map(|(learner, _)| self.entry(course, learner) as u32);
        StatementEntries { entry: place as u32, received }
    }

    /// Adds a change of an enrolment. Returns the enrolment's entry.
    fn add_report(&mut self, course: u32, instant: i64, report: EnrolmentReport<'_>) -> u32 {
        let place = match report.subject {
            Subject::Named(learner) => self.entry(course, learner),
            Subject::Numbered(number) => self.entry(course, format!("#{number}").as_bytes()),
        };
        if is_set(instant) || report.change == EnrolmentChange::Completed {
            self.entries[place].history.add_change(instant, report.change);
        }
        place as u32
    }

    /// Adds what another survey found. Returns the place here of each entry there.
    pub(super) fn absorb(&mut self, other: &Self) -> Vec<u32> {
        let mut entries = Vec::with_capacity(other.entries.len());
        let places: Vec<u32> = other.courses.iter().map(|theirs| self.course(&theirs.id)).collect();
        for entry in &other.entries {
            let place = self.entry(places[entry.course as usize], &other.names[entry.learner.clone()]);
            self.entries[place].history.join(&entry.history);
            entries.push(place as u32);
        }
        for (theirs, &course) in other.courses.iter().zip(&places) {
            let ours = &mut self.courses[course as usize];
            ours.interactions.join(&theirs.interactions, |entry| entries[entry as usize]);
            ours.changes.join(&theirs.changes, |entry| entries[entry as usize]);
        }
        for (&number, name) in &other.numbers {
            let name = &other.names[name.clone()];
            if self.numbers.get(&number).is_none_or(|known| name < &self.names[known.clone()]) {
                let start = self.names.len();
                self.names.extend_from_slice(name);
                self.numbers.insert(number, start..self.names.len());
            }
        }
        entries
    }

    /// Lists the courses and learners of the entries, in their order now: it changes when numbered learners are named.
    pub(super) fn keys(&self) -> Vec<EntryKey> {
        self.entries.iter().map(|entry| EntryKey { course: entry.course, learner: entry.learner.clone() }).collect()
    }

    /// Returns the name of the learner of an entry.
    pub(super) fn name(&self, key: &EntryKey) -> &[u8] {
        &self.names[key.learner.clone()]
    }

    /// Lists the ids of the courses, in the order of their places.
    pub(super) fn course_ids(&self) -> impl Iterator<Item = &[u8]> {
        self.courses.iter().map(|course| &*course.id)
    }

    fn course(&mut self, id: &[u8]) -> u32 {
        if let Some(&place) = self.places.get(id) {
            return place;
        }
        let place = self.courses.len() as u32;
        self.courses.push(SurveyedCourse {
            id: id.into(),
            interactions: EventDays::default(),
            changes: EventDays::default(),
        });
        self.places.insert(id.into(), place);
        place
    }

    /// Returns the place of the entry of a learner in a course, made if there is none.
    fn entry(&mut self, course: u32, learner: &[u8]) -> usize {
        let hash = |course: u32, learner: &[u8]| FxBuildHasher.hash_one((course, learner));
        let Self { entries, by_pair, names, .. } = self;
        let is = |place: &u32| {
            let entry = &entries[*place as usize];
            entry.course == course && names[entry.learner.clone()] == *learner
        };
        if let Some(&place) = by_pair.find(hash(course, learner), is) {
            return place as usize;
        }
        let start = names.len();
        names.extend_from_slice(learner);
        let place = entries.len();
        entries.push(Entry { course, learner: start..names.len(), history: EnrolmentHistory::default() });
        by_pair.insert_unique(hash(course, learner), place as u32, |&place| {
            let entry = &entries[place as usize];
            hash(entry.course, &names[entry.learner.clone()])
        });
        place
    }

    fn number(&mut self, number: u64, name: Range<usize>) {
        let known = self.numbers.entry(number).or_insert_with(|| name.clone());
        if self.names[name.clone()] < self.names[known.clone()] {
            *known = name;
        }
    }

    /// Tells whether withdrawals are recorded: those of Open edX's courses are, of which no other platform tells. That
    /// somebody withdrew does not decide it, as it would then be decided, for the time before, by what comes after.
    pub(super) fn records_withdrawals(&self) -> bool {
        self.courses.iter().any(|course| is_course(&course.id))
    }

    /// Infers each course from the days of its statements. Tells the days besides that it was not inferred from.
    pub(super) fn inferred_courses(&self) -> Result<(Vec<Course>, Vec<StrayDays>), ReadError> {
        let mut seen: Vec<&SurveyedCourse> = self.courses.iter().collect();
        // So that of several courses without an answer the same one is named, whatever order blocks came in.
        seen.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let (mut courses, mut all_stray) = (Vec::new(), Vec::new());
        for SurveyedCourse { id, interactions, changes } in seen {
            let id = String::from_utf8_lossy(id);
            let inferred = match calendar::inferred(&id, interactions, None)? {
                None => calendar::inferred(&id, changes, None)?,
                some => some,
            };
            if let Some(InferredCourse { course, stray }) = inferred {
                courses.push(course);
                all_stray.extend(stray);
            }
        }
        Ok((courses, all_stray))
    }

    /// Makes the enrolments in `courses`, and counts those in others.
    pub(super) fn enrolments(&mut self, courses: &[Course]) -> (Vec<Enrolment>, u64) {
        self.name_numbers();
        let places: FxHashMap<&[u8], CourseIndex> =
            courses.iter().zip((0..).map(CourseIndex)).map(|(course, place)| (course.id.as_bytes(), place)).collect();
        let mut enrolments = Vec::with_capacity(self.entries.len());
        let mut without_course = 0;
        for entry in &self.entries {
            let learner = &self.names[entry.learner.clone()];
            let Some(&course) = places.get(&*self.courses[entry.course as usize].id) else {
                without_course += 1;
                continue;
            };
            let Course { id, .. } = &courses[course.as_usize()];
            let start = courses[course.as_usize()].start_seconds();
            // At most 68 years either way: an enrolment longer ago was as surely before the course.
            let seconds = |instant: i64| (instant.saturating_sub(start)).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            let learner = String::from_utf8_lossy(learner).into_owned();
            enrolments.push(Enrolment {
                id: pair_id(id, &learner),
                learner,
                course,
                enrolled_seconds: entry.history.known_enrolment().map(seconds),
                withdrawn_seconds: entry.history.withdrew.map(seconds),
                outcome: entry.history.outcome(),
                ..Enrolment::default()
            });
        }
        (enrolments, without_course)
    }

    /// Joins the histories of learners known by number with those under their names.
    fn name_numbers(&mut self) {
        let named = |entry: &Entry| -> Option<Range<usize>> {
            let number = std::str::from_utf8(self.names[entry.learner.clone()].strip_prefix(b"#")?).ok()?;
            self.numbers.get(&number.parse().ok()?).cloned()
        };
        let found: Vec<(usize, Range<usize>)> =
            self.entries.iter().enumerate().filter_map(|(place, entry)| Some((place, named(entry)?))).collect();
        if found.is_empty() {
            return;
        }
        let mut gone = vec![false; self.entries.len()];
        for (place, name) in found {
            let learner = self.names[name].to_vec();
            let (course, history) = (self.entries[place].course, self.entries[place].history);
            gone[place] = true;
            let place = self.entry(course, &learner);
            self.entries[place].history.join(&history);
        }
        let mut gone = gone.into_iter().chain(std::iter::repeat(false));
        self.entries.retain(|_| !gone.next().unwrap_or_default());
    }
}
