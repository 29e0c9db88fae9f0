//! Small tables of text, from CSV and Parquet, and Parquet back.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
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

/// Reads these columns of a Parquet file as text.
pub(super) fn read_parquet(path: &Path, columns: &[&str]) -> Result<TextTable, ExperimentError> {
    let wrong =
        |what: &dyn std::fmt::Display| ExperimentError::file(path, format!("is no table that can be read: {what}"));
    let file = File::open(path).map_err(|source| ExperimentError::Read { path: path.to_owned(), source })?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let mut rows = Vec::new();
    for batch in reader.map_err(|error| wrong(&error))? {
        let batch = batch.map_err(|error| wrong(&error))?;
        let arrays: Vec<ArrayRef> = columns
            .iter()
            .map(|column| {
                let array = batch.column_by_name(column);
                let array = array.ok_or_else(|| ExperimentError::file(path, format!("has no column `{column}`")))?;
                cast(array, &DataType::Utf8).map_err(|error| wrong(&error))
            })
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cell = |array: &ArrayRef| {
                let array = array.as_string::<i32>();
                (!array.is_null(row)).then(|| array.value(row).to_owned())
            };
            rows.push(arrays.iter().map(cell).collect());
        }
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
