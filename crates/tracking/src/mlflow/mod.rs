//! A run on an MLflow tracking server, over its REST API.
//!
//! A [`Tracker`] takes parameters, metrics, tags and files, and sends them from a thread of its own: training waits for no
//! server, and no server's failure ends a training. What can't be sent is kept and tried again while the training goes
//! on; the first failure of each kind is told at once, and [`Tracker::finish`] says what was not delivered, and why.
//!
//! The server is named and the user identified as MLflow's own client does it: an address such as
//! `http://localhost:5000`, and the environment variables `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD`, or
//! `MLFLOW_TRACKING_TOKEN`, or a user and password in the address ([`TrackingServer`]). None of these is ever shown: not in
//! an error, not by `Debug`, and not where a server repeats them in its answer.
//!
//! Files go through the server (`mlflow-artifacts:`, the default of `mlflow server`). An experiment whose files are
//! elsewhere (`s3:`, `file:` …) gets none, and the report says so: writing there would take that store's own client.
//!
//! Sources: the REST API as in <https://mlflow.org/docs/latest/rest-api.html> (its section on `log-batch` has the limits of
//! a request); numbers that JSON can't write as in protocol buffers' JSON mapping
//! (<https://protobuf.dev/programming-guides/json/>); HTTP's basic authentication as in RFC 7617, bearer tokens as in
//! RFC 6750.

mod batch;
mod client;
mod delivery;
mod server;
mod tracker;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

pub use delivery::{Counts, Delivery, Problem};
pub use server::TrackingServer;
pub use tracker::{RunStatus, TrackedRun, Tracker, TrackerSettings};

/// Why something did not reach the server.
#[derive(Debug, thiserror::Error)]
pub enum MlflowError {
    /// The address of the server is none.
    #[error("`{address}` is not the address of an MLflow server: {problem}")]
    Address {
        /// What was given, without user and password.
        address: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A run's key has other letters than it may.
    #[error(
        "`{0}` can't be a run's key: use 1 to 100 letters, digits, `-` and `_`, as only these can be searched for safely"
    )]
    Key(String),
    /// The thread that sends can't be started.
    #[error("cannot start the thread that sends to MLflow: {0}")]
    Thread(std::io::Error),
    /// No connection.
    #[error("cannot reach MLflow at {server} ({call}): {problem}; check the address, and that the server runs")]
    Unreachable {
        /// The server.
        server: String,
        /// What was asked of it.
        call: &'static str,
        /// What the system said.
        problem: String,
    },
    /// No answer in time.
    #[error("MLflow at {server} did not answer within {limit:?} ({call})")]
    TimedOut {
        /// The server.
        server: String,
        /// What was asked of it.
        call: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// It does not know the user, or the user may not.
    #[error(
        "MLflow at {server} refuses the user (status {status}, {call}); set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to those of a user who may write"
    )]
    Unauthorised {
        /// The server.
        server: String,
        /// What was asked of it.
        call: &'static str,
        /// HTTP's status.
        status: u16,
    },
    /// It answers with an error.
    #[error("MLflow at {server} answers {call} with status {status}{code}: {message}")]
    Refused {
        /// The server.
        server: String,
        /// What was asked of it.
        call: &'static str,
        /// HTTP's status.
        status: u16,
        /// MLflow's code for it, in brackets; empty where it gives none.
        code: String,
        /// What it says.
        message: String,
    },
    /// It answers what MLflow does not.
    #[error(
        "{server} does not answer {call} as MLflow does: {problem}; check that the address is that of an MLflow server"
    )]
    NotMlflow {
        /// The server.
        server: String,
        /// What was asked of it.
        call: &'static str,
        /// What is odd.
        problem: String,
    },
    /// Nothing can be logged to a deleted experiment.
    #[error("the experiment `{experiment}` of MLflow at {server} was deleted; restore it there, or name another")]
    ExperimentDeleted {
        /// The server.
        server: String,
        /// The experiment.
        experiment: String,
    },
    /// A file can't be read.
    #[error("cannot read {path} to send it to MLflow: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The run's files are not kept by the server.
    #[error(
        "files are left out: the experiment keeps them in `{store}`, and only those that go through the server (mlflow-artifacts:) can be sent; start it with --serve-artifacts, and use an experiment made since"
    )]
    ArtifactStore {
        /// Where the experiment keeps files.
        store: String,
    },
}

/// What a failure means for what was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// It may well pass: try again, however long it takes.
    Passing,
    /// The server is at fault. It may pass, or it may be what was sent: try a few times.
    ServerFault,
    /// What was sent is at fault, and nothing else is.
    Content,
    /// Nothing will go through any more.
    Fatal,
}

impl MlflowError {
    pub(crate) fn severity(&self) -> Severity {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => Severity::Passing,
            Self::Refused { status: 408 | 429 | 502..=504, .. } => Severity::Passing,
            Self::Refused { status: 500.., .. } => Severity::ServerFault,
            Self::Refused { status: 400 | 413 | 422, .. } | Self::File { .. } | Self::ArtifactStore { .. } => {
                Severity::Content
            }
            _ => Severity::Fatal,
        }
    }

    /// What failures are told once by: the call, and how it failed.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Unreachable { .. } => "unreachable".to_owned(),
            Self::TimedOut { .. } => "timed out".to_owned(),
            Self::Refused { call, status, .. } => format!("{call} {status}"),
            Self::File { path, .. } => format!("file {}", path.display()),
            other => other.to_string(),
        }
    }
}
