//! The one error of this crate: a path, and what the system said about it.

use std::io;
use std::path::{Path, PathBuf};

/// Names the action of a lock.
pub(crate) const LOCK: &str = "lock";

/// Says which file or folder could not be written, by the name that the user gave it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}")]
pub struct WriteError {
    /// `write`, `make`, `replace` …
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

impl WriteError {
    /// Makes the error of a failed action on `path`, for `map_err`.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }

    /// Returns whether the place can't be written to at all: no permission, or a file system that is read only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
    }

    /// Returns whether no turn is given there: the file system, as one over a network, knows no locks.
    #[must_use]
    pub fn is_without_locks(&self) -> bool {
        self.action == LOCK
    }

    /// Returns whether the place was taken.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::AlreadyExists
                | io::ErrorKind::DirectoryNotEmpty
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory
        )
    }
}
