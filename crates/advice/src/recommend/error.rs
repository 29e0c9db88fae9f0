//! Why nothing can be recommended.

use std::path::PathBuf;

use staycast_events::ReadError;
use staycast_files::WriteError;

/// Says why nothing can be recommended.
#[derive(Debug, thiserror::Error)]
pub enum RecommendError {
    /// The log does not say what was used.
    #[error(
        "nothing can be recommended: logs of the format {format} do not say which objects learners used, at least not this one"
    )]
    NoObjects {
        /// The format.
        format: &'static str,
    },
    /// Nobody used anything.
    #[error(
        "nothing can be recommended: no row of the log that counts says that a learner used an object of the course"
    )]
    NothingUsed,
    /// An enrolment is not there.
    #[error("{count} of the enrolments asked for {are} not in the log, the first of them number {first} of those given", are = if *count == 1 { "is" } else { "are" })]
    UnknownEnrolments {
        /// How many.
        count: usize,
        /// Place of the first among those given, from 1.
        first: usize,
    },
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Rows can't be brought into the form of a table.
    #[error("the rows don't fit a table")]
    Table(#[from] arrow_schema::ArrowError),
    /// The file's name has no known ending.
    #[error("{}: end the name in .parquet, .csv or .jsonl", .0.display())]
    UnknownEnding(PathBuf),
}
