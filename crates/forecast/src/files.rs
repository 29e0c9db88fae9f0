//! Reading the files of a run, and why one can't be read or written. `staycast-files` writes them.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use staycast_files::{FolderDraft, WriteError};

/// Describes why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `write`, `read` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is there and is not what its name says.
    #[error("{path} is damaged or of another version: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The problem.
        message: String,
    },
}

impl From<WriteError> for FileError {
    fn from(error: WriteError) -> Self {
        Self::Io { action: error.action, path: error.path, source: error.source }
    }
}

impl FileError {
    /// Names a path in a draft as the user knows it.
    #[must_use]
    pub fn named_by(self, draft: &FolderDraft) -> Self {
        match self {
            Self::Io { action, path, source } => Self::Io { action, path: draft.place_of(&path), source },
            Self::Damaged { path, message } => Self::Damaged { path: draft.place_of(&path), message },
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    #[allow(clippy::needless_pass_by_value)] // Errors and texts, as the callers have them.
    pub(crate) fn damaged(path: &Path, message: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), message: message.to_string() }
    }
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|source| FileError::io("read", path, source))
}

/// Reads a JSON file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    serde_json::from_slice(&read(path)?).map_err(|error| FileError::damaged(path, error))
}

/// Reads a file of JSON lines.
pub(crate) fn read_json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, FileError> {
    let text = String::from_utf8(read(path)?).map_err(|error| FileError::damaged(path, error))?;
    text.lines()
        .enumerate()
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| FileError::damaged(path, format!("line {}: {error}", at + 1)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines_survive() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lines");
        staycast_files::write_json_lines(&path, [0.1_f64, 1.0 / 3.0]).expect("writable");
        assert_eq!(read_json_lines::<f64>(&path).expect("readable"), [0.1, 1.0 / 3.0]);
        staycast_files::write(&path, b"1\nx\n").expect("writable");
        assert!(read_json_lines::<f64>(&path).expect_err("not JSON").to_string().contains("line 2"));
    }
}
