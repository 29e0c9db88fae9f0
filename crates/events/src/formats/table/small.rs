//! Small tables of any kind of file, row by row.

use std::path::PathBuf;
use std::sync::Arc;

use csv::ByteRecord;

use super::checked_mapping::CheckedTable;
use super::files::{Found, Place};
use super::json::{self, JsonPath};
use super::log::{file_type, require};
use super::mapping::FileType;
use super::parquet::ParquetFile;
use super::row_template::{Column, Filter};
use crate::content;
use crate::error::ReadError;
use crate::file_head::FileHead;
use crate::input::{self, file_name};
use crate::table::{Refusal, Table, TableRow, settle};
use crate::tally::{Reason, Tally};
use crate::text_lines::lines;

/// Holds a small table that has been looked at.
pub(super) struct SmallTable {
    path: PathBuf,
    name: &'static str,
    kind: SmallKind,
    /// The mapping's filters; their columns are places here.
    filters: Vec<Filter>,
    null: Vec<String>,
    course: Option<String>,
}

enum SmallKind {
    Csv(Table),
    Held(Arc<Table>),
    Jsonl { head: Arc<FileHead>, paths: Vec<JsonPath> },
    Parquet { file: ParquetFile, places: Vec<usize> },
}

/// Marks a column that the table lacks and may lack: its rows are empty.
const NOWHERE: usize = usize::MAX;

impl SmallTable {
    pub(super) fn open<C>(found: &Found, name: &'static str, mapping: &CheckedTable<C>) -> Result<Self, ReadError> {
        let layout = &mapping.layout;
        let kind = match &found.place {
            Place::File(head) => match file_type(head, layout) {
                FileType::Csv => {
                    let delimiter = layout.delimiter.of_file(head, layout, &mapping.named);
                    SmallKind::Csv(Table::open_with(head, name, delimiter, layout.escape, layout.header)?)
                }
                FileType::Jsonl => {
                    head.require_some_text(name)?;
                    SmallKind::Jsonl { head: Arc::clone(head), paths: Vec::new() }
                }
                FileType::Parquet => SmallKind::Parquet { file: ParquetFile::open(head.file())?, places: Vec::new() },
            },
            Place::Held(table) => SmallKind::Held(Arc::clone(table)),
            #[cfg(feature = "sql")]
            Place::Database(table) => {
                let what = format!("a log of a database is no table of {name}");
                return Err(ReadError::Decode { path: table.path().to_owned(), what });
            }
        };
        let (path, course) = (found.path().to_owned(), found.first_star.clone());
        let mut table = Self { path, name, kind, filters: Vec::new(), null: mapping.null.clone(), course };
        for filter in &mapping.filters {
            let column = table.place(&mapping.filter_columns[filter.column])?;
            table.filters.push(Filter { column, ..filter.clone() });
        }
        Ok(table)
    }

    /// Returns the course that the file's name tells.
    pub(super) fn course(&self) -> Option<&str> {
        self.course.as_deref()
    }

    /// Tells why the mapping sets a row aside, if it does.
    pub(super) fn set_aside(&self, row: &TableRow<'_>) -> Option<Refusal> {
        let filter = self.filters.iter().find(|filter| !filter.passes(row.text(filter.column).as_bytes()))?;
        Some(Refusal::new(Reason::FilteredOut, filter.what()))
    }

    /// Asks for a column; the place it has in the rows. Lines of JSON may have it or not.
    pub(super) fn place(&mut self, column: &str) -> Result<usize, ReadError> {
        let Column { name, may_lack } = Column::parse(column);
        let place = match &mut self.kind {
            SmallKind::Csv(table) => require(table, &name),
            SmallKind::Held(table) => require(table, &name),
            SmallKind::Jsonl { paths, .. } => {
                paths.push(JsonPath::new(&name));
                Ok(paths.len() - 1)
            }
            SmallKind::Parquet { file, places } => file.require(self.name, &name).map(|place| {
                places.push(place);
                places.len() - 1
            }),
        };
        match place {
            Err(ReadError::MissingColumn { .. }) if may_lack => Ok(NOWHERE),
            place => place,
        }
    }

    /// Returns the place of a column that the mapping may or may not name.
    pub(super) fn place_of(&mut self, column: Option<&String>) -> Result<Option<usize>, ReadError> {
        column.map(|name| self.place(name)).transpose()
    }

    /// Hands each row to `take` and counts it.
    pub(super) fn rows(
        &self,
        tally: &mut Tally,
        mut take: impl FnMut(&TableRow<'_>) -> Result<(), Refusal>,
    ) -> Result<(), ReadError> {
        let mut take = |row: &TableRow<'_>| match self.null.is_empty() {
            true => take(row),
            false => take(&TableRow::new(&row.without(&self.null))),
        };
        let mut mine = Tally::default();
        let file = file_name(&self.path);
        let mut count = |line: u64, taken: Result<(), Refusal>| match taken {
            Ok(()) => mine.use_row(),
            Err(refusal) => mine.refuse(refusal.reason, &file, line, || refusal.what),
        };
        match &self.kind {
            SmallKind::Csv(table) => return table.rows(tally, take),
            SmallKind::Held(table) => return table.rows(tally, take),
            SmallKind::Jsonl { head, paths } => {
                head.require_json_lines()?;
                let text = input::read_all(head.file(), head.packing())?;
                let start = head.text_start();
                for (line, number) in
                    lines(&text[start.bytes as usize..]).zip(start.lines + 1..).filter(|(line, _)| !line.is_empty())
                {
                    count(number, take_json(line, paths, &mut take));
                }
            }
            SmallKind::Parquet { file: parquet, places } => parquet.texts(places, |row, texts| {
                let record: ByteRecord = texts.collect();
                count(row, take(&TableRow::new(&record)));
                Ok(())
            })?,
        }
        settle(mine, &self.path, self.name, tally)
    }
}

fn take_json(
    line: &[u8],
    paths: &[JsonPath],
    take: &mut impl FnMut(&TableRow<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if std::str::from_utf8(line).is_err() {
        return Err(Refusal::new(Reason::NotUtf8, content::NOT_UTF8));
    }
    let object = json::object(line).map_err(|what| Refusal::new(Reason::Malformed, what))?;
    let mut record = ByteRecord::new();
    let mut text = Vec::new();
    for path in paths {
        text.clear();
        path.text_of(&object, &mut text);
        record.push_field(&text);
    }
    take(&TableRow::new(&record))
}
