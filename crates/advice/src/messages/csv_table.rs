//! Small tables that a course team keeps as CSV.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::MessageError;

/// Reads a CSV with a header, whose columns may be in any order.
pub(super) struct CsvTable {
    path: PathBuf,
    reader: csv::Reader<File>,
    header: csv::StringRecord,
    /// Says which columns the table has, for messages.
    columns: &'static str,
}

impl CsvTable {
    /// Opens a table. `columns` says what it has: "items have course_id and title".
    ///
    /// # Errors
    /// When the file can't be read, or its first line is no CSV.
    pub(super) fn open(path: &Path, columns: &'static str) -> Result<Self, MessageError> {
        let file = File::open(path).map_err(|source| MessageError::read(path, source))?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let header = reader.headers().map_err(|_| MessageError::file(path, "its first line is no CSV"))?.clone();
        Ok(Self { path: path.to_owned(), reader, header, columns })
    }

    /// Finds a column; `None` where the table has none of that name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column.trim_start_matches('\u{feff}').trim() == name)
    }

    /// Finds a column that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn require(&self, name: &str) -> Result<usize, MessageError> {
        let lacks = || MessageError::file(&self.path, format!("has no column `{name}`; {}", self.columns));
        self.find(name).ok_or_else(lacks)
    }

    /// Reads the rows; `None` for one that is no CSV, or has more or fewer cells than the header.
    pub(super) fn rows(&mut self) -> impl Iterator<Item = Option<csv::StringRecord>> {
        let width = self.header.len();
        self.reader.records().map(move |record| record.ok().filter(|record| record.len() == width))
    }
}
