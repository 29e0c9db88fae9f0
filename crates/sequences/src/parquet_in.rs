//! Reads columns of Parquet files in the types that are wanted of them, as errors that name the file.
//!
//! A type is only ever widened, as text to text and whole numbers to wider ones: a file that another program wrote may
//! have them so. Nothing is rounded, cut or taken for something else.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use crate::error::FolderError;

/// Names the file that an error of Arrow is about.
pub(crate) fn arrow_error(path: &Path, source: ArrowError) -> FolderError {
    FolderError::Parquet { path: path.to_owned(), source: source.into() }
}

/// Makes a reader read the columns `names` only.
pub(crate) fn projected<T: ChunkReader>(
    builder: ParquetRecordBatchReaderBuilder<T>,
    names: &[&str],
) -> ParquetRecordBatchReaderBuilder<T> {
    // By place: in a mask of names a point leads into a nested column, and kinds of event have points in theirs.
    let places = names.iter().filter_map(|name| builder.schema().index_of(name).ok());
    let mask = ProjectionMask::roots(builder.parquet_schema(), places);
    builder.with_projection(mask)
}

/// Holds some rows of a file, and how many come before them.
pub(crate) struct Rows<'a> {
    pub(crate) path: &'a Path,
    pub(crate) batch: &'a RecordBatch,
    pub(crate) before: u64,
}

impl Rows<'_> {
    /// Numbers row `row` of the batch in the file, from 1.
    pub(crate) fn number(&self, row: usize) -> u64 {
        self.before + row as u64 + 1
    }

    /// Makes an error about row `row` of the batch.
    pub(crate) fn damaged(&self, row: usize, what: impl std::fmt::Display) -> FolderError {
        FolderError::damaged(self.path, format!("row {}: {what}", self.number(row)))
    }

    /// Finds a column of text.
    pub(crate) fn text(&self, name: &str) -> Result<ArrayRef, FolderError> {
        self.column(name, &DataType::Utf8, is_text)
    }

    /// Finds a column of text without nulls.
    pub(crate) fn ids(&self, name: &str) -> Result<ArrayRef, FolderError> {
        self.text(name).and_then(|array| self.without_nulls(name, array))
    }

    /// Finds a column of whole numbers, as values of `kind`.
    pub(crate) fn whole(&self, name: &str, kind: &DataType) -> Result<ArrayRef, FolderError> {
        self.column(name, kind, DataType::is_integer)
    }

    /// Finds a column of numbers, as values of `kind`.
    pub(crate) fn numbers(&self, name: &str, kind: &DataType) -> Result<ArrayRef, FolderError> {
        self.column(name, kind, DataType::is_numeric)
    }

    /// Finds a column of dates without nulls.
    pub(crate) fn dates(&self, name: &str) -> Result<ArrayRef, FolderError> {
        let array = self.column(name, &DataType::Date32, |kind| *kind == DataType::Date32)?;
        self.without_nulls(name, array)
    }

    /// Finds a column of flags, which other programs also write as whole numbers 0 and 1.
    pub(crate) fn flags(&self, name: &str) -> Result<BooleanArray, FolderError> {
        if self.found(name)?.data_type() == &DataType::Boolean {
            return Ok(self.found(name)?.as_boolean().clone());
        }
        let numbers = self.numbers(name, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<arrow_array::types::Float64Type>();
        for (row, number) in numbers.iter().enumerate() {
            if number.is_some_and(|number| number != 0.0 && number != 1.0) {
                return Err(self.damaged(row, format!("column `{name}` is neither 0 nor 1")));
            }
        }
        Ok(numbers.iter().map(|number| number.map(|number| number == 1.0)).collect())
    }

    /// Finds a column of flags without nulls.
    pub(crate) fn known_flags(&self, name: &str) -> Result<BooleanArray, FolderError> {
        let flags = self.flags(name)?;
        self.without_nulls(name, flags)
    }

    /// Reads a column of whole numbers of which none is null, below `least` or above `most`.
    pub(crate) fn counts(&self, name: &str, least: u32, most: u32) -> Result<Vec<u32>, FolderError> {
        let array = self.whole(name, &DataType::Int64)?;
        let numbers = array.as_primitive::<Int64Type>();
        let within = |number: Option<i64>| u32::try_from(number?).ok().filter(|number| (least..=most).contains(number));
        let of_row = |(row, number)| {
            within(number).ok_or_else(|| {
                self.damaged(row, format!("column `{name}` is not a whole number from {least} to {most}"))
            })
        };
        numbers.iter().enumerate().map(of_row).collect()
    }

    /// Refuses a column that has nulls.
    pub(crate) fn without_nulls<A: Array>(&self, name: &str, array: A) -> Result<A, FolderError> {
        match (0..array.len()).find(|&row| array.null_count() > 0 && array.is_null(row)) {
            None => Ok(array),
            Some(row) => Err(self.damaged(row, format!("column `{name}` is null"))),
        }
    }

    fn found(&self, name: &str) -> Result<&ArrayRef, FolderError> {
        let none = || FolderError::damaged(self.path, format!("no column `{name}`"));
        self.batch.column_by_name(name).ok_or_else(none)
    }

    /// Finds a column whose type is `allowed`, as values of `kind`.
    fn column(&self, name: &str, kind: &DataType, allowed: fn(&DataType) -> bool) -> Result<ArrayRef, FolderError> {
        let array = self.found(name)?;
        if array.data_type() == kind {
            return Ok(array.clone());
        }
        let damaged = |what: String| FolderError::damaged(self.path, format!("column `{name}` {what}"));
        // A column of nothing but nulls has no type of its own in files of some programs.
        if !allowed(array.data_type()) && !array.data_type().is_null() {
            return Err(damaged(format!("is of type {}, and {kind} is needed", array.data_type())));
        }
        // Not the error of Arrow, which quotes the value.
        let exact = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(array, kind, &exact).map_err(|_| damaged(format!("has a value that is no {kind}")))
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}
