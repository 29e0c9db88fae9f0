//! Who is enrolled, inferred from the log where no table says it: the distinct ids of its rows. Holds an entry for each
//! enrolment, whatever the length of the log.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::checked_mapping::{CheckedMapping, Naming, RowEvent};
use super::course_starts::CourseStarts;
use super::files::LogFile;
use super::log;
use super::mapped_row::{Field, MappedRow, Role, RowSink};
use super::times::rounded;
use super::written::Written;
use crate::error::ReadError;
use crate::event_file::ReadPurpose;
use crate::formats::pair_lookup::pair_id;
use crate::intake::Intake;
use crate::row_limits::RowLimits;
use crate::source::Granularity;

/// Holds the enrolments that a log's rows name.
pub(super) struct LogEnrolments {
    pub(super) known: Written,
    /// Those that no row names up to the instant of the log.
    pub(super) later: Written,
}

/// Says when a row comes after the instant of the log.
#[derive(Clone, Debug)]
struct Later {
    as_of: i64,
    starts: CourseStarts,
    granularity: Granularity,
}

impl Later {
    /// Tells whether all events of a row in `course` are later.
    fn has(&self, events: &[RowEvent], row: &MappedRow<'_>, course: &[u8]) -> bool {
        let start = self.starts.of(course);
        let (mut any, mut all) = (false, true);
        for (number, (event, field)) in events.iter().zip(row.times).enumerate() {
            let measures = row.measures.get(number).copied().unwrap_or_default();
            let is_there = !measures.say_no_event() && (event.must_have_time || field != Field::EMPTY);
            if let Some(moment) = event.time.moment(field).filter(|_| is_there) {
                let instant = rounded(moment.instant(start).saturating_add(measures.seconds()), self.granularity);
                any = true;
                all &= instant > self.as_of;
            }
        }
        any && all
    }
}

/// Returns the enrolments that the log's rows name, and tells those apart that none names up to `as_of`. Courses begin
/// at `starts`.
pub(super) fn find(
    files: &[LogFile],
    mapping: &CheckedMapping,
    as_of: Option<i64>,
    starts: &CourseStarts,
) -> Result<LogEnrolments, ReadError> {
    let found: Arc<Mutex<Named>> = Arc::default();
    let granularity = mapping.granularity;
    let later = as_of.map(|as_of| Later { as_of, starts: starts.clone(), granularity });
    for file in files {
        let names = Names {
            found: Arc::clone(&found),
            naming: mapping.naming,
            single_course: mapping.single_course.clone(),
            needs_learner: mapping.logs[file.log].template.requires(Role::Learner),
            events: mapping.logs[file.log].events.clone(),
            later: later.clone(),
        };
        let reading = log::open(file, mapping, names)?;
        reading.read(ReadPurpose::Events, &RowLimits::without_enrolments(), &|_, _| Ok(()), &|_| ())?;
    }
    let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    let Named { known, later } = found;
    let mut later_alone = Written::default();
    later.for_each(|key, names| {
        if !known.has(key) {
            names.with_id(|id, learner, course| later_alone.push_named(id, learner, course));
        }
    });
    let mut written = Written::default();
    let (mut torn, mut before) = (0, None);
    known.for_each(|_, names| {
        names.with_id(|id, learner, course| {
            torn += usize::from(before.as_deref() == Some(id));
            written.push_named(id, learner, course);
            before = Some(id.to_owned());
        });
    });
    if mapping.naming == Naming::Enrolment && torn > 0 {
        let what_to_do = match mapping.is_built_in() {
            true => "are these logs of several exports? Give each by itself",
            false => {
                "give an [enrolments] table, or leave log.columns.enrolment out so that learner and course tell \
                 enrolments apart"
            }
        };
        let what = format!("{torn} enrolment ids of the log stand with more than one learner or course");
        return Err(mapping.error(format!("{what}; {what_to_do}")));
    }
    Ok(LogEnrolments { known: written, later: later_alone })
}

/// Holds what rows up to the instant of the log name, and what later rows do.
#[derive(Default)]
struct Named {
    known: NameSet,
    later: NameSet,
}

/// Holds what a row names. Fields that it lacks are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RowNames<'r> {
    enrolment: &'r [u8],
    learner: &'r [u8],
    course: &'r [u8],
}

impl RowNames<'_> {
    /// Gives the id of the enrolment, the learner's and the course's.
    fn with_id(self, take: impl FnOnce(&str, &str, &str)) {
        let [course, enrolment, learner] = [self.course, self.enrolment, self.learner].map(String::from_utf8_lossy);
        let id = match enrolment.is_empty() {
            true => Cow::Owned(pair_id(&course, &learner)),
            false => enrolment,
        };
        take(&id, if learner.is_empty() { &id } else { &learner }, &course);
    }
}

/// Holds what different rows name, one after the other in one text.
#[derive(Default)]
struct NameSet {
    text: Vec<u8>,
    /// Where each begins.
    starts: HashTable<usize>,
}

/// Counts the bytes of a length.
const LENGTH: usize = 4;

impl NameSet {
    /// Puts the key of what a row names into `key`: lengths keep the parts apart, whatever they hold.
    fn write_key(key: &mut Vec<u8>, names: RowNames<'_>) {
        key.clear();
        for part in [names.course, names.enrolment, names.learner] {
            key.extend_from_slice(&(part.len() as u32).to_le_bytes());
            key.extend_from_slice(part);
        }
    }

    fn has(&self, key: &[u8]) -> bool {
        self.starts.find(FxBuildHasher.hash_one(key), |&start| self.text[start..].starts_with(key)).is_some()
    }

    fn add(&mut self, key: &[u8]) {
        let Self { text, starts } = self;
        let hash = FxBuildHasher.hash_one(key);
        if starts.find(hash, |&start| text[start..].starts_with(key)).is_some() {
            return;
        }
        starts.insert_unique(hash, text.len(), |&start| FxBuildHasher.hash_one(key_at(text, start)));
        text.extend_from_slice(key);
    }

    fn absorb(&mut self, other: &Self) {
        other.starts.iter().for_each(|&start| self.add(key_at(&other.text, start)));
    }

    /// Gives all of them in order, with their keys.
    fn for_each(self, mut take: impl FnMut(&[u8], RowNames<'_>)) {
        let Self { text, starts } = self;
        let mut ordered: Vec<usize> = starts.into_iter().collect();
        ordered.sort_unstable_by(|&one, &other| names_at(&text, one).cmp(&names_at(&text, other)));
        ordered.into_iter().for_each(|start| take(key_at(&text, start), names_at(&text, start)));
    }
}

/// Returns the part of a key that begins at `start`, and where the next one does.
fn part_at(text: &[u8], start: usize) -> (&[u8], usize) {
    let length = u32::from_le_bytes(*text[start..].first_chunk::<LENGTH>().expect("lengths are whole")) as usize;
    (&text[start + LENGTH..][..length], start + LENGTH + length)
}

fn names_at(text: &[u8], start: usize) -> RowNames<'_> {
    let (course, next) = part_at(text, start);
    let (enrolment, next) = part_at(text, next);
    let (learner, _) = part_at(text, next);
    RowNames { enrolment, learner, course }
}

fn key_at(text: &[u8], start: usize) -> &[u8] {
    let mut end = start;
    for _ in 0..3 {
        (_, end) = part_at(text, end);
    }
    &text[start..end]
}

struct Names {
    found: Arc<Mutex<Named>>,
    naming: Naming,
    single_course: Option<String>,
    /// Whether every file has a column of learners: a row without a learner then names nobody.
    needs_learner: bool,
    events: Vec<RowEvent>,
    later: Option<Later>,
}

/// Holds the enrolments that one block names, and the key of the row before.
#[derive(Default)]
pub(super) struct Found {
    named: Named,
    key: Vec<u8>,
    before: Vec<u8>,
}

impl RowSink for Names {
    type Block = Found;

    fn begin(&self) -> Found {
        Found::default()
    }

    fn take(&self, block: &mut Found, row: &MappedRow<'_>, _: u64, _: &mut Intake<'_>) {
        let course = self.single_course.as_ref().map_or(row.get(Role::Course), |id| id.as_bytes());
        let (enrolment, learner) = match self.naming {
            Naming::Enrolment => (row.get(Role::Enrolment), row.get(Role::Learner)),
            Naming::LearnerAndCourse => (&b""[..], row.get(Role::Learner)),
        };
        // A row that lacks an id is counted when events are read.
        if course.is_empty() || (enrolment.is_empty() && learner.is_empty()) {
            return;
        }
        if self.naming == Naming::Enrolment && (enrolment.is_empty() || (self.needs_learner && learner.is_empty())) {
            return;
        }
        NameSet::write_key(&mut block.key, RowNames { enrolment, learner, course });
        if block.key == block.before {
            return;
        }
        // A row whose time can't be read is rejected, and makes nobody a learner.
        if self.events.iter().zip(row.times).any(|(event, field)| event.is_unreadable(field)) {
            return;
        }
        if self.later.as_ref().is_some_and(|later| later.has(&self.events, row, course)) {
            if !block.named.known.has(&block.key) {
                block.named.later.add(&block.key);
            }
            return;
        }
        // Nothing more is to be learnt from rows that name one who is known.
        block.before.clone_from(&block.key);
        block.named.known.add(&block.key);
    }

    fn end(&self, block: Found, _: usize) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.known.absorb(&block.named.known);
        found.later.absorb(&block.named.later);
    }
}
