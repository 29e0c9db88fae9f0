//! Errors of reading: what keeps a whole file or source from being read. What is wrong with a single row is a
//! [`crate::Reason`], counted and not an error.

use std::io;
use std::path::{Path, PathBuf};

/// Says why a source could not be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named in the messages")]
pub enum ReadError {
    /// A file could not be opened or read.
    #[error("{path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Nothing to read.
    #[error("{path}: no such file or folder", path = path.display())]
    NotFound { path: PathBuf },
    /// A file that changed between its first opening and the end of its reading.
    #[error("{path}: the file {how} while it was read; run again when nothing writes to it", path = path.display())]
    Changed { path: PathBuf, how: &'static str },
    /// A pattern of file names that is none.
    #[error("{path}: this is not a pattern of file names: {what}", path = path.display())]
    Pattern { path: PathBuf, what: String },
    /// A table without a byte, or of blank lines alone.
    #[error("{path}: the file is empty; the {table} table needs rows", path = path.display())]
    Empty { path: PathBuf, table: String },
    /// Not text.
    #[error("{path}: the file {what}, which is not read; {what_to_do}", path = path.display())]
    NotText { path: PathBuf, what: &'static str, what_to_do: &'static str },
    /// A file that was named, and that the format has no use for, or nobody: then there is something to do about it.
    #[error(
        "{path}: this file is not read, as it {why}{advice}{rest}",
        path = path.display(),
        advice = what_to_do.map_or_else(String::new, |what| format!("; {what}")),
        rest = and_others(others)
    )]
    NotRead { path: PathBuf, why: String, what_to_do: Option<&'static str>, others: Vec<String> },
    /// A column that must be there is not.
    #[error("{path}: no column `{column}` in the {table} table; its header has: {found}{hint}", path = path.display())]
    MissingColumn { path: PathBuf, table: String, column: String, found: String, hint: String },
    /// A column is named twice.
    #[error("{path}: the header has {column} twice, in columns {} and {}; name each column once", places.0, places.1, path = path.display())]
    DuplicateColumn { path: PathBuf, column: String, places: (usize, usize) },
    /// A table that must be there is not.
    #[error("{format}: no {table} table among {where_}; {what_to_do}")]
    MissingTable { format: &'static str, table: &'static str, where_: String, what_to_do: String },
    /// No format fits.
    /// `by_name` says whether any of the files was given by its own name.
    #[error("no format fits {where_}: {seen}")]
    UnknownFormat { where_: String, seen: String, by_name: bool },
    /// A table with a header and nothing below it.
    #[error("{path}: the {table} table has a header and no rows", path = path.display())]
    NoRows { path: PathBuf, table: String },
    /// A table without which nothing can be done has no usable row.
    #[error("{path}: none of the {rows} rows of the {table} table can be used: {reasons}", path = path.display())]
    NothingUsable { path: PathBuf, table: String, rows: u64, reasons: String },
    /// A log of which no line is about a learner in a course.
    #[error("{path}: none of the log's {rows} rows is about a learner in a course: {reasons}", path = path.display())]
    NobodyInLog { path: PathBuf, rows: u64, reasons: String },
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
    /// A database that has sent nothing for a while. `place` is its address without user and password.
    #[error("{place}: nothing came in {seconds} s of waiting for {what}; the server or the network stalls")]
    DatabaseStalled { place: String, what: String, seconds: f64 },
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

/// Names other files that are not read either.
fn and_others(others: &[String]) -> String {
    const SHOWN: usize = 4;
    let names = others.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match others.len() {
        0 => String::new(),
        1..=SHOWN => format!("; nor are {names}"),
        more => format!("; nor are {names} and {} more", more - SHOWN),
    }
}

impl ReadError {
    /// Returns the error of a file that was given by its own name: that it is no text is then an error of who gave it.
    pub(crate) fn of_named_file(self) -> Self {
        match self {
            Self::NotText { path, what, what_to_do } => {
                Self::NotRead { path, why: what.to_owned(), what_to_do: Some(what_to_do), others: Vec::new() }
            }
            other => other,
        }
    }

    /// Returns the path of the file that the error is about, where it is one of opening or reading a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::NotFound { path }
            | Self::Changed { path, .. }
            | Self::Decode { path, .. }
            | Self::NotText { path, .. }
            | Self::Empty { path, .. }
            | Self::NoRows { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Returns the error of opening or reading a file, with `name` in place of the path of the file.
    pub(crate) fn called(self, name: &Path) -> Self {
        let path = name.to_owned();
        match self {
            Self::Io { source, .. } => Self::Io { path, source },
            Self::NotFound { .. } => Self::NotFound { path },
            Self::Changed { how, .. } => Self::Changed { path, how },
            Self::Decode { what, .. } => Self::Decode { path, what },
            Self::NotText { what, what_to_do, .. } => Self::NotText { path, what, what_to_do },
            Self::Empty { table, .. } => Self::Empty { path, table },
            Self::NoRows { table, .. } => Self::NoRows { path, table },
            other => other,
        }
    }

    /// Makes a [`ReadError::Io`] at `path`, for `map_err`.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
