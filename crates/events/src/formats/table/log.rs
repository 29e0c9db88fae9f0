//! Opens a file of the log, of whatever kind, for whatever takes its rows.

use std::path::Path;

use memchr::memchr;

use super::cells::{ROLES, Role, RolePlaces, RowSink};
use super::csv_lines::CsvLines;
use super::json::{JsonLines, JsonPath};
use super::mapping::FileType;
use super::parquet::{ParquetFile, ParquetLog, TimeColumn};
use super::plan::{Layout, LogPlan, Newlines, Plan};
use super::records::{self, RecordsFile};
use crate::error::ReadError;
use crate::input::{self, BOM, bare_name, not_text};
use crate::source::EventFile;
use crate::table::{Header, Table};
use crate::text::{BLOCK_BYTES, TextFile};

/// Opens the log file at `path` so that its rows go to `sink`.
pub(super) fn open<S: RowSink + 'static>(path: &Path, plan: &Plan, sink: S) -> Result<Box<dyn EventFile>, ReadError> {
    let mut file = open_kind(path, plan, sink)?;
    // Every reading of a file must cut it into the same blocks: repeated event ids are found by block and line.
    file.set_block_bytes(plan.block_bytes);
    Ok(file)
}

fn open_kind<S: RowSink + 'static>(path: &Path, plan: &Plan, sink: S) -> Result<Box<dyn EventFile>, ReadError> {
    let LogPlan { layout, columns, .. } = &plan.log;
    match file_type(path, layout)? {
        FileType::Csv => open_csv(path, layout, columns, sink),
        FileType::Jsonl => {
            let parser = JsonLines { paths: columns.each_ref().map(|name| name.as_deref().map(JsonPath::of)), sink };
            let bom = if head_of_text(path, "log")?.starts_with(BOM) { BOM.len() } else { 0 };
            Ok(Box::new(TextFile::new(path, bom as u64, 0, parser)))
        }
        FileType::Parquet => open_parquet(path, plan, sink),
    }
}

/// What kind of file it is: as the mapping says or, where it does not, by the file's name and first bytes.
pub(super) fn file_type(path: &Path, layout: &Layout) -> Result<FileType, ReadError> {
    if let Some(file_type) = layout.file_type {
        return Ok(file_type);
    }
    let name = bare_name(path);
    if name.ends_with(".parquet") || input::head(path, 4)? == b"PAR1" {
        return Ok(FileType::Parquet);
    }
    if [".jsonl", ".ndjson", ".json"].iter().any(|ending| name.ends_with(ending)) {
        return Ok(FileType::Jsonl);
    }
    Ok(FileType::Csv)
}

/// The first bytes of a file that must be text and hold something.
pub(super) fn head_of_text(path: &Path, table: &str) -> Result<Vec<u8>, ReadError> {
    let head = input::head(path, 1 << 16)?;
    if head.is_empty() {
        return Err(ReadError::Empty { path: path.to_owned(), table: table.to_owned() });
    }
    match not_text(&head) {
        Some(why) => Err(ReadError::NotText { path: path.to_owned(), why: why.to_owned() }),
        None => Ok(head),
    }
}

fn open_csv<S: RowSink + 'static>(
    path: &Path,
    layout: &Layout,
    columns: &[Option<String>; ROLES],
    sink: S,
) -> Result<Box<dyn EventFile>, ReadError> {
    let head = head_of_text(path, "log")?;
    let table = Table::open(path, "log", layout.delimiter, layout.header)?;
    let mut places: RolePlaces = [None; ROLES];
    for (place, name) in places.iter_mut().zip(columns) {
        *place = name.as_deref().map(|name| require(&table, name)).transpose()?;
    }
    let width = table.columns().len();
    let delimiter = layout.delimiter;
    if layout.newlines == Newlines::MayBeQuoted {
        let first_line = records::first_line(path, delimiter, layout.header)?;
        let header = layout.header;
        let path = path.to_owned();
        let block_bytes = BLOCK_BYTES;
        return Ok(Box::new(RecordsFile { path, places, width, delimiter, header, first_line, block_bytes, sink }));
    }
    let (bytes, lines) = match layout.header {
        Header::Present => (memchr(b'\n', &head).map_or(head.len(), |newline| newline + 1), 1),
        Header::Absent if head.starts_with(BOM) => (BOM.len(), 0),
        Header::Absent => (0, 0),
    };
    Ok(Box::new(TextFile::new(path, bytes as u64, lines, CsvLines { places, width, delimiter, sink })))
}

/// Place of a column by its exact name, or else by its name in other letters' case.
pub(super) fn require(table: &Table, name: &str) -> Result<usize, ReadError> {
    match table.columns().iter().position(|column| column == name) {
        Some(place) => Ok(place),
        None => table.require(&[name]),
    }
}

fn open_parquet<S: RowSink + 'static>(path: &Path, plan: &Plan, sink: S) -> Result<Box<dyn EventFile>, ReadError> {
    let file = ParquetFile::open(path)?;
    let mut places: RolePlaces = [None; ROLES];
    for (place, name) in places.iter_mut().zip(&plan.log.columns) {
        *place = name.as_deref().map(|name| file.require("log", name)).transpose()?;
    }
    let typed = places[Role::Time as usize].is_some_and(|place| file.time_column(place) == TimeColumn::Typed);
    if typed && plan.log.time.is_number() {
        return Err(plan.error(format!(
            "log.columns.time.format is for numbers, but the column holds times in {}; use `iso` or `date`",
            input::file_name(path)
        )));
    }
    Ok(Box::new(ParquetLog::new(file, places, sink)))
}
