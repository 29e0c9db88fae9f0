//! Reads columns of Parquet files, as errors that name the file.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use crate::error::FolderError;

/// Reads the batches of a Parquet file.
pub(crate) fn batches(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch, FolderError>>, FolderError> {
    let file = File::open(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
    let parquet = |source| FolderError::Parquet { path: path.to_owned(), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let reader = builder.with_batch_size(8_192).build().map_err(parquet)?;
    Ok(reader.map(|batch| batch.map_err(|source| arrow_error(path, source))))
}

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

/// Finds a column of text.
pub(crate) fn text(path: &Path, batch: &RecordBatch, name: &str) -> Result<ArrayRef, FolderError> {
    column(path, batch, name, &DataType::Utf8)
}

/// Reads a column of whole numbers, 32 bits wide or 64, of which none is null, below 0 or above `most`.
pub(crate) fn whole_numbers(path: &Path, batch: &RecordBatch, name: &str, most: u32) -> Result<Vec<u32>, FolderError> {
    let array = column(path, batch, name, &DataType::Int64)?;
    let numbers = array.as_primitive::<Int64Type>();
    let within = |number: Option<i64>| u32::try_from(number?).ok().filter(|&number| number <= most);
    numbers.iter().map(within).collect::<Option<_>>().ok_or_else(|| FolderError::Damaged {
        path: path.to_owned(),
        what: format!("column `{name}` has a value that is not a whole number from 0 to {most}"),
    })
}

/// Makes the error of a column that is not there.
pub(crate) fn no_column(path: &Path, name: &str) -> FolderError {
    FolderError::Damaged { path: path.to_owned(), what: format!("no column `{name}`") }
}

/// Finds a column, as values of `kind`.
pub(crate) fn column(path: &Path, batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, FolderError> {
    let damaged = |what: String| FolderError::Damaged { path: path.to_owned(), what };
    let array = batch.column_by_name(name).ok_or_else(|| no_column(path, name))?;
    cast(array, kind).map_err(|error| damaged(format!("column `{name}`: {error}")))
}
