//! Where output goes: results to stdout, everything said along the way to stderr.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use staycast_text::{conceal, escape, escape_json, escape_lines};

use crate::display::{path_text, to_json};
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
    /// Whether the file that is written goes to stdout, so that results go to stderr.
    pub(crate) output_on_stdout: bool,
}

impl Console {
    /// Prints a command's result: `value` under `--json`, the text otherwise.
    pub(crate) fn print_result<T: Serialize>(&self, value: &T, to_text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let mut text = match self.form {
            OutputForm::Json => {
                JSON_PRINTED.store(true, Ordering::Relaxed);
                let json = match unverified_inputs() {
                    Some(unverified) => to_json(&WithInputs { value, unverified })?,
                    None => to_json(value)?,
                };
                escape_json(&json).into_owned()
            }
            OutputForm::Text if self.output_on_stdout => {
                print_to_stderr(&to_text());
                return Ok(());
            }
            OutputForm::Text => escape_lines(&to_text()).into_owned(),
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
        let verbosity = if on_terminal { self.verbosity } else { Verbosity::Quiet };
        Self { verbosity, ..*self }
    }

    /// Prints a part of a result that comes in parts, unless the result is to be one JSON object.
    pub(crate) fn print_part(&self, text: &str) -> anyhow::Result<()> {
        if self.form == OutputForm::Json { Ok(()) } else { print(&escape_lines(text)) }
    }

    /// Prints a note along the way to stderr, on one line.
    pub(crate) fn note(&self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            print_line_to_stderr(text);
        }
    }

    /// Prints a note as [`Console::note`] does, but once, however many runs it is true of.
    pub(crate) fn note_once(&self, text: &str) {
        if NOTED.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned()) {
            self.note(text);
        }
    }

    /// Prints a note of several lines, whose names are escaped, to stderr.
    pub(crate) fn note_lines(&self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            print_to_stderr(text);
        }
    }

    /// Prints a warning to stderr, on one line, even under `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        print_line_to_stderr(&format!("warning: {text}"));
    }
}

/// Holds the notes that are printed once.
static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Holds a result with what is to be said of the inputs that were read for it.
#[derive(Serialize)]
struct WithInputs<'a, T> {
    #[serde(flatten)]
    value: &'a T,
    /// The runs and sequences without checksums, so that nobody can tell whether they are as they were written.
    unverified: Vec<PathText>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct PathText(#[serde(serialize_with = "path_text")] PathBuf);

/// Holds the runs and sequences that were opened, and whether each has checksums.
static INPUTS: Mutex<BTreeMap<PathBuf, bool>> = Mutex::new(BTreeMap::new());

/// Notes that a run or a sequences folder was opened, and whether it `is_verified`: compared with checksums. Results in JSON
/// name those that are not.
pub(crate) fn note_input(path: &Path, is_verified: bool) {
    INPUTS.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), is_verified);
}

/// Lists the inputs that were not verified; `None` where no run and no sequences were opened.
fn unverified_inputs() -> Option<Vec<PathText>> {
    let inputs = INPUTS.lock().unwrap_or_else(PoisonError::into_inner);
    let unverified = inputs.iter().filter(|(_, is_verified)| !**is_verified).map(|(path, _)| PathText(path.clone()));
    (!inputs.is_empty()).then(|| unverified.collect())
}

/// Tells whether a JSON object was printed: there is to be exactly one.
static JSON_PRINTED: AtomicBool = AtomicBool::new(false);

/// Prints a failure as JSON where the arguments, which could not be understood, ask for it.
pub(crate) fn print_failure_if_asked(failure: &Failure, arguments: &[OsString]) {
    if arguments.iter().any(|argument| argument == "--json") {
        print_json_failure(failure);
    }
}

/// Prints a failure as JSON on stdout, unless a result stands there. Errors of writing are left: the failure itself is told
/// on stderr and by the exit status.
fn print_json_failure(failure: &Failure) {
    if !JSON_PRINTED.swap(true, Ordering::Relaxed)
        && let Ok(text) = serde_json::to_string_pretty(failure)
    {
        let _ = print(&(escape_json(&text) + "\n"));
    }
}

/// Prints text of the program's own to stdout, as it is.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => OutputClosed.into(),
        _ => anyhow::Error::new(error).context("cannot write to stdout"),
    })
}

/// Prints lines to stderr, with control characters escaped and without passwords. When even that fails there is nobody left
/// to tell.
pub(crate) fn print_to_stderr(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape_lines(&conceal(text.trim_end())));
}

/// Prints one line to stderr as [`print_to_stderr`] does. Line breaks in it, as of a file's name, are escaped.
pub(crate) fn print_line_to_stderr(text: &str) {
    print_to_stderr(&escape(text.trim_end()));
}

/// Prints a line to stderr where that is a terminal.
pub(crate) fn note_on_terminal(text: &str) {
    if io::stderr().is_terminal() {
        print_line_to_stderr(text);
    }
}

/// Clears the line of the terminal that stderr is.
pub(crate) fn clear_line_of_terminal() {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let _ = stderr.write_all(b"\r\x1b[2K");
    }
}

/// Writes what is logged to stderr as [`print_to_stderr`] does, but keeps the colours that the log gives its lines. It
/// escapes those that are in the values itself.
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let shown: String = split_at_colours(&conceal(&text))
            .map(|part| if is_colour(part) { part.to_owned() } else { escape_lines(part).into_owned() })
            .collect();
        io::stderr().lock().write_all(shown.as_bytes()).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Splits a text before and behind every sequence that changes the colour.
fn split_at_colours(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = match colour_length(rest) {
            Some(length) => length,
            None => {
                let next =
                    rest.match_indices('\x1b').map(|(at, _)| at).find(|&at| colour_length(&rest[at..]).is_some());
                next.unwrap_or(rest.len())
            }
        };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

fn is_colour(text: &str) -> bool {
    colour_length(text) == Some(text.len())
}

/// Returns the bytes of the sequence that changes the colour with which the text begins.
fn colour_length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("\x1b[")?;
    let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    rest[digits..].starts_with('m').then_some("\x1b[".len() + digits + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_keep_colours_and_nothing_else() {
        let line = "\x1b[2m10:00\x1b[0m \x1b[33m WARN\x1b[0m \x1b]0;title\x07 \x1b[2J\n";
        let parts: Vec<&str> = split_at_colours(line).filter(|part| is_colour(part)).collect();
        assert_eq!(parts, ["\x1b[2m", "\x1b[0m", "\x1b[33m", "\x1b[0m"]);
        assert_eq!(split_at_colours(line).collect::<String>(), line);
    }
}
