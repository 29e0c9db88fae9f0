//! How the program ends: the exit statuses, and which error means which.
//!
//! Subcommands return `anyhow::Result<Status>`. An error is a failure (1) unless it is a [`UsageError`] (2) or says
//! that nobody reads the output any more ([`OutputClosed`]), which is a quiet end.

use std::fmt;
use std::process::ExitCode;

/// Names how the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Fine,
    /// Not done.
    Failed,
    /// The arguments make no sense; nothing was done.
    WrongUsage,
    /// Done, but more of the input was rejected than `--max-rejected` allows.
    TooManyRejected,
}

impl Status {
    /// Returns the number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::WrongUsage => 2,
            Self::TooManyRejected => 3,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Reports that what the user asked for makes no sense.
#[derive(Debug)]
pub(crate) struct UsageError {
    cause: anyhow::Error,
}

impl UsageError {
    /// Returns what is wrong: a message, or an error of a library.
    pub(crate) const fn cause(&self) -> &anyhow::Error {
        &self.cause
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for UsageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

/// Makes a [`UsageError`] with a message of the program's own.
pub(crate) fn usage(message: impl fmt::Display) -> anyhow::Error {
    UsageError { cause: anyhow::Error::msg(message.to_string()) }.into()
}

/// Makes a [`UsageError`] of a library's error, which keeps its type, so that a hint can be found for it.
pub(crate) fn usage_from(cause: impl Into<anyhow::Error>) -> anyhow::Error {
    UsageError { cause: cause.into() }.into()
}

/// Reports that nobody reads stdout any more, as when piped into `head`.
#[derive(Debug)]
pub(crate) struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for OutputClosed {}
