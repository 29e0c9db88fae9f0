//! A finished run: its folder, what it says about itself, and what it forecasts.
//!
//! | file | holds |
//! |---|---|
//! | `config.toml` | the complete configuration |
//! | `model.safetensors` | every member's parameters, `member<k>.…` |
//! | `baselines.json.zst` | every member of the models to beat, by model; in place of the former, or beside it in a blend |
//! | `blend.json` | of a blend: the weights by week, and what was fitted for each part |
//! | `survival.json.zst` | hazards by forecast, which say when those leave whom a model says that they will; where known |
//! | `scaler.json` | the inputs: features by name, transforms, means, deviations |
//! | `calibration.json` | by week: calibration, threshold, baselines |
//! | `split.json` | which enrolments trained, and which are the test part |
//! | `metrics.jsonl` | a line an epoch and member |
//! | `evaluations.jsonl` | a line for each time that a part was evaluated |
//! | `timing.json` | seconds by stage, threads, peak memory |
//! | `manifest.json` | data, versions, device, rule, features; written last |
//! | `checkpoints/` | the members' states |
//!
//! A run with folds has `out_of_fold.parquet` and `fold_calibration.json` in place of model, scaler and calibration:
//! its networks are for measuring, and it has none for new data.

mod context;
mod evaluate;
mod folds;
mod forecast;
mod predictions;
mod recalibrate;
mod records;
mod score;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use staycast_baselines::ForecastError;
use staycast_evaluation::report::ReportError;
use staycast_sequences::FolderError;

use crate::blend::BlendRecord;
use crate::config::{CheckedConfig, Config, ConfigError, ModelSpec};
use crate::files::{self, FileError};
use crate::fitted::Fitted;
use crate::inputs::{Inputs, InputsError};
use crate::model::{ModelKind, SingleModel};
use crate::network::Network;
use crate::tables::TableError;
use crate::train::{MemberModel, RunState, baselines, checkpoint, run_state};

pub use evaluate::{EvaluateRequest, EvaluationOutcome, EvaluationRecord, Rows, outcome};
pub use folds::RepeatedAuc;
pub use forecast::Forecasts;
pub use predictions::{Predictions, write_predictions};
pub use recalibrate::{RecalibrateRequest, RecalibrationRecord, Refit, WeekRefit};
pub use records::{
    DataRecord, FoldFit, FoldsRecord, MemberSummary, ParentRecord, ProxyRecord, RunManifest, SplitRecord,
};
pub use score::{ScoreRow, write_scores};

/// [`RunManifest::kind`] of every run.
pub const RUN_KIND: &str = "staycast-run";
/// Version of a run's layout. A run of another version is refused.
pub const RUN_VERSION: u32 = 1;

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const MODEL: &str = "model.safetensors";
pub(crate) const BASELINES: &str = "baselines.json.zst";
pub(crate) const BLEND: &str = "blend.json";
pub(crate) const SURVIVAL: &str = "survival.json.zst";
pub(crate) const SCALER: &str = "scaler.json";
pub(crate) const CALIBRATION: &str = "calibration.json";
pub(crate) const FOLD_CALIBRATION: &str = "fold_calibration.json";
pub(crate) const SPLIT: &str = "split.json";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const EVALUATIONS: &str = "evaluations.jsonl";
pub(crate) const OUT_OF_FOLD: &str = "out_of_fold.parquet";
pub(crate) const TIMING: &str = "timing.json";
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// Why a run can't do what is asked.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder holds no run.
    #[error("{path} is not a run: {why}")]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// The run is not finished.
    #[error("the run in {0} is not finished; go on with `staycast train … --resume`")]
    Interrupted(PathBuf),
    /// The run was written by another version.
    #[error("the run in {path} has layout {found}, and this version of Staycast reads {RUN_VERSION}; train it again")]
    OtherVersion {
        /// The folder.
        path: PathBuf,
        /// Its layout version.
        found: u64,
    },
    /// The run has folds and no model.
    #[error(
        "the run in {0} is a cross-validation: it has out-of-fold predictions and no model for new data; train one without --folds"
    )]
    NoModel(PathBuf),
    /// The data of a cross-validation is not the one it was made of.
    #[error(
        "the cross-validation was made of data {run}, and this is {data}; name the sequences that it was trained on"
    )]
    OtherData {
        /// The run's data fingerprint.
        run: String,
        /// This data's.
        data: String,
    },
    /// The run can't forecast that week.
    #[error("the run can't forecast at week {week}: {reason}; it can at week {}", list(.weeks))]
    WeekNotForecast {
        /// The week asked for.
        week: u32,
        /// Why not.
        reason: String,
        /// Weeks that it can.
        weeks: Vec<u16>,
    },
    /// A course is not in the data.
    #[error("the data has no course {}; it has {}", .unknown.join(", "), .known.join(", "))]
    UnknownCourses {
        /// Courses asked for.
        unknown: Vec<String>,
        /// Courses there are.
        known: Vec<String>,
    },
    /// There is no such column to group by.
    #[error("the data has no static column `{column}` to group by; it has {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    UnknownGroup {
        /// The column asked for.
        column: String,
        /// Static columns there are.
        known: Vec<String>,
    },
    /// The rows were trained on.
    #[error(
        "{count} of {rows} enrolments were trained on (the first is in {first}); name other courses, or add --in-sample, which marks every figure"
    )]
    TrainingRows {
        /// Enrolments that were trained on.
        count: usize,
        /// Enrolments asked for.
        rows: usize,
        /// The course of the first of those trained on.
        first: String,
    },
    /// Nothing to evaluate.
    #[error("there is nothing to evaluate: {0}")]
    NoRows(String),
    /// The data's labels mean something else.
    #[error(
        "the run forecasts `{run}`, and the labels of this data are `{data}`; preprocess it with --dropout \"{run}\""
    )]
    OtherRule {
        /// The run's label rule.
        run: String,
        /// The data's.
        data: String,
    },
    /// The run has no such model.
    #[error(
        "the run forecasts with {model}, not with {asked}{}",
        if .parts.is_empty() { String::new() } else { format!("; its parts are {}", .parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) }
    )]
    OtherModel {
        /// The model asked for.
        asked: ModelKind,
        /// The run's.
        model: ModelKind,
        /// Parts of its blend, if it is one.
        parts: Vec<SingleModel>,
    },
    /// The run can't be carried to other courses.
    #[error("the run can't be recalibrated: {0}")]
    CantRecalibrate(String),
    /// There is no network to write.
    #[error("ONNX is written of networks alone, and the run forecasts with {0}; of a blend name the part lstm")]
    NoNetwork(ModelKind),
    /// A model can't read the data.
    #[error(transparent)]
    Forecast(#[from] ForecastError),
    /// The inputs don't fit.
    #[error(transparent)]
    Inputs(#[from] InputsError),
    /// The configuration is damaged.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The report can't be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A table can't be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The sequences can't be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

fn list(weeks: &[u16]) -> String {
    if weeks.is_empty() {
        return "(none)".to_owned();
    }
    weeks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A finished run, read into memory.
#[derive(Clone, Debug)]
pub struct Run {
    path: PathBuf,
    manifest: RunManifest,
    config: CheckedConfig,
    split: SplitRecord,
    model: Option<Model>,
}

/// What a run without folds forecasts with.
#[derive(Clone, Debug)]
struct Model {
    inputs: Inputs,
    fitted: Fitted,
    /// By model, in the order of a blend's record; one unless it is a blend.
    parts: BTreeMap<SingleModel, Vec<MemberModel>>,
    blend: Option<BlendRecord>,
    /// Hazards by forecast.
    survival: Option<Arc<staycast_baselines::BaselineModel>>,
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
            RunState::Interrupted(_) => return Err(RunError::Interrupted(path.to_owned())),
            RunState::Free if !path.exists() => return Err(not("there is no such folder")),
            RunState::Free | RunState::Other => return Err(not("it has no manifest.json")),
        }
        let value: serde_json::Value = files::read_json(&path.join(MANIFEST))?;
        if value["kind"] != RUN_KIND {
            return Err(not("its manifest.json is not that of a run"));
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
            None => Some(Model::read(path, &config)?),
        };
        Ok(Self { path: path.to_owned(), manifest, config, split, model })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says about itself.
    #[must_use]
    pub fn manifest(&self) -> &RunManifest {
        &self.manifest
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &CheckedConfig {
        &self.config
    }

    /// Who trained it and who tests it.
    #[must_use]
    pub fn split(&self) -> &SplitRecord {
        &self.split
    }

    /// What its networks read; `None` for a cross-validation.
    #[must_use]
    pub fn inputs(&self) -> Option<&Inputs> {
        self.model.as_ref().map(|model| &model.inputs)
    }

    /// What was fitted after training; `None` for a cross-validation.
    #[must_use]
    pub fn fitted(&self) -> Option<&Fitted> {
        self.model.as_ref().map(|model| &model.fitted)
    }

    /// The times that parts of it were evaluated, oldest first.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn evaluations(&self) -> Result<Vec<EvaluationRecord>, RunError> {
        let path = self.path.join(EVALUATIONS);
        if path.exists() { Ok(files::read_json_lines(&path)?) } else { Ok(Vec::new()) }
    }

    /// The blend's weights and what was fitted for its parts; `None` for other models and cross-validations.
    #[must_use]
    pub fn blend(&self) -> Option<&BlendRecord> {
        self.model.as_ref()?.blend.as_ref()
    }

    /// The run with `kind` in place of all that it forecasts with: the same run if it is of that model, or a part of its
    /// blend, which keeps its own calibration and threshold.
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
        model.fitted = blend.parts.remove(&part).ok_or_else(|| lacks(own))?;
        model.parts.retain(|&other, _| other == part);
        // It is of the blend's forecasts.
        model.survival = None;
        self.manifest.model = kind;
        Ok(self)
    }

    /// The members of one of its models; none if it has no such model.
    pub(crate) fn members(&self, kind: SingleModel) -> &[MemberModel] {
        self.model.as_ref().and_then(|model| model.parts.get(&kind)).map_or(&[], Vec::as_slice)
    }

    fn model(&self) -> Result<&Model, RunError> {
        self.model.as_ref().ok_or_else(|| RunError::NoModel(self.path.clone()))
    }
}

impl Model {
    fn read(path: &Path, config: &CheckedConfig) -> Result<Self, RunError> {
        let inputs: Inputs = files::read_json(&path.join(SCALER))?;
        let fitted = files::read_json(&path.join(CALIBRATION))?;
        let kinds = config.model.parts();
        let count = config.ensemble.members as usize;
        let mut parts = BTreeMap::new();
        if kinds.contains(&SingleModel::Lstm) {
            let device = burn::tensor::Device::flex();
            let like = Network::new(&config.network, inputs.width(), 0, &device).parameters();
            let members = checkpoint::load_members(&path.join(MODEL), count, &like)?;
            parts.insert(SingleModel::Lstm, members.into_iter().map(MemberModel::Network).collect());
        }
        if kinds.iter().any(|kind| matches!(kind, SingleModel::Baseline(_))) {
            let file = path.join(BASELINES);
            let mut models: BTreeMap<SingleModel, Vec<staycast_baselines::BaselineModel>> = baselines::load(&file)?;
            for &kind in kinds.iter().filter(|&&kind| kind != SingleModel::Lstm) {
                let members = models.remove(&kind).filter(|members| members.len() == count);
                let lacks =
                    || FileError::damaged(&file, format!("it does not have {count} members of the model {kind}"));
                let members = members.ok_or_else(lacks)?;
                parts.insert(kind, members.into_iter().map(Arc::new).map(MemberModel::Baseline).collect());
            }
        }
        let blend = match config.model {
            ModelSpec::Blend(_) => Some(files::read_json(&path.join(BLEND))?),
            ModelSpec::Single(_) => None,
        };
        let hazards = path.join(SURVIVAL);
        let survival = if hazards.exists() { Some(Arc::new(baselines::load(&hazards)?)) } else { None };
        Ok(Self { inputs, fitted, parts, blend, survival })
    }
}
