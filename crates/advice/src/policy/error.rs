//! Why a policy can't be used.

use std::path::PathBuf;

/// Describes why a policy can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file can't be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Something in it makes no sense.
    #[error("{origin}: {what}")]
    Wrong {
        /// The file.
        origin: String,
        /// The line, what is wrong there, and what is allowed.
        what: String,
    },
}

impl PolicyError {
    pub(crate) fn at(origin: &str, line: usize, what: impl std::fmt::Display) -> Self {
        Self::Wrong { origin: origin.to_owned(), what: format!("line {line}: {what}") }
    }
}
