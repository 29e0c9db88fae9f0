//! Opens a file of the log, of whatever kind, for whatever takes its rows.

use memchr::memchr_iter;

use super::checked_mapping::{CheckedLog, CheckedMapping, Star};
use super::csv_cells::{Escapes, Signs};
use super::csv_lines::CsvLines;
use super::csv_rows::row_length;
use super::files::{LogFile, Place};
use super::json::{JsonLines, JsonPath};
use super::layout::{Layout, Newlines};
use super::mapped_row::{Role, RowSink};
use super::mapping::FileType;
use super::parquet::{ParquetFile, ParquetLog, TimeColumn};
use super::row_template::{Column, RowMaker};
use crate::error::ReadError;
use crate::event_file::EventFile;
use crate::file_head::{FileHead, Position};
use crate::table::{Header, Table};
use crate::text::TextFile;

/// Opens a file of the log so that its rows go to `sink`.
pub(super) fn open<S: RowSink + 'static>(
    found: &LogFile,
    mapping: &CheckedMapping,
    sink: S,
) -> Result<Box<dyn EventFile>, ReadError> {
    let log = &mapping.logs[found.log];
    let star = found.found.first_star.as_ref().map(|star| star.as_bytes().to_vec());
    let from_name = match log.files.star {
        Star::AnySigns => None,
        Star::Course => star.map(|course| (Role::Course, course)),
        Star::Learner => star.map(|learner| (Role::Learner, learner)),
    };
    let rows = RowMaker { template: log.template.clone(), from_name, sink };
    let mut file = match &found.found.place {
        Place::File(head) => open_file(head, found.found.escapes, mapping, log, rows)?,
        Place::Held(table) => return Err(mapping.error(format!("{} is no log", table.path().display()))),
        #[cfg(feature = "sql")]
        Place::Database(table) => table.event_file(rows)?,
    };
    // Every reading of a file must cut it into the same blocks: repeated event ids are found by block and line.
    file.set_block_bytes(mapping.block_bytes);
    Ok(file)
}

fn open_file<S: RowSink + 'static>(
    head: &FileHead,
    escapes: Option<Escapes>,
    mapping: &CheckedMapping,
    log: &CheckedLog,
    rows: RowMaker<S>,
) -> Result<Box<dyn EventFile>, ReadError> {
    match file_type(head, &log.layout) {
        FileType::Csv => open_csv(head, escapes, &log.layout, rows),
        FileType::Jsonl => {
            let paths = rows.template.columns.iter().map(|column| JsonPath::new(&column.name)).collect();
            head.require_some_text("log")?;
            head.require_json_lines()?;
            Ok(Box::new(TextFile::new(head, head.text_start(), JsonLines { paths, rows })))
        }
        FileType::Parquet => open_parquet(head, mapping, log, rows),
    }
}

/// Tells the type of a file: as the mapping says or, where it does not, by the file's name and first bytes.
pub(super) fn file_type(head: &FileHead, layout: &Layout) -> FileType {
    if let Some(file_type) = layout.file_type {
        return file_type;
    }
    let name = head.bare_name();
    if name.ends_with(".parquet") || head.bytes().starts_with(b"PAR1") {
        return FileType::Parquet;
    }
    if [".jsonl", ".ndjson", ".json"].iter().any(|ending| name.ends_with(ending)) {
        return FileType::Jsonl;
    }
    FileType::Csv
}

fn open_csv<S: RowSink + 'static>(
    head: &FileHead,
    escapes: Option<Escapes>,
    layout: &Layout,
    rows: RowMaker<S>,
) -> Result<Box<dyn EventFile>, ReadError> {
    head.require_some_text("log")?;
    let escapes = escapes.unwrap_or(layout.escape.map_or(Escapes::Nowhere, Escapes::InQuotes));
    let signs = Signs { delimiter: layout.delimiter.of_file(head, layout, &rows.template.columns), escapes };
    let table = Table::open_with(head, "log", signs.delimiter, signs.escapes.in_quotes(), layout.header)?;
    let place = |column: &Column| match (require(&table, &column.name), column.may_lack) {
        (Ok(place), _) => Ok(Some(place)),
        (Err(_), true) => Ok(None),
        (Err(error), false) => Err(error),
    };
    let places: Vec<Option<usize>> = rows.template.columns.iter().map(place).collect::<Result<_, _>>()?;
    let width = table.columns().len();
    let header = match layout.header {
        Header::Present => row_length(head.text(), signs, width, true).unwrap_or(0),
        Header::Absent => 0,
    };
    let text = head.text_start();
    let lines = memchr_iter(b'\n', &head.text()[..header]).count() as u64;
    let start = Position { bytes: text.bytes + header as u64, lines: text.lines + lines };
    let parser = CsvLines { places, width, signs, newlines: layout.newlines, rows };
    Ok(Box::new(match layout.newlines {
        Newlines::EndRows => TextFile::new(head, start, parser),
        Newlines::MayBeQuoted => TextFile::new_of_rows(head, start, parser),
    }))
}

/// Returns place of a column by its exact name, or else by its name in other letters' case.
pub(super) fn require(table: &Table, name: &str) -> Result<usize, ReadError> {
    match table.find_exactly(name)? {
        Some(place) => Ok(place),
        None => table.require(&[name]),
    }
}

fn open_parquet<S: RowSink + 'static>(
    head: &FileHead,
    mapping: &CheckedMapping,
    log: &CheckedLog,
    rows: RowMaker<S>,
) -> Result<Box<dyn EventFile>, ReadError> {
    let file = ParquetFile::open(head.file())?;
    let place = |column: &Column| match column.may_lack {
        true => Ok(file.find(&column.name)),
        false => file.require("log", &column.name).map(Some),
    };
    let places: Vec<Option<usize>> = rows.template.columns.iter().map(place).collect::<Result<_, _>>()?;
    for (event, number) in log.events.iter().zip(0..) {
        let place = rows.template.time_column(number).and_then(|column| places[column]);
        let typed = place.is_some_and(|place| file.time_column(place) == TimeColumn::Typed);
        if typed && event.time.format.is_number() {
            return Err(mapping.error(format!(
                "log.columns.time.format is for numbers, but the column holds times in {}; use `iso` or `date`",
                head.name()
            )));
        }
    }
    Ok(Box::new(ParquetLog::new(file, places, rows)))
}
