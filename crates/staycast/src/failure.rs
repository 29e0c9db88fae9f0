//! An error as the user sees it: the exit status, and a message with a hint where a flag helps.

use std::panic::PanicHookInfo;

use serde::Serialize;
use staycast_events::ReadError;
use staycast_text::{conceal, escape};

use crate::argument_errors;
use crate::hints;
use crate::status::{OutputClosed, Status, UsageError};

/// Says how the program failed, as `--json` prints it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    kind: &'static str,
    /// The exit status.
    status: u8,
    /// What is wrong, and where.
    message: String,
    /// What to type, where a flag or a command helps.
    hint: Option<String>,
}

impl Failure {
    fn new(status: Status, message: &str, hint: Option<&str>) -> Self {
        let concealed = |text: &str| conceal(text).into_owned();
        Self { kind: "error", status: status.code(), message: concealed(message), hint: hint.map(concealed) }
    }

    /// Describes what is wrong with the arguments.
    pub(crate) fn of_usage(message: &str) -> Self {
        Self::new(Status::WrongUsage, message, None)
    }

    /// Describes an error; `None` where nobody reads the output any more, which is none.
    pub(crate) fn of(error: &anyhow::Error) -> Option<Self> {
        if error.is::<OutputClosed>() {
            return None;
        }
        let status = if is_wrong_usage(error) { Status::WrongUsage } else { Status::Failed };
        Some(Self::new(status, &join_causes(error), hints::for_error(error).as_deref()))
    }

    /// Describes arguments that can't be understood.
    pub(crate) fn of_arguments(error: &clap::Error) -> Self {
        let text = argument_errors::message(error);
        let mut parts = text.split("\n\n").map(str::trim);
        let message = parts.next().unwrap_or_default();
        let hint = parts.find_map(|part| part.strip_prefix("tip: "));
        Self::new(Status::WrongUsage, message.strip_prefix("error: ").unwrap_or(message), hint)
    }

    /// Returns the exit status.
    pub(crate) const fn code(&self) -> u8 {
        self.status
    }

    /// Returns the message for people: with the hint, if there is one.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

/// Returns the message about an error: its causes, and what to type where a flag helps.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let message = join_causes(error);
    match hints::for_error(error) {
        Some(hint) => format!("{message}; {hint}"),
        None => message,
    }
}

/// Says where a fault of the program's own is.
pub(crate) fn of_panic(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    let what = panic.payload_as_str().unwrap_or("without a message");
    let mut text = format!("thread '{name}' panicked{place}:\n{}", escape(what));
    let trace = std::backtrace::Backtrace::capture();
    match trace.status() {
        std::backtrace::BacktraceStatus::Captured => text += &format!("\n{trace}"),
        _ => text += "\nthis is a fault of Staycast; with RUST_BACKTRACE=1 it says more",
    }
    text
}

/// Tells whether what the user typed makes no sense: among others, a path that leads nowhere, or to a file of no use.
fn is_wrong_usage(error: &anyhow::Error) -> bool {
    let of_reading = |error: &ReadError| {
        matches!(
            error,
            ReadError::NotFound { .. }
                | ReadError::NotRead { .. }
                | ReadError::UnknownFormat { by_name: true, .. }
                | ReadError::Pattern { .. }
                | ReadError::NoMapping
                | ReadError::NeedlessMapping { .. }
                | ReadError::FilesAndDatabase
                | ReadError::MappingForDatabase
        )
    };
    error.is::<UsageError>() || error.chain().any(|cause| cause.downcast_ref().is_some_and(of_reading))
}

/// Joins the messages of the error and its causes. A cause that the text before already quotes is left out.
pub(crate) fn join_causes(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::status::{usage, usage_from};

    #[test]
    fn errors_have_statuses_and_messages() {
        let failure = std::fs::read("no such file").map_err(|error| anyhow::anyhow!("x: {error}"));
        let failure = Failure::of(&failure.expect_err("it is not there")).expect("a failure");
        assert_eq!(failure.code(), 1);
        assert!(failure.text().starts_with("x: "));
        let wrong = Err::<(), _>(usage("--folds 1")).context("cannot split").expect_err("an error");
        let expected = |message: &str| Some(Failure::new(Status::WrongUsage, message, None));
        assert_eq!(Failure::of(&wrong), expected("cannot split: --folds 1"));
        let inner = usage_from(std::io::Error::other("the library's fact"));
        assert_eq!(Failure::of(&inner), expected("the library's fact"));
        assert_eq!(Failure::of(&OutputClosed.into()), None);
        let with_hint = Failure::of(&ReadError::NoMapping.into()).expect("a failure");
        assert_eq!(with_hint.hint.as_deref(), Some("give it with --mapping FILE"));
        assert_eq!(with_hint.text(), format!("{}; give it with --mapping FILE", with_hint.message));
    }
}
