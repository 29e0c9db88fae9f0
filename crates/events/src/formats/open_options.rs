//! The options of opening a log.

use std::path::PathBuf;

use super::database_source::DatabaseSource;
use super::registry::Format;
use crate::enrolled_again::EnrolledAgain;
use crate::row_limits::ObjectNaming;

/// Holds the options of opening a log.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The format; told from the files when `None`.
    pub format: Option<Format>,
    /// The mapping of tables of no known format; the format is then `table` unless another is given.
    pub mapping: Option<PathBuf>,
    /// Dates of courses in place of, or for want of, the source's own.
    pub courses: Option<PathBuf>,
    /// The rule for learners who enrol in a course again.
    pub enrolled_again: EnrolledAgain,
    /// The instant at which the log is said to be taken, in seconds since 1970-01-01T00:00:00. Whoever is known only by what
    /// comes after it is not enrolled yet.
    pub as_of: Option<i64>,
    /// Labels in place of the source's own.
    pub labels: Option<PathBuf>,
    /// Whether the roster lists objects by name, where a table of the source does.
    pub objects: ObjectNaming,
    /// The database to read Moodle's log from, in place of files. Needs the feature `sql`.
    pub source: Option<DatabaseSource>,
}
