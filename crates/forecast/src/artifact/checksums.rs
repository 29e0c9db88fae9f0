//! Checksums of a run's files, as its manifest lists them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::layout::parts;
use crate::files::{self, FileError};

const BUFFER_BYTES: usize = 256 * 1024;

/// Describes a file of a run, as its manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its name in the run's folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub blake3: String,
}

impl FileRecord {
    /// Reads the size and checksum of a file.
    fn of(folder: &Path, name: &str) -> Result<Self, FileError> {
        let path = folder.join(name);
        let failed = |source| FileError::io("read", &path, source);
        let mut file: File = files::open(&path)?;
        let (mut hasher, mut bytes, mut buffer) = (blake3::Hasher::new(), 0, vec![0; BUFFER_BYTES]);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    hasher.update(&buffer[..read]);
                    bytes += read as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Self { file: name.to_owned(), bytes, blake3: hasher.finalize().to_hex().to_string() })
    }

    /// Compares the record with the file.
    fn check(&self, folder: &Path) -> Result<(), FileError> {
        let path = folder.join(&self.file);
        let changed = |how: String| Err(FileError::Changed { path: path.clone(), how });
        let length = match files::open(&path).and_then(|file| {
            file.metadata().map(|metadata| metadata.len()).map_err(|source| FileError::io("read", &path, source))
        }) {
            Ok(length) => length,
            Err(FileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return changed("it is missing".to_owned());
            }
            Err(error) => return Err(error),
        };
        // Before it is read: what has another size may be of any.
        if length != self.bytes {
            return changed(format!("it has {length} bytes instead of {}", self.bytes));
        }
        match Self::of(folder, &self.file)? {
            found if found == *self => Ok(()),
            _ => changed("its checksum is another".to_owned()),
        }
    }
}

/// Lists the files that the run in `folder` consists of, beside its manifest.
pub(super) fn list(folder: &Path) -> Result<Vec<FileRecord>, FileError> {
    let there = parts().filter(|name| std::fs::symlink_metadata(folder.join(name)).is_ok());
    there.map(|name| FileRecord::of(folder, name)).collect()
}

/// Compares every file of the run in `folder` with its record.
///
/// # Errors
/// Names the first file that is missing or has changed, or that no run has.
pub(super) fn check(folder: &Path, records: &[FileRecord]) -> Result<(), FileError> {
    for (at, record) in records.iter().enumerate() {
        if records[..at].iter().any(|other| other.file == record.file) {
            let message = format!("it lists `{}` twice", record.file.escape_debug());
            return Err(FileError::damaged(&folder.join(super::layout::MANIFEST), message));
        }
        if !parts().any(|name| name == record.file) {
            let message = format!("it lists `{}`, which is no file of a run", record.file.escape_debug());
            return Err(FileError::damaged(&folder.join(super::layout::MANIFEST), message));
        }
        record.check(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::layout::{CALIBRATION, SCALER};
    use super::*;

    #[test]
    fn missing_and_changed_files_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(SCALER), b"{}").expect("writable");
        std::fs::write(folder.path().join("report.html"), b"later").expect("writable");
        let records = list(folder.path()).expect("readable");
        assert_eq!(records.len(), 1, "the report is no part of the run");
        assert_eq!((records[0].file.as_str(), records[0].bytes), (SCALER, 2));
        check(folder.path(), &records).expect("as it was");
        let fault = || check(folder.path(), &records).expect_err("changed").to_string();
        std::fs::write(folder.path().join(SCALER), b"[]").expect("writable");
        assert!(fault().contains("scaler.json") && fault().contains("checksum"), "{}", fault());
        std::fs::write(folder.path().join(SCALER), b"{ }").expect("writable");
        assert!(fault().contains("3 bytes instead of 2"), "{}", fault());
        std::fs::remove_file(folder.path().join(SCALER)).expect("there");
        assert!(fault().contains("missing"), "{}", fault());
        std::fs::create_dir(folder.path().join(SCALER)).expect("writable");
        assert!(fault().contains("no plain file"), "{}", fault());
    }

    #[test]
    fn a_manifest_lists_no_file_twice() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(SCALER), b"{}").expect("writable");
        let records = list(folder.path()).expect("readable");
        let fault = check(folder.path(), &[records.clone(), records].concat()).expect_err("twice").to_string();
        assert!(fault.contains("manifest.json") && fault.contains("it lists `scaler.json` twice"), "{fault}");
    }

    #[test]
    fn a_manifest_can_name_no_file_elsewhere() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut record = FileRecord { file: CALIBRATION.to_owned(), bytes: 0, blake3: String::new() };
        for name in ["../secret", "/etc/passwd", "manifest.json", "\u{1b}[2J"] {
            record.file = name.to_owned();
            let fault = check(folder.path(), std::slice::from_ref(&record)).expect_err("no part of a run").to_string();
            assert!(fault.contains("no file of a run") && !fault.contains('\u{1b}'), "{fault}");
        }
    }
}
