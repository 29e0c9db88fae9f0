//! Small tables of any kind of file, row by row.

use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::json::{self, JsonPath};
use super::log::{file_type, head_of_text, require};
use super::mapping::FileType;
use super::parquet::ParquetFile;
use super::plan::Layout;
use crate::error::ReadError;
use crate::input::{self, BOM, file_name};
use crate::table::{Refusal, Row, Table, settle};
use crate::tally::{Reason, Tally};
use crate::text::lines;

/// A small table that has been looked at.
pub(super) struct SmallTable {
    path: PathBuf,
    name: &'static str,
    kind: SmallKind,
}

enum SmallKind {
    Csv(Table),
    Jsonl(Vec<JsonPath>),
    Parquet { file: ParquetFile, places: Vec<usize> },
}

impl SmallTable {
    pub(super) fn open(path: &Path, name: &'static str, layout: &Layout) -> Result<Self, ReadError> {
        let kind = match file_type(path, layout)? {
            FileType::Csv => SmallKind::Csv(Table::open(path, name, layout.delimiter, layout.header)?),
            FileType::Jsonl => {
                head_of_text(path, name)?;
                SmallKind::Jsonl(Vec::new())
            }
            FileType::Parquet => SmallKind::Parquet { file: ParquetFile::open(path)?, places: Vec::new() },
        };
        Ok(Self { path: path.to_owned(), name, kind })
    }

    /// Asks for a column; the place it has in the rows. Lines of JSON may have it or not.
    pub(super) fn place(&mut self, column: &str) -> Result<usize, ReadError> {
        match &mut self.kind {
            SmallKind::Csv(table) => require(table, column),
            SmallKind::Jsonl(paths) => {
                paths.push(JsonPath::of(column));
                Ok(paths.len() - 1)
            }
            SmallKind::Parquet { file, places } => {
                places.push(file.require(self.name, column)?);
                Ok(places.len() - 1)
            }
        }
    }

    /// The place of a column that the mapping may or may not name.
    pub(super) fn place_of(&mut self, column: Option<&String>) -> Result<Option<usize>, ReadError> {
        column.map(|name| self.place(name)).transpose()
    }

    /// Hands each row to `take` and counts it.
    pub(super) fn rows(
        &self,
        tally: &mut Tally,
        mut take: impl FnMut(&Row<'_>) -> Result<(), Refusal>,
    ) -> Result<(), ReadError> {
        let mut mine = Tally::default();
        let file = file_name(&self.path);
        let mut count = |line: u64, taken: Result<(), Refusal>| match taken {
            Ok(()) => mine.use_row(),
            Err(refusal) => mine.refuse(refusal.reason, &file, line, || refusal.what),
        };
        match &self.kind {
            SmallKind::Csv(table) => return table.rows(tally, take),
            SmallKind::Jsonl(paths) => {
                let text = input::head(&self.path, u64::MAX)?;
                let text = text.strip_prefix(BOM).unwrap_or(&text);
                for (line, number) in lines(text).zip(1..).filter(|(line, _)| !line.is_empty()) {
                    count(number, take_json(line, paths, &mut take));
                }
            }
            SmallKind::Parquet { file: parquet, places } => parquet.texts(places, |row, texts| {
                let record: ByteRecord = texts.collect();
                count(row, take(&Row::of(&record)));
                Ok(())
            })?,
        }
        settle(mine, &self.path, self.name, tally)
    }
}

fn take_json(
    line: &[u8],
    paths: &[JsonPath],
    take: &mut impl FnMut(&Row<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if std::str::from_utf8(line).is_err() {
        return Err(Refusal::new(Reason::NotUtf8, "bytes that are not UTF-8"));
    }
    let object = json::object(line).map_err(|what| Refusal::new(Reason::Malformed, what))?;
    let mut record = ByteRecord::new();
    let mut text = Vec::new();
    for path in paths {
        text.clear();
        path.text_of(&object, &mut text);
        record.push_field(&text);
    }
    take(&Row::of(&record))
}
