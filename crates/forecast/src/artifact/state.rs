//! Tells whether a run's folder is free, begun or finished.
//!
//! `checkpoints/started.json` marks a run that was begun, `manifest.json`, written last, one that is finished.

use std::fs;
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

    /// Returns the record with its checksum.
    pub(crate) fn sealed(self) -> Self {
        let unsealed = Self { blake3: String::new(), ..self };
        Self { blake3: digest(&unsealed), ..unsealed }
    }

    /// Reads the record of the run that was begun with the marker `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let started: Self = files::read_json(path)?;
        if !started.blake3.is_empty() && started.clone().sealed() != started {
            let how = "what it says does not fit the checksum that it has of itself".to_owned();
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
    let failed = |source| FileError::io("read", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name != CHECKPOINTS && !is_leftover(&name) {
            return Ok(RunState::Other);
        }
    }
    Ok(RunState::Free)
}
