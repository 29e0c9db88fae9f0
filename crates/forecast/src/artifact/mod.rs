//! A run on disk: which files its folder has, the records in them, and loading and storing them.
//!
//! | file | holds |
//! |---|---|
//! | `config.toml` | the complete configuration |
//! | `model.safetensors` | every member's parameters, `member<k>.…` |
//! | `baselines.json.zst` | every member of the baselines, by model; in place of the former, or beside it in a blend |
//! | `blend.json` | of a blend: the weights by week, and each part's calibration and thresholds |
//! | `survival.json.zst` | hazards by forecast: when learners leave, for models that forecast whether; where known |
//! | `scaler.json` | the inputs: features by name, transforms, means, deviations |
//! | `calibration.json` | by week: calibration, threshold, trivial baselines |
//! | `split.json` | which enrolments trained, and which are the test part |
//! | `metrics.jsonl` | a line an epoch and member |
//! | `evaluations.jsonl` | a line for each time that a part was evaluated |
//! | `timing.json` | seconds by stage, threads, peak memory |
//! | `manifest.json` | data, versions, device, rule, features, checksums of the other files; written last |
//! | `checkpoints/` | the members' states |
//!
//! A run with folds has `out_of_fold.parquet` and `fold_calibration.json` in place of model, scaler and calibration:
//! its networks are for measuring, and it has none for new data.
//!
//! The manifest lists what the run consists of. A file that it does not list is never read as part of the run, and one that
//! has changed is an error. Whatever the checksums say, `soundness` checks what the files mean.
//!
//! Nothing here trains or forecasts. Training writes these files, prediction reads them, and neither knows the other.

pub(crate) mod checksums;
mod error;
mod fold_records;
pub(crate) mod layout;
mod manifest;
pub(crate) mod members;
mod model;
mod model_choice;
mod onnx;
pub(crate) mod out_of_fold;
mod parts;
mod recalibration;
mod records;
mod run;
mod soundness;
mod split_soundness;
mod state;
pub(crate) mod tensors;

pub use checksums::FileRecord;
pub use error::RunError;
pub use layout::{RUN_FILES, RUN_FOLDERS, RUN_KIND};
pub use manifest::{DataRecord, FoldsRecord, MemberSummary, ParentRecord, ProxyRecord, RunManifest};
pub(crate) use model::RunModel;
pub(crate) use model_choice::chosen;
pub use model_choice::{Candidate, HeldOutFigures, ModelChoice, NotTried};
pub use onnx::export_onnx;
pub use recalibration::{RecalibrationRecord, Refit, WeekRefit};
pub(crate) use records::FoldHazards;
pub use records::{EpochRecord, FoldFit, SplitRecord, TrainedOn};
pub use run::{Run, RunRecords};
pub(crate) use state::Started;
pub use state::{RunState, begun_on, run_state};
