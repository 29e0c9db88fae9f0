//! Writes Parquet files row group by row group, each encoded by the thread that made it.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowLeafColumn, ArrowRowGroupWriterFactory, ArrowWriterOptions,
    compute_leaves,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{DEFAULT_DATA_PAGE_ROW_COUNT_LIMIT, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

fn options(schema: &Schema) -> ArrowWriterOptions {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a level of zstd")))
        .set_created_by(format!("staycast {}", env!("CARGO_PKG_VERSION")));
    // Dictionaries are for ids. Numbers come out as small without, and their encoding takes half the time. Integers of 64
    // bits are plain: as small as of 32 bits when compressed, and quicker to write than delta-packed, which are larger.
    for field in schema.fields().iter().filter(|field| field.data_type().is_numeric()) {
        properties = properties.set_column_dictionary_enabled(field.name().as_str().into(), false);
    }
    let properties = properties.build();
    // Ids are dictionaries in memory only: without Arrow's note of that, every reader takes them for plain strings.
    ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true)
}

/// Holds a file that row groups are appended to.
pub(crate) struct GroupedFile<W: Write + Send = File> {
    writer: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
}

/// Holds a row group ready to be appended.
pub(crate) struct Encoded {
    chunks: Vec<ArrowColumnChunk>,
}

/// Encodes row groups; shared by the threads.
pub(crate) struct Encoder<'a> {
    factory: &'a ArrowRowGroupWriterFactory,
    schema: &'a SchemaRef,
}

/// Appends row groups.
pub(crate) struct Appender<'a, W: Write + Send = File> {
    writer: &'a mut SerializedFileWriter<W>,
}

impl<W: Write + Send> Appender<'_, W> {
    /// Appends the next row group.
    pub(crate) fn append(&mut self, encoded: Encoded) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for chunk in encoded.chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }
}

impl Encoder<'_> {
    /// Encodes `batch` as row group `number`.
    pub(crate) fn encode(&self, number: usize, batch: &RecordBatch) -> Result<Encoded, ParquetError> {
        let chunks = self.columns(number, batch)?.into_iter().map(encode_column).collect::<Result<_, _>>()?;
        Ok(Encoded { chunks })
    }

    /// Encodes `batch` as the only row group, its columns side by side.
    fn encode_alone(&self, batch: &RecordBatch) -> Result<Encoded, ParquetError> {
        let chunks = self.columns(0, batch)?.into_par_iter().map(encode_column).collect::<Result<_, _>>()?;
        Ok(Encoded { chunks })
    }

    fn columns(
        &self,
        number: usize,
        batch: &RecordBatch,
    ) -> Result<Vec<(ArrowColumnWriter, ArrowLeafColumn)>, ParquetError> {
        let writers = self.factory.create_column_writers(number)?;
        let mut leaves = Vec::with_capacity(writers.len());
        for (field, array) in self.schema.fields().iter().zip(batch.columns()) {
            leaves.extend(compute_leaves(field, array)?);
        }
        assert_eq!(writers.len(), leaves.len(), "a writer for every leaf of the schema");
        Ok(writers.into_iter().zip(leaves).collect())
    }
}

fn encode_column((mut writer, leaf): (ArrowColumnWriter, ArrowLeafColumn)) -> Result<ArrowColumnChunk, ParquetError> {
    writer.write(&leaf)?;
    writer.close()
}

impl GroupedFile {
    pub(crate) fn create(path: &Path, schema: &SchemaRef) -> Result<Self, ParquetError> {
        Self::over(File::create(path)?, schema)
    }
}

impl<W: Write + Send> GroupedFile<W> {
    fn over(sink: W, schema: &SchemaRef) -> Result<Self, ParquetError> {
        let writer = ArrowWriter::try_new_with_options(sink, Arc::clone(schema), options(schema))?;
        let (writer, factory) = writer.into_serialized_writer()?;
        Ok(Self { writer, factory, schema: Arc::clone(schema) })
    }

    /// Returns what encodes row groups, and what appends them.
    pub(crate) fn parts(&mut self) -> (Encoder<'_>, Appender<'_, W>) {
        let Self { writer, factory, schema } = self;
        (Encoder { factory, schema }, Appender { writer })
    }

    /// Ends the file, which is not durable by that.
    pub(crate) fn finish(self) -> Result<(), ParquetError> {
        self.writer.into_inner().map(drop)
    }
}

/// Counts the rows that are made at once of a column: a multiple of what the encoder takes at once, so that the file's bytes
/// don't depend on it.
const SLICE_ROWS: usize = 1 << 16;

/// Counts the rows that are made at once of a column that may be null and either never or always is. The encoder takes as
/// many of these at once as a page may have.
const UNIFORM_ROWS: usize = 4 * DEFAULT_DATA_PAGE_ROW_COUNT_LIMIT;

/// Cuts the rows of a column into slices that are encoded to the same bytes as all at once. `nulls` counts the nulls of
/// some rows.
fn slices(rows: usize, is_nullable: bool, nulls: impl Fn(Range<usize>) -> usize) -> Vec<Range<usize>> {
    let of = |length: usize| (0..rows.max(1)).step_by(length).map(move |start| start..rows.min(start + length));
    if !is_nullable {
        return of(SLICE_ROWS).collect();
    }
    let parts: Vec<(Range<usize>, usize)> = of(SLICE_ROWS).map(|part| (part.clone(), nulls(part))).collect();
    let all: usize = parts.iter().map(|(_, nulls)| nulls).sum();
    if all == 0 || all == rows {
        return of(UNIFORM_ROWS).collect();
    }
    // Of rows that are all null, or none of them, the encoder takes more at once: so every slice has both.
    let (mut slices, mut start, mut nulls) = (Vec::new(), 0, 0);
    for (part, of_part) in parts {
        nulls += of_part;
        if nulls > 0 && nulls < part.end - start {
            slices.push(start..part.end);
            (start, nulls) = (part.end, 0);
        }
    }
    if let Some(last) = slices.last_mut() {
        last.end = rows;
    }
    slices
}

/// Counts the columns that are encoded side by side, at most: each is held until it is appended.
const COLUMNS_AT_ONCE: usize = 4;

/// Writes a Parquet file of one row group like [`write_parquet`], without holding its rows: `column` makes the array of
/// some rows of the column at a place in `schema`. Returns an error as that does.
pub(crate) fn write_columns(
    sink: impl Write + Send,
    schema: &SchemaRef,
    rows: usize,
    column: impl Fn(usize, Range<usize>) -> ArrayRef + Sync,
) -> Result<(), ParquetError> {
    let mut file = GroupedFile::over(sink, schema)?;
    let (encoder, appender) = file.parts();
    let mut writers = encoder.factory.create_column_writers(0)?;
    assert_eq!(writers.len(), schema.fields().len(), "a writer for every column");
    let encoded = |(place, mut writer): (usize, ArrowColumnWriter)| {
        let field = &schema.fields()[place];
        for slice in slices(rows, field.is_nullable(), |part| column(place, part).null_count()) {
            for leaf in compute_leaves(field, &column(place, slice))? {
                writer.write(&leaf)?;
            }
        }
        writer.close()
    };
    let at_once = rayon::current_num_threads().clamp(1, COLUMNS_AT_ONCE);
    let mut group = appender.writer.next_row_group()?;
    let mut done = 0;
    while !writers.is_empty() {
        let some: Vec<ArrowColumnWriter> = writers.drain(..at_once.min(writers.len())).collect();
        let (first, count) = (done, some.len());
        let chunks: Vec<ArrowColumnChunk> = some
            .into_par_iter()
            .enumerate()
            .map(|(place, writer)| encoded((first + place, writer)))
            .collect::<Result<_, ParquetError>>()?;
        chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
        done += count;
    }
    group.close()?;
    file.finish()
}

/// Writes one batch as a whole Parquet file, of one row group, to `sink`: its columns encoded side by side on the threads
/// of the current rayon pool, compressed by zstd. The bytes don't depend on the threads.
///
/// # Errors
/// When `sink` can't be written to, or a column's type is none of Parquet's.
pub fn write_parquet(sink: impl Write + Send, batch: &RecordBatch) -> Result<(), ParquetError> {
    let mut file = GroupedFile::over(sink, &batch.schema())?;
    let (encoder, mut appender) = file.parts();
    appender.append(encoder.encode_alone(batch)?)?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use arrow_array::{BooleanArray, Float64Array, Int64Array, StringArray};
    use arrow_schema::{DataType, Field};

    use super::*;

    #[test]
    fn columns_in_parts_are_the_same_bytes_as_whole_ones() {
        const ROWS: usize = 3 * SLICE_ROWS + 1_000;
        // Null now and then, at first, at the end, in the middle, all but once, once, always and never.
        let is_null: [fn(usize) -> bool; 9] = [
            |row| row % 3 == 0,
            |row| row < 2 * SLICE_ROWS + 5,
            |row| row >= SLICE_ROWS,
            |row| (SLICE_ROWS..2 * SLICE_ROWS).contains(&row),
            |row| row != 2 * SLICE_ROWS,
            |row| row == ROWS - 1,
            |row| row < SLICE_ROWS && row % 2 == 0,
            |_| true,
            |_| false,
        ];
        let numbered = |name: &'static str| (0..is_null.len()).map(move |number| format!("{name}{number}"));
        let mut fields = vec![
            Field::new("course", DataType::Utf8, false),
            Field::new("id", DataType::Utf8, false),
            Field::new("events", DataType::Int64, false),
        ];
        fields.extend(numbered("day").map(|name| Field::new(name, DataType::Float64, true)));
        fields.extend(numbered("word").map(|name| Field::new(name, DataType::Utf8, true)));
        fields.extend(numbered("dropout").map(|name| Field::new(name, DataType::Boolean, true)));
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let column = |column: usize, places: Range<usize>| -> ArrayRef {
            let kind = is_null.len();
            match column {
                0 => Arc::new(places.map(|place| Some(format!("c{}", place / 50_000))).collect::<StringArray>()),
                1 => Arc::new(places.map(|place| Some(format!("{:032}", place * 7_919))).collect::<StringArray>()),
                2 => Arc::new(places.map(|place| place as i64 % 9).collect::<Int64Array>()),
                other => {
                    let (number, kind) = ((other - 3) % kind, (other - 3) / kind);
                    let given = places.map(|place| (!is_null[number](place)).then_some(place));
                    match kind {
                        0 => Arc::new(given.map(|place| Some(place? as f64 / 7.0)).collect::<Float64Array>()),
                        1 => Arc::new(given.map(|place| Some(format!("w{}", place? % 5))).collect::<StringArray>()),
                        _ => Arc::new(given.map(|place| Some(place? % 4 == 0)).collect::<BooleanArray>()),
                    }
                }
            }
        };
        for rows in [0, 1, SLICE_ROWS, ROWS] {
            let mut in_parts = Vec::new();
            write_columns(&mut in_parts, &schema, rows, column).unwrap();
            let whole = (0..schema.fields().len()).map(|place| column(place, 0..rows)).collect();
            let mut at_once = Vec::new();
            write_parquet(&mut at_once, &RecordBatch::try_new(Arc::clone(&schema), whole).unwrap()).unwrap();
            assert!(in_parts == at_once, "{rows} rows: {} and {} bytes", in_parts.len(), at_once.len());
        }
        let longest = |number: usize| slices(ROWS, true, |part| column(3 + number, part).null_count()).len();
        assert_eq!([0, 1, 2, 7, 8].map(longest), [4, 1, 1, 3, 3]);
    }
}
