//! Parquet: row groups read side by side, only the columns that the mapping names.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;

use super::mapped_row::{Field, Fields, MOST_COLUMNS, RowSink};
use super::parquet_guard::{self, Batches, guarded};
use super::row_template::{RowMaker, RowMakerBlock};
use crate::error::ReadError;
use crate::event_file::{BlockSink, EventFile, ReadPurpose};
use crate::input;
use crate::intake::Intake;
use crate::row_limits::RowLimits;
use crate::seen_file::SeenFile;
use crate::table::missing_column;
use crate::text::BLOCK_BYTES;
use crate::time::DAY_SECONDS;

/// Counts the bytes that an event takes: as many rows make a block as give a block's bytes of events. A row group gives as
/// many blocks as it needs, so that memory does not grow with row groups.
const EVENT_BYTES: usize = size_of::<crate::Event>();

/// Bounds the rows decoded at a time.
const BATCH_ROWS: usize = 1 << 14;

/// Holds a Parquet file that has been looked at: its schema and row groups.
pub(super) struct ParquetFile {
    file: SeenFile,
    metadata: ArrowReaderMetadata,
}

impl ParquetFile {
    pub(super) fn open(seen: &SeenFile) -> Result<Self, ReadError> {
        let path = seen.path();
        let file = seen.open_on_disk()?;
        let metadata = guarded(path, || {
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| decode(path, error))
        })?;
        parquet_guard::check(path, metadata.metadata(), seen.bytes())?;
        Ok(Self { file: seen.clone(), metadata })
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    /// Returns place of the column of this name in the schema, if there is one.
    pub(super) fn find(&self, column: &str) -> Option<usize> {
        self.metadata.schema().fields().iter().position(|field| field.name() == column)
    }

    /// Returns place of the column of this name in the schema.
    pub(super) fn require(&self, table: &str, column: &str) -> Result<usize, ReadError> {
        let names: Vec<String> = self.metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        let place = names.iter().position(|name| name == column);
        place.ok_or_else(|| missing_column(self.path(), table, column, &names, &self.kinds_of_cells()))
    }

    /// Returns a row that has a number where the column is not one of text: it shows whether the names are names.
    fn kinds_of_cells(&self) -> Vec<Vec<String>> {
        let of_text = |data_type: &DataType| {
            matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..))
        };
        let fields = self.metadata.schema().fields();
        vec![
            fields
                .iter()
                .map(|field| if of_text(field.data_type()) { String::new() } else { "0".to_owned() })
                .collect(),
        ]
    }

    fn type_of(&self, place: usize) -> &DataType {
        self.metadata.schema().field(place).data_type()
    }

    fn group_rows(&self) -> Vec<usize> {
        self.metadata.metadata().row_groups().iter().map(|group| group.num_rows() as usize).collect()
    }

    /// Returns batches of one row group, or of all, with the columns at `places`.
    fn batches(&self, group: Option<usize>, places: &[usize]) -> Result<Batches<'_>, ReadError> {
        let file: File = self.file.open_on_disk()?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), places.iter().copied());
        let builder = builder.with_batch_size(BATCH_ROWS).with_projection(mask);
        let builder = match group {
            Some(group) => builder.with_row_groups(vec![group]),
            None => builder,
        };
        let reader = guarded(self.path(), || builder.build().map_err(|error| decode(self.path(), error)))?;
        Ok(Batches { path: self.path(), reader })
    }

    /// Hands each row's texts of the columns at `places` to `take`, with the number of the row, from 1.
    pub(super) fn texts(
        &self,
        places: &[usize],
        mut take: impl FnMut(u64, &mut dyn Iterator<Item = &str>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut row = 0;
        for batch in self.batches(None, places)? {
            let batch = batch?;
            let columns: Vec<StringArray> =
                places.iter().map(|&place| self.text_column(&batch, place)).collect::<Result<_, _>>()?;
            for at in 0..batch.num_rows() {
                row += 1;
                take(row, &mut columns.iter().map(|column| text(column, at)))?;
            }
        }
        Ok(())
    }

    /// Returns the names of the columns that can be text, and their texts in the first rows, at most `most` of them.
    pub(super) fn first_texts(&self, most: usize) -> Result<(Vec<String>, Vec<Vec<String>>), ReadError> {
        let fields = self.metadata.schema().fields();
        let places: Vec<usize> = (0..fields.len()).filter(|&place| !fields[place].data_type().is_nested()).collect();
        let names = places.iter().map(|&place| fields[place].name().clone()).collect();
        let mut rows = Vec::new();
        if let Some(batch) = self.batches(None, &places)?.next() {
            let batch = batch?;
            let columns: Vec<StringArray> =
                places.iter().map(|&place| self.text_column(&batch, place)).collect::<Result<_, _>>()?;
            for row in 0..batch.num_rows().min(most) {
                rows.push(columns.iter().map(|column| text(column, row).to_owned()).collect());
            }
        }
        Ok((names, rows))
    }

    fn column<'b>(&self, batch: &'b RecordBatch, place: usize) -> &'b ArrayRef {
        let name = self.metadata.schema().field(place).name();
        batch.column_by_name(name).expect("a column that was asked for")
    }

    fn text_column(&self, batch: &RecordBatch, place: usize) -> Result<StringArray, ReadError> {
        let column = self.column(batch, place);
        let texts = cast(column, &DataType::Utf8).map_err(|_| {
            let name = self.metadata.schema().field(place).name();
            decode(self.path(), format!("column `{name}` is of type {}, which is not text", column.data_type()))
        })?;
        Ok(texts.as_string::<i32>().clone())
    }
}

fn text(column: &StringArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row).trim() }
}

fn decode(path: &Path, error: impl std::fmt::Display) -> ReadError {
    ReadError::Decode { path: path.to_owned(), what: error.to_string() }
}

/// Reads a log in Parquet.
pub(super) struct ParquetLog<S> {
    file: ParquetFile,
    /// Places in the schema of the columns that the mapping names.
    places: Vec<Option<usize>>,
    block_rows: usize,
    rows: RowMaker<S>,
}

/// Says how a time column holds its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeColumn {
    /// As times or dates.
    Typed,
    /// As text or numbers.
    Untyped,
}

impl<S: RowSink> ParquetLog<S> {
    pub(super) fn new(file: ParquetFile, places: Vec<Option<usize>>, rows: RowMaker<S>) -> Self {
        Self { file, places, block_rows: BLOCK_BYTES / EVENT_BYTES, rows }
    }

    fn read_group(
        &self,
        group: usize,
        first_block: usize,
        how: &How<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), ReadError> {
        let wanted: Vec<usize> = self.places.iter().flatten().copied().collect();
        let mut block = Block::begin(self, first_block, how);
        for batch in self.file.batches(Some(group), &wanted)? {
            let batch = batch?;
            let columns = self.columns(&batch)?;
            for row in 0..batch.num_rows() {
                if block.rows == self.block_rows as u64 {
                    let number = block.number + 1;
                    std::mem::replace(&mut block, Block::begin(self, number, how)).end(self, how)?;
                }
                block.take(self, &columns, row);
            }
        }
        block.end(self, how)?;
        let bytes = self.file.metadata.metadata().row_group(group).compressed_size();
        progress(u64::try_from(bytes).unwrap_or(0));
        Ok(())
    }

    fn columns(&self, batch: &RecordBatch) -> Result<Vec<Option<Column>>, ReadError> {
        let column = |(number, place): (usize, &Option<usize>)| -> Result<Option<Column>, ReadError> {
            let Some(place) = *place else { return Ok(None) };
            let typed = time_column(self.file.type_of(place)) == TimeColumn::Typed;
            let template = &self.rows.template;
            let is_time = (0..template.times.len()).any(|event| template.time_column(event) == Some(number));
            Ok(Some(if typed && is_time {
                Column::Instants(
                    instants(self.file.column(batch, place)).map_err(|what| decode(self.file.path(), what))?,
                )
            } else {
                Column::Texts(self.file.text_column(batch, place)?)
            }))
        };
        self.places.iter().enumerate().map(column).collect()
    }
}

/// Tells how a column of this type holds times.
fn time_column(data_type: &DataType) -> TimeColumn {
    match data_type {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => TimeColumn::Typed,
        _ => TimeColumn::Untyped,
    }
}

impl ParquetFile {
    /// Tells how the column at `place` holds times.
    pub(super) fn time_column(&self, place: usize) -> TimeColumn {
        time_column(self.type_of(place))
    }
}

/// Returns seconds since 1970-01-01T00:00:00 of a column of times.
fn instants(column: &ArrayRef) -> Result<Int64Array, String> {
    let per_second = match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<arrow_array::types::Date32Type>().reinterpret_cast::<Int32Type>();
            return Ok(days.unary::<_, Int64Type>(|day| i64::from(day) * DAY_SECONDS));
        }
        DataType::Timestamp(TimeUnit::Second, _) => 1,
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000_000,
        _ => 1_000_000_000,
    };
    let units = cast(column, &DataType::Int64).map_err(|error| error.to_string())?;
    Ok(units.as_primitive::<Int64Type>().unary(|unit| unit.div_euclid(per_second)))
}

enum Column {
    Texts(StringArray),
    Instants(Int64Array),
}

impl Column {
    fn field(&self, row: usize) -> Field<'_> {
        match self {
            Self::Texts(column) => Field::Text(text(column, row).as_bytes()),
            Self::Instants(column) if column.is_valid(row) => Field::Instant(column.value(row)),
            Self::Instants(_) => Field::EMPTY,
        }
    }
}

struct How<'a> {
    purpose: ReadPurpose,
    limits: &'a RowLimits,
    sink: &'a BlockSink<'a>,
}

/// Holds a block on its way.
struct Block<'a, B> {
    number: usize,
    rows: u64,
    intake: Intake<'a>,
    state: RowMakerBlock<B>,
}

impl<'a, B> Block<'a, B> {
    fn begin<S: RowSink<Block = B>>(log: &ParquetLog<S>, number: usize, how: &How<'a>) -> Self {
        Self { number, rows: 0, intake: Intake::new(how.purpose, how.limits, number), state: log.rows.begin() }
    }

    fn take<S: RowSink<Block = B>>(&mut self, log: &ParquetLog<S>, columns: &[Option<Column>], row: usize) {
        let mut fields: Fields<'_> = [Field::EMPTY; MOST_COLUMNS];
        for (field, column) in fields.iter_mut().zip(columns) {
            *field = column.as_ref().map_or(Field::EMPTY, |column| column.field(row));
        }
        log.rows.take(&mut self.state, &fields, self.rows, &mut self.intake);
        self.rows += 1;
    }

    fn end<S: RowSink<Block = B>>(mut self, log: &ParquetLog<S>, how: &How<'_>) -> Result<(), ReadError> {
        log.rows.end(self.state, self.number);
        self.intake.parsed.tally.lines = self.rows;
        (how.sink)(self.number, self.intake.parsed)
    }
}

impl<S: RowSink> EventFile for ParquetLog<S> {
    fn name(&self) -> String {
        input::file_name(self.file.path())
    }

    fn size_bytes(&self) -> u64 {
        self.file.file.bytes()
    }

    fn first_line(&self) -> u64 {
        1
    }

    fn set_block_bytes(&mut self, bytes: usize) {
        self.block_rows = (bytes / EVENT_BYTES).max(1);
    }

    fn read(
        &self,
        purpose: ReadPurpose,
        limits: &RowLimits,
        sink: &BlockSink<'_>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<String>, ReadError> {
        let how = How { purpose, limits, sink };
        let mut first_block = 0;
        let mut groups = Vec::new();
        for (group, rows) in self.file.group_rows().into_iter().enumerate() {
            groups.push((group, first_block));
            // A group without rows gives an empty block, so that all are read the same way.
            first_block += rows.div_ceil(self.block_rows).max(1);
        }
        groups.into_par_iter().try_for_each(|(group, first)| self.read_group(group, first, &how, progress))?;
        Ok(None)
    }
}
