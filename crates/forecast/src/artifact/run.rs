//! A finished run in memory.

use std::path::{Path, PathBuf};

use staycast_sequences::Dataset;

use super::error::RunError;
use super::fold_records::FoldRecords;
use super::layout::{CONFIG, EVALUATIONS, MANIFEST, METRICS, OUT_OF_FOLD, SPLIT, TIMING, parts};
use super::manifest::{Checksums, RunManifest};
use super::model::RunModel;
use super::out_of_fold;
use super::parts::Parts;
use super::records::{EpochRecord, FoldFit, FoldHazards, SplitRecord};
use super::soundness;
use super::split_soundness;
use super::state::{RunState, run_state};
use crate::config::{CheckedConfig, Config};
use crate::files::{self, FileError};
use crate::inputs::Inputs;
use crate::model_kind::{ModelKind, SingleModel};
use crate::models::blend::BlendRecord;
use crate::models::trained::MemberModel;
use crate::week_fits::WeekFits;

/// Holds a finished run, read into memory.
#[derive(Clone, Debug)]
pub struct Run {
    path: PathBuf,
    manifest: RunManifest,
    config: CheckedConfig,
    split: SplitRecord,
    model: Option<RunModel>,
    folds: Option<FoldRecords>,
}

/// Holds what is read of `timing.json`.
#[derive(serde::Deserialize)]
struct TrainingTime {
    total_seconds: f64,
}

impl Run {
    /// Opens the run in `path`. Every file is compared with its checksum, where the run has any, and checked for what it means.
    ///
    /// # Errors
    /// When there is no finished run of a version that is read, or a file of it is missing, has changed or is damaged.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        Self::read(path, Checksums::Checked)
    }

    /// Opens the run in `path` as [`Run::open`] does, whatever its checksums say, and writes them anew. Returns it with the
    /// names of the files that were new, missing or other ones than its checksums said; all of them if it had none.
    ///
    /// # Errors
    /// As [`Run::open`], and when the manifest can't be written. The run is as it was then.
    pub fn seal(path: &Path) -> Result<(Self, Vec<String>), RunError> {
        let mut run = Self::read(path, Checksums::Ignored)?;
        run.check_stored()?;
        let sealed = run.manifest.clone().sealed(path)?;
        let (before, after) = (&run.manifest.files, &sealed.files);
        let new = after.iter().filter(|record| !before.contains(record));
        let gone = before.iter().filter(|record| after.iter().all(|other| other.file != record.file));
        let mut changed: Vec<String> = new.chain(gone).map(|record| record.file.clone()).collect();
        changed.sort_unstable();
        if changed.is_empty() && sealed != run.manifest {
            changed.push(MANIFEST.to_owned());
        }
        if !changed.is_empty() {
            staycast_files::write_json(&path.join(MANIFEST), &sealed).map_err(FileError::from)?;
        }
        run.manifest = sealed;
        Ok((run, changed))
    }

    fn read(path: &Path, checksums: Checksums) -> Result<Self, RunError> {
        let not = |why: &str| RunError::NotARun { path: path.to_owned(), why: why.to_owned() };
        match run_state(path)? {
            RunState::Finished => {}
            RunState::Interrupted(_) => return Err(RunError::Unfinished(path.to_owned())),
            RunState::Free if !path.exists() => return Err(not("there is no such folder")),
            RunState::Free | RunState::Other => return Err(not("it has no manifest.json")),
        }
        let manifest = RunManifest::read(path, checksums)?;
        let parts = Parts { folder: path, manifest: &manifest, checksums };
        let config = parts.config()?.check().map_err(|error| error.in_file(&path.join(CONFIG)))?;
        let split = files::read_json(&parts.path(SPLIT)?)?;
        let (model, folds) = match manifest.folds {
            Some(_) => (None, Some(FoldRecords::read(&parts)?)),
            None => (Some(RunModel::read(&parts, &config)?), None),
        };
        soundness::check(path, &manifest, &config, &split, model.as_ref(), folds.as_ref())?;
        Ok(Self { path: path.to_owned(), manifest, config, split, model, folds })
    }

    /// Checks what [`Run::open`] leaves to those who read it: the epochs of networks, and the out-of-fold predictions of a
    /// cross-validation.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn check_stored(&self) -> Result<(), RunError> {
        if self.manifest.has_part(&self.path, METRICS, Checksums::Ignored) {
            let path = self.path.join(METRICS);
            let epochs: Vec<EpochRecord> = files::read_json_lines(&path)?;
            let wrong = epochs.iter().position(|epoch| !soundness::is_epoch(epoch, &self.manifest, &self.config));
            if let Some(at) = wrong {
                let what = format!("line {} is of no epoch of the run", at + 1);
                return Err(FileError::damaged(&path, what).into());
            }
        }
        match &self.folds {
            Some(FoldRecords { fits, .. }) => {
                Ok(out_of_fold::check(&self.path.join(OUT_OF_FOLD), &self.manifest, fits, &self.split)?)
            }
            None => Ok(()),
        }
    }

    /// Checks the record of who trained and tests the run against `data`, which it was trained on.
    ///
    /// # Errors
    /// When they contradict each other.
    pub(crate) fn check_split_with(&self, data: &Dataset) -> Result<(), RunError> {
        let named = |problem| FileError::damaged(&self.path.join(SPLIT), problem);
        Ok(split_soundness::check_with(&self.split, &self.manifest, data).map_err(named)?)
    }

    /// Tells whether the run has checksums, with which it was compared; runs of the first version have none.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.manifest.is_sealed()
    }

    /// Lists the names of all files that the run consists of, in order, and its record of evaluations, if there is one.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let has = |name: &str| self.manifest.has_part(&self.path, name, Checksums::Checked);
        let mut names: Vec<String> = parts().filter(|name| has(name)).map(str::to_owned).collect();
        names.push(MANIFEST.to_owned());
        names.extend(self.path.join(EVALUATIONS).exists().then(|| EVALUATIONS.to_owned()));
        names.sort_unstable();
        names
    }

    /// Returns the seconds that its training took, the last one where it was gone on with; `None` where no file says so.
    ///
    /// The file is not sealed: what is no length of time is taken for none.
    #[must_use]
    pub fn training_seconds(&self) -> Option<f64> {
        let taken: TrainingTime = files::read_json(&self.path.join(TIMING)).ok()?;
        Some(taken.total_seconds).filter(|seconds| (0.0..1e9).contains(seconds))
    }

    /// Returns the folder that it is in.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its manifest.
    #[must_use]
    pub fn manifest(&self) -> &RunManifest {
        &self.manifest
    }

    /// Returns its configuration.
    #[must_use]
    pub fn config(&self) -> &CheckedConfig {
        &self.config
    }

    /// Returns the record of who trained it and who tests it.
    #[must_use]
    pub fn split(&self) -> &SplitRecord {
        &self.split
    }

    /// Returns the columns that its models read; `None` for a cross-validation.
    #[must_use]
    pub fn inputs(&self) -> Option<&Inputs> {
        self.model.as_ref().map(|model| &model.inputs)
    }

    /// Returns its calibrations and thresholds; `None` for a cross-validation.
    #[must_use]
    pub fn week_fits(&self) -> Option<&WeekFits> {
        self.model.as_ref().map(|model| &model.fits)
    }

    /// Returns the calibrations and thresholds of a cross-validation's folds; none for other runs.
    pub(crate) fn fold_fits(&self) -> &[FoldFit] {
        self.folds.as_ref().map_or(&[], |folds| folds.fits.as_slice())
    }

    /// Returns the hazards of a cross-validation's folds, where there are any.
    pub(crate) fn fold_hazards(&self) -> &[FoldHazards] {
        self.folds.as_ref().map_or(&[], |folds| folds.hazards.as_slice())
    }

    /// Returns the blend's weights and its parts' calibrations; `None` for other models and cross-validations.
    #[must_use]
    pub fn blend(&self) -> Option<&BlendRecord> {
        self.model.as_ref()?.blend.as_ref()
    }

    /// Keeps one model of the run: all of it if it is of that model, or a part of its blend, which has its own calibration
    /// and threshold.
    ///
    /// # Errors
    /// When it has no such model.
    pub fn only(mut self, kind: ModelKind) -> Result<Self, RunError> {
        if kind == self.manifest.model {
            return Ok(self);
        }
        let has: Vec<SingleModel> = match &self.model {
            Some(model) => model.parts.keys().copied().filter(|_| model.blend.is_some()).collect(),
            None => Vec::new(),
        };
        let lacks = |model: ModelKind| RunError::OtherModel { asked: kind, model, parts: has.clone() };
        let own = self.manifest.model;
        let part = kind.single().filter(|part| has.contains(part)).ok_or_else(|| lacks(own))?;
        let model = self.model.as_mut().ok_or_else(|| lacks(own))?;
        let mut blend = model.blend.take().ok_or_else(|| lacks(own))?;
        model.fits = blend.parts.remove(&part).ok_or_else(|| lacks(own))?;
        model.parts.retain(|&other, _| other == part);
        // It is of the blend's forecasts.
        model.survival = None;
        self.manifest.model = kind;
        Ok(self)
    }

    /// Returns the members of one of its models; none if it has no such model.
    pub(crate) fn members(&self, kind: SingleModel) -> &[MemberModel] {
        self.model.as_ref().and_then(|model| model.parts.get(&kind)).map_or(&[], Vec::as_slice)
    }

    /// Returns its models.
    ///
    /// # Errors
    /// When it is a cross-validation, which has none.
    pub(crate) fn model(&self) -> Result<&RunModel, RunError> {
        self.model.as_ref().ok_or_else(|| RunError::NoModel(self.path.clone()))
    }
}

/// Holds what a run says about itself, without its models.
#[derive(Clone, Debug)]
pub struct RunRecords {
    /// Its manifest.
    pub manifest: RunManifest,
    /// Its configuration.
    pub config: Config,
}

impl RunRecords {
    /// Reads the records of the finished run in `path`. Every file is compared with its checksum, where the run has any; what
    /// models and lists of enrolments mean is not looked at.
    ///
    /// # Errors
    /// When there is no run of a version that is read, or a file of it is missing, has changed or is damaged.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let manifest = RunManifest::read(path, Checksums::Checked)?;
        let config = Parts { folder: path, manifest: &manifest, checksums: Checksums::Checked }.config()?;
        let checked = config.clone().check().map_err(|error| error.in_file(&path.join(CONFIG)))?;
        soundness::check_records(path, &manifest, &checked)?;
        Ok(Self { manifest, config })
    }
}
