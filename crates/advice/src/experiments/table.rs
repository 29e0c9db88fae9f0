//! Small tables of text, from CSV and Parquet, and Parquet back.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, KeyValue, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use staycast_sequences::write_parquet;

use super::error::ExperimentError;

/// Holds the wanted columns of a table as text; a null cell is `None`.
pub(super) struct TextTable {
    /// Rows, with a cell for each wanted column.
    pub(super) rows: Vec<Vec<Option<String>>>,
}

impl TextTable {
    /// Reads these columns of a CSV file with a header; others are left.
    pub(super) fn read_csv(path: &Path, columns: &[&str]) -> Result<Self, ExperimentError> {
        let wrong = |what: String| ExperimentError::file(path, what);
        let file = File::open(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().map_err(|error| csv_error(path, &error))?.clone();
        if header.get(0).is_some_and(|first| first.starts_with('\u{feff}')) {
            return Err(wrong("it was written for a spreadsheet; give the plain CSV, or Parquet".to_owned()));
        }
        let places: Vec<usize> = columns
            .iter()
            .map(|column| {
                let place = header.iter().position(|name| name == *column);
                place.ok_or_else(|| wrong(format!("has no column `{column}`")))
            })
            .collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| csv_error(path, &error))?;
            rows.push(places.iter().map(|&place| record.get(place).map(str::to_owned)).collect());
        }
        Ok(Self { rows })
    }
}

/// Says where a CSV file is wrong, and nothing of what it holds.
fn csv_error(path: &Path, error: &csv::Error) -> ExperimentError {
    let line = error.position().map_or(String::new(), |position| format!("line {}: ", position.line()));
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} cells, and the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => "is no CSV".to_owned(),
    };
    ExperimentError::file(path, line + &what)
}

/// Names the entry of a file's metadata with the number of bytes before the footer, and their BLAKE3.
const PAGES_SEAL: &str = "staycast.pages_blake3";
/// Names the entry with the BLAKE3 of the rows, by which a footer that was damaged is found.
const ROWS_SEAL: &str = "staycast.rows_blake3";

/// Computes the seal of rows.
fn seal_of(rows: &[Vec<Option<String>>]) -> String {
    let mut hasher = blake3::Hasher::new();
    for cell in rows.iter().flatten() {
        // A length that no text has stands for null.
        hasher.update(&cell.as_ref().map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.update(cell.as_ref().map_or("", String::as_str).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Encodes columns as Parquet with a seal, which [`read_sealed`] checks.
pub(super) fn sealed_parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let rows = rows_of(&batch, batch.columns()).expect("columns of text and numbers");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("staycast {}", env!("CARGO_PKG_VERSION")))
        .build();
    let mut bytes = Vec::new();
    // Without Arrow's own note of the columns, of which damage would be decoded too.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let written = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).and_then(|mut writer| {
        writer.write(&batch)?;
        writer.flush()?;
        writer.sync()?;
        let pages = writer.inner();
        let pages_seal = format!("{} {}", pages.len(), blake3::hash(pages).to_hex());
        writer.append_key_value_metadata(KeyValue::new(PAGES_SEAL.to_owned(), pages_seal));
        writer.append_key_value_metadata(KeyValue::new(ROWS_SEAL.to_owned(), seal_of(&rows)));
        writer.close()
    });
    written.expect("memory takes any table");
    bytes
}

/// Reads all columns of a sealed Parquet file as text: these, in this order. Refuses one whose rows are not as they were written.
pub(super) fn read_sealed(path: &Path, columns: &[&str]) -> Result<TextTable, ExperimentError> {
    let changed = || ExperimentError::file(path, "is not as it was written; get the file again");
    let bytes = fs::read(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
    // Nothing is decoded before its hash is right.
    let file = File::open(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|_| changed())?;
    let (length, hash) =
        metadata_entry(&metadata, PAGES_SEAL).and_then(|seal| seal.split_once(' ')).ok_or_else(changed)?;
    let pages = length.parse().ok().and_then(|length: usize| bytes.get(..length)).ok_or_else(changed)?;
    if blake3::hash(pages).to_hex().as_str() != hash {
        return Err(changed());
    }
    let rows_seal = metadata_entry(&metadata, ROWS_SEAL);
    let table = read_parquet(path, columns)?;
    if rows_seal == Some(seal_of(&table.rows).as_str()) { Ok(table) } else { Err(changed()) }
}

fn metadata_entry<'a>(metadata: &'a ParquetMetaData, key: &str) -> Option<&'a str> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    entries.iter().find(|entry| entry.key == key)?.value.as_deref()
}

/// Reads these columns of a Parquet file as text.
pub(super) fn read_parquet(path: &Path, columns: &[&str]) -> Result<TextTable, ExperimentError> {
    // What is left of damage that the parquet crate panics at is an error like any other.
    let read = AssertUnwindSafe(|| read_unguarded(path, columns));
    catch_unwind(read)
        .unwrap_or_else(|_| Err(ExperimentError::file(path, "its pages can't be decoded; is it damaged?")))
}

/// Lists the rows of some columns as text.
fn rows_of(batch: &RecordBatch, columns: &[ArrayRef]) -> Result<Vec<Vec<Option<String>>>, ArrowError> {
    let texts: Vec<ArrayRef> = columns.iter().map(|array| cast(array, &DataType::Utf8)).collect::<Result<_, _>>()?;
    let row = |row: usize| {
        let cell = |array: &ArrayRef| {
            let array = array.as_string::<i32>();
            (!array.is_null(row)).then(|| array.value(row).to_owned())
        };
        texts.iter().map(cell).collect()
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

/// Tells whether what a file of `length` bytes says of its row groups can be: the parquet crate takes that on trust, and panics.
fn is_possible(metadata: &ParquetMetaData, length: u64) -> bool {
    metadata.row_groups().iter().all(|group| {
        let lies_inside = |column: &ColumnChunkMetaData| {
            let first = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let end = u64::try_from(first).ok().zip(u64::try_from(column.compressed_size()).ok());
            end.and_then(|(first, size)| first.checked_add(size)).is_some_and(|end| end <= length)
        };
        group.num_rows() >= 0 && group.columns().iter().all(lies_inside)
    })
}

fn read_unguarded(path: &Path, columns: &[&str]) -> Result<TextTable, ExperimentError> {
    let wrong =
        |what: &dyn std::fmt::Display| ExperimentError::file(path, format!("is no table that can be read: {what}"));
    let file = File::open(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
    let length = file.metadata().map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(
        file,
        ArrowReaderOptions::new().with_skip_arrow_metadata(true),
    )
    .map_err(|error| wrong(&error))?;
    if !is_possible(builder.metadata(), length) {
        return Err(wrong(&"its parts lie outside of it"));
    }
    let mut rows = Vec::new();
    for batch in builder.build().map_err(|error| wrong(&error))? {
        let batch = batch.map_err(|error| wrong(&error))?;
        let column = |column: &&str| {
            let array = batch.column_by_name(column).cloned();
            array.ok_or_else(|| ExperimentError::file(path, format!("has no column `{column}`")))
        };
        let arrays: Vec<ArrayRef> = columns.iter().map(column).collect::<Result<_, _>>()?;
        rows.extend(rows_of(&batch, &arrays).map_err(|error| wrong(&error))?);
    }
    Ok(TextTable { rows })
}

/// Makes a column of texts.
pub(super) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Makes a column of whole numbers.
pub(super) fn whole(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values.map(|value| value as i64)))
}

/// Makes a column of numbers, some of them null.
pub(super) fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

/// Encodes columns as Parquet.
pub(super) fn parquet_bytes(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut bytes = Vec::new();
    write_parquet(&mut bytes, &batch).expect("memory takes any table");
    bytes
}
