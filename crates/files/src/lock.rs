//! Turns of several processes at one file.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::error::LOCK;
use crate::json::write_pretty;
use crate::{FileDraft, IfExists, WriteError};

/// Holds the turn at a file. When it is dropped, the next process or thread has it.
#[derive(Debug)]
pub struct FileTurn {
    _locked: File,
}

impl FileTurn {
    /// Waits for the turn at the file at `path`. Where nothing is there, an empty file is made.
    ///
    /// # Errors
    /// When the file can't be opened, or its file system knows no locks.
    pub fn wait(path: &Path) -> Result<Self, WriteError> {
        loop {
            let file = open(path).map_err(WriteError::at("write", path))?;
            file.lock().map_err(WriteError::at(LOCK, path))?;
            // Who had the turn may have replaced the file: what is locked then is the old one.
            let locked = file.metadata().map_err(WriteError::at(LOCK, path))?;
            if fs::metadata(path).is_ok_and(|there| is_same(&locked, &there)) {
                return Ok(Self { _locked: file });
            }
        }
    }
}

/// Holds a file by which a process says that it works beside it. When the process ends, however it does, the file is free.
#[derive(Debug)]
pub struct Claim {
    /// `None` where the file system knows no locks.
    _locked: Option<File>,
}

impl Claim {
    /// Makes the file at `path`, of a value as indented JSON; it is held from its first moment on. Returns `None` when something is
    /// there.
    ///
    /// # Errors
    /// When the system refuses, or the value has no JSON form.
    pub fn make(path: &Path, value: &impl Serialize) -> Result<Option<Self>, WriteError> {
        let mut draft = FileDraft::begin(path)?;
        let file = draft.file_mut();
        let mut text = Vec::new();
        let written = write_pretty(&mut text, value).and_then(|()| writeln!(text)).and_then(|()| file.write_all(&text));
        // The draft locked it, and a copy of its handle keeps that lock.
        let held = written.and_then(|()| file.try_clone()).map_err(WriteError::at("write", path))?;
        match draft.publish(IfExists::Refuse) {
            Ok(()) => Ok(Some(Self { _locked: Some(held) })),
            Err(error) if error.is_taken() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the file that is at `path`. Returns `None` when another process has it. Where the file system knows no locks, it
    /// is free.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn take(path: &Path) -> Result<Option<Self>, WriteError> {
        let file = File::options().read(true).append(true).open(path).or_else(|_| File::open(path));
        let file = file.map_err(WriteError::at("open", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _locked: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(_)) => Ok(Some(Self { _locked: None })),
        }
    }
}

/// Opens the file as locks over a network need it, but as it can be: one without the right to write is replaced all the same.
fn open(path: &Path) -> io::Result<File> {
    match File::options().read(true).append(true).create(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        opened => opened,
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Compares what is left to compare where files have no numbers.
#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok() && one.len() == other.len()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_claim_is_held_until_it_is_dropped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("claim");
        let first = Claim::make(&path, &"mine").expect("writable").expect("free");
        assert!(Claim::make(&path, &"other").expect("writable").is_none());
        assert!(Claim::take(&path).expect("readable").is_none());
        drop(first);
        let again = Claim::take(&path).expect("readable").expect("free");
        assert!(Claim::take(&path).expect("readable").is_none());
        drop(again);
        assert_eq!(fs::read(&path).expect("readable"), b"\"mine\"\n");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn no_line_is_lost_when_many_replace_a_file_at_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lines");
        thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for round in 0..20 {
                        let _turn = FileTurn::wait(path).expect("a turn");
                        let before = fs::read_to_string(path).expect("readable");
                        crate::write(path, format!("{before}{writer} {round}\n")).expect("writable");
                    }
                });
            }
        });
        let text = fs::read_to_string(&path).expect("readable");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 160);
    }
}
