//! Tells whether a run's folder is free, begun or finished.
//!
//! `checkpoints/started.json` marks a run that was begun, `manifest.json`, written last, one that is finished.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use staycast_files::is_leftover;

use super::layout::{CHECKPOINTS, MANIFEST, STARTED};
use super::manifest::ParentRecord;
use crate::config::Config;
use crate::device::DeviceInfo;
use crate::digest::digest;
use crate::files::{self, FileError};

/// Names the states that a folder can be in, as far as training is concerned.
#[derive(Clone, Debug, PartialEq)]
pub enum RunState {
    /// It does not exist, or is empty.
    Free,
    /// A run was begun there and is not finished; it was begun with this configuration.
    Interrupted(Box<Config>),
    /// It holds a finished run.
    Finished,
    /// It holds something else.
    Other,
}

/// Records how a run was begun. Resuming compares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Started {
    pub(crate) kind: String,
    pub(crate) staycast_version: String,
    /// Which way of training it is, [`Started::TRAINING`]; earlier versions did not write it.
    #[serde(default)]
    pub(crate) training: u32,
    pub(crate) data_fingerprint: String,
    pub(crate) device: DeviceInfo,
    pub(crate) config: Config,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<ParentRecord>,
    /// Checksum of the record without this key; earlier versions did not write it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) blake3: String,
}

impl Started {
    pub(crate) const KIND: &'static str = "staycast-run-begun";
    /// Counts the ways of training there have been: with another one, the epochs that are left would not give the bytes that
    /// they would have given.
    pub(crate) const TRAINING: u32 = 1;

    /// Returns the record with its checksum.
    pub(crate) fn sealed(self) -> Self {
        let unsealed = Self { blake3: String::new(), ..self };
        Self { blake3: digest(&unsealed), ..unsealed }
    }

    /// Reads the record of the run that was begun with the marker `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let started: Self = files::read_json(path)?;
        if !started.blake3.is_empty() && started.clone().sealed() != started {
            let how = "it is not as it was sealed".to_owned();
            return Err(FileError::Changed { path: path.to_owned(), how });
        }
        Ok(started)
    }
}

/// Tells which state `folder` is in, as far as training is concerned.
///
/// # Errors
/// When the folder can't be read, or its marker is damaged.
pub fn run_state(folder: &Path) -> Result<RunState, FileError> {
    if !folder.exists() {
        return Ok(RunState::Free);
    }
    if folder.join(MANIFEST).is_file() {
        return Ok(RunState::Finished);
    }
    let started = folder.join(CHECKPOINTS).join(STARTED);
    if started.is_file() {
        let started = Started::read(&started)?;
        return Ok(RunState::Interrupted(Box::new(started.config)));
    }
    // What a kill before the marker leaves: nothing, an empty checkpoints folder, a temporary file.
    for name in names_in(folder)? {
        let inside = folder.join(CHECKPOINTS);
        let is_free = is_leftover(&name)
            || name == CHECKPOINTS && inside.is_dir() && names_in(&inside)?.iter().all(|name| is_leftover(name));
        if !is_free {
            return Ok(RunState::Other);
        }
    }
    Ok(RunState::Free)
}

/// Returns the device on which the unfinished run in `folder` was begun; `None` where there is none.
///
/// # Errors
/// When its marker can't be read, or is damaged.
pub fn begun_on(folder: &Path) -> Result<Option<DeviceInfo>, FileError> {
    let started = folder.join(CHECKPOINTS).join(STARTED);
    if folder.join(MANIFEST).is_file() || !started.is_file() {
        return Ok(None);
    }
    Ok(Some(Started::read(&started)?.device))
}

fn names_in(folder: &Path) -> Result<Vec<String>, FileError> {
    let failed = |source| FileError::io("read", folder, source);
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    fs::read_dir(folder).and_then(|entries| entries.map(name).collect()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_files_of_others_is_not_free() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = || run_state(folder.path()).expect("readable");
        fs::create_dir(folder.path().join(CHECKPOINTS)).expect("a new folder");
        let left = [".config.toml.tmp-1-x".to_owned(), format!("{CHECKPOINTS}/.started.json.tmp-1-x")];
        for name in left {
            fs::write(folder.path().join(name), "").expect("writable");
            assert_eq!(state(), RunState::Free);
        }
        for name in ["notes.txt".to_owned(), format!("{CHECKPOINTS}/notes.txt")] {
            fs::write(folder.path().join(&name), "").expect("writable");
            assert_eq!(state(), RunState::Other, "{name}");
            fs::remove_file(folder.path().join(name)).expect("ours");
        }
        assert_eq!(state(), RunState::Free);
    }
}
