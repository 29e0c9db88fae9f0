//! Event ids that come more than once: which rows are not the first to bear theirs.
//!
//! The log is read once more for it, and once again for each 4 million ids or so: ids are taken by ranges of their
//! hashes, so that memory does not grow with the log. Two of n ids share a hash, and the later row is lost, with a chance
//! of n² / 2⁶⁵: 10⁻⁵ at 20 million.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use super::cells::{Cells, Role, RowSink};
use super::files::LogFile;
use super::log;
use super::plan::Plan;
use crate::error::ReadError;
use crate::intake::{Frame, Intake};
use crate::roster::Roster;
use crate::source::Purpose;

/// Ids held at a time: about 200 MB.
const MOST_IDS: usize = 1 << 22;

/// Where a row stands: file, block, line in the block.
type Place = (u32, u32, u64);

/// Rows whose id came before.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    rows: FxHashSet<Place>,
}

impl Repeats {
    /// Reads the event ids of the log's files.
    pub(super) fn find(files: &[LogFile], plan: &Plan) -> Result<Self, ReadError> {
        Self::find_within(files, plan, MOST_IDS)
    }

    fn find_within(files: &[LogFile], plan: &Plan, most_ids: usize) -> Result<Self, ReadError> {
        let mut rows = FxHashSet::default();
        let mut first = 0;
        loop {
            let seen = Arc::new(Mutex::new(Seen { first, last: u64::MAX, most_ids, ..Seen::default() }));
            for (found, file) in files.iter().zip(0..) {
                let reading = log::open(found, plan, Ids { seen: Arc::clone(&seen), file })?;
                reading.read(Purpose::Events, &Frame::new(&Roster::default(), &[], None), &|_, _| Ok(()), &|_| ())?;
            }
            let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
            // What was found of ids beyond the range is incomplete: they are looked at again.
            rows.extend(seen.repeats.into_iter().filter(|(hash, _)| *hash <= seen.last).map(|(_, place)| place));
            match seen.last {
                u64::MAX => return Ok(Self { rows }),
                last => first = last + 1,
            }
        }
    }

    /// Whether the row there bears an id that came before.
    pub(super) fn has(&self, file: u32, block: usize, line: u64) -> bool {
        self.rows.contains(&(file, block as u32, line))
    }
}

/// Ids whose hashes lie in a range.
#[derive(Debug, Default)]
struct Seen {
    first: u64,
    last: u64,
    most_ids: usize,
    /// The earliest row of each id.
    earliest: FxHashMap<u64, Place>,
    repeats: Vec<(u64, Place)>,
}

impl Seen {
    fn take(&mut self, hash: u64, place: Place) {
        if !(self.first..=self.last).contains(&hash) {
            return;
        }
        match self.earliest.get_mut(&hash) {
            None => {
                self.earliest.insert(hash, place);
            }
            Some(earliest) => {
                // Blocks come in any order, so the later of two rows is the repeat, whichever came first.
                let later = place.max(*earliest);
                *earliest = place.min(*earliest);
                self.repeats.push((hash, later));
            }
        }
        while self.earliest.len() > self.most_ids && self.last > self.first {
            self.last = self.first + (self.last - self.first) / 2;
            let last = self.last;
            self.earliest.retain(|hash, _| *hash <= last);
            self.repeats.retain(|(hash, _)| *hash <= last);
        }
    }
}

struct Ids {
    seen: Arc<Mutex<Seen>>,
    file: u32,
}

impl RowSink for Ids {
    type Block = Vec<(u64, u64)>;

    fn begin(&self) -> Self::Block {
        Vec::new()
    }

    fn take(&self, block: &mut Self::Block, cells: &Cells<'_>, line: u64, _: &mut Intake<'_>) {
        let id = cells.get(Role::EventId);
        // A row without an id repeats none.
        if !id.is_empty() {
            block.push((foldhash::quality::FixedState::with_seed(0x4964).hash_one(id), line));
        }
    }

    fn end(&self, block: Self::Block, number: usize) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (hash, line) in block {
            seen.take(hash, (self.file, number as u32, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::files::Found;
    use super::*;

    const MAPPING: &str = "single_course = \"C\"\n[log]\nfiles = [\"log.csv\"]\n\
        columns = { learner = \"who\", event_id = \"id\", time = { column = \"at\", format = \"iso\" } }\n";

    proptest! {
        #[test]
        fn few_ids_at_a_time_find_the_same_rows(
            ids in prop::collection::vec("[a-f]?[0-9]?", 0..40),
            most_ids in 1_usize..8,
            block_bytes in 1_usize..64,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mapping = folder.path().join("mapping.toml");
            std::fs::write(&mapping, MAPPING).unwrap();
            let log = folder.path().join("log.csv");
            let rows: String = ids.iter().map(|id| format!("ann,2014-01-01,{id}\n")).collect();
            std::fs::write(&log, format!("who,at,id\n{rows}")).unwrap();
            let plan = Plan::read(&mapping, block_bytes).unwrap();
            // The same file twice: what repeats in it, and all of the second.
            let file = LogFile { log: 0, found: Found::file(&log) };
            let files = [file.clone(), file];
            let whole = Repeats::find(&files, &plan).unwrap();
            prop_assert_eq!(&Repeats::find_within(&files, &plan, most_ids).unwrap().rows, &whole.rows);

            let mut seen = FxHashSet::default();
            let twice = ids.iter().chain(&ids).filter(|id| !id.is_empty() && !seen.insert(*id)).count();
            prop_assert_eq!(whole.rows.len(), twice);
            let in_second = whole.rows.iter().filter(|(file, ..)| *file == 1).count();
            prop_assert_eq!(in_second, ids.iter().filter(|id| !id.is_empty()).count());
        }
    }
}
