//! Opens a file of the log, of whatever kind, for whatever takes its rows.

use std::path::Path;

use memchr::memchr;

use super::cells::RowSink;
use super::csv_lines::{CsvLines, Signs};
use super::files::{LogFile, Place};
use super::json::{JsonLines, JsonPath};
use super::mapping::FileType;
use super::parquet::{ParquetFile, ParquetLog, TimeColumn};
use super::plan::{Layout, LogPlan, Newlines, Plan};
use super::recipe::{Column, Shaped};
use super::records::{self, RecordsFile};
use crate::error::ReadError;
use crate::event_file::EventFile;
use crate::input::{self, BOM, bare_name, not_text};
use crate::table::{Header, Table};
use crate::text::{BLOCK_BYTES, TextFile};

/// Opens a file of the log so that its rows go to `sink`.
pub(super) fn open<S: RowSink + 'static>(
    found: &LogFile,
    plan: &Plan,
    sink: S,
) -> Result<Box<dyn EventFile>, ReadError> {
    let log = &plan.logs[found.log];
    let course = found.found.course.as_ref().map(|course| course.as_bytes().to_vec());
    let rows = Shaped { recipe: log.recipe.clone(), course, sink };
    let mut file = match &found.found.place {
        Place::File(path) => open_file(path, plan, log, rows)?,
        Place::Held(table) => return Err(plan.error(format!("{} is no log", table.path().display()))),
        #[cfg(feature = "sql")]
        Place::Database(table) => table.open(rows)?,
    };
    // Every reading of a file must cut it into the same blocks: repeated event ids are found by block and line.
    file.set_block_bytes(plan.block_bytes);
    Ok(file)
}

fn open_file<S: RowSink + 'static>(
    path: &Path,
    plan: &Plan,
    log: &LogPlan,
    rows: Shaped<S>,
) -> Result<Box<dyn EventFile>, ReadError> {
    match file_type(path, &log.layout)? {
        FileType::Csv => open_csv(path, &log.layout, rows),
        FileType::Jsonl => {
            let paths = rows.recipe.columns.iter().map(|column| JsonPath::of(&column.name)).collect();
            let bom = if head_of_text(path, "log")?.starts_with(BOM) { BOM.len() } else { 0 };
            Ok(Box::new(TextFile::new(path, bom as u64, 0, JsonLines { paths, rows })))
        }
        FileType::Parquet => open_parquet(path, plan, log, rows),
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
    rows: Shaped<S>,
) -> Result<Box<dyn EventFile>, ReadError> {
    let head = head_of_text(path, "log")?;
    let signs = Signs { delimiter: layout.delimiter, escape: layout.escape };
    let table = Table::open_with(path, "log", signs.delimiter, signs.escape, layout.header)?;
    let place = |column: &Column| match (require(&table, &column.name), column.may_lack) {
        (Ok(place), _) => Ok(Some(place)),
        (Err(_), true) => Ok(None),
        (Err(error), false) => Err(error),
    };
    let places: Vec<Option<usize>> = rows.recipe.columns.iter().map(place).collect::<Result<_, _>>()?;
    let width = table.columns().len();
    if layout.newlines == Newlines::MayBeQuoted {
        let first_line = records::first_line(path, signs, layout.header)?;
        let header = layout.header;
        let path = path.to_owned();
        let block_bytes = BLOCK_BYTES;
        return Ok(Box::new(RecordsFile { path, places, width, signs, header, first_line, block_bytes, rows }));
    }
    let (bytes, lines) = match layout.header {
        Header::Present => (memchr(b'\n', &head).map_or(head.len(), |newline| newline + 1), 1),
        Header::Absent if head.starts_with(BOM) => (BOM.len(), 0),
        Header::Absent => (0, 0),
    };
    Ok(Box::new(TextFile::new(path, bytes as u64, lines, CsvLines { places, width, signs, rows })))
}

/// Place of a column by its exact name, or else by its name in other letters' case.
pub(super) fn require(table: &Table, name: &str) -> Result<usize, ReadError> {
    match table.columns().iter().position(|column| column == name) {
        Some(place) => Ok(place),
        None => table.require(&[name]),
    }
}

fn open_parquet<S: RowSink + 'static>(
    path: &Path,
    plan: &Plan,
    log: &LogPlan,
    rows: Shaped<S>,
) -> Result<Box<dyn EventFile>, ReadError> {
    let file = ParquetFile::open(path)?;
    let place = |column: &Column| match column.may_lack {
        true => Ok(file.find(&column.name)),
        false => file.require("log", &column.name).map(Some),
    };
    let places: Vec<Option<usize>> = rows.recipe.columns.iter().map(place).collect::<Result<_, _>>()?;
    for (event, &column) in log.events.iter().zip(&rows.recipe.times) {
        let typed = places[column].is_some_and(|place| file.time_column(place) == TimeColumn::Typed);
        if typed && event.time.format.is_number() {
            return Err(plan.error(format!(
                "log.columns.time.format is for numbers, but the column holds times in {}; use `iso` or `date`",
                input::file_name(path)
            )));
        }
    }
    Ok(Box::new(ParquetLog::new(file, places, rows)))
}
