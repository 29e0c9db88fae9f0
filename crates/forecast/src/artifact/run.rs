//! A finished run in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use staycast_sequences::SEQUENCES_KIND;

use super::error::RunError;
use super::layout::{BLEND, CALIBRATION, CONFIG, MANIFEST, RUN_KIND, RUN_VERSION, SCALER, SPLIT, SURVIVAL};
use super::manifest::RunManifest;
use super::members::{self, Members};
use super::records::SplitRecord;
use super::state::{RunState, run_state};
use crate::compressed_json;
use crate::config::{CheckedConfig, Config, ModelSpec};
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
}

/// Holds the models of a run without folds, with everything it takes to forecast with them.
#[derive(Clone, Debug)]
pub(crate) struct RunModel {
    pub(crate) inputs: Inputs,
    pub(crate) fits: WeekFits,
    /// By model, in the order of a blend's record; one unless it is a blend.
    pub(crate) parts: Members,
    pub(crate) blend: Option<BlendRecord>,
    /// Hazards by forecast.
    pub(crate) survival: Option<Arc<staycast_baselines::BaselineModel>>,
}

impl Run {
    /// Opens the run in `path`.
    ///
    /// # Errors
    /// When there is no finished run of this version, or a file of it is damaged.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let not = |why: &str| RunError::NotARun { path: path.to_owned(), why: why.to_owned() };
        match run_state(path)? {
            RunState::Finished => {}
            RunState::Interrupted(_) => return Err(RunError::Unfinished(path.to_owned())),
            RunState::Free if !path.exists() => return Err(not("there is no such folder")),
            RunState::Free | RunState::Other => return Err(not("it has no manifest.json")),
        }
        let value: serde_json::Value = files::read_json(&path.join(MANIFEST))?;
        match value["kind"].as_str() {
            Some(RUN_KIND) => {}
            Some(SEQUENCES_KIND) => return Err(not("it is a folder of sequences")),
            _ => return Err(not("its manifest.json is not that of a run")),
        }
        let found = value["run_version"].as_u64().unwrap_or(0);
        if found != u64::from(RUN_VERSION) {
            return Err(RunError::OtherVersion { path: path.to_owned(), found });
        }
        let manifest: RunManifest =
            serde_json::from_value(value).map_err(|error| FileError::damaged(&path.join(MANIFEST), error))?;
        let config = Config::load(&path.join(CONFIG))?.check()?;
        let split = files::read_json(&path.join(SPLIT))?;
        let model = match manifest.folds {
            Some(_) => None,
            None => Some(RunModel::read(path, &config)?),
        };
        Ok(Self { path: path.to_owned(), manifest, config, split, model })
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

impl RunModel {
    fn read(folder: &Path, config: &CheckedConfig) -> Result<Self, RunError> {
        let inputs: Inputs = files::read_json(&folder.join(SCALER))?;
        let fits = files::read_json(&folder.join(CALIBRATION))?;
        let parts = members::load(folder, config, inputs.width())?;
        let blend = match config.model {
            ModelSpec::Blend(_) => Some(files::read_json(&folder.join(BLEND))?),
            ModelSpec::Single(_) => None,
        };
        let hazards = folder.join(SURVIVAL);
        let survival = if hazards.exists() { Some(Arc::new(compressed_json::read(&hazards)?)) } else { None };
        Ok(Self { inputs, fits, parts, blend, survival })
    }
}
