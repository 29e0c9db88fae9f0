//! Who is enrolled, since when and to what end, and when courses have events: gathered from statements, the same
//! whatever order they come in.

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::learner_ids::LearnerIds;
use super::statement::{Content, EnrolmentChange, EnrolmentReport, Interaction, Learner, Others, Part, Statement};
use super::user_ids::UserIds;
use crate::day_runs::{DayRuns, Happening};
use crate::error::ReadError;
use crate::event_days::{EventDays, is_set};
use crate::formats::calendar::{self, InferredCourse};
use crate::formats::course_ids::is_course;
use crate::formats::pair_lookup::pair_id;
use crate::index::CourseIndex;
use crate::names::Names;
use crate::notice::Notice;
use crate::roster::{Course, Enrolment, Outcome, OutcomeKind, StrayDays};
use crate::row_limits::days_in_use;
use crate::source::{DatesFrom, LeftOutEnrolments};

/// Holds the history of one enrolment, as far as statements tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct EnrolmentHistory {
    enrolled: Option<i64>,
    withdrew: Option<i64>,
    /// Days on which the learner did something in the course, or it is recorded about them.
    days: DayRuns,
    completed: bool,
    /// Whether a statement says that somebody is enrolled, was or completed the course.
    is_recorded: bool,
    /// Whether a statement is about somebody as a learner: those who only did something about others are none.
    is_named: bool,
    /// Instant of the last report on whether the learner is enrolled, and whether they are; of two at one instant, that
    /// they are.
    last_report: Option<(i64, bool)>,
}

impl EnrolmentHistory {
    fn join(&mut self, other: &Self) {
        let earlier = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        self.enrolled = earlier(self.enrolled, other.enrolled);
        self.withdrew = earlier(self.withdrew, other.withdrew);
        self.days.join(&other.days);
        self.completed |= other.completed;
        self.is_recorded |= other.is_recorded;
        self.is_named |= other.is_named;
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
        self.join(&Self { is_recorded: true, is_named: true, ..added });
    }

    fn add_interaction(&mut self, instant: i64, part: Part) {
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
    fn is_enrolled(&self, days: &Range<i64>) -> bool {
        self.is_recorded || self.days.any_on(days)
    }

    /// Returns the instant of enrolment: none where somebody withdrew, or was at work in the course, before the first
    /// there is.
    fn known_enrolment(&self, days: &Range<i64>) -> Option<i64> {
        let not_after = |enrolled: i64, other: Option<i64>| other.is_none_or(|other| enrolled <= other);
        self.enrolled
            .filter(|&enrolled| not_after(enrolled, self.withdrew) && not_after(enrolled, self.days.first_act(days)))
    }

    fn outcome(&self) -> Option<Arc<Outcome>> {
        let outcome = |text: &str, kind| Some(Arc::new(Outcome { recorded: text.to_owned(), kind }));
        match self.last_report {
            _ if self.completed => outcome("completed", OutcomeKind::Completed),
            Some((_, false)) => outcome("unenrolled", OutcomeKind::Withdrew),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Entry {
    key: EntryKey,
    history: EnrolmentHistory,
}

/// Holds the course and the learner of an entry.
#[derive(Clone, Debug)]
pub(super) struct EntryKey {
    /// Place of the course.
    pub(super) course: u32,
    learner: LearnerKey,
}

/// Identifies a learner by places in a survey.
#[derive(Clone, Debug)]
enum LearnerKey {
    /// Where the name stands in [`Survey::names`].
    Named(Range<usize>),
    /// The place of the site, and where the name stands.
    Account(u32, Range<usize>),
    Numbered(u64),
}

impl LearnerKey {
    /// Returns what tells it from all others: the name, which only numbers lack, and the number or the place of the site.
    fn parts<'n>(&self, names: &'n [u8]) -> (u64, &'n [u8]) {
        match self {
            Self::Named(name) => (0, &names[name.clone()]),
            Self::Account(site, name) => (1 + u64::from(*site), &names[name.clone()]),
            Self::Numbered(number) => (*number, b""),
        }
    }
}

/// Describes a course, and when it has statements.
#[derive(Clone, Debug)]
struct SurveyedCourse {
    id: Box<[u8]>,
    /// Days of interactions.
    interactions: EventDays,
    /// Days of facts about learners, which count where there are no interactions.
    facts: EventDays,
}

/// Holds the enrolments that a survey found in courses with dates.
pub(super) struct Enrolments {
    pub(super) all: Vec<Enrolment>,
    /// Those in courses without dates.
    pub(super) left_out: LeftOutEnrolments,
    /// How many learners are in none, as all of their events are set aside.
    pub(super) set_aside: u64,
}

/// Holds the enrolments and courses found in a block, or in all of them.
#[derive(Debug, Default)]
pub(super) struct Survey {
    courses: Vec<SurveyedCourse>,
    places: FxHashMap<Box<[u8]>, u32>,
    entries: Vec<Entry>,
    by_pair: HashTable<u32>,
    names: Vec<u8>,
    /// Sites of accounts, each with the instant of its earliest statement.
    sites: Vec<(Box<[u8]>, i64)>,
    user_ids: UserIds,
    /// Number of the file among those of the log, of a survey of one block.
    file: u32,
}

impl Survey {
    /// Adds a statement. Returns the entry of the learner who interacted, or else of the one whose enrolment changed, and
    /// puts those of others who have a part in it into `others`, each with the kind that it is for them.
    pub(super) fn add(&mut self, statement: &Statement<'_>, others: &mut Vec<(u32, u8)>) -> u32 {
        others.clear();
        let course = self.course(statement.course);
        let entry = self.add_to_entries(course, statement, others);
        // A time that is not set says neither when a course runs nor when somebody did something.
        if is_set(statement.instant) {
            let surveyed = &mut self.courses[course as usize];
            let days = match statement.content {
                Content::Interaction(Interaction { part: Part::Did, .. }) => &mut surveyed.interactions,
                Content::Interaction(_) | Content::Change(_) | Content::Both(..) => &mut surveyed.facts,
            };
            days.add(statement.instant, entry);
        }
        entry
    }

    fn add_to_entries(&mut self, course: u32, statement: &Statement<'_>, others: &mut Vec<(u32, u8)>) -> u32 {
        match &statement.content {
            Content::Interaction(interaction) => self.add_interaction(course, statement.instant, interaction, others),
            Content::Change(report) => self.add_report(course, statement.instant, *report),
            Content::Both(interaction, report) => {
                let entry = self.add_interaction(course, statement.instant, interaction, others);
                self.add_report(course, statement.instant, *report);
                entry
            }
        }
    }

    fn add_interaction(
        &mut self,
        course: u32,
        instant: i64,
        interaction: &Interaction<'_>,
        others: &mut Vec<(u32, u8)>,
    ) -> u32 {
        let place = self.entry(course, interaction.learner, instant);
        self.entries[place].history.add_interaction(instant, interaction.part);
        let (file, host) = (self.file, interaction.host);
        match (interaction.learner, interaction.number) {
            (Learner::Named(name), Some(number)) => self.user_ids.add(number, Some(name), host, file),
            (Learner::Numbered(number), _) => self.user_ids.add(number, None, host, file),
            _ => {}
        }
        let part = match interaction.others {
            Others::Group(_) => interaction.part,
            // Whoever receives something need not be there.
            Others::Nobody | Others::Receiver(..) => Part::Caused,
        };
        for (learner, kind) in interaction.others.each(interaction.kind) {
            let other = self.entry(course, learner, instant);
            self.entries[other].history.add_interaction(instant, part);
            others.push((other as u32, kind));
        }
        place as u32
    }

    /// Adds a change of an enrolment. Returns the enrolment's entry.
    fn add_report(&mut self, course: u32, instant: i64, report: EnrolmentReport<'_>) -> u32 {
        let place = self.entry(course, report.learner, instant);
        if is_set(instant) || report.change == EnrolmentChange::Completed {
            self.entries[place].history.add_change(instant, report.change);
        }
        place as u32
    }

    /// Adds what another survey found. Returns the place here of each entry there.
    pub(super) fn absorb(&mut self, other: &Self) -> Vec<u32> {
        let mut entries = Vec::with_capacity(other.entries.len());
        let places: Vec<u32> = other.courses.iter().map(|theirs| self.course(&theirs.id)).collect();
        for (site, earliest) in &other.sites {
            self.site(site, *earliest);
        }
        for entry in &other.entries {
            let learner = other.learner(&entry.key);
            let place = self.entry(places[entry.key.course as usize], learner, i64::MAX);
            self.entries[place].history.join(&entry.history);
            entries.push(place as u32);
        }
        for (theirs, &course) in other.courses.iter().zip(&places) {
            let ours = &mut self.courses[course as usize];
            ours.interactions.join(&theirs.interactions, |entry| entries[entry as usize]);
            ours.facts.join(&theirs.facts, |entry| entries[entry as usize]);
        }
        self.user_ids.absorb(&other.user_ids);
        entries
    }

    /// Lists the courses and learners of the entries, in their order now: it changes when entries of one learner are
    /// joined.
    pub(super) fn keys(&self) -> Vec<EntryKey> {
        self.entries.iter().map(|entry| entry.key.clone()).collect()
    }

    /// Returns the learner of an entry.
    pub(super) fn learner(&self, key: &EntryKey) -> Learner<'_> {
        match &key.learner {
            LearnerKey::Named(name) => Learner::Named(&self.names[name.clone()]),
            LearnerKey::Account(site, name) => {
                Learner::Account { site: &self.sites[*site as usize].0, name: &self.names[name.clone()] }
            }
            LearnerKey::Numbered(number) => Learner::Numbered(*number),
        }
    }

    /// Tells the ids of the learners.
    pub(super) fn learner_ids(&self) -> LearnerIds {
        let sites = self.sites.iter().map(|(site, earliest)| (*earliest, &**site)).collect();
        LearnerIds::new(sites, self.user_ids.names())
    }

    /// Makes a survey of a block of file number `file` of the log.
    pub(super) fn of_file(file: u32) -> Self {
        Self { file, ..Self::default() }
    }

    /// Lists what is odd about those whom the log names. `file_names` are the log's files.
    pub(super) fn notices(&self, file_names: &[String]) -> Vec<Notice> {
        self.several_sites().into_iter().chain(self.user_ids.shared(file_names)).collect()
    }

    /// Says that accounts are of several sites, if they are.
    fn several_sites(&self) -> Option<Notice> {
        if self.sites.len() < 2 {
            return None;
        }
        let mut sites: FxHashMap<&[u8], u32> = FxHashMap::default();
        let mut shared: FxHashSet<&[u8]> = FxHashSet::default();
        for entry in &self.entries {
            let LearnerKey::Account(site, name) = &entry.key.learner else { continue };
            let name = &self.names[name.clone()];
            if *sites.entry(name).or_insert(*site) != *site {
                shared.insert(name);
            }
        }
        Some(Notice::SeveralSites { sites: self.sites.len() as u64, shared_names: shared.len() as u64 })
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
            facts: EventDays::default(),
        });
        self.places.insert(id.into(), place);
        place
    }

    /// Returns the place of a site, which has a statement at `instant`; made if there is none.
    fn site(&mut self, site: &[u8], instant: i64) -> u32 {
        // Most logs have one, and hardly any have many.
        let place = self.sites.iter().position(|(known, _)| **known == *site).unwrap_or_else(|| {
            self.sites.push((site.into(), i64::MAX));
            self.sites.len() - 1
        });
        if is_set(instant) {
            let earliest = &mut self.sites[place].1;
            *earliest = instant.min(*earliest);
        }
        place as u32
    }

    /// Returns the place of the entry of a learner in a course, made if there is none. `instant` is the statement's that
    /// names them.
    fn entry(&mut self, course: u32, learner: Learner<'_>, instant: i64) -> usize {
        let (tag, name) = match learner {
            Learner::Named(name) => (0, name),
            Learner::Account { site, name } => (1 + u64::from(self.site(site, instant)), name),
            Learner::Numbered(number) => (number, &b""[..]),
        };
        let Self { entries, by_pair, names, .. } = self;
        let hash = |course: u32, tag: u64, name: &[u8]| FxBuildHasher.hash_one((course, tag, name));
        let is = |place: &u32| {
            let key = &entries[*place as usize].key;
            key.course == course && key.learner.parts(names) == (tag, name)
        };
        if let Some(&place) = by_pair.find(hash(course, tag, name), is) {
            return place as usize;
        }
        let start = names.len();
        names.extend_from_slice(name);
        let learner = match learner {
            Learner::Named(_) => LearnerKey::Named(start..names.len()),
            Learner::Account { .. } => LearnerKey::Account((tag - 1) as u32, start..names.len()),
            Learner::Numbered(number) => LearnerKey::Numbered(number),
        };
        let place = entries.len();
        entries.push(Entry { key: EntryKey { course, learner }, history: EnrolmentHistory::default() });
        by_pair.insert_unique(hash(course, tag, name), place as u32, |&place| {
            let key = &entries[place as usize].key;
            let (tag, name) = key.learner.parts(names);
            hash(key.course, tag, name)
        });
        place
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
        for SurveyedCourse { id, interactions, facts } in seen {
            let id = String::from_utf8_lossy(id);
            let inferred = match calendar::inferred(&id, interactions, None)? {
                None => calendar::inferred(&id, facts, None)?,
                some => some,
            };
            if let Some(InferredCourse { course, stray }) = inferred {
                courses.push(course);
                all_stray.extend(stray);
            }
        }
        Ok((courses, all_stray))
    }

    /// Makes the enrolments in `courses`, which have these stray days, and counts those who are left out. Dates
    /// of courses were looked for in `dates_from`.
    pub(super) fn enrolments(
        &mut self,
        courses: &[Course],
        stray: &[StrayDays],
        ids: &LearnerIds,
        dates_from: DatesFrom,
    ) -> Enrolments {
        self.join_entries(ids);
        let with_days = |(course, place)| (course, place, days_in_use(course, stray));
        let known: FxHashMap<&[u8], (&Course, CourseIndex, Range<i64>)> = courses
            .iter()
            .zip((0..).map(CourseIndex))
            .map(|(course, place)| (course.id.as_bytes(), with_days((course, place))))
            .collect();
        let mut found = Enrolments {
            all: Vec::with_capacity(self.entries.len()),
            left_out: LeftOutEnrolments { dates_from, ..LeftOutEnrolments::default() },
            set_aside: 0,
        };
        let mut room = Vec::new();
        for Entry { key, history } in self.entries.iter().filter(|entry| entry.history.is_named) {
            let Some((course, place, days)) = known.get(&*self.courses[key.course as usize].id) else {
                found.left_out.add(&String::from_utf8_lossy(&self.courses[key.course as usize].id));
                continue;
            };
            if !history.is_enrolled(days) {
                found.set_aside += 1;
                continue;
            }
            let start = course.start_seconds();
            // At most 68 years either way: an enrolment longer ago was as surely before the course.
            let seconds = |instant: i64| (instant.saturating_sub(start)).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            let learner = String::from_utf8_lossy(ids.id(self.learner(key), &mut room)).into_owned();
            found.all.push(Enrolment {
                names: Names::new(&pair_id(&course.id, &learner), &learner),
                course: *place,
                enrolled_seconds: history.known_enrolment(days).map(seconds),
                withdrawn_seconds: history.withdrew.map(seconds),
                outcome: history.outcome(),
                by_log_alone: true,
                ..Enrolment::default()
            });
        }
        found
    }

    /// Joins the histories of entries whose learners have one id with those of the learners who are named by it.
    fn join_entries(&mut self, ids: &LearnerIds) {
        let mut room = Vec::new();
        let has_names = self.entries.iter().any(|entry| matches!(entry.key.learner, LearnerKey::Named(_)));
        let mut found = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            let is_other = match entry.key.learner {
                LearnerKey::Named(_) => false,
                LearnerKey::Account(..) => has_names,
                LearnerKey::Numbered(_) => true,
            };
            if is_other {
                let id = ids.id(self.learner(&entry.key), &mut room);
                found.push((place, id.to_vec()));
            }
        }
        let mut gone = vec![false; self.entries.len()];
        for (place, id) in found {
            let (course, history) = (self.entries[place].key.course, self.entries[place].history.clone());
            gone[place] = true;
            let place = self.entry(course, Learner::Named(&id), i64::MAX);
            self.entries[place].history.join(&history);
        }
        let mut gone = gone.into_iter().chain(std::iter::repeat(false));
        self.entries.retain(|_| !gone.next().unwrap_or_default());
    }
}
