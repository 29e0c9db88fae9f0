//! What the survey heard, kept so that the log need not be read again for its events.
//!
//! A statement takes 24 bytes, and all together at most [`MOST_BYTES`]: files that find no room are read again. What is kept
//! of a file is given up once its events were taken.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::survey::Survey;
use crate::error::ReadError;
use crate::event::ObjectKey;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::formats::pair_lookup::PairLookup;
use crate::formats::repeats::Repeats;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::intake::{EventRow, Intake};
use crate::row_limits::RowLimits;
use crate::tally::{BlockTally, Reason};

/// Bytes of statements held at most: those of some 5 GB of tracking logs.
const MOST_BYTES: i64 = 256 << 20;

/// A statement, but for what only the survey needs.
#[derive(Clone, Copy, Debug)]
struct Kept {
    instant: i64,
    /// From the high bits: whether there is a deed 1, nothing 7, object 48, kind 8.
    deed: u64,
    /// Place of an entry of the survey: the one who did it, or else the one whom it is about.
    entry: u32,
    /// Line in the block.
    line: u32,
}

const BYTES: usize = size_of::<Kept>();
const HAS_DEED: u64 = 1 << 63;

impl Kept {
    fn kind(&self) -> u8 {
        self.deed as u8
    }

    fn object(&self) -> Option<ObjectKey> {
        ObjectKey::from_bits((self.deed & !HAS_DEED) >> 8)
    }
}

/// The statements of a block, in the order of their lines.
#[derive(Debug, Default)]
pub(super) struct KeptBlock {
    rows: Vec<Kept>,
    /// Those that befell somebody: place in `rows`, the entry of whom, and as what kind.
    received: Vec<(u32, u32, u8)>,
}

/// A statement as the survey of its block took it in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// The entry of the one who did it, or else of the one whom it is about.
    pub(super) entry: u32,
    /// The entry of somebody whom it befell.
    pub(super) received: Option<u32>,
}

impl KeptBlock {
    /// Keeps a statement on line `line` of the block.
    pub(super) fn push(&mut self, line: u64, statement: &super::Statement<'_>, heard: Heard) {
        let deed = statement.deed.map_or(0, |deed| {
            let object = deed.object.map_or(0, ObjectKey::bits);
            HAS_DEED | object << 8 | u64::from(deed.kind)
        });
        if let (Some(entry), Some((_, kind))) = (heard.received, statement.deed.and_then(|deed| deed.received)) {
            self.received.push((self.rows.len() as u32, entry, kind));
        }
        self.rows.push(Kept { instant: statement.instant, deed, entry: heard.entry, line: line as u32 });
    }

    /// Says by what place among all entries each of the block's own goes.
    pub(super) fn rename(&mut self, places: &[u32]) {
        self.rows.iter_mut().for_each(|row| row.entry = places[row.entry as usize]);
        self.received.iter_mut().for_each(|(_, entry, _)| *entry = places[*entry as usize]);
    }

    fn bytes(&self) -> i64 {
        (self.rows.capacity() * BYTES + self.received.capacity() * size_of::<(u32, u32, u8)>()) as i64
    }
}

/// Room for what is kept of a log.
#[derive(Debug)]
pub(super) struct Room(AtomicI64);

impl Default for Room {
    fn default() -> Self {
        Self::of(MOST_BYTES)
    }
}

impl Room {
    pub(super) fn of(bytes: i64) -> Self {
        Self(AtomicI64::new(bytes))
    }
}

/// Blocks of one file as they come in; nothing once one of them found no room.
#[derive(Debug)]
pub(super) struct Keeping {
    room: Arc<Room>,
    blocks: Mutex<Option<Vec<(usize, KeptBlock)>>>,
}

impl Keeping {
    pub(super) fn new(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), blocks: Mutex::new(Some(Vec::new())) }
    }

    /// Takes block `number`.
    pub(super) fn add(&self, number: usize, mut block: KeptBlock) {
        block.rows.shrink_to_fit();
        block.received.shrink_to_fit();
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = blocks.as_mut() else { return };
        let bytes = block.bytes();
        if self.room.0.fetch_sub(bytes, Ordering::Relaxed) < bytes {
            let all = bytes + kept.iter().map(|(_, block)| block.bytes()).sum::<i64>();
            self.room.0.fetch_add(all, Ordering::Relaxed);
            *blocks = None;
            return;
        }
        kept.push((number, block));
    }

    /// The file, when all of it is kept. `tallies` are what became of the lines of each block, in order.
    pub(super) fn finish(&self, tallies: &[(usize, BlockTally)], hash: Option<String>) -> Option<KeptFile> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        blocks.sort_unstable_by_key(|&(number, _)| number);
        let refused = tallies.iter().map(|(_, tally)| tally.refused());
        // A block of nothing but a line that was too long has no statements to hand in.
        let mut blocks = blocks.into_iter().peekable();
        let block = |number| blocks.next_if(|&(its, _)| its == number).map(|(_, block)| block).unwrap_or_default();
        let numbers = tallies.iter().map(|&(number, _)| number);
        Some(KeptFile { blocks: numbers.clone().map(block).zip(refused).zip(numbers).collect(), hash })
    }
}

/// All that a file says.
#[derive(Debug)]
pub(super) struct KeptFile {
    /// Statements, the lines that are none, and the block's number.
    blocks: Vec<((KeptBlock, BlockTally), usize)>,
    hash: Option<String>,
}

/// Where an entry of the survey is in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Enrolment(EnrolmentIndex),
    /// In a course without dates.
    NoCourse,
    /// In a course that has dates, but as nobody that the roster knows: under a number for which a name was found.
    Nobody,
}

/// Where the entries of `survey` are. To be asked for before numbered learners are named.
pub(super) fn places(keys: &[super::survey::EntryKey], survey: &Survey, pairs: &PairLookup) -> Vec<Place> {
    let courses: Vec<Option<CourseIndex>> = survey.course_ids().map(|id| pairs.course(id)).collect();
    let place = |key: &super::survey::EntryKey| match courses[key.course as usize] {
        None => Place::NoCourse,
        Some(course) => pairs.enrolment(course, survey.name(key)).map_or(Place::Nobody, Place::Enrolment),
    };
    keys.iter().map(place).collect()
}

/// A file of statements that was heard already.
pub(super) struct HeardFile {
    /// The file, to be read when it was not kept, or is wanted twice.
    pub(super) file: Box<dyn EventFile>,
    pub(super) kept: Mutex<Option<Arc<KeptFile>>>,
    /// By entry of the survey.
    pub(super) places: Arc<Vec<Place>>,
    pub(super) repeats: Arc<Repeats>,
    /// Number of the file among those of the log.
    pub(super) number: u32,
}

impl HeardFile {
    fn kept(&self, purpose: ReadPurpose) -> Option<Arc<KeptFile>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match purpose {
            // Each event is asked for once.
            ReadPurpose::Events => kept.take(),
            ReadPurpose::Spans => kept.clone(),
        }
    }

    fn has_kept(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Hands in the statements of a block.
    fn take(&self, block: &KeptBlock, intake: &mut Intake<'_>) {
        let repeats = self.repeats.of(self.number, intake.block);
        let mut received = block.received.iter().peekable();
        for (place, row) in block.rows.iter().enumerate() {
            let line = u64::from(row.line);
            let received = received.next_if(|&&(of, ..)| of as usize == place);
            if repeats.has(line) {
                intake.refuse(Reason::RepeatedId, line, super::rows::repeated);
                continue;
            }
            let enrolment = match self.places[row.entry as usize] {
                Place::NoCourse => {
                    intake.refuse(Reason::UnknownCourse, line, super::rows::no_dates);
                    continue;
                }
                // It says who is enrolled, and the roster has it.
                _ if row.deed & HAS_DEED == 0 => {
                    intake.use_row();
                    continue;
                }
                Place::Enrolment(enrolment) => enrolment,
                Place::Nobody => unreachable!("who does something is known by name"),
            };
            let done =
                EventRow { line, enrolment, instant: row.instant, kind: row.kind(), object: row.object(), count: 1 };
            let received = received.and_then(|&(_, entry, kind)| match self.places[entry as usize] {
                Place::Enrolment(enrolment) => Some(EventRow { enrolment, kind, ..done }),
                Place::NoCourse | Place::Nobody => None,
            });
            match received {
                Some(received) => intake.take_rows(line, [done, received].into_iter()),
                None => intake.take_row(done),
            }
        }
    }
}

impl EventFile for HeardFile {
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
        let Some(kept) = self.kept(purpose) else {
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
        !self.has_kept() && self.file.is_one_stream()
    }

    fn read_alone(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        match self.has_kept() {
            true => self.read(purpose, limits, sink, progress),
            false => self.file.read_alone(purpose, limits, sink, progress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::statements::{Deed, Statement};

    fn block(rows: u64) -> KeptBlock {
        let mut block = KeptBlock::default();
        let object = ObjectKey::from_id(b"o");
        let deed = Some(Deed { learner: b"ann", number: None, kind: 3, object, received: Some((b"bob", 4)) });
        for line in 0..rows {
            let statement = Statement { course: b"c", instant: -5, id: b"", deed, change: None };
            block.push(line, &statement, Heard { entry: 0, received: Some(1) });
        }
        block
    }

    #[test]
    fn a_statement_comes_back_as_it_was() {
        let mut block = block(2);
        block.rename(&[7, 8]);
        let row = block.rows[1];
        assert_eq!(
            (row.kind(), row.object(), row.instant, row.entry, row.line),
            (3, ObjectKey::from_id(b"o"), -5, 7, 1)
        );
        assert_eq!(block.received, [(0, 8, 4), (1, 8, 4)]);
        assert_eq!(BYTES, 24);
    }

    #[test]
    fn a_file_is_kept_whole_or_not_at_all() {
        let room = Arc::new(Room::of(1_000));
        let tallies = [(0, BlockTally::default()), (1, BlockTally::default())];
        let keep = |rows: [u64; 2]| {
            let keeping = Keeping::new(&room);
            keeping.add(1, block(rows[1]));
            keeping.add(0, block(rows[0]));
            keeping
                .finish(&tallies, None)
                .map(|file| file.blocks.iter().map(|((block, _), _)| block.rows.len()).collect())
        };
        assert_eq!(keep([10, 30]), None::<Vec<usize>>, "36 bytes each with whom they befell");
        // What the first took is free again.
        assert_eq!(keep([10, 15]), Some(vec![10, 15]));
        assert_eq!(keep([0, 10]), None);
    }
}
