//! Who is enrolled, since when and to what end, and when courses have events: gathered from statements, the same
//! whatever order they come in.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::byte_texts::ByteTexts;
use super::history::Histories;
use super::learner_ids::LearnerIds;
use super::statement::{Content, EnrolmentChange, EnrolmentReport, Interaction, Learner, Others, Part, Statement};
use super::user_ids::UserIds;
use crate::enrolment::Enrolment;
use crate::enrolments::Enrolments;
use crate::error::ReadError;
use crate::event_days::{EventDays, is_set};
use crate::formats::calendar::{self, InferredCourse};
use crate::formats::course_ids::is_course;
use crate::formats::pair_lookup::pair_id;
use crate::index::CourseIndex;
use crate::names::Names;
use crate::not_yet_known::NotYetKnown;
use crate::notice::Notice;
use crate::roster::{Course, StrayDays};
use crate::row_limits::days_in_use;
use crate::source::{DatesFrom, LeftOutEnrolments};

/// Identifies the learner of an entry, and its course.
#[derive(Clone, Copy, Debug)]
struct EntryKey {
    course: [u8; 4],
    /// [`NAMED`], [`NUMBERED`], or one more than the place of the site of an account.
    tag: [u8; 4],
    /// Where the name stands in [`Survey::names`], in 40 bits. That of a number are its eight bytes.
    name: [u8; 5],
}

// There may be millions of them.
const _: () = assert!(size_of::<EntryKey>() == 13);

const NAMED: u32 = 0;
const NUMBERED: u32 = u32::MAX;

impl EntryKey {
    fn course(&self) -> u32 {
        u32::from_le_bytes(self.course)
    }

    fn tag(&self) -> u32 {
        u32::from_le_bytes(self.tag)
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
pub(super) struct FoundEnrolments {
    pub(super) all: Enrolments,
    /// Those in courses without dates.
    pub(super) left_out: LeftOutEnrolments,
    /// How many learners are in none, as all of their events are set aside.
    pub(super) set_aside: u64,
    /// How many people in courses with dates are no learners, as nothing is theirs but what they did about others.
    pub(super) only_about_others: u64,
    /// Those whom nothing names up to the instant of the log.
    pub(super) not_yet_known: NotYetKnown,
}

/// Holds the enrolments and courses found in a block, or in all of them.
#[derive(Debug, Default)]
pub(super) struct Survey {
    courses: Vec<SurveyedCourse>,
    places: FxHashMap<Box<[u8]>, u32>,
    keys: Vec<EntryKey>,
    /// By entry.
    histories: Histories,
    /// Entries whose learners turned out to be those of other entries, which have their histories now.
    joined: FxHashSet<u32>,
    by_pair: HashTable<u32>,
    names: ByteTexts,
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
        self.add_day(course, statement, entry);
        entry
    }

    /// Adds a statement after the instant of the log, as [`Survey::add`] does. It says when the course runs, and of learners
    /// nothing but that they are there later.
    pub(super) fn add_later(&mut self, statement: &Statement<'_>, others: &mut Vec<(u32, u8)>) -> u32 {
        others.clear();
        let course = self.course(statement.course);
        let mut later = |learner, is_named: bool| {
            let place = self.entry(course, learner, i64::MAX);
            self.histories.update(place, |history| history.is_named_later |= is_named);
            place as u32
        };
        let (interaction, report) = match &statement.content {
            Content::Interaction(interaction) => (Some(interaction), None),
            Content::Change(report) => (None, Some(report)),
            Content::Both(interaction, report) => (Some(interaction), Some(report)),
        };
        let changed = report.map(|report| later(report.learner, true));
        let acted = interaction.map(|interaction| {
            for (learner, kind) in interaction.others.each(interaction.kind) {
                others.push((later(learner, matches!(interaction.others, Others::Group(_))), kind));
            }
            later(interaction.learner, interaction.part != Part::Caused)
        });
        let entry = acted.or(changed).unwrap_or_default();
        self.add_day(course, statement, entry);
        entry
    }

    /// Takes note of the day of a statement whose learner has this entry.
    fn add_day(&mut self, course: u32, statement: &Statement<'_>, entry: u32) {
        // A time that is not set says neither when a course runs nor when somebody did something.
        if is_set(statement.instant) {
            let surveyed = &mut self.courses[course as usize];
            let days = match statement.content {
                Content::Interaction(Interaction { part: Part::Did, .. }) => &mut surveyed.interactions,
                Content::Interaction(_) | Content::Change(_) | Content::Both(..) => &mut surveyed.facts,
            };
            days.add(statement.instant, entry);
        }
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
        self.histories.update(place, |history| history.add_interaction(instant, interaction.part));
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
            self.histories.update(other, |history| history.add_interaction(instant, part));
            others.push((other as u32, kind));
        }
        place as u32
    }

    /// Adds a change of an enrolment. Returns the enrolment's entry.
    fn add_report(&mut self, course: u32, instant: i64, report: EnrolmentReport<'_>) -> u32 {
        let place = self.entry(course, report.learner, instant);
        if is_set(instant) || report.change == EnrolmentChange::Completed {
            self.histories.update(place, |history| history.add_change(instant, report.change));
        }
        place as u32
    }

    /// Adds what another survey found. Returns the place here of each entry there.
    pub(super) fn absorb(&mut self, other: &Self) -> Vec<u32> {
        let mut entries = Vec::with_capacity(other.keys.len());
        let places: Vec<u32> = other.courses.iter().map(|theirs| self.course(&theirs.id)).collect();
        for (site, earliest) in &other.sites {
            self.site(site, *earliest);
        }
        for (theirs, key) in other.keys.iter().enumerate() {
            let place = self.entry(places[key.course() as usize], other.learner(theirs), i64::MAX);
            self.histories.update(place, |history| history.join(&other.histories.get(theirs)));
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

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns the place of an entry's course.
    pub(super) fn course_of(&self, entry: usize) -> u32 {
        self.keys[entry].course()
    }

    /// Returns the learner of an entry.
    pub(super) fn learner(&self, entry: usize) -> Learner<'_> {
        let key = &self.keys[entry];
        let name = self.names.get(key.name);
        match key.tag() {
            NAMED => Learner::Named(name),
            NUMBERED => Learner::Numbered(u64::from_le_bytes(*name.first_chunk().expect("numbers have eight bytes"))),
            site => Learner::Account { site: &self.sites[site as usize - 1].0, name },
        }
    }

    /// Tells the ids of the learners.
    pub(super) fn learner_ids(&self) -> LearnerIds {
        let sites = self.sites.iter().map(|(site, earliest)| (*earliest, &**site)).collect();
        let named = self.numbers().filter_map(|number| Some((number, self.user_ids.name(number)?.into())));
        LearnerIds::new(sites, named.collect())
    }

    /// Lists the numbers by which entries know learners.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        (0..self.len()).filter_map(|entry| match self.learner(entry) {
            Learner::Numbered(number) => Some(number),
            Learner::Named(_) | Learner::Account { .. } => None,
        })
    }

    /// Makes a survey of a block of file number `file` of the log.
    pub(super) fn of_file(file: u32) -> Self {
        Self { file, ..Self::default() }
    }

    /// Says that some user ids may be of several people, if they may, and forgets user ids. `file_names` are the log's
    /// files.
    pub(super) fn end_user_ids(&mut self, file_names: &[String]) -> Option<Notice> {
        std::mem::take(&mut self.user_ids).shared(file_names)
    }

    /// Says that accounts are of several sites, if they are.
    pub(super) fn several_sites(&self) -> Option<Notice> {
        if self.sites.len() < 2 {
            return None;
        }
        let mut sites: FxHashMap<&[u8], u32> = FxHashMap::default();
        let mut shared: FxHashSet<&[u8]> = FxHashSet::default();
        for (entry, key) in self.keys.iter().enumerate() {
            let Learner::Account { name, .. } = self.learner(entry) else { continue };
            if !self.joined.contains(&(entry as u32)) && *sites.entry(name).or_insert(key.tag()) != key.tag() {
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
        let of_number;
        let (tag, name) = match learner {
            Learner::Named(name) => (NAMED, name),
            Learner::Account { site, name } => (1 + self.site(site, instant), name),
            Learner::Numbered(number) => {
                of_number = number.to_le_bytes();
                (NUMBERED, &of_number[..])
            }
        };
        let Self { keys, by_pair, names, histories, .. } = self;
        let hash = |course: u32, tag: u32, name: &[u8]| FxBuildHasher.hash_one((course, tag, name));
        let is = |place: &u32| {
            let key = &keys[*place as usize];
            key.course() == course && key.tag() == tag && names.get(key.name) == name
        };
        if let Some(&place) = by_pair.find(hash(course, tag, name), is) {
            return place as usize;
        }
        let place = keys.len();
        keys.push(EntryKey { course: course.to_le_bytes(), tag: tag.to_le_bytes(), name: names.push(name) });
        histories.push();
        by_pair.insert_unique(hash(course, tag, name), place as u32, |&place| {
            let key = &keys[place as usize];
            hash(key.course(), key.tag(), names.get(key.name))
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
    ) -> FoundEnrolments {
        self.join_entries(ids);
        let with_days = |(course, place)| (course, place, days_in_use(course, stray));
        let known: FxHashMap<&[u8], (&Course, CourseIndex, Range<i64>)> = courses
            .iter()
            .zip((0..).map(CourseIndex))
            .map(|(course, place)| (course.id.as_bytes(), with_days((course, place))))
            .collect();
        let mut found = FoundEnrolments {
            all: Enrolments::default(),
            left_out: LeftOutEnrolments { dates_from, ..LeftOutEnrolments::default() },
            set_aside: 0,
            only_about_others: 0,
            not_yet_known: NotYetKnown::default(),
        };
        // No more are looked for.
        self.by_pair = HashTable::new();
        let mut room = Vec::new();
        for (entry, key) in self.keys.iter().enumerate() {
            let history = self.histories.get(entry);
            if self.joined.contains(&(entry as u32)) {
                continue;
            }
            let id = &*self.courses[key.course() as usize].id;
            if !(history.is_named || history.is_named_later) {
                found.only_about_others += u64::from(history.is_there && known.contains_key(id));
                continue;
            }
            let Some((course, place, days)) = known.get(id) else {
                found.left_out.add(&String::from_utf8_lossy(id));
                continue;
            };
            if history.is_named && !history.is_enrolled(days) {
                found.set_aside += 1;
                continue;
            }
            let start = course.start_seconds();
            // At most 68 years either way: an enrolment longer ago was as surely before the course.
            let seconds = |instant: i64| (instant.saturating_sub(start)).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            let learner = String::from_utf8_lossy(ids.id(self.learner(entry), &mut room)).into_owned();
            let id = pair_id(&course.id, &learner);
            if !history.is_named {
                found.not_yet_known.add(&id, (&course.id, &learner));
                continue;
            }
            found.all.push(&Enrolment {
                names: Names::new(&id, &learner),
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
        let has_names = self.keys.iter().any(|key| key.tag() == NAMED);
        for place in 0..self.len() {
            let is_other = match self.learner(place) {
                Learner::Named(_) => false,
                Learner::Account { .. } => has_names,
                Learner::Numbered(_) => true,
            };
            if is_other {
                let id = ids.id(self.learner(place), &mut room).to_vec();
                let named = self.entry(self.course_of(place), Learner::Named(&id), i64::MAX);
                let history = self.histories.get(place);
                self.histories.update(named, |known| known.join(&history));
                self.joined.insert(place as u32);
            }
        }
    }
}
