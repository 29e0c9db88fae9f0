//! Files that appear whole or not at all: a temporary name in the same folder, fsync, rename.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `write`, `read` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and is not what its name says.
    #[error("{path} is damaged or of another version: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl FileError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    #[allow(clippy::needless_pass_by_value)] // Errors and texts, as the callers have them.
    pub(crate) fn damaged(path: &Path, message: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), message: message.to_string() }
    }
}

/// Writes a file through `fill`; nothing is left under `path` when anything fails.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), FileError> {
    let failed = |source| FileError::io("write", path, source);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    {
        let mut buffer = io::BufWriter::new(file.as_file_mut());
        fill(&mut buffer).and_then(|()| buffer.flush()).map_err(failed)?;
    }
    readable_by_all(file.as_file()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    // The rename itself lasts only once the folder is on disk.
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Temporary files are private; the finished file should be as any other.
#[cfg(unix)]
fn readable_by_all(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

/// Writes bytes.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, |file| file.write_all(bytes))
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| FileError::damaged(path, error))?;
    text.push(b'\n');
    write(path, &text)
}

/// Writes values as JSON, one a line.
pub(crate) fn write_json_lines(path: &Path, values: impl IntoIterator<Item = impl Serialize>) -> Result<(), FileError> {
    write_with(path, |file| {
        for value in values {
            serde_json::to_writer(&mut *file, &value)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
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
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        write(&path, b"old").expect("writable");
        let error = write_with(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("disk full"))
        })
        .expect_err("the writer failed");
        assert!(error.to_string().contains("disk full"));
        assert_eq!(read(&path).expect("still there"), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn json_lines_survive() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lines");
        write_json_lines(&path, [0.1_f64, 1.0 / 3.0]).expect("writable");
        assert_eq!(read_json_lines::<f64>(&path).expect("readable"), [0.1, 1.0 / 3.0]);
        write(&path, b"1\nx\n").expect("writable");
        assert!(read_json_lines::<f64>(&path).expect_err("not JSON").to_string().contains("line 2"));
    }
}
