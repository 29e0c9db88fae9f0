//! Parquet tables as every table of a run and of its predictions is written, and why one can't be.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use parquet::errors::ParquetError;
use staycast_files::WriteError;
use staycast_sequences::write_parquet;

use crate::files::FileError;

/// Describes why a table could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The name has no ending of a known format.
    #[error("{0}: scores are written as .parquet, .csv or .jsonl; end the name with one of these")]
    UnknownEnding(PathBuf),
    /// The file can't be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The columns don't make a table.
    #[error("{path}: {source}")]
    Arrow {
        /// The file.
        path: PathBuf,
        /// The problem.
        source: ArrowError,
    },
    /// The file is no Parquet of ours.
    #[error("{path}: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The problem.
        source: ParquetError,
    },
}

impl From<WriteError> for TableError {
    fn from(error: WriteError) -> Self {
        Self::File(error.into())
    }
}

/// Makes a column of texts.
pub(crate) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Writes a table as Parquet; the file appears whole or not at all.
pub(crate) fn write_table(path: &Path, batch: Result<RecordBatch, ArrowError>) -> Result<(), TableError> {
    let batch = batch.map_err(|source| TableError::Arrow { path: path.to_owned(), source })?;
    Ok(staycast_files::write_with(path, |file| Ok(write_parquet(file, &batch)?))?)
}
