//! Why messages can't be drafted, approved or sent.

use std::path::{Path, PathBuf};

use staycast_files::WriteError;

use crate::policy::PolicyError;

/// Describes why a command about messages failed.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Something is wrong with a file: where, and what to do.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem.
        what: String,
    },
    /// A file can't be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The folder is none of an outbox.
    #[error("{}: not an outbox, as it has no outbox.json", .0.display())]
    NotAnOutbox(PathBuf),
    /// A policy and the templates do not fit together.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy has no sender.
    #[error("{0}: `messages.sender` is not there, and mails need somebody who they are from")]
    NoSender(String),
    /// A message is asked for that is not there.
    #[error("{outbox}: there is no message `{id}`", outbox = outbox.display())]
    NoMessage {
        /// The outbox.
        outbox: PathBuf,
        /// The id asked for.
        id: String,
    },
    /// Where to send can't be used.
    #[error("{0}")]
    Target(String),
    /// A file can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl MessageError {
    pub(super) fn file(path: &Path, what: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), what: what.into() }
    }

    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}
