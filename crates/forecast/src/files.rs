//! Reading the files of a run, and why one can't be read or written. `staycast-files` writes them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use staycast_files::{FolderDraft, WriteError};

/// Bounds the bytes of a file that is read into memory: a list of fifty million enrolments.
const MOST_BYTES: u64 = 2 << 30;

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
    /// The file is not the one that its run was written with.
    #[error("{path} has changed since the run was written: {how}")]
    Changed {
        /// The file.
        path: PathBuf,
        /// How it differs.
        how: String,
    },
    /// A manifest has lost its checksums.
    #[error("the checksums of {path} are missing, which it was written with")]
    NoChecksums {
        /// The manifest.
        path: PathBuf,
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
            Self::Changed { path, how } => Self::Changed { path: draft.place_of(&path), how },
            Self::NoChecksums { path } => Self::NoChecksums { path: draft.place_of(&path) },
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

/// Opens a plain file; a link to one is followed. Anything else may have no end, or nobody who writes to it.
pub(crate) fn open(path: &Path) -> Result<File, FileError> {
    let failed = |source| FileError::io("read", path, source);
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(FileError::damaged(path, "it is no plain file"));
    }
    File::open(path).map_err(failed)
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_up_to(path, MOST_BYTES)
}

/// Reads a whole file of at most `most` bytes.
pub(crate) fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let file = open(path)?;
    let failed = |source| FileError::io("read", path, source);
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if length <= most {
        bytes.reserve_exact(usize::try_from(length).unwrap_or(0));
        // One more, as it may have grown meanwhile.
        file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    if length > most || bytes.len() as u64 > most {
        return Err(FileError::damaged(path, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Takes the bytes of the file `path` as text.
pub(crate) fn as_text(path: &Path, bytes: Vec<u8>) -> Result<String, FileError> {
    String::from_utf8(bytes).map_err(|error| {
        let first = error.utf8_error().valid_up_to();
        FileError::damaged(path, format!("from byte {first} on it is not UTF-8"))
    })
}

/// Reads a JSON file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    serde_json::from_slice(&read(path)?).map_err(|error| FileError::damaged(path, error))
}

/// Reads a file of JSON lines.
pub(crate) fn read_json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, FileError> {
    let text = as_text(path, read(path)?)?;
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
