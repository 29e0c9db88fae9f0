//! The run's folder before training: begun, or found as it was left.

use std::fs;
use std::path::{Path, PathBuf};

use staycast_files::remove_leftovers;

use super::error::TrainError;
use super::request::{Start, TrainRequest};
use crate::artifact::layout::{CHECKPOINTS, CONFIG, STARTED};
use crate::artifact::{ParentRecord, Run, RunState, Started, run_state};
use crate::files::{self, FileError};

/// Begins the run's folder, or checks that the interrupted run in it is this one. Returns the checkpoints' folder.
pub(super) fn prepare(request: &TrainRequest<'_>) -> Result<PathBuf, TrainError> {
    let out = request.out;
    let checkpoints = out.join(CHECKPOINTS);
    let marker = checkpoints.join(STARTED);
    let now = started(request);
    match (request.start, run_state(out)?) {
        (_, RunState::Finished) => return Err(TrainError::RunExists(out.to_owned())),
        (_, RunState::Other) => return Err(TrainError::NotARunFolder(out.to_owned())),
        (Start::Fresh, RunState::Interrupted(_)) => return Err(TrainError::RunInterrupted(out.to_owned())),
        (Start::Resume, RunState::Free) => return Err(TrainError::NothingToResume(out.to_owned())),
        (Start::Resume, RunState::Interrupted(_)) => {
            require_same(out, &files::read_json(&marker)?, &now)?;
            remove_leftovers(out);
            remove_leftovers(&checkpoints);
        }
        (Start::Fresh, RunState::Free) => {
            fs::create_dir_all(&checkpoints).map_err(|source| FileError::io("make", &checkpoints, source))?;
            files::write_json(&marker, &now)?;
        }
    }
    files::write(&out.join(CONFIG), request.config.written().to_toml().as_bytes())?;
    Ok(checkpoints)
}

/// Checks that the run that was begun as `then` can be resumed as `now`.
fn require_same(path: &Path, then: &Started, now: &Started) -> Result<(), TrainError> {
    let differs = |what, then: String, now: String| {
        if then == now { Ok(()) } else { Err(TrainError::ResumedOtherwise { path: path.to_owned(), what, then, now }) }
    };
    differs("version of Staycast", then.staycast_version.clone(), now.staycast_version.clone())?;
    differs("data set (fingerprint)", then.data_fingerprint.clone(), now.data_fingerprint.clone())?;
    differs("device", then.device.to_string(), now.device.to_string())?;
    if then.from != now.from {
        let describe = |from: &Option<ParentRecord>| {
            from.as_ref().map_or("none".to_owned(), |from| format!("{} (seed {})", from.data_fingerprint, from.seed))
        };
        return differs("run to go on from", describe(&then.from), describe(&now.from));
    }
    let (before, after) = (then.config.to_toml(), now.config.to_toml());
    let changed = before.lines().zip(after.lines()).find(|(before, after)| before != after);
    match changed {
        Some((before, after)) => differs("configuration", before.to_owned(), after.to_owned()),
        None => differs("configuration", before, after),
    }
}

/// Returns the record of how `request` begins a run.
fn started(request: &TrainRequest<'_>) -> Started {
    Started {
        kind: Started::KIND.to_owned(),
        staycast_version: env!("CARGO_PKG_VERSION").to_owned(),
        data_fingerprint: request.data.manifest.fingerprint(),
        device: request.device.info.clone(),
        config: request.config.written().clone(),
        from: request.from.map(Run::manifest).map(ParentRecord::from_manifest),
    }
}
