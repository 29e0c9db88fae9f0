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

mod artifact;
pub mod bench;
mod compressed_json;
pub mod config;
pub mod device;
mod examples;
mod files;
mod inputs;
mod model_kind;
mod models;
mod prediction;
mod random;
mod tables;
mod training;
pub mod tune;
mod week_fits;

pub use artifact::{
    DataRecord, EpochRecord, FoldFit, FoldsRecord, MemberSummary, ParentRecord, ProxyRecord, RUN_KIND, RUN_VERSION,
    RecalibrationRecord, Refit, Run, RunError, RunManifest, RunState, SplitRecord, WeekRefit, export_onnx, run_state,
};
pub use files::FileError;
pub use inputs::{BoundInputs, Column, Inputs, InputsError, Source, Transform};
pub use model_kind::{ModelKind, NotASingleModel, SingleModel, UnknownModel};
pub use models::blend::BlendRecord;
pub use prediction::{
    DRAWS, EvaluateRequest, EvaluationOutcome, EvaluationRecord, Forecasts, FutureTest, LeakageReport, PredictionError,
    Predictions, RecalibrateRequest, RepeatedAuc, Rows, SUSPICIOUS_AUC, ScoreRequest, ScoreRow, ShuffledLabelsTest,
    SuspiciousInput, check_leakage, evaluate, evaluate_predictions, evaluations, predictions, recalibrate,
    record_evaluation, score, score_folder, write_predictions, write_scores,
};
pub use tables::TableError;
pub use training::{Start, TrainError, TrainRequest, TrainingPlan, TrainingWatch, Unwatched, train};
pub use week_fits::{WeekFit, WeekFits};
