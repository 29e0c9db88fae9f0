//! Keeps what a killed build is resumed from: a journal in its draft, beside the events that went to disk.
//!
//! A checkpoint is taken between two files of the log, once enough was read since the last one: every event held is
//! written to its partition's file, then the journal takes the place of the one before. What was written after it is cut
//! off when the build goes on.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use staycast_events::{FoundLine, ReadError, Source, Tally};
use staycast_files::{CHECKPOINT, FolderDraft, write_json};

use crate::error::BuildError;
use crate::feature_set::FeatureSet;
use crate::labels::DropoutRule;
use crate::manifest::{BuildRecord, LAYOUT_VERSION};
use crate::newest::DaysState;
use crate::options::{BuildMode, BuildOptions};
use crate::output;

/// Holds the facts that must be the same for a build to go on from another's checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    staycast_version: String,
    layout_version: u32,
    format: String,
    build: BuildRecord,
    feature_set: FeatureSet,
    rule: String,
    partitions: usize,
    inputs: Vec<InputIdentity>,
    /// Descriptions of the tables where a database is read.
    databases: Vec<String>,
}

/// Identifies a file by its place, size and time of change. Reading it whole to be surer would be the work to be
/// spared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct InputIdentity {
    role: String,
    /// Its place, with bytes that are no text of ASCII escaped.
    path: String,
    bytes: u64,
    changed_nanos: Option<u128>,
}

/// Holds the state of a build between two files of the log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) identity: Identity,
    /// Files of the log read to their end, the first ones of the source.
    pub(crate) files: usize,
    pub(crate) tally: Tally,
    pub(crate) days: DaysState,
    pub(crate) active: Vec<bool>,
    /// BLAKE3 of the files whose reading gave it, by place among the log's files.
    pub(crate) hashes: Vec<(usize, String)>,
    /// First lines of files of the log that were found in others, by institution.
    pub(crate) first_lines: Vec<Vec<FoundLine>>,
    /// State of what weeks are compared with, when that is gathered.
    pub(crate) gathered: Option<(Vec<u32>, Vec<u64>)>,
    /// Bytes of each partition's events on disk.
    pub(crate) stored: Vec<u64>,
}

/// Collects what identifies a build of `source`.
pub(crate) fn identity(
    source: &Source,
    options: &BuildOptions,
    rule: DropoutRule,
    partitions: usize,
) -> Result<Identity, BuildError> {
    let input = |file: &staycast_events::InputFile| {
        let path = std::path::absolute(file.path()).map_err(ReadError::io(file.path()))?;
        let changed = file.file.state().written().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(InputIdentity {
            role: file.role.to_owned(),
            path: path.as_os_str().as_encoded_bytes().escape_ascii().to_string(),
            bytes: file.file.bytes(),
            changed_nanos: changed.map(|since| since.as_nanos()),
        })
    };
    Ok(Identity {
        staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
        layout_version: LAYOUT_VERSION,
        format: source.format.to_owned(),
        build: output::build_record(source, options),
        feature_set: options.features,
        rule: rule.to_string(),
        partitions,
        inputs: source.inputs.iter().map(input).collect::<Result<_, BuildError>>()?,
        databases: source.events.iter().map(|file| format!("{:?}", file.database())).collect(),
    })
}

/// Begins a draft of `folder`; when a build is to be resumed, the draft and journal of a killed one of `identity` if
/// there is one.
pub(crate) fn begin(
    folder: &Path,
    if_exists: BuildMode,
    identity: &Identity,
) -> Result<(FolderDraft, Option<Journal>), BuildError> {
    let begun = FolderDraft::resume(folder, |draft| {
        if if_exists != BuildMode::Resume {
            return None;
        }
        let text = fs::read_to_string(draft.join(CHECKPOINT)).ok()?;
        let journal: Journal = serde_json::from_str(&text).ok()?;
        (journal.identity == *identity).then_some(journal)
    });
    Ok(begun?)
}

impl Journal {
    /// Writes the journal into `draft` in place of the one before.
    pub(crate) fn write(&self, draft: &Path) -> Result<(), BuildError> {
        Ok(write_json(&draft.join(CHECKPOINT), self)?)
    }

    /// Removes the journal of a build that is past reading.
    pub(crate) fn remove(draft: &Path) -> Result<(), BuildError> {
        let place = draft.join(CHECKPOINT);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BuildError::write(&place)(error)),
            _ => Ok(()),
        }
    }
}
