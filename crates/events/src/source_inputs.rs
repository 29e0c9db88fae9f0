//! The files and database tables that a source is read from.

use std::path::Path;

use crate::seen_file::SeenFile;

/// Describes a file that belongs to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Its role in the format: `log`, `enrolments`, `calendar` …
    pub role: &'static str,
    /// The file, as it was when it was first opened.
    pub file: SeenFile,
}

impl InputFile {
    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Describes a table of a database that belongs to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseTable {
    /// Its role in the format.
    pub role: &'static str,
    /// The database's address, without user and password.
    pub place: String,
    /// The table's name.
    pub table: String,
    /// Rows read.
    pub rows: u64,
    /// Lowest and highest id, of a table that is read as a stream.
    pub ids: Option<(i64, i64)>,
    /// BLAKE3 of what was read, in hexadecimal, of a table that is read as a whole.
    pub blake3: Option<String>,
}
