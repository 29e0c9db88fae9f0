//! What can go wrong: a setting out of its range ([`ConfigError`]), or a disk that does not take the files
//! ([`SimulateError`]). The simulation itself cannot fail.

use std::io;
use std::path::PathBuf;

/// A simulator configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the simulator configuration {path}: {source}", path = path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text is no TOML, or has an unknown key or a value of another type.
    #[error("simulator configuration{}: {source}", at(path.as_ref()))]
    Parse {
        /// The file, where it came from one.
        path: Option<PathBuf>,
        /// Line, column and what is wrong.
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range.
    #[error("simulator configuration: {key} is {value}; it must be {expected}")]
    Range {
        /// The key, in dotted form (`calendar.waves`).
        key: String,
        /// The value found.
        value: String,
        /// The range allowed, in words.
        expected: &'static str,
    },
    /// Values that are right by themselves do not fit together.
    #[error("simulator configuration: {message}")]
    Inconsistent {
        /// Which, and what to do.
        message: String,
    },
}

fn at(path: Option<&PathBuf>) -> String {
    path.map_or_else(String::new, |path| format!(" {}", path.display()))
}

/// A simulation that did not end with its files in place. Nothing is left under their final names.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The output folder already holds something.
    #[error("{} already holds files; name another folder or empty this one", path.display())]
    NotEmpty {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The output folder holds something that no simulation wrote.
    #[error("{} holds no simulation, so it is not replaced; name another folder or remove this one", path.display())]
    NotOurs {
        /// The folder asked for.
        path: PathBuf,
    },
    /// These learners leave no log of that size, however much or little they do.
    #[error(
        "a log of {asked} bytes is out of reach: {learners} learners come to {reachable} bytes at the nearest; \
         change the learners or the size"
    )]
    SizeOutOfReach {
        /// Bytes asked for.
        asked: u64,
        /// The nearest that was found.
        reachable: u64,
        /// People.
        learners: u64,
    },
    /// A table could not be written.
    #[error("cannot write {table}: {source}")]
    Write {
        /// The table's file name.
        table: String,
        /// What the system said.
        source: io::Error,
    },
    /// A temporary file could not be written or read.
    #[error("cannot put the log in order of time: {0}")]
    Order(#[from] io::Error),
    /// A folder or file could not be made, synced or renamed.
    #[error("cannot {action} {}: {source}", path.display())]
    Folder {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
