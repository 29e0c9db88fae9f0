//! The run's folder before training: begun, or found as it was left; removed after a failure that is final.

use std::fs;
use std::path::{Path, PathBuf};

use staycast_files::{Claim, remove_leftovers};

use super::error::TrainError;
use super::request::{Start, TrainRequest};
use crate::artifact::layout::{CHECKPOINTS, CONFIG, STARTED};
use crate::artifact::{ParentRecord, Run, RunState, Started, run_state};
use crate::files::FileError;

/// Holds the folder that a run is trained in: free, or with an interrupted run that is this one.
pub(super) struct RunFolder<'a> {
    request: &'a TrainRequest<'a>,
    checkpoints: PathBuf,
    /// Tells other processes that the run is being trained, from when on there is one.
    claimed: Option<Claim>,
}

impl<'a> RunFolder<'a> {
    /// Finds the folder fit for the run that is asked for. Writes nothing.
    ///
    /// # Errors
    /// When it holds another run, or something else, or nothing that could be resumed.
    pub(super) fn find(request: &'a TrainRequest<'a>) -> Result<Self, TrainError> {
        let out = request.out;
        let checkpoints = out.join(CHECKPOINTS);
        let mut claimed = None;
        match (request.start, run_state(out)?) {
            (_, RunState::Finished) => return Err(TrainError::RunExists(out.to_owned())),
            (_, RunState::Other) => return Err(TrainError::NotARunFolder(out.to_owned())),
            (Start::Fresh, RunState::Interrupted(_)) => {
                claim(&checkpoints, out)?;
                return Err(TrainError::RunInterrupted(out.to_owned()));
            }
            (Start::Resume, RunState::Free) => return Err(TrainError::NothingToResume(out.to_owned())),
            (Start::Resume, RunState::Interrupted(_)) => {
                claimed = Some(claim(&checkpoints, out)?);
                let mut begun = Started::read(&checkpoints.join(STARTED))?;
                // Any of the run's devices may have been the first then.
                if request.device.each().any(|device| device.info == begun.device) {
                    begun.device = request.device.info.clone();
                }
                require_same(out, &begun, &started(request))?;
            }
            (Start::Fresh, RunState::Free) => {}
        }
        Ok(Self { request, checkpoints, claimed })
    }

    /// Marks the folder as a run that was begun, or clears up what a kill left. Returns the checkpoints' folder.
    ///
    /// # Errors
    /// When it can't be written, or another process has begun a run there meanwhile.
    pub(super) fn begin(&mut self) -> Result<PathBuf, TrainError> {
        let (out, checkpoints) = (self.request.out, &self.checkpoints);
        match self.request.start {
            Start::Resume => {
                remove_leftovers(out);
                remove_leftovers(checkpoints);
            }
            Start::Fresh => {
                staycast_files::make_folder(out)?;
                fs::create_dir_all(checkpoints).map_err(|source| FileError::io("make", checkpoints, source))?;
                let claimed = Claim::make(&checkpoints.join(STARTED), &started(self.request))?;
                self.claimed = Some(claimed.ok_or_else(|| TrainError::RunInTraining(out.to_owned()))?);
            }
        }
        staycast_files::write(&out.join(CONFIG), self.request.config.written().to_toml().as_bytes())?;
        Ok(checkpoints.clone())
    }

    /// Removes the run: one that can't be finished would only be in the way. From a folder that was free before, this takes
    /// everything, what watchers wrote beside the run included.
    pub(super) fn remove(&self) {
        let out = self.request.out;
        // A failure here changes nothing for the user, who sees the training's own; what stays is reported as an
        // interrupted run by the next training.
        match self.request.start {
            // What a link leads to, and not the link.
            Start::Fresh => drop(out.canonicalize().and_then(fs::remove_dir_all)),
            Start::Resume => {
                drop(fs::remove_dir_all(&self.checkpoints));
                drop(fs::remove_file(out.join(CONFIG)));
                drop(fs::remove_dir(out));
            }
        }
    }
}

/// Claims the run that was begun, unless another process trains it.
fn claim(checkpoints: &Path, out: &Path) -> Result<Claim, TrainError> {
    Claim::take(&checkpoints.join(STARTED))?.ok_or_else(|| TrainError::RunInTraining(out.to_owned()))
}

/// Checks that the run that was begun as `then` can be resumed as `now`.
fn require_same(path: &Path, then: &Started, now: &Started) -> Result<(), TrainError> {
    let differs = |what, then: String, now: String| {
        if then == now { Ok(()) } else { Err(TrainError::ResumedOtherwise { path: path.to_owned(), what, then, now }) }
    };
    differs("version of Staycast", then.staycast_version.clone(), now.staycast_version.clone())?;
    differs("way of training", then.training.to_string(), now.training.to_string())?;
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
        training: Started::TRAINING,
        data_fingerprint: request.data.manifest.fingerprint(),
        device: request.device.info.clone(),
        config: request.config.written().clone(),
        from: request.from.map(Run::manifest).map(ParentRecord::from_manifest),
        blake3: String::new(),
    }
    .sealed()
}
