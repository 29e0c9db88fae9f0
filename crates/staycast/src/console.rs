//! Where words go: results to stdout, everything said along the way to stderr.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;
use staycast_sequences::{Progress, Unit};

use crate::status::OutputClosed;
use crate::words;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Words,
    /// As one JSON object.
    Json,
}

/// How much is said besides results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Only errors.
    Errors,
    /// Stages and remarks.
    Stages,
}

/// The two outputs of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// How results are printed.
    pub(crate) form: Form,
    /// How much is said besides.
    pub(crate) talk: Talk,
}

impl Console {
    /// Prints a command's result: `value` under `--json`, the words otherwise.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, in_words: impl FnOnce() -> String) -> anyhow::Result<()> {
        let mut text = match self.form {
            Form::Json => serde_json::to_string_pretty(value).context("the result has no JSON form")?,
            Form::Words => in_words(),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        print(&text)
    }

    /// As [`Console::answer`], for commands whose result is a file or folder: under `--quiet` the words are left out.
    pub(crate) fn summarise<T: Serialize>(&self, value: &T, in_words: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.form == Form::Words && self.talk == Talk::Errors {
            return Ok(());
        }
        self.answer(value, in_words)
    }

    /// The console for the stages of a longer job that says itself what came of each.
    pub(crate) fn for_stages(&self) -> Self {
        let on_terminal = io::stderr().is_terminal();
        Self { form: self.form, talk: if on_terminal { self.talk } else { Talk::Errors } }
    }

    /// Prints a part of a result that comes in parts, unless the result is to be one JSON object.
    pub(crate) fn tell(&self, text: &str) -> anyhow::Result<()> {
        if self.form == Form::Json { Ok(()) } else { print(text) }
    }

    /// Says something along the way.
    pub(crate) fn remark(&self, text: &str) {
        if self.talk == Talk::Stages {
            say(text);
        }
    }

    /// Says something that the user should know even when the rest is kept quiet.
    pub(crate) fn warn(&self, text: &str) {
        say(&format!("warning: {text}"));
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => OutputClosed.into(),
        _ => anyhow::Error::new(error).context("cannot write to stdout"),
    })
}

/// Writes a line to stderr. When even that fails there is nobody left to tell.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

/// Shows the stages of a job: a bar with rate and time left on a terminal, and a line when a stage is done.
#[derive(Debug)]
pub(crate) struct Stages<'a> {
    console: &'a Console,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    stage: String,
    begun: Instant,
    done: u64,
    unit: Unit,
    bar: ProgressBar,
}

impl<'a> Stages<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        Self { console, running: Mutex::new(None) }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().expect("nothing panics while it holds the bar")
    }
}

/// A bar on stderr, invisible when that is not a terminal or nobody wants to see it.
pub(crate) fn bar(console: &Console, label: &str, total: Option<u64>, template: Template) -> ProgressBar {
    let visible = console.talk == Talk::Stages && io::stderr().is_terminal();
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(total, target);
    bar.set_style(style(template, total));
    bar.set_prefix(label.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn style(template: Template, total: Option<u64>) -> ProgressStyle {
    ProgressStyle::with_template(template.text(total))
        .expect("the templates are fixed and tested")
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let rate = state.per_sec();
            let _ = if rate < 10.0 { write!(out, "{rate:.1}/s") } else { write!(out, "{rate:.0}/s") };
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // Before anything is done there is no telling.
            if state.pos() > 0 {
                let _ = write!(out, "{} left", words::duration(state.eta()));
            }
        })
}

/// What a bar counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Template {
    /// Bytes.
    Bytes,
    /// Anything else, with a message behind.
    Steps,
}

impl Template {
    const fn text(self, total: Option<u64>) -> &'static str {
        match (self, total) {
            (Self::Bytes, Some(_)) => {
                "{prefix:12} [{bar:32}] {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {left}"
            }
            (Self::Bytes, None) => "{prefix:12} {spinner} {decimal_bytes}  {decimal_bytes_per_sec}",
            (Self::Steps, Some(_)) => "{prefix:12} [{bar:32}] {human_pos}/{human_len}  {rate}  {left}  {msg}",
            (Self::Steps, None) => "{prefix:12} {spinner} {human_pos}  {rate}  {msg}",
        }
    }
}

impl Progress for Stages<'_> {
    fn begin(&self, stage: &str, total: Option<u64>, unit: Unit) {
        let template = match unit {
            Unit::Bytes => Template::Bytes,
            Unit::Enrolments => Template::Steps,
        };
        let bar = bar(self.console, stage, total, template);
        *self.running() = Some(Running { stage: stage.to_owned(), begun: Instant::now(), done: 0, unit, bar });
    }

    fn advance(&self, count: u64) {
        if let Some(running) = self.running().as_mut() {
            running.done += count;
            running.bar.inc(count);
        }
    }

    fn end(&self, summary: &str) {
        let Some(running) = self.running().take() else { return };
        running.bar.finish_and_clear();
        let (time, summary) = (running.begun.elapsed(), words::with_grouped_numbers(summary));
        let rate = match running.unit {
            Unit::Bytes if time.as_secs_f64() > 0.05 => {
                let per_second = running.done as f64 / time.as_secs_f64();
                format!(", {}/s", words::bytes(per_second as u64))
            }
            _ => String::new(),
        };
        self.console.remark(&format!("{:12} {summary} ({}{rate})", running.stage, words::duration(time)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        for template in [Template::Bytes, Template::Steps] {
            for total in [None, Some(1)] {
                style(template, total);
            }
        }
    }
}
