//! Errors of reading: what keeps a whole file or source from being read. What is wrong with a single row is a
//! [`crate::Reason`], counted and not an error.

use std::io;
use std::path::PathBuf;

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named in the messages")]
pub enum ReadError {
    /// A file could not be opened or read.
    #[error("{path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Nothing to read.
    #[error("{path}: no such file or folder", path = path.display())]
    NotFound { path: PathBuf },
    /// A pattern of file names that is none.
    #[error("{path}: this is not a pattern of file names: {what}", path = path.display())]
    Pattern { path: PathBuf, what: String },
    /// A table without a byte, or without a row.
    #[error("{path}: the file is empty; the {table} table needs a header and rows", path = path.display())]
    Empty { path: PathBuf, table: String },
    /// Not text.
    #[error("{path}: this is not a text file ({why}); give CSV as UTF-8, plain, .gz or .zst", path = path.display())]
    NotText { path: PathBuf, why: String },
    /// A column that must be there is not.
    #[error("{path}: no column `{column}` in the {table} table; its header has: {found}{hint}", path = path.display())]
    MissingColumn { path: PathBuf, table: String, column: String, found: String, hint: String },
    /// A column is named twice.
    #[error("{path}: the header names `{column}` twice; name each column once", path = path.display())]
    DuplicateColumn { path: PathBuf, column: String },
    /// A table that must be there is not.
    #[error("{format}: no {table} table among {where_}; {what_to_do}")]
    MissingTable { format: &'static str, table: &'static str, where_: String, what_to_do: String },
    /// No format fits.
    #[error("no format fits {where_}: {seen}")]
    UnknownFormat { where_: String, seen: String },
    /// A table without which nothing can be done has no usable row.
    #[error("{path}: none of the {rows} rows of the {table} table can be used; the first: {first}", path = path.display())]
    NothingUsable { path: PathBuf, table: String, rows: u64, first: String },
    /// A log of which no line is about a learner in a course.
    #[error("{path}: none of the log's {rows} rows is about a learner in a course{first}", path = path.display())]
    NobodyInLog { path: PathBuf, rows: u64, first: String },
    /// A course whose dates can't be told from its events.
    #[error(
        "the events of course {course} lie from {first} to {last}, too far apart to infer when it runs; give its dates{where_}"
    )]
    TooLongToInfer { course: String, first: String, last: String, where_: String },
    /// A rule for enrolling again, where no table dates enrolments.
    #[error(
        "the rule `{rule}` for who enrols again needs a table with dates of enrolment, and this {format} source has none"
    )]
    EnrolledAgain { format: &'static str, rule: &'static str },
    /// A mapping that can't be used.
    #[error("{path}: {what}", path = path.display())]
    Mapping { path: PathBuf, what: String },
    /// A database that can't be reached or read. `place` is its address without user and password.
    #[error("{place}: {what}")]
    Database { place: String, what: String },
    /// A database, where none can be read.
    #[error("this build of staycast reads no databases; build it with the feature `sql`, or give the log as files")]
    NoDatabases,
    /// A format whose logs are in no database that can be read.
    #[error("databases of Moodle are read, and none of the format {format}")]
    DatabaseFormat { format: &'static str },
    /// Files beside the address of a database.
    #[error("both files and the address of a database are given; give one of them")]
    FilesAndDatabase,
    /// A mapping beside the address of a database.
    #[error("a mapping is for files; the database of Moodle needs none")]
    MappingForDatabase,
    /// Tables of no known format, without a mapping.
    #[error("tables of no known format need a mapping that says what they are")]
    NoMapping,
    /// A mapping beside a format that needs none.
    #[error("{path}: a mapping describes tables of no known format; {format} needs none", path = path.display())]
    NeedlessMapping { path: PathBuf, format: &'static str },
    /// A file beside its packed copy.
    #[error("{path} and {copy} are the same table twice; give one of them", path = path.display())]
    PackedCopy { path: PathBuf, copy: String },
    /// A file of a kind that can't be decoded.
    #[error("{path}: {what}", path = path.display())]
    Decode { path: PathBuf, what: String },
    /// Institutions that can't be told apart or put together.
    #[error("institutions: {what}")]
    Institutions { what: String },
    /// The taker of events failed.
    #[error(transparent)]
    Sink(Box<dyn std::error::Error + Send + Sync>),
}

impl ReadError {
    /// Makes a [`ReadError::Io`] at `path`, for `map_err`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
