//! The statements of a log, kept from its first reading, so that it need not be read again for its events.
//!
//! A statement takes 24 bytes, and all together at most [`MOST_BYTES`]: files that find no room are read again. What is
//! kept of a file is given up once its events were taken.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::learner_ids::LearnerIds;
use super::lines_aside::LinesAside;
use super::statement::{Statement, course_without_dates};
use super::survey::Survey;
use super::taking::take_statement;
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::formats::pair_lookup::PairLookup;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::intake::{EventRow, Intake, RowRole, UnenrolledRow};
use crate::row_limits::{ObjectNaming, RowLimits};
use crate::tally::{BlockTally, Reason};

/// Bounds the bytes of statements that are held: those of some 5 GB of tracking logs.
const MOST_BYTES: i64 = 256 << 20;

/// Holds a statement, but for what only the survey needs.
#[derive(Clone, Copy, Debug)]
struct Kept {
    instant: i64,
    /// From the high bits: whether there is an interaction 1, its role 2, nothing 5, object 48, kind 8.
    interaction: u64,
    /// Place of an entry of the survey: of the learner who interacted, or else of the one whose enrolment changed.
    entry: u32,
    /// Line in the block.
    line: u32,
}

const BYTES: usize = size_of::<Kept>();
const HAS_INTERACTION: u64 = 1 << 63;
const ROLE_AT: u32 = 61;
const OBJECT: u64 = ((1 << 48) - 1) << 8;
const ROLES: [RowRole; 3] = [RowRole::Act, RowRole::Fact, RowRole::Record];

impl Kept {
    fn kind(&self) -> u8 {
        self.interaction as u8
    }

    fn object(&self) -> Option<ObjectKey> {
        ObjectKey::from_bits((self.interaction & OBJECT) >> 8)
    }

    fn role(&self) -> RowRole {
        ROLES[(self.interaction >> ROLE_AT & 3) as usize]
    }
}

/// Holds the statements of a block, in the order of their lines.
#[derive(Debug, Default)]
pub(super) struct KeptBlock {
    rows: Vec<Kept>,
    /// Those in which other learners have a part: place in `rows`, the entry of such a learner, and the kind it is for
    /// them.
    others: Vec<(u32, u32, u8)>,
    /// The ids of their objects, where these are asked for.
    pub(super) names: FxHashMap<ObjectKey, Box<str>>,
}

/// Counts the bytes that an id takes beside its text.
const NAME_BYTES: usize = 2 * size_of::<(ObjectKey, Box<str>)>();

impl KeptBlock {
    /// Keeps a statement on line `line` of the block: the entry of its learner, and those of `others`.
    pub(super) fn push(&mut self, line: u64, statement: &Statement<'_>, entry: u32, others: &[(u32, u8)]) {
        let place = self.rows.len() as u32;
        self.others.extend(others.iter().map(|&(entry, kind)| (place, entry, kind)));
        let interaction = statement.content.interaction().map_or(0, |interaction| {
            let object = interaction.object.map_or(0, ObjectKey::bits);
            HAS_INTERACTION | object << 8 | u64::from(interaction.kind)
        });
        let interaction = interaction | (statement.content.role() as u64) << ROLE_AT;
        self.rows.push(Kept { instant: statement.instant, interaction, entry, line: line as u32 });
    }

    /// Puts the place among all entries in place of each of the block's own.
    pub(super) fn renumber(&mut self, places: &[u32]) {
        self.rows.iter_mut().for_each(|row| row.entry = places[row.entry as usize]);
        self.others.iter_mut().for_each(|(_, entry, _)| *entry = places[*entry as usize]);
    }

    fn bytes(&self) -> i64 {
        let names: usize = self.names.values().map(|name| name.len() + NAME_BYTES).sum();
        (self.rows.capacity() * BYTES + self.others.capacity() * size_of::<(u32, u32, u8)>() + names) as i64
    }
}

/// Counts the bytes that are left for the statements of a log.
#[derive(Debug)]
pub(super) struct MemoryBudget(AtomicI64);

impl Default for MemoryBudget {
    fn default() -> Self {
        Self::new(MOST_BYTES)
    }
}

impl MemoryBudget {
    fn new(bytes: i64) -> Self {
        Self(AtomicI64::new(bytes))
    }
}

/// Keeps the blocks of one file as they come in; none once one of them found no room.
#[derive(Debug)]
pub(super) struct BlockKeeper {
    budget: Arc<MemoryBudget>,
    blocks: Mutex<Option<Vec<(usize, KeptBlock)>>>,
}

impl BlockKeeper {
    pub(super) fn new(budget: &Arc<MemoryBudget>) -> Self {
        Self { budget: Arc::clone(budget), blocks: Mutex::new(Some(Vec::new())) }
    }

    /// Takes block `number`.
    pub(super) fn add(&self, number: usize, mut block: KeptBlock) {
        block.rows.shrink_to_fit();
        block.others.shrink_to_fit();
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = blocks.as_mut() else { return };
        let bytes = block.bytes();
        if self.budget.0.fetch_sub(bytes, Ordering::Relaxed) < bytes {
            let all = bytes + kept.iter().map(|(_, block)| block.bytes()).sum::<i64>();
            self.budget.0.fetch_add(all, Ordering::Relaxed);
            *blocks = None;
            return;
        }
        kept.push((number, block));
    }

    /// Returns the file, when all of it is kept. `tallies` count the lines of each block, in order.
    pub(super) fn finish(&self, tallies: &[(usize, BlockTally)], hash: Option<String>) -> Option<KeptFile> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        blocks.sort_unstable_by_key(|&(number, _)| number);
        let refused = tallies.iter().map(|(_, tally)| tally.refused());
        // A block of nothing but a line that was too long has no statements.
        let mut blocks = blocks.into_iter().peekable();
        let block = |number| blocks.next_if(|&(its, _)| its == number).map(|(_, block)| block).unwrap_or_default();
        let numbers = tallies.iter().map(|&(number, _)| number);
        Some(KeptFile { blocks: numbers.clone().map(block).zip(refused).zip(numbers).collect(), hash })
    }
}

/// Holds all statements of a file.
#[derive(Debug)]
pub(super) struct KeptFile {
    /// Statements, the lines that are none, and the block's number.
    blocks: Vec<((KeptBlock, BlockTally), usize)>,
    hash: Option<String>,
}

/// Says where an entry of the survey is in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Enrolment(CourseIndex, EnrolmentIndex),
    /// In a course without dates.
    NoCourse,
    /// Of somebody who is not enrolled in the course.
    NoLearner(CourseIndex),
}

/// Finds the places of the first `count` entries of `survey`.
pub(super) fn places(count: usize, survey: &Survey, learners: &LearnerIds, pairs: &PairLookup) -> Vec<Place> {
    let courses: Vec<Option<CourseIndex>> = survey.course_ids().map(|id| pairs.course(id)).collect();
    let mut room = Vec::new();
    let mut place = |entry: usize| match courses[survey.course_of(entry) as usize] {
        None => Place::NoCourse,
        Some(course) => {
            let id = learners.id(survey.learner(entry), &mut room);
            pairs
                .enrolment(course, id)
                .map_or(Place::NoLearner(course), |enrolment| Place::Enrolment(course, enrolment))
        }
    };
    (0..count).map(&mut place).collect()
}

/// Holds a file of statements that was read already.
pub(super) struct KeptStatements {
    /// The file, to be read when it was not kept, or is wanted twice.
    pub(super) file: Box<dyn EventFile>,
    pub(super) kept: Mutex<Option<Arc<KeptFile>>>,
    /// By entry of the survey.
    pub(super) places: Arc<Vec<Place>>,
    pub(super) aside: LinesAside,
    /// Number of the file among those of the log.
    pub(super) number: u32,
    /// Whether the ids of objects are kept too.
    pub(super) objects: ObjectNaming,
}

impl KeptStatements {
    /// Tells whether what is kept is all that a reading asks for.
    fn is_enough_for(&self, limits: &RowLimits) -> bool {
        self.objects == ObjectNaming::Kept || !limits.names_objects()
    }

    fn kept(&self, purpose: ReadPurpose) -> Option<Arc<KeptFile>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match purpose {
            // Each event is asked for once.
            ReadPurpose::Events => kept.take(),
            ReadPurpose::Spans => kept.clone(),
        }
    }

    /// Returns the number of blocks that are kept, where the file is.
    fn kept_blocks(&self) -> Option<usize> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|kept| kept.blocks.len())
    }

    /// Hands the statements of a block to `intake`.
    fn take(&self, block: &KeptBlock, intake: &mut Intake<'_>) {
        let aside = self.aside.in_block(self.number, intake.block);
        let mut others = block.others.as_slice();
        if intake.names_objects() {
            intake.parsed.object_names.clone_from(&block.names);
        }
        for (place, row) in block.rows.iter().enumerate() {
            let line = u64::from(row.line);
            let count = others.iter().take_while(|&&(of, ..)| of as usize == place).count();
            let (here, rest) = others.split_at(count);
            others = rest;
            if aside.refuse(line, intake) {
                continue;
            }
            let (course, enrolment) = match self.places[row.entry as usize] {
                Place::NoCourse => {
                    intake.refuse(Reason::UnknownCourse, line, course_without_dates);
                    continue;
                }
                Place::Enrolment(course, enrolment) => (course, Some(enrolment)),
                Place::NoLearner(course) => (course, None),
            };
            let event = |enrolment, kind| EventRow {
                line,
                enrolment,
                instant: row.instant,
                kind,
                object: row.object(),
                count: 1,
            };
            let has_interaction = row.interaction & HAS_INTERACTION != 0;
            let unenrolled = UnenrolledRow { line, course, instant: row.instant, role: row.role() };
            let done = enrolment.filter(|_| has_interaction).map(|enrolment| event(enrolment, row.kind()));
            let others = here.iter().filter_map(|&(_, entry, kind)| match self.places[entry as usize] {
                Place::Enrolment(_, enrolment) => Some(event(enrolment, kind)),
                Place::NoCourse | Place::NoLearner(_) => None,
            });
            take_statement(intake, unenrolled, done, others);
        }
    }
}

impl EventFile for KeptStatements {
    fn name(&self) -> String {
        self.file.name()
    }

    fn path(&self) -> Option<&Path> {
        self.file.path()
    }

    fn size_bytes(&self) -> u64 {
        self.file.size_bytes()
    }

    fn first_line(&self) -> u64 {
        self.file.first_line()
    }

    fn set_block_bytes(&mut self, bytes: usize) {
        self.file.set_block_bytes(bytes);
    }

    fn read(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let Some(kept) = self.kept(purpose).filter(|_| self.is_enough_for(limits)) else {
            return self.file.read(purpose, limits, sink, progress);
        };
        kept.blocks.par_iter().try_for_each(|((block, refused), number)| {
            let mut intake = Intake::new(purpose, limits, *number);
            if purpose == ReadPurpose::Events {
                intake.parsed.events.reserve(block.rows.len());
            }
            self.take(block, &mut intake);
            intake.parsed.tally.join(refused);
            sink(*number, intake.parsed)
        })?;
        progress(self.size_bytes());
        Ok(kept.hash.clone())
    }

    fn is_one_stream(&self) -> bool {
        self.file.is_one_stream() && self.kept_blocks().is_none_or(|blocks| blocks < 2)
    }

    fn read_alone(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        match self.kept_blocks().is_some() && self.is_enough_for(limits) {
            true => self.read(purpose, limits, sink, progress),
            false => self.file.read_alone(purpose, limits, sink, progress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::statements::{AttemptRole, Content, Interaction, Learner, Others, Part};

    fn block(rows: u64) -> KeptBlock {
        let mut block = KeptBlock::default();
        let (object, object_id) = (ObjectKey::from_id(b"o"), &b"o"[..]);
        let content = Content::Interaction(Interaction {
            learner: Learner::Named(b"ann"),
            part: Part::Did,
            number: None,
            host: b"",
            kind: 3,
            unknown_kind: None,
            object,
            object_id,
            others: Others::Receiver(b"bob", 4),
        });
        for line in 0..rows {
            let attempt = AttemptRole::Nothing;
            let statement = Statement { course: b"c", instant: -5, id: b"", content, attempt };
            block.push(line, &statement, 0, &[(1, 4)]);
        }
        block
    }

    #[test]
    fn a_statement_comes_back_as_it_was() {
        let mut block = block(2);
        block.renumber(&[7, 8]);
        let row = block.rows[1];
        assert_eq!(
            (row.kind(), row.object(), row.instant, row.entry, row.line),
            (3, ObjectKey::from_id(b"o"), -5, 7, 1)
        );
        assert_eq!(block.others, [(0, 8, 4), (1, 8, 4)]);
        assert_eq!(BYTES, 24);
    }

    #[test]
    fn a_file_is_kept_whole_or_not_at_all() {
        let budget = Arc::new(MemoryBudget::new(1_000));
        let tallies = [(0, BlockTally::default()), (1, BlockTally::default())];
        let keep = |rows: [u64; 2]| {
            let keeper = BlockKeeper::new(&budget);
            keeper.add(1, block(rows[1]));
            keeper.add(0, block(rows[0]));
            keeper
                .finish(&tallies, None)
                .map(|file| file.blocks.iter().map(|((block, _), _)| block.rows.len()).collect())
        };
        assert_eq!(keep([10, 30]), None::<Vec<usize>>, "36 bytes each with another learner");
        // What the first took is free again.
        assert_eq!(keep([10, 15]), Some(vec![10, 15]));
        assert_eq!(keep([0, 10]), None);
    }
}
