//! Why a run can't be loaded, or has not got the model that is asked for.

use std::path::PathBuf;

use super::layout::RUN_VERSION;
use crate::config::ConfigError;
use crate::files::FileError;
use crate::model_kind::{ModelKind, SingleModel};

/// Describes why a run can't be loaded, or has not got the model that is asked for.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder holds no run.
    #[error("{path} is not a run: {why}")]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The part that is missing.
        why: String,
    },
    /// The run is not finished.
    #[error("the run in {0} is not finished")]
    Unfinished(PathBuf),
    /// The run was written by another version.
    #[error(
        "the run in {path} has layout {found}, and this version of Staycast reads {RUN_VERSION}; import it with the version that wrote it, or train it again"
    )]
    OtherVersion {
        /// The folder.
        path: PathBuf,
        /// Its layout version.
        found: u64,
    },
    /// The run has folds and no model.
    #[error("the run in {0} is a cross-validation: it has out-of-fold predictions and no model for new data")]
    NoModel(PathBuf),
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
    /// There is no network to write.
    #[error("ONNX is written of networks alone, and the run forecasts with {0}; of a blend name the part lstm")]
    NoNetwork(ModelKind),
    /// The configuration is damaged.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}
