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
mod score;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use staycast_baselines::ForecastError;
use staycast_evaluation::proxy::ProxyRule;
use staycast_evaluation::report::ReportError;
use staycast_evaluation::splits::{Grouping, SplitExclusion, SplitKind};
use staycast_sequences::manifest::CalendarRecord;
use staycast_sequences::{DropoutRule, FolderError};

use crate::blend::BlendRecord;
use crate::config::{CheckedConfig, Config, ConfigError};
use crate::device::DeviceInfo;
use crate::files::{self, FileError};
use crate::fitted::Fitted;
use crate::inputs::{Inputs, InputsError};
use crate::model::ModelKind;
use crate::network::Network;
use crate::tables::TableError;
use crate::train::{MemberModel, RunState, baselines, checkpoint, run_state};

pub use evaluate::{EvaluateRequest, EvaluationOutcome, EvaluationRecord, Rows, outcome};
pub use folds::RepeatedAuc;
pub use forecast::Forecasts;
pub use predictions::{Predictions, write_predictions};
pub use recalibrate::{RecalibrateRequest, RecalibrationRecord, Refit, WeekRefit};
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

/// What a run says about itself. Equal for equal runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunManifest {
    /// [`RUN_KIND`].
    pub kind: String,
    /// [`RUN_VERSION`] of the writer.
    pub run_version: u32,
    /// Version of Staycast that trained it.
    pub staycast_version: String,
    /// The data that it was trained on.
    pub data: DataRecord,
    /// What it forecasts with.
    #[serde(default)]
    pub model: ModelKind,
    /// The run whose networks these went on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ParentRecord>,
    /// How it was carried to other courses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalibrated: Option<RecalibrationRecord>,
    /// Answers that silence stood for in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxies: Option<ProxyRecord>,
    /// The device that it was trained on.
    pub device: DeviceInfo,
    /// The run's seed.
    pub seed: u64,
    /// What counts as dropout.
    pub label_rule: DropoutRule,
    /// The cut-off week that the run is for.
    pub target_week: u16,
    /// Weeks of a sequence.
    pub weeks: u16,
    /// The data's calendar.
    pub calendar: CalendarRecord,
    /// Weekly features that it reads, by name.
    pub features: Vec<String>,
    /// Numbers that the network reads a week.
    pub inputs: u64,
    /// Parameters of one network; 0 where there is none.
    pub parameters: u64,
    /// What its test measures.
    pub split_kind: SplitKind,
    /// The split in words.
    pub split: String,
    /// Cross-validation, for a run that has one instead of a test part.
    pub folds: Option<FoldsRecord>,
    /// The networks.
    pub members: Vec<MemberSummary>,
    /// AUC of the held-out predictions of the training side (with folds, the first's) at the target week.
    pub held_out_auc: Option<f64>,
}

/// A run that another went on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentRecord {
    /// Fingerprint of the sequences that it was trained on.
    pub data_fingerprint: String,
    /// Its seed.
    pub seed: u64,
}

impl ParentRecord {
    pub(crate) fn of(run: &Run) -> Self {
        Self { data_fingerprint: run.manifest.data.fingerprint.clone(), seed: run.manifest.seed }
    }
}

/// Labels by proxy (see [`staycast_evaluation::proxy`]) that a run was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyRecord {
    /// When silence stood for dropout, and activity for staying.
    pub rule: ProxyRule,
    /// Enrolments of the training side (with folds, the first's) that had one.
    pub enrolments: u64,
}

/// The data of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// The sequences' fingerprint.
    pub fingerprint: String,
    /// The log's format.
    pub format: String,
    /// The sequences' layout version.
    pub layout_version: u32,
    /// Courses there were.
    pub courses: u64,
    /// Enrolments there were.
    pub enrolments: u64,
}

/// A cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldsRecord {
    /// Folds.
    pub folds: u32,
    /// Times that the folds were drawn.
    pub repeats: u32,
}

/// One member of a run: a network, or another model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSummary {
    /// What it is.
    #[serde(default)]
    pub model: ModelKind,
    /// Repeat of the cross-validation, from 0.
    pub repeat: u32,
    /// Fold, from 0.
    pub fold: u32,
    /// Member of the ensemble, from 0.
    pub member: u32,
    /// The epoch that was kept, of a network.
    pub best_epoch: Option<u32>,
    /// Its AUC on the rows held out, at the target week.
    pub validation_auc: f64,
}

/// Which enrolments a run was trained on, and which it is tested with: by course, their ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRecord {
    /// What the test measures.
    pub kind: SplitKind,
    /// The split in words.
    pub description: String,
    /// What stayed together in the parts of the training side that members held out for early stopping and calibration.
    pub held_out_by: Grouping,
    /// Enrolments of the training side; with folds, all.
    pub training: BTreeMap<String, Vec<String>>,
    /// Enrolments of the test part; none with folds.
    pub test: BTreeMap<String, Vec<String>>,
    /// Learners of the training side, where the source identifies them across courses.
    pub training_learners: Vec<String>,
    /// Last day, since 1970-01-01, on which a label of the training side became known, where courses have dates.
    pub training_labels_known_day: Option<i64>,
    /// Enrolments in neither part, by reason.
    pub excluded: BTreeMap<SplitExclusion, u64>,
    /// Enrolments that the run was not trained on, but one that it went on from, or that it was recalibrated with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, Vec<String>>,
}

impl SplitRecord {
    /// Whether anything of the run was fitted on enrolments of the course.
    #[must_use]
    pub fn trained_in(&self, course: &str) -> bool {
        self.training.contains_key(course) || self.before.contains_key(course)
    }

    /// All enrolments that anything of the run was fitted on, by course, sorted.
    #[must_use]
    pub fn all_trained_on(&self) -> BTreeMap<String, Vec<String>> {
        let mut all = self.training.clone();
        for (course, ids) in &self.before {
            all.entry(course.clone()).or_default().extend(ids.iter().cloned());
        }
        for ids in all.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        all
    }
}

/// What was fitted in one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldFit {
    /// Repeat, from 0.
    pub repeat: u32,
    /// Fold, from 0.
    pub fold: u32,
    /// What was fitted.
    pub fitted: Fitted,
}

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
        parts: Vec<ModelKind>,
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
    parts: BTreeMap<ModelKind, Vec<MemberModel>>,
    blend: Option<BlendRecord>,
    /// Hazards by forecast.
    survival: Option<Arc<staycast_baselines::Model>>,
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
        let has = match &self.model {
            Some(model) => model.parts.keys().copied().filter(|_| model.blend.is_some()).collect(),
            None => Vec::new(),
        };
        let lacks = |model: ModelKind| RunError::OtherModel { asked: kind, model, parts: has.clone() };
        let own = self.manifest.model;
        let model = self.model.as_mut().filter(|_| has.contains(&kind)).ok_or_else(|| lacks(own))?;
        let mut blend = model.blend.take().ok_or_else(|| lacks(own))?;
        model.fitted = blend.parts.remove(&kind).ok_or_else(|| lacks(own))?;
        model.parts.retain(|&part, _| part == kind);
        // It is of the blend's forecasts.
        model.survival = None;
        self.manifest.model = kind;
        Ok(self)
    }

    /// The members of one of its models; none if it has no such model.
    pub(crate) fn members(&self, kind: ModelKind) -> &[MemberModel] {
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
        if kinds.contains(&ModelKind::Lstm) {
            let device = burn::tensor::Device::flex();
            let like = Network::new(&config.model, inputs.width(), 0, &device).parameters();
            let members = checkpoint::load_members(&path.join(MODEL), count, &like)?;
            parts.insert(ModelKind::Lstm, members.into_iter().map(MemberModel::Network).collect());
        }
        if kinds.iter().any(|kind| matches!(kind, ModelKind::Baseline(_))) {
            let file = path.join(BASELINES);
            let mut models: BTreeMap<ModelKind, Vec<staycast_baselines::Model>> = baselines::load(&file)?;
            for kind in kinds.into_iter().filter(|&kind| kind != ModelKind::Lstm) {
                let members = models.remove(&kind).filter(|members| members.len() == count);
                let lacks =
                    || FileError::damaged(&file, format!("it does not have {count} members of the model {kind}"));
                let members = members.ok_or_else(lacks)?;
                parts.insert(kind, members.into_iter().map(Arc::new).map(MemberModel::Baseline).collect());
            }
        }
        let blend = match config.model.kind {
            ModelKind::Blend => Some(files::read_json(&path.join(BLEND))?),
            _ => None,
        };
        let hazards = path.join(SURVIVAL);
        let survival = if hazards.exists() { Some(Arc::new(baselines::load(&hazards)?)) } else { None };
        Ok(Self { inputs, fitted, parts, blend, survival })
    }
}
