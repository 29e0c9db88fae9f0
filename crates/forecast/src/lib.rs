//! The network, the training run, checkpoints, calibration, scoring, and the choice of device.
//!
//! - [`config`]: what a run is told, from TOML and `key=value`, checked before use.
//! - [`device`]: which device computes, and whether it computes right.
//! - [`tune`]: the search for better settings.
//! - [`train()`]: from sequences to a [`Run`]; resumable, the same bytes for any number of threads on a CPU.
//! - [`mod@bench`]: how fast a device does that.
//! - [`leakage`]: whether an evaluation sees what it should not.
//! - [`Run`]: forecasts, scores, and evaluates; refuses data that lacks what it reads, by name.
//!
//! Who calls it: the `train`, `evaluate`, `score`, `inspect`, `devices` and `demo` subcommands. It knows no log format,
//! draws no progress bar, and writes nowhere but into the run's folder and the score file it is given.

pub mod bench;
mod blend;
pub mod config;
pub mod device;
mod examples;
mod files;
mod fitted;
mod host;
mod inputs;
pub mod leakage;
mod model;
mod network;
mod random;
mod run;
mod survival;
mod tables;
mod train;
pub mod tune;

pub use blend::BlendRecord;
pub use files::FileError;
pub use fitted::{Fitted, WeekFit};
pub use inputs::{BoundInputs, Column, Inputs, InputsError, Source, Transform};
pub use model::{ModelKind, NotASingleModel, SingleModel, UnknownModel};
pub use run::{
    DataRecord, EvaluateRequest, EvaluationOutcome, EvaluationRecord, FoldFit, FoldsRecord, Forecasts, MemberSummary,
    ParentRecord, Predictions, ProxyRecord, RUN_KIND, RUN_VERSION, RecalibrateRequest, RecalibrationRecord, Refit,
    RepeatedAuc, Rows, Run, RunError, RunManifest, ScoreRow, SplitRecord, WeekRefit, outcome, write_predictions,
    write_scores,
};
pub use tables::TableError;
pub use train::{
    EpochRecord, RunState, Start, TrainError, TrainRequest, TrainingPlan, TrainingWatch, Unwatched, run_state, train,
};
