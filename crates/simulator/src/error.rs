//! Errors of this crate: a setting out of its range ([`ConfigError`]), or files that cannot be written ([`SimulateError`]).
//! The simulation itself cannot fail.

use std::io;
use std::path::PathBuf;

use staycast_files::WriteError;

/// Says why a simulator configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error("there is no simulator configuration {path}", path = .0.display())]
    Missing(PathBuf),
    /// The file could not be read.
    #[error("cannot read the simulator configuration {path}: {source}", path = path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The text is not TOML, or has an unknown key or a value of a wrong type.
    #[error("simulator configuration{}: {problem}", after_space(path.as_ref()))]
    Parse {
        /// The file, if the text came from one.
        path: Option<PathBuf>,
        /// Line, column and problem.
        problem: String,
    },
    /// A value is out of its range.
    #[error("simulator configuration: {key} is {value}; it must be {expected}")]
    Range {
        /// The key, in dotted form (`calendar.waves`).
        key: String,
        /// The value found.
        value: String,
        /// Description of the allowed values.
        expected: &'static str,
    },
    /// Valid values do not fit together.
    #[error("simulator configuration: {message}")]
    Inconsistent {
        /// Names the values and what to do.
        message: String,
    },
}

/// Returns the path with a space before it, if there is one.
fn after_space(path: Option<&PathBuf>) -> String {
    path.map_or_else(String::new, |path| format!(" {}", path.display()))
}

/// Says why a simulation failed. Nothing is left under the final names of its files.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The output folder is not empty.
    #[error("{} already holds files; name another folder or empty this one", path.display())]
    NotEmpty {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The output folder holds other files than a simulation's.
    #[error("{} holds no simulation, so it is not replaced; name another folder or remove this one", path.display())]
    NotOurs {
        /// The folder asked for.
        path: PathBuf,
    },
    /// These learners cannot make a log of that size, however much or little they do.
    #[error(
        "a log of {asked} bytes is out of reach: {learners} learners make {reachable} bytes at the nearest; \
         change the number of learners or the size"
    )]
    SizeOutOfReach {
        /// Requested bytes.
        asked: u64,
        /// Nearest size that was found.
        reachable: u64,
        /// Number of learners.
        learners: u64,
    },
    /// The file of messages can't be used.
    #[error("{} {what}", path.display())]
    Messages {
        /// The file.
        path: PathBuf,
        /// The problem, and where it is.
        what: String,
    },
    /// Some messages are for enrolments that are not simulated.
    #[error(
        "{unknown} of {messages} messages are for enrolments that this simulation does not have; simulate with the format, \
         seed and settings by which they got their ids, and messages before the last week"
    )]
    UnknownEnrolments {
        /// Messages for others.
        unknown: u64,
        /// All messages.
        messages: u64,
    },
    /// A table could not be written.
    #[error("cannot write {table}: {source}")]
    Write {
        /// File name of the table.
        table: String,
        /// Error of the system.
        source: io::Error,
    },
    /// A temporary file could not be written or read.
    #[error("cannot sort the log by time: {0}")]
    Order(#[from] io::Error),
    /// A folder or file could not be created, synced or renamed.
    #[error("cannot {action} {}: {source}", path.display())]
    Folder {
        /// Action that failed.
        action: &'static str,
        /// Its path.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

impl From<WriteError> for SimulateError {
    fn from(error: WriteError) -> Self {
        Self::Folder { action: error.action, path: error.path, source: error.source }
    }
}
