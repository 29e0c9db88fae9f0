//! The options of opening a log.

use std::path::PathBuf;

use super::database_source::DatabaseSource;
use super::registry::Format;
use crate::enrolled_again::EnrolledAgain;

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
    /// Labels in place of the source's own.
    pub labels: Option<PathBuf>,
    /// The database to read Moodle's log from, in place of files. Needs the feature `sql`.
    pub source: Option<DatabaseSource>,
}
