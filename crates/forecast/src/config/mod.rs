//! The configuration of a run: one struct a section, read from TOML, changed by `key=value`, checked before use.
//!
//! [`Config`] is what was written and may make no sense. [`CheckedConfig`] is what [`Config::check`] made of it, in
//! types that hold only what makes sense; training takes nothing else. Each section has a file of its own, with the
//! section as written and the one conversion. The complete configuration is stored in the run, so that it alone (with
//! the data) reproduces the run.
//!
//! | section | as written | checked |
//! |---|---|---|
//! | `[inputs]` | [`InputsConfig`] | [`CheckedInputs`] |
//! | `[model]` | [`ModelConfig`] | [`ModelSpec`], [`NetworkSpec`] |
//! | `[training]` | [`TrainingConfig`] | [`CheckedTraining`] |
//! | `[ensemble]` | [`EnsembleConfig`] | [`CheckedEnsemble`] |
//! | `[calibration]` | [`CalibrationConfig`] | [`CalibrationMethod`](staycast_evaluation::calibration::CalibrationMethod) |
//! | `[threshold]` | [`ThresholdConfig`] | [`ThresholdRule`](staycast_evaluation::threshold::ThresholdRule) |
//! | `[split]` | [`SplitConfig`] | [`CheckedSplit`] |
//! | `[baselines]` | [`BaselineConfig`](staycast_baselines::BaselineConfig) | [`CheckedBaselines`](staycast_baselines::CheckedBaselines) |

mod adaptation;
mod checked;
mod decision;
mod ensemble;
mod error;
mod inputs;
mod model;
mod overrides;
mod split;
mod training;
mod written;

pub use adaptation::{Adaptation, NoNextWeek};
pub use checked::CheckedConfig;
pub use decision::{CalibrationConfig, ThresholdConfig};
pub use ensemble::{CheckedEnsemble, EnsembleConfig};
pub use error::ConfigError;
pub use inputs::{CalendarPosition, CheckedInputs, FixedNumber, IncludedFeatures, InputsConfig};
pub use model::{BlendParts, ModelConfig, ModelSpec, NetworkSpec};
pub use split::{CheckedSplit, LeftOut, SplitBy, SplitConfig, SplitSpec};
pub(crate) use training::OptimiserSettings;
pub use training::{BatchSize, CheckedTraining, ClassWeights, TrainingConfig};
pub use written::Config;
