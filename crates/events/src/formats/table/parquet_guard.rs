//! Damaged Parquet files: the parquet crate takes what a file says of itself on trust in places, and panics where it is
//! wrong. Such a file is an error like any other that can't be read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::file::metadata::ParquetMetaData;

use crate::error::ReadError;

/// Returns the value of `read`, or an error where it panics.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    // What `read` holds is dropped with it, so that nothing half done is seen afterwards.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged(path, "its pages can't be decoded")))
}

/// Gives the batches of a file, until one can't be decoded.
pub(super) struct Batches<'p> {
    pub(super) path: &'p Path,
    pub(super) reader: ParquetRecordBatchReader,
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { path, reader } = self;
        let read = || reader.next().transpose().map_err(|error| damaged(path, &error.to_string()));
        guarded(path, read).transpose()
    }
}

/// Fails when row groups have less than no rows, or columns lie outside the file of `length` bytes.
pub(super) fn check(path: &Path, metadata: &ParquetMetaData, length: u64) -> Result<(), ReadError> {
    for group in metadata.row_groups() {
        if group.num_rows() < 0 {
            return Err(damaged(path, "a row group has less than no rows"));
        }
        for column in group.columns() {
            let first = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let end = u64::try_from(first).ok().zip(u64::try_from(column.compressed_size()).ok());
            if end.and_then(|(first, size)| first.checked_add(size)).is_none_or(|end| end > length) {
                return Err(damaged(path, "a column lies outside the file"));
            }
        }
    }
    Ok(())
}

fn damaged(path: &Path, what: &str) -> ReadError {
    ReadError::Decode { path: path.to_owned(), what: format!("{what}; is the file damaged?") }
}
