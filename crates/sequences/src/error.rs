//! Errors of building and reading sequences folders. Errors of reading logs are [`staycast_events::ReadError`]s inside.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use staycast_events::ReadError;
use staycast_files::{FolderDraft, WriteError};

/// Writes a number before its noun, which gets an s where it is not one.
pub(crate) fn counted(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Names the reason for which sequences could not be built or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named in the messages")]
pub enum BuildError {
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output folder exists.
    #[error("{path}: exists already", path = path.display())]
    Exists { path: PathBuf },
    /// The output folder exists and is of something else.
    #[error("{path}: exists and is not a sequences folder, so it is not replaced", path = path.display())]
    NotOurs { path: PathBuf },
    /// A resumed output was made from something else.
    #[error("{path}: holds sequences of {what}", path = path.display())]
    OtherInput { path: PathBuf, what: String },
    /// Writing failed.
    #[error("{path}: can't be written: {source}", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A folder that is there, or what was written, can't be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Writing Parquet failed.
    #[error("{path}: can't be written: {source}", path = path.display())]
    Parquet { path: PathBuf, source: ParquetError },
    /// No row could be used.
    #[error("not one of the {read} rows of the log could be used: {reasons}")]
    NothingUsed { read: u64, reasons: String },
    /// No enrolment.
    #[error("the tables name no enrolment in a course with dates, so there is nothing to build sequences of")]
    NoEnrolments,
    /// A rule that rests on what the source does not record.
    #[error("the dropout rule `{rule}` needs {needs}, which this {format} source does not have")]
    Rule { rule: String, needs: RuleNeeds, format: &'static str },
    /// Weeks that are to end on a date, in a source without dates.
    #[error("weeks can't end on a given date: this {format} source has no calendar dates")]
    NoDates { format: &'static str },
}

impl From<WriteError> for BuildError {
    fn from(error: WriteError) -> Self {
        Self::Write { path: error.path, source: error.source }
    }
}

/// Names the fact that a source must record for a label rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleNeeds {
    /// How enrolments ended.
    Outcomes,
    /// Labels, in a file.
    Labels,
}

impl fmt::Display for RuleNeeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outcomes => "recorded outcomes",
            Self::Labels => "labels",
        })
    }
}

impl BuildError {
    /// Names the paths in a draft as the user knows them.
    pub(crate) fn named_by(self, draft: &FolderDraft) -> Self {
        match self {
            Self::Write { path, source } => Self::Write { path: draft.place_of(&path), source },
            Self::Parquet { path, source } => Self::Parquet { path: draft.place_of(&path), source },
            other => other,
        }
    }

    /// Makes a [`BuildError::Write`] at `path`, for `map_err`.
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }

    /// Makes a [`BuildError::Parquet`] at `path`, for `map_err`.
    pub(crate) fn parquet(path: impl Into<PathBuf>) -> impl FnOnce(ParquetError) -> Self {
        let path = path.into();
        move |source| Self::Parquet { path, source }
    }
}

/// Names the reason for which a sequences folder could not be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named in the messages")]
pub enum FolderError {
    /// Not a sequences folder.
    #[error("{path}: not a sequences folder ({why})", path = path.display())]
    NotAFolder { path: PathBuf, why: String },
    /// Written by another version.
    #[error("{path}: sequences of layout version {found}, and this Staycast reads versions up to {expected}", path = path.display())]
    Version { path: PathBuf, found: u64, expected: u32 },
    /// A file can't be read.
    #[error("{path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A Parquet file can't be read.
    #[error("{path}: {source}", path = path.display())]
    Parquet { path: PathBuf, source: ParquetError },
    /// A file is not as the manifest says: damaged, or edited.
    #[error("{path}: {what}", path = path.display())]
    Altered { path: PathBuf, what: String },
    /// A manifest has lost its checksums.
    #[error("{path}: its checksums are missing, which it was written with", path = path.display())]
    NoChecksums { path: PathBuf },
    /// A file's contents make no sense, or not with those of the others.
    #[error("{path}: {what}", path = path.display())]
    Damaged { path: PathBuf, what: String },
    /// A file changed between its check and its reading.
    #[error("{path}: changed while it was read", path = path.display())]
    Changed { path: PathBuf },
    /// The values are more than memory holds.
    #[error("{path}: {values} values are asked for, which do not fit into memory", path = path.display())]
    TooLarge { path: PathBuf, values: String },
    /// A file can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A course that is not there.
    #[error("{path}: no course `{course}`; the courses are {known}", path = path.display())]
    UnknownCourse { path: PathBuf, course: String, known: String },
    /// A feature that is not there.
    #[error("{path}: no feature `{feature}`, which is needed; the sequences have {known}", path = path.display())]
    UnknownFeature { path: PathBuf, feature: String, known: String },
}

impl FolderError {
    /// Makes a [`FolderError::Damaged`] about `path`.
    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }

    /// Makes a [`FolderError::Altered`] about `path`.
    pub(crate) fn altered(path: &Path, what: impl Into<String>) -> Self {
        Self::Altered { path: path.to_owned(), what: what.into() }
    }

    /// Makes a [`FolderError::Io`] at `path`, for `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
