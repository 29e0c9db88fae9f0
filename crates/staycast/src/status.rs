//! How the program ends: the exit statuses, and which error means which.
//!
//! Subcommands return `anyhow::Result<Status>`. An error is a failure (1) unless it is a [`UsageError`] (2) or says
//! that nobody reads the output any more ([`OutputClosed`]), which is a quiet end.

use std::fmt;
use std::process::ExitCode;

/// What the exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Fine,
    /// Not done.
    Failed,
    /// Not understood, or asked for what makes no sense; nothing was done.
    WrongUsage,
    /// Done, but more of the input was rejected than `--max-rejected` allows.
    TooManyRejected,
}

impl Status {
    /// The number.
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

/// What the user asked for makes no sense.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A [`UsageError`] that says this, for `map_err` and `return Err`.
pub(crate) fn usage(message: impl fmt::Display) -> anyhow::Error {
    UsageError(message.to_string()).into()
}

/// Nobody reads stdout any more, as when piped into `head`.
#[derive(Debug)]
pub(crate) struct OutputClosed;

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for OutputClosed {}

/// The status for an error, and what to say about it, if anything.
pub(crate) fn of_error(error: &anyhow::Error) -> (Status, Option<String>) {
    if error.is::<OutputClosed>() {
        return (Status::Fine, None);
    }
    let status = if error.is::<UsageError>() { Status::WrongUsage } else { Status::Failed };
    (status, Some(in_words(error)))
}

/// The error and its causes. A cause that the text before already quotes is not said twice.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn errors_have_statuses_and_words() {
        let failure = std::fs::read("no such file").map_err(|error| anyhow::anyhow!("x: {error}"));
        let (status, words) = of_error(&failure.expect_err("it is not there"));
        assert_eq!(status, Status::Failed);
        assert!(words.expect("words").starts_with("x: "));
        let wrong = Err::<(), _>(usage("--folds 1")).context("cannot split").expect_err("an error");
        assert_eq!(of_error(&wrong), (Status::WrongUsage, Some("cannot split: --folds 1".to_owned())));
        assert_eq!(of_error(&OutputClosed.into()), (Status::Fine, None));
    }
}
