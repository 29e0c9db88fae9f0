//! The trait of a log format, and the values that its detection and opening exchange.

use std::path::Path;
use std::sync::Arc;

use super::database_source::DatabaseSource;
use crate::enrolled_again::EnrolledAgain;
use crate::error::ReadError;
use crate::file_head::{FileHead, FileHeads};
use crate::offered::OfferedFile;
use crate::row_limits::ObjectNaming;
use crate::source::Source;
use crate::source_inputs::InputFile;

/// Describes a log format: its name, how its files are recognised, and how they are opened. Each is in a module of its own,
/// and in the list of [`super::registry`].
pub(crate) trait LogFormat: Send + Sync {
    /// Returns the name used on the command line and in manifests.
    fn name(&self) -> &'static str;

    /// Describes the format's files in one line, for lists of formats.
    fn summary(&self) -> &'static str;

    /// Decides the role of one of the files offered, from its head alone.
    fn detect(&self, file: &FileHead) -> FileRole;

    /// Describes the evidence that files with these roles are a log of the format; `None` when it is not enough.
    fn evidence(&self, files: &[DetectedFile]) -> Option<String> {
        let decisive = files.iter().find(|file| file.role.strength == Strength::Decisive)?;
        Some(format!("{} {}", decisive.head.name(), decisive.role.because))
    }

    /// Lists the roles without whose files a log can't be opened.
    fn needed_roles(&self) -> &'static [&'static str] {
        &["log"]
    }

    /// Tells whether any text may be a log of the format, as far as a line of it may be.
    fn takes_any_text(&self) -> bool {
        false
    }

    /// Tells whether the format finds its files by their names, so that heads of others are not read when it is asked
    /// for.
    fn finds_files_by_name(&self) -> bool {
        false
    }

    /// Opens a log: reads its small tables, and not yet its events.
    ///
    /// # Errors
    /// When a table is missing, can't be read, lacks a column, or has no usable row.
    fn open(&self, request: &OpenRequest<'_>) -> Result<Source, ReadError>;

    /// Tells whether the format has logs in databases.
    fn is_in_databases(&self) -> bool {
        false
    }

    /// Opens a log in the database at `address`.
    ///
    /// # Errors
    /// When the database can't be reached or read, or the format is in none.
    fn open_database(&self, source: &DatabaseSource, request: &OpenRequest<'_>) -> Result<Source, ReadError> {
        let _ = (source, request);
        Err(ReadError::DatabaseFormat { format: self.name() })
    }
}

/// Says how strongly a file speaks for its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// The file shows by itself that the files are a log of the format.
    Decisive,
    /// The file's contents show its role, once the format is known.
    Fitting,
    /// Only the file's name speaks for its role. Its reader can say best what is wrong with it.
    NamedOnly,
    /// The file has no role.
    None,
}

/// Says which role a file has in a log of one format, and why it has it or has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileRole {
    /// `log`, `enrolments` … `None` when the format has no use for the file.
    pub(crate) name: Option<&'static str>,
    /// Completes a sentence that begins with the file's name: "has the columns …".
    pub(crate) because: &'static str,
    pub(crate) strength: Strength,
}

impl FileRole {
    /// Makes the role of a file that shows the format by itself.
    pub(crate) const fn decisive(name: &'static str, because: &'static str) -> Self {
        Self { name: Some(name), because, strength: Strength::Decisive }
    }

    /// Makes the role of a file whose contents show it once the format is known.
    pub(crate) const fn fitting(name: &'static str, because: &'static str) -> Self {
        Self { name: Some(name), because, strength: Strength::Fitting }
    }

    /// Makes the role of a file that is only named like it.
    pub(crate) const fn named_only(name: &'static str) -> Self {
        Self {
            name: Some(name),
            because: "has the name of such a file, and other contents",
            strength: Strength::NamedOnly,
        }
    }

    /// Makes the role of a file that the format has no use for.
    pub(crate) const fn none(because: &'static str) -> Self {
        Self { name: None, because, strength: Strength::None }
    }
}

/// Holds a file offered, and its role in a log of one format.
#[derive(Clone, Debug)]
pub(crate) struct DetectedFile {
    pub(crate) head: Arc<FileHead>,
    pub(crate) role: FileRole,
}

/// Holds the files and options that a format opens a log from.
pub(crate) struct OpenRequest<'a> {
    /// Every file offered, for formats that find theirs by name.
    pub(crate) offered: &'a [OfferedFile],
    /// The files offered with their roles in the format. Empty where the format finds its files by name.
    pub(crate) files: &'a [DetectedFile],
    /// The heads of files, those read for detection among them.
    pub(crate) heads: &'a FileHeads,
    /// The mapping that describes tables of no known format.
    pub(crate) mapping: Option<&'a Path>,
    /// Dates of courses in place of, or for want of, the source's own.
    pub(crate) courses: Option<&'a Path>,
    /// Files that options name: the mapping, dates of courses, labels.
    pub(crate) given: &'a [&'a Path],
    /// The rule for learners who enrol in a course again.
    pub(crate) enrolled_again: EnrolledAgain,
    /// The instant at which the log is said to be taken.
    pub(crate) as_of: Option<i64>,
    /// Whether the roster lists objects by name.
    pub(crate) objects: ObjectNaming,
    /// Why the log is taken for the format.
    pub(crate) reason: String,
    /// Bytes of a block.
    pub(crate) block_bytes: usize,
}

impl<'a> OpenRequest<'a> {
    /// Lists the heads of the files with this role, in the order in which they were offered.
    pub(crate) fn heads_with(&self, role: &str) -> Vec<Arc<FileHead>> {
        let with_role = self.files.iter().filter(|file| file.role.name == Some(role));
        with_role.map(|file| Arc::clone(&file.head)).collect()
    }

    /// Returns the head of the file with the dates of courses, where one was given.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn courses_head(&self) -> Result<Option<Arc<FileHead>>, ReadError> {
        self.courses.map(|path| self.heads.get(path)).transpose()
    }
}

/// Lists files as inputs of a source that have this role.
pub(crate) fn inputs_with_role(role: &'static str, heads: &[Arc<FileHead>]) -> impl Iterator<Item = InputFile> {
    heads.iter().map(move |head| InputFile { role, file: head.file().clone() })
}

/// Makes the error that a table the format needs is not among the files.
pub(crate) fn missing_table(format: &'static str, table: &'static str, what_to_do: impl Into<String>) -> ReadError {
    ReadError::MissingTable { format, table, where_: "the files given".to_owned(), what_to_do: what_to_do.into() }
}
