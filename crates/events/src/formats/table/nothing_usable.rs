//! Why no row of a log tells of an enrolment.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::checked_mapping::CheckedMapping;
use super::courses;
use super::enrolments::EnrolmentRecords;
use super::event_rows::EventRows;
use super::files::LogFile;
use super::log;
use crate::error::ReadError;
use crate::event_file::{ReadPurpose, join_block_tallies};
use crate::not_yet_known::NotYetKnown;
use crate::parsed_block::ParsedBlock;
use crate::row_limits::RowLimits;
use crate::tally::{BlockTally, Tally};

/// Makes the error for a log that gives no enrolment in a course with dates: reads it once more, as if the courses that
/// `records` name had dates, and counts its rows by what is wrong with them. `table` is the path of the table of
/// enrolments, where there is one.
pub(super) fn error(
    files: &[LogFile],
    mapping: &CheckedMapping,
    records: EnrolmentRecords,
    not_yet_known: &NotYetKnown,
    table: Option<&Path>,
) -> ReadError {
    match unused_rows(files, mapping, records, not_yet_known) {
        Err(error) => error,
        Ok(tally) if tally.read == 0 && table.is_none() => {
            ReadError::NoRows { path: files[0].found.path().to_owned(), table: "log".to_owned() }
        }
        Ok(tally) if tally.used == tally.read => {
            let path = table.unwrap_or_else(|| files[0].found.path()).to_owned();
            ReadError::NoRows { path, table: "enrolments".to_owned() }
        }
        Ok(tally) => ReadError::NothingUsable {
            path: files[0].found.path().to_owned(),
            table: "log".to_owned(),
            rows: tally.read,
            reasons: tally.describe_unused(),
        },
    }
}

fn unused_rows(
    files: &[LogFile],
    mapping: &CheckedMapping,
    records: EnrolmentRecords,
    not_yet_known: &NotYetKnown,
) -> Result<Tally, ReadError> {
    let EnrolmentRecords { mut written, aside, .. } = records;
    let (roster, who) = courses::without_dates(mapping, &mut written, &aside, not_yet_known);
    let limits = RowLimits::new(&roster, &vec![1; roster.courses.len()], None);
    let mut tally = Tally::default();
    for found in files {
        let file = log::open(found, mapping, EventRows::new(mapping, &mapping.logs[found.log], &who, None))?;
        let blocks: Mutex<Vec<(usize, BlockTally)>> = Mutex::default();
        let sink = |number, parsed: ParsedBlock| {
            blocks.lock().unwrap_or_else(PoisonError::into_inner).push((number, parsed.tally));
            Ok(())
        };
        file.read(ReadPurpose::Spans, &limits, &sink, &|_| ())?;
        let mut blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        blocks.sort_unstable_by_key(|&(number, _)| number);
        tally.append(join_block_tallies(file.as_ref(), blocks.into_iter().map(|(_, block)| block)));
    }
    Ok(tally)
}
