//! An error as the user sees it: the exit status, and a message with a hint where a flag helps.

use staycast_events::ReadError;

use crate::hints;
use crate::status::{OutputClosed, Status, UsageError};

/// Returns the status for an error, and the message about it, if there is one.
pub(crate) fn status_and_message(error: &anyhow::Error) -> (Status, Option<String>) {
    if error.is::<OutputClosed>() {
        return (Status::Fine, None);
    }
    let status = if is_wrong_usage(error) { Status::WrongUsage } else { Status::Failed };
    (status, Some(message(error)))
}

/// Returns the message about an error: its causes, and what to type where a flag helps.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let message = join_causes(error);
    match hints::for_error(error) {
        Some(hint) => format!("{message}; {hint}"),
        None => message,
    }
}

/// Tells whether what the user typed makes no sense: among others, a path that leads nowhere, or to a file of no use.
fn is_wrong_usage(error: &anyhow::Error) -> bool {
    let of_reading = |error: &ReadError| {
        matches!(
            error,
            ReadError::NotFound { .. }
                | ReadError::NotRead { .. }
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
        let (status, message) = status_and_message(&failure.expect_err("it is not there"));
        assert_eq!(status, Status::Failed);
        assert!(message.expect("a message").starts_with("x: "));
        let wrong = Err::<(), _>(usage("--folds 1")).context("cannot split").expect_err("an error");
        assert_eq!(status_and_message(&wrong), (Status::WrongUsage, Some("cannot split: --folds 1".to_owned())));
        let inner = usage_from(std::io::Error::other("the library's fact"));
        assert_eq!(status_and_message(&inner), (Status::WrongUsage, Some("the library's fact".to_owned())));
        assert_eq!(status_and_message(&OutputClosed.into()), (Status::Fine, None));
    }
}
