//! Why a configuration is refused.
//!
//! [`ConfigError`] is about settings alone, before any data is looked at. Settings that do not fit the data are refused by
//! training.

use std::path::{Path, PathBuf};

/// Says why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error("there is no configuration {0}")]
    Missing(PathBuf),
    /// The file can't be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The text is not TOML, or has a key or a type that the configuration does not have.
    #[error("{origin}: {message}")]
    Parse {
        /// The file, or another name for where the text is from.
        origin: String,
        /// The TOML reader's message, with the place.
        message: String,
    },
    /// A setting is not of the form `key=value`.
    #[error("`{0}` is not a setting; write key=value, as in training.epochs=10")]
    NotAnAssignment(String),
    /// There is no such key.
    #[error("there is no setting `{key}`{hint}")]
    UnknownKey {
        /// The key asked for.
        key: String,
        /// Keys that look like it, or the sections.
        hint: String,
    },
    /// The value is of another type than the setting's.
    #[error("`{key}` takes {expected}, and `{value}` is not that")]
    WrongType {
        /// The setting.
        key: String,
        /// The type wanted, in words.
        expected: &'static str,
        /// The value given.
        value: String,
    },
    /// The value has the right type and makes no sense.
    #[error("`{key}` = {value}: {problem}")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// Why it makes no sense, and which values would.
        problem: &'static str,
    },
    /// A file has a value that makes no sense.
    #[error("{path}: {error}", path = path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// The value, and why it makes no sense.
        error: Box<ConfigError>,
    },
    /// An option of a baseline makes no sense.
    #[error("baselines.{0}")]
    Baselines(staycast_baselines::ConfigError),
}

impl ConfigError {
    /// Names the file that the settings are from.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        Self::InFile { path: path.to_owned(), error: Box::new(self) }
    }

    /// Refuses `value` for the setting `key`.
    #[allow(clippy::needless_pass_by_value)] // Numbers and texts, as the callers have them.
    pub(super) fn invalid(key: &'static str, value: impl ToString, problem: &'static str) -> Self {
        Self::Invalid { key, value: value.to_string(), problem }
    }
}

/// Refuses `value` for the setting `key` unless `holds`.
pub(super) fn require(
    holds: bool,
    key: &'static str,
    value: impl ToString,
    problem: &'static str,
) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::invalid(key, value, problem)) }
}
