//! Why no row of a log tells of an enrolment.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::checked_mapping::CheckedMapping;
use super::courses::NOMINAL_START;
use super::enrolments::{self, EnrolmentRecords, UndatedEnrolments};
use super::event_rows::{EnrolmentFinder, EventRows};
use super::files::LogFile;
use super::log;
use crate::error::ReadError;
use crate::event_file::ReadPurpose;
use crate::parsed_block::ParsedBlock;
use crate::roster::Course;
use crate::row_limits::RowLimits;
use crate::tally::{BlockTally, Tally};

/// Makes the error for a log that gives no enrolment in a course with dates: reads it once more, as if the courses that
/// `records` name had dates, and counts its rows by what is wrong with them. `table` is the path of the table of
/// enrolments, where there is one.
pub(super) fn error(
    files: &[LogFile],
    mapping: &CheckedMapping,
    records: &EnrolmentRecords,
    table: Option<&Path>,
) -> ReadError {
    match unused_rows(files, mapping, records) {
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

fn unused_rows(files: &[LogFile], mapping: &CheckedMapping, records: &EnrolmentRecords) -> Result<Tally, ReadError> {
    let EnrolmentRecords { written, aside } = records;
    let mut ids: Vec<&str> = written.iter().map(|one| one.course.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let provisional = |id: &&str| Course { id: (*id).to_owned(), start_day: NOMINAL_START, days: 1, inferred: true };
    let (roster, _) = enrolments::roster(ids.iter().map(provisional).collect(), written, Vec::new());
    let who = Arc::new(EnrolmentFinder::new(mapping, &roster, &UndatedEnrolments::default(), aside.clone()));
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
        let mut line = file.first_line();
        for (_, block) in blocks {
            let lines = block.lines;
            tally.append(block.place(&file.name(), line));
            line += lines;
        }
    }
    Ok(tally)
}
