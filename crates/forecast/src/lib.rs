#![doc = include_str!("../README.md")]

mod adapting;
mod artifact;
pub mod bench;
mod compressed_json;
pub mod config;
pub mod device;
mod digest;
mod examples;
mod files;
mod inputs;
mod model_kind;
mod models;
mod prediction;
mod random;
mod reach;
mod tables;
mod training;
pub mod tune;
mod week_fits;

pub use artifact::{
    Candidate, DataRecord, EpochRecord, FileRecord, FoldFit, FoldsRecord, HeldOutFigures, MemberSummary, ModelChoice,
    NotTried, ParentRecord, ProxyRecord, RUN_FILES, RUN_FOLDERS, RUN_KIND, RecalibrationRecord, Refit, Run, RunError,
    RunManifest, RunRecords, RunState, SplitRecord, TrainedOn, WeekRefit, begun_on, export_onnx, run_state,
};
pub use files::FileError;
pub use inputs::{ChosenGroups, Column, GroupLeftOut, InputChoice, InputGroup, Inputs, InputsError, Source, Transform};
pub use model_kind::{ModelKind, NotASingleModel, SingleModel, UnknownModel};
pub use models::blend::BlendRecord;
pub use prediction::{
    CourseImportance, Detail, EvaluateRequest, EvaluationOutcome, EvaluationRecord, ExplainRequest, Explanation,
    FEWEST_FOR_REFERENCE, Forecastable, Forecasts, FutureTest, GroupEffect, Importance, ImportanceRequest,
    LeakageReport, PredictionError, Predictions, RecalibrateRequest, Reference, RepeatedAuc, Rows, SCORE_COLUMNS,
    SUSPICIOUS_AUC, ScoreRequest, ScoreRow, ShuffledLabelsTest, SuspiciousInput, Without, check_leakage, evaluate,
    evaluate_predictions, evaluations, evaluations_in, explain, forecastable, forecasting_work, importance,
    predictions, recalibrate, record_evaluation, score, score_folder, survival_curves, week_for, write_predictions,
    write_scores,
};
pub use reach::{NoOutcomeKnown, TooLate};
pub use tables::TableError;
pub use training::{
    Outcomes, Place, Start, TrainError, TrainRequest, TrainingPlan, TrainingWatch, Unwatched, train, training_work,
};
pub use week_fits::{WeekFit, WeekFits};
