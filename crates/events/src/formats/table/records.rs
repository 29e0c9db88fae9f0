//! CSV in which line breaks occur inside quotes: read in one thread, as only the quotes before tell what a newline is.

use std::io::Read;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::cells::{Field, Fields, MOST_COLUMNS, RowSink};
use super::csv_lines::Signs;
use super::recipe::{Shaped, ShapedBlock};
use crate::error::ReadError;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::input::{self, UnixLines};
use crate::intake::Intake;
use crate::limited::{Limited, RecordStart};
use crate::row_limits::RowLimits;
use crate::table::{Header, csv_error};
use crate::tally::Reason;

/// A CSV whose records may hold newlines. Holds one block and one record, which may be of 4 MiB.
pub(super) struct RecordsFile<S> {
    pub(super) path: PathBuf,
    pub(super) places: Vec<Option<usize>>,
    /// Number of columns.
    pub(super) width: usize,
    pub(super) signs: Signs,
    pub(super) header: Header,
    /// Line of the first record after the header.
    pub(super) first_line: u64,
    pub(super) block_bytes: usize,
    pub(super) rows: Shaped<S>,
}

/// Line, from 1, on which the first record after the header begins.
pub(super) fn first_line(path: &Path, signs: Signs, header: Header) -> Result<u64, ReadError> {
    if header == Header::Absent {
        return Ok(1);
    }
    let (mut reader, record_start) = reader(path, signs, &|_| ())?;
    let mut record = ByteRecord::new();
    record_start.read(&mut reader, &mut record).map_err(|error| csv_error(path, error))?;
    Ok(reader.position().line())
}

type Reader<'a> = csv::Reader<UnixLines<Limited<Box<dyn Read + Send + 'a>>>>;

fn reader<'a>(
    path: &Path,
    signs: Signs,
    progress: &'a (dyn Fn(u64) + Sync),
) -> Result<(Reader<'a>, RecordStart), ReadError> {
    let (stream, record_start) = Limited::new(input::unpacked(path, progress)?);
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(signs.delimiter).escape(signs.escape).has_headers(false).flexible(true);
    Ok((builder.from_reader(UnixLines::new(stream)), record_start))
}

impl<S: RowSink> RecordsFile<S> {
    fn take(&self, record: &ByteRecord, line: u64, state: &mut ShapedBlock<S::Block>, intake: &mut Intake<'_>) {
        if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            return intake.refuse(Reason::NotUtf8, line, || "bytes that are not UTF-8".to_owned());
        }
        if record.len() != self.width {
            let what = || format!("{} fields where the first record has {}", record.len(), self.width);
            return intake.refuse(Reason::Malformed, line, what);
        }
        let mut row: Fields<'_> = [Field::EMPTY; MOST_COLUMNS];
        for (field, place) in row.iter_mut().zip(&self.places) {
            *field = place.map_or(Field::EMPTY, |place| Field::Text(record[place].trim_ascii()));
        }
        self.rows.take(state, &row, line, intake);
    }
}

impl<S: RowSink> EventFile for RecordsFile<S> {
    fn name(&self) -> String {
        input::file_name(&self.path)
    }

    fn size_bytes(&self) -> u64 {
        input::size_bytes(&self.path)
    }

    fn first_line(&self) -> u64 {
        self.first_line
    }

    fn set_block_bytes(&mut self, bytes: usize) {
        self.block_bytes = bytes.max(1);
    }

    fn read(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let (mut reader, record_start) = reader(&self.path, self.signs, progress)?;
        let mut record = ByteRecord::new();
        let read = |reader: &mut Reader<'_>, record: &mut ByteRecord| {
            record_start.read(reader, record).map_err(|error| csv_error(&self.path, error))
        };
        if self.header == Header::Present {
            read(&mut reader, &mut record)?;
        }
        let mut first = self.first_line;
        let mut number = 0;
        let mut more = true;
        while more {
            let mut intake = Intake::new(purpose, limits, number);
            let mut state = self.rows.begin();
            let end = reader.position().byte() + self.block_bytes as u64;
            while reader.position().byte() < end {
                more = read(&mut reader, &mut record)?;
                if !more {
                    break;
                }
                let line = record.position().map_or(0, csv::Position::line) - first;
                self.take(&record, line, &mut state, &mut intake);
            }
            self.rows.end(state, number);
            let next = reader.position().line();
            intake.parsed.tally.lines = next - first;
            first = next;
            sink(number, intake.parsed)?;
            number += 1;
        }
        Ok(None)
    }
}
