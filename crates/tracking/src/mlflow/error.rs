//! Why something did not reach the server, and whether another try helps.

use std::path::PathBuf;
use std::time::Duration;

/// Says why something did not reach the server.
#[derive(Debug, thiserror::Error)]
pub enum MlflowError {
    /// The address is not one of a server.
    #[error("`{address}` is not the address of an MLflow server: {problem}")]
    Address {
        /// Given address, without user and password.
        address: String,
        /// Problem with it.
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
        /// Address of the server.
        server: String,
        /// Call that was made.
        call: &'static str,
        /// Error of the system.
        problem: String,
    },
    /// No answer in time.
    #[error("MLflow at {server} did not answer within {limit:?} ({call})")]
    TimedOut {
        /// Address of the server.
        server: String,
        /// Call that was made.
        call: &'static str,
        /// Time waited.
        limit: Duration,
    },
    /// The server does not know the user, or the user may not write.
    #[error(
        "MLflow at {server} refuses the user (status {status}, {call}); set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to those of a user who may write"
    )]
    Unauthorised {
        /// Address of the server.
        server: String,
        /// Call that was made.
        call: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// The server answers with an error.
    #[error("MLflow at {server} answers {call} with status {status}{code}: {message}")]
    Refused {
        /// Address of the server.
        server: String,
        /// Call that was made.
        call: &'static str,
        /// HTTP status.
        status: u16,
        /// MLflow's code in brackets; empty where it gives none.
        code: String,
        /// Message of the server.
        message: String,
    },
    /// The answer is not one of MLflow's.
    #[error(
        "{server} does not answer {call} as MLflow does: {problem}; check that the address is that of an MLflow server"
    )]
    NotMlflow {
        /// Address of the server.
        server: String,
        /// Call that was made.
        call: &'static str,
        /// Problem with the answer.
        problem: String,
    },
    /// Nothing can be logged to a deleted experiment.
    #[error("the experiment `{experiment}` of MLflow at {server} was deleted; restore it there, or name another")]
    ExperimentDeleted {
        /// Address of the server.
        server: String,
        /// Name of the experiment.
        experiment: String,
    },
    /// A file can't be read.
    #[error("cannot read {path} to send it to MLflow: {source}")]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// The run's files are not kept by the server.
    #[error(
        "files are left out: the experiment keeps them in `{store}`, and only those that go through the server (mlflow-artifacts:) can be sent; start it with --serve-artifacts, and use an experiment made since"
    )]
    ArtifactStore {
        /// Address under which the experiment keeps files.
        store: String,
    },
}

/// Tells whether a failed request is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorSeverity {
    /// It may well pass: try again, however long it takes.
    Passing,
    /// The server is at fault, for a while or because of what was sent: try a few times.
    ServerFault,
    /// The sent data is at fault, and nothing else is.
    Content,
    /// Nothing will go through any more.
    Fatal,
}

impl MlflowError {
    pub(super) fn severity(&self) -> ErrorSeverity {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => ErrorSeverity::Passing,
            Self::Refused { status: 408 | 429 | 502..=504, .. } => ErrorSeverity::Passing,
            Self::Refused { status: 500.., .. } => ErrorSeverity::ServerFault,
            Self::Refused { status: 400 | 413 | 422, .. } | Self::File { .. } | Self::ArtifactStore { .. } => {
                ErrorSeverity::Content
            }
            _ => ErrorSeverity::Fatal,
        }
    }

    /// Returns the key by which equal failures are reported once: the call, and how it failed.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Unreachable { .. } => "unreachable".to_owned(),
            Self::TimedOut { .. } => "timed out".to_owned(),
            Self::Refused { call, status, .. } => format!("{call} {status}"),
            Self::File { path, .. } => format!("file {}", path.display()),
            other => other.to_string(),
        }
    }
}
