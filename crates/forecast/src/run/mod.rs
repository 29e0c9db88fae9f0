//! A finished run: its folder, what it says about itself, and what it forecasts.
//!
//! | file | holds |
//! |---|---|
//! | `config.toml` | the complete configuration |
//! | `model.safetensors` | every member's parameters, `member<k>.…` |
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

mod evaluate;
mod folds;
mod forecast;
mod score;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use staycast_evaluation::report::ReportError;
use staycast_evaluation::splits::{Grouping, SplitExclusion, SplitKind};
use staycast_sequences::DropoutRule;
use staycast_sequences::manifest::CalendarRecord;

use crate::config::{CheckedConfig, Config, ConfigError};
use crate::device::DeviceInfo;
use crate::files::{self, FileError};
use crate::fitted::Fitted;
use crate::inputs::{Inputs, InputsError};
use crate::network::{Network, Parameter};
use crate::tables::TableError;
use crate::train::{RunState, checkpoint, run_state};

pub use evaluate::{EvaluateRequest, EvaluationOutcome, EvaluationRecord, Rows};
pub use folds::RepeatedAuc;
pub use forecast::Forecasts;
pub use score::{ScoreRow, write_scores};

/// [`RunManifest::kind`] of every run.
pub const RUN_KIND: &str = "staycast-run";
/// Version of a run's layout. A run of another version is refused.
pub const RUN_VERSION: u32 = 1;

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const MODEL: &str = "model.safetensors";
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
    /// Parameters of one network.
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

/// One network of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSummary {
    /// Repeat of the cross-validation, from 0.
    pub repeat: u32,
    /// Fold, from 0.
    pub fold: u32,
    /// Member of the ensemble, from 0.
    pub member: u32,
    /// The epoch that was kept.
    pub best_epoch: u32,
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
    members: Vec<Vec<Parameter>>,
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

    fn model(&self) -> Result<&Model, RunError> {
        self.model.as_ref().ok_or_else(|| RunError::NoModel(self.path.clone()))
    }
}

impl Model {
    fn read(path: &Path, config: &CheckedConfig) -> Result<Self, RunError> {
        let inputs: Inputs = files::read_json(&path.join(SCALER))?;
        let fitted = files::read_json(&path.join(CALIBRATION))?;
        let device = burn::tensor::Device::flex();
        let like = Network::new(&config.model, inputs.width(), 0, &device).parameters();
        let members = checkpoint::load_members(&path.join(MODEL), config.ensemble.members as usize, &like)?;
        Ok(Self { inputs, fitted, members })
    }
}
