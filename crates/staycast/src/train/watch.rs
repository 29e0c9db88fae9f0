//! Shows how far a training run is.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use indicatif::ProgressBar;
use staycast_forecast::{EpochRecord, MemberSummary, ModelKind, SingleModel, TrainingPlan, TrainingWatch};

use crate::console::Console;
use crate::display::{format_duration, group_digits, pluralise};
use crate::progress::{self, BarTemplate};

/// Runs of at most this many networks have a line each; longer ones a line every tenth part of the way.
const A_LINE_EACH: u64 = 10;

/// Shows a bar over all networks and epochs, and a line when networks are done.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    console: &'a Console,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    epochs: u64,
    members: u64,
    done: u64,
    bar: Option<ProgressBar>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        let state = State { begun: Instant::now(), epochs: 0, members: 0, done: 0, bar: None };
        Self { console, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the bar")
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = self.state().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Says a line without tearing the bar.
    fn line(&self, bar: Option<&ProgressBar>, text: &str) {
        match bar {
            Some(bar) => bar.suspend(|| self.console.note(text)),
            None => self.console.note(text),
        }
    }
}

impl TrainingWatch for Watch<'_> {
    fn planned(&self, plan: &TrainingPlan) {
        let members = match plan.model {
            ModelKind::Lstm => {
                let epochs = pluralise(u64::from(plan.epochs), "epoch");
                format!("{} of up to {epochs}", pluralise(plan.members, "network"))
            }
            ModelKind::Baseline(kind) => format!("{} ({kind})", pluralise(plan.members, "model")),
            ModelKind::Blend => format!("{}, to be blended", pluralise(plan.members, "model")),
            ModelKind::Auto => {
                let parts: Vec<String> = plan.parts.iter().map(ToString::to_string).collect();
                format!("{} to choose from ({})", pluralise(plan.members, "model"), parts.join(", "))
            }
        };
        self.console.note(&format!(
            "{:12} {members}, {} of {}{}",
            "training",
            pluralise(plan.training, "enrolment"),
            pluralise(plan.weeks.into(), "week"),
            if plan.test == 0 { String::new() } else { format!("; {} kept for the test", group_digits(plan.test)) },
        ));
        if !plan.reads_activity {
            self.console.warn(
                "in no week does what learners did differ among the enrolments to train on: the forecast can only rest on \
                 the enrolment's own numbers and on the week. Is this the right log, with the right dates of courses?",
            );
        }
        let mut state = self.state();
        state.epochs = u64::from(plan.epochs);
        state.members = plan.members;
        let total = plan.members * u64::from(plan.epochs);
        state.bar = Some(progress::progress_bar(self.console, "epochs", Some(total), BarTemplate::Steps));
    }

    fn epoch(&self, record: &EpochRecord) -> ControlFlow<()> {
        tracing::debug!(
            repeat = record.repeat,
            fold = record.fold,
            member = record.member,
            epoch = record.epoch,
            training_loss = record.training_loss,
            validation_loss = record.validation_loss,
            validation_auc = record.validation_auc,
            "epoch"
        );
        if let Some(bar) = &self.state().bar {
            bar.set_message(format!("network {}: AUC {:.3}", record.member + 1, record.validation_auc));
            bar.inc(1);
        }
        ControlFlow::Continue(())
    }

    fn member_finished(&self, member: &MemberSummary) {
        let mut state = self.state();
        state.done += 1;
        let (done, members, begun) = (state.done, state.members, state.begun);
        let Some(bar) = &state.bar else { return };
        // Networks that stopped early count as having taken all their epochs, or the bar would never arrive.
        bar.set_position(bar.position().max(done * state.epochs));
        let tenths = |done: u64| 10 * done / members.max(1);
        if members <= A_LINE_EACH {
            let what = match member.model {
                SingleModel::Lstm => format!("network {}", member.member + 1),
                other => format!("{other} {}", member.member + 1),
            };
            let epoch = member.best_epoch.map_or_else(String::new, |epoch| format!(", at epoch {epoch}"));
            let text = format!(
                "{:12} {what} is done: held-out AUC {:.3}{epoch} ({})",
                "",
                member.validation_auc,
                format_duration(begun.elapsed())
            );
            self.line(Some(bar), &text);
        } else if tenths(done) > tenths(done - 1) {
            let text = format!("{:12} {done} of {members} are done ({})", "", format_duration(begun.elapsed()));
            self.line(Some(bar), &text);
        }
    }
}
