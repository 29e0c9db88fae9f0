//! Progress on stderr: bars with rate and time left on a terminal, and a line when a stage is done.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use staycast_sequences::{Progress, Unit};
use staycast_text::escape;

use crate::console::{Console, Verbosity};
use crate::display;

/// Shows the stages of a job: a bar with rate and time left on a terminal, and a line when a stage is done.
#[derive(Debug)]
pub(crate) struct StageProgress<'a> {
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

impl<'a> StageProgress<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        Self { console, running: Mutex::new(None) }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().expect("nothing panics while it holds the bar")
    }
}

/// Starts a bar on stderr, invisible when that is not a terminal or nobody wants to see it.
pub(crate) fn progress_bar(console: &Console, label: &str, total: Option<u64>, template: BarTemplate) -> ProgressBar {
    let visible = console.verbosity == Verbosity::Normal && io::stderr().is_terminal();
    let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(total, target);
    bar.set_style(style(template, total));
    bar.set_prefix(escape(label).into_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn style(template: BarTemplate, total: Option<u64>) -> ProgressStyle {
    ProgressStyle::with_template(template.text(total))
        .expect("the templates are fixed and tested")
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let rate = state.per_sec();
            let _ = if rate < 10.0 { write!(out, "{rate:.1}/s") } else { write!(out, "{rate:.0}/s") };
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // Before anything is done there is no telling.
            if state.pos() > 0 {
                let _ = write!(out, "{} left", display::format_duration(state.eta()));
            }
        })
}

/// Names the unit that a bar counts in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BarTemplate {
    /// Bytes.
    Bytes,
    /// Anything else, with a message behind.
    Steps,
}

impl BarTemplate {
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

impl Progress for StageProgress<'_> {
    fn begin(&self, stage: &str, total: Option<u64>, unit: Unit) {
        let template = match unit {
            Unit::Bytes => BarTemplate::Bytes,
            Unit::Enrolments => BarTemplate::Steps,
        };
        let bar = progress_bar(self.console, stage, total, template);
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
        let (time, summary) = (running.begun.elapsed(), display::group_digits_in(summary));
        let rate = match running.unit {
            Unit::Bytes if time.as_secs_f64() > 0.05 => {
                let per_second = running.done as f64 / time.as_secs_f64();
                format!(", {}/s", display::format_bytes(per_second as u64))
            }
            _ => String::new(),
        };
        self.console.note(&format!("{:12} {summary} ({}{rate})", running.stage, display::format_duration(time)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        for template in [BarTemplate::Bytes, BarTemplate::Steps] {
            for total in [None, Some(1)] {
                style(template, total);
            }
        }
    }
}
