//! CSV in which line breaks occur inside quotes: read in one thread, as only the quotes before tell what a newline is.

use std::io::Read;
use std::path::PathBuf;

use csv::ByteRecord;

use super::csv_lines::Signs;
use super::mapped_row::{Field, Fields, MOST_COLUMNS, RowSink};
use super::row_template::{RowMaker, RowMakerBlock};
use crate::error::ReadError;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::file_head::FileHead;
use crate::input::{self, Packing, UnixLines};
use crate::intake::Intake;
use crate::limited::{Limited, RecordStart};
use crate::row_limits::RowLimits;
use crate::table::{Header, csv_error};
use crate::tally::Reason;
use crate::text::BLOCK_BYTES;

/// A CSV whose records may hold newlines. Holds one block and one record, which may be of 4 MiB.
pub(super) struct RecordsFile<S> {
    path: PathBuf,
    packing: Packing,
    columns: RecordColumns,
    signs: Signs,
    header: Header,
    /// Line of the first record after the header.
    first_line: u64,
    block_bytes: usize,
    rows: RowMaker<S>,
}

/// The columns of a file of records.
pub(super) struct RecordColumns {
    /// Places in the file of the columns that the mapping names.
    pub(super) places: Vec<Option<usize>>,
    /// Number of columns.
    pub(super) width: usize,
}

/// Returns the line, from 1, on which the first record after the header begins.
fn first_line(head: &FileHead, signs: Signs, header: Header) -> Result<u64, ReadError> {
    if header == Header::Absent {
        return Ok(1);
    }
    let mut reader = signs.reader().from_reader(UnixLines::new(head.bytes()));
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).map_err(|error| csv_error(head.path(), head.packing(), error))?;
    Ok(reader.position().line())
}

impl Signs {
    fn reader(self) -> csv::ReaderBuilder {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(self.delimiter).escape(self.escape).has_headers(false).flexible(true);
        builder
    }
}

type Reader<'a> = csv::Reader<UnixLines<Limited<Box<dyn Read + Send + 'a>>>>;

impl<S: RowSink> RecordsFile<S> {
    /// Makes a file of records out of the file with this head.
    pub(super) fn new(
        head: &FileHead,
        columns: RecordColumns,
        signs: Signs,
        header: Header,
        rows: RowMaker<S>,
    ) -> Result<Self, ReadError> {
        let first_line = first_line(head, signs, header)?;
        let (path, packing) = (head.path().to_owned(), head.packing());
        Ok(Self { path, packing, columns, signs, header, first_line, block_bytes: BLOCK_BYTES, rows })
    }

    fn reader<'a>(&self, progress: &'a (dyn Fn(u64) + Sync)) -> Result<(Reader<'a>, RecordStart), ReadError> {
        let (stream, record_start) = Limited::new(input::unpacked(&self.path, self.packing, progress)?);
        Ok((self.signs.reader().from_reader(UnixLines::new(stream)), record_start))
    }

    fn take(&self, record: &ByteRecord, line: u64, state: &mut RowMakerBlock<S::Block>, intake: &mut Intake<'_>) {
        if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            return intake.refuse(Reason::NotUtf8, line, || "bytes that are not UTF-8".to_owned());
        }
        if record.len() != self.columns.width {
            let what = || format!("{} fields where the first record has {}", record.len(), self.columns.width);
            return intake.refuse(Reason::Malformed, line, what);
        }
        let mut row: Fields<'_> = [Field::EMPTY; MOST_COLUMNS];
        for (field, place) in row.iter_mut().zip(&self.columns.places) {
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
        let (mut reader, record_start) = self.reader(progress)?;
        let mut record = ByteRecord::new();
        let read = |reader: &mut Reader<'_>, record: &mut ByteRecord| {
            record_start.read(reader, record).map_err(|error| csv_error(&self.path, self.packing, error))
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
