//! Finds rows of the log whose event ids came before.
//!
//! A row repeats another if both bear the same id and time. Two sites both number their rows from 1, so an id alone does
//! not make one of them a repeat of the other's.

use std::sync::Arc;

use super::checked_mapping::CheckedMapping;
use super::files::LogFile;
use super::log;
use super::mapped_row::{Field, MappedRow, Role, RowSink};
use crate::error::ReadError;
use crate::event_file::ReadPurpose;
use crate::formats::marked_lines::MarkedLines;
use crate::formats::repeats::{ClashSearch, RepeatSearch, RowId, hash_of};
use crate::intake::Intake;
use crate::notice::Notice;
use crate::row_limits::RowLimits;

/// Lists the rows that bear ids of other rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundIds {
    pub(super) repeats: MarkedLines,
    /// Says that ids come again with other times, if any do.
    pub(super) notice: Option<Notice>,
}

/// Reads the log for the event ids of its rows, and finds those that come more than once.
pub(super) fn find_repeats(files: &[LogFile], mapping: &CheckedMapping) -> Result<FoundIds, ReadError> {
    find_repeats_with(RepeatSearch::default(), files, mapping)
}

fn find_repeats_with(search: RepeatSearch, files: &[LogFile], mapping: &CheckedMapping) -> Result<FoundIds, ReadError> {
    let (search, clashes) = (Arc::new(search), Arc::<ClashSearch>::default());
    loop {
        for (found, file) in files.iter().zip(0..) {
            let ids = Ids { search: Arc::clone(&search), clashes: Arc::clone(&clashes), file };
            let reading = log::open(found, mapping, ids)?;
            reading.read(ReadPurpose::Events, &RowLimits::without_enrolments(), &|_, _| Ok(()), &|_| ())?;
        }
        if !search.needs_another_reading() {
            let at_least = clashes.found();
            let notice = (at_least > 0).then_some(Notice::ClashingIds { at_least });
            return Ok(FoundIds { repeats: search.found(), notice });
        }
    }
}

struct Ids {
    search: Arc<RepeatSearch>,
    clashes: Arc<ClashSearch>,
    file: u32,
}

impl RowSink for Ids {
    type Block = IdsOfBlock;

    fn begin(&self) -> Self::Block {
        IdsOfBlock::default()
    }

    fn take(&self, block: &mut Self::Block, row: &MappedRow<'_>, line: u64, _: &mut Intake<'_>) {
        let Some(id) = hash_of(row.get(Role::EventId)) else { return };
        let time = match row.times[0] {
            Field::Text(text) => hash_of(text).unwrap_or_default(),
            Field::Instant(instant) => hash_of(&instant.to_le_bytes()).unwrap_or_default(),
        };
        block.rows.push(RowId { hash: id.rotate_left(1) ^ time, line: line as u32, content: 0 });
        block.times.push((id, time));
    }

    fn end(&self, block: Self::Block, number: usize) {
        self.search.take(self.file, number, &block.rows);
        self.clashes.take(&block.times);
    }
}

/// Holds the ids of the rows of a block.
#[derive(Default)]
struct IdsOfBlock {
    /// Hashes of ids and times, each with its line.
    rows: Vec<RowId>,
    /// Hashes of ids, each with that of its time.
    times: Vec<(u64, u64)>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustc_hash::FxHashSet;

    use super::super::files::Found;
    use super::*;
    use crate::file_head::FileHeads;

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
            let mapping = CheckedMapping::read(&mapping, block_bytes).unwrap();
            // The same file twice: what repeats in it, and all of the second.
            let file = LogFile { log: 0, found: Found::file(FileHeads::default().get(&log).unwrap()) };
            let files = [file.clone(), file];
            let whole = find_repeats(&files, &mapping).unwrap();
            prop_assert_eq!(&find_repeats_with(RepeatSearch::holding(most_ids), &files, &mapping).unwrap(), &whole);
            prop_assert_eq!(whole.notice, None);
            let whole = whole.repeats;

            let mut seen = FxHashSet::default();
            let twice = ids.iter().chain(&ids).filter(|id| !id.is_empty() && !seen.insert(*id)).count();
            prop_assert_eq!(whole.count(0) + whole.count(1), twice);
            prop_assert_eq!(whole.count(1), ids.iter().filter(|id| !id.is_empty()).count());
        }
    }
}
