//! Where output goes: results to stdout, everything said along the way to stderr.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use serde::Serialize;

use crate::failure::Failure;
use crate::status::OutputClosed;

/// Names the form in which results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputForm {
    /// Text for people.
    Text,
    /// One JSON object.
    Json,
}

/// Names how much is printed besides results, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors and warnings alone; a summary of what was written is left out.
    Quiet,
    /// Stages, notes and summaries too.
    Normal,
    /// Summaries with every detail.
    Detailed,
}

/// Prints what a command has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Form of results.
    pub(crate) form: OutputForm,
    /// How much is printed besides results.
    pub(crate) verbosity: Verbosity,
}

impl Console {
    /// Prints a command's result: `value` under `--json`, the text otherwise.
    pub(crate) fn print_result<T: Serialize>(&self, value: &T, to_text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let mut text = match self.form {
            OutputForm::Json => {
                JSON_PRINTED.store(true, Ordering::Relaxed);
                serde_json::to_string_pretty(value).context("the result has no JSON form")?
            }
            OutputForm::Text => to_text(),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        print(&text)
    }

    /// Prints the summary of a command whose result is a file or folder: as [`Console::print_result`], but nothing under
    /// `--quiet`.
    pub(crate) fn print_summary<T: Serialize>(
        &self,
        value: &T,
        to_text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        if self.form == OutputForm::Text && self.verbosity == Verbosity::Quiet {
            return Ok(());
        }
        self.print_result(value, to_text)
    }

    /// Prints a failure as the one JSON object, where that is asked for and none was printed yet.
    pub(crate) fn print_failure(&self, failure: &Failure) {
        if self.form == OutputForm::Json {
            print_json_failure(failure);
        }
    }

    /// Returns a console for the stages of a longer job, whose own summaries stand for theirs.
    pub(crate) fn for_inner_stages(&self) -> Self {
        let on_terminal = io::stderr().is_terminal();
        Self { form: self.form, verbosity: if on_terminal { self.verbosity } else { Verbosity::Quiet } }
    }

    /// Prints a part of a result that comes in parts, unless the result is to be one JSON object.
    pub(crate) fn print_part(&self, text: &str) -> anyhow::Result<()> {
        if self.form == OutputForm::Json { Ok(()) } else { print(text) }
    }

    /// Prints a note along the way to stderr.
    pub(crate) fn note(&self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            print_to_stderr(text);
        }
    }

    /// Prints a warning to stderr, even under `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        print_to_stderr(&format!("warning: {text}"));
    }
}

/// Tells whether a JSON object was printed: there is to be exactly one.
static JSON_PRINTED: AtomicBool = AtomicBool::new(false);

/// Prints a failure as JSON on stdout, unless a result stands there. Errors of writing are left: the failure itself is told
/// on stderr and by the exit status.
pub(crate) fn print_json_failure(failure: &Failure) {
    if !JSON_PRINTED.swap(true, Ordering::Relaxed)
        && let Ok(text) = serde_json::to_string_pretty(failure)
    {
        let _ = print(&(text + "\n"));
    }
}

/// Prints text to stdout as it is.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => OutputClosed.into(),
        _ => anyhow::Error::new(error).context("cannot write to stdout"),
    })
}

/// Prints a line to stderr. When even that fails there is nobody left to tell.
pub(crate) fn print_to_stderr(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}
