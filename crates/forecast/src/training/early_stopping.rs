//! The held-out rows by which a member is judged: when a network stops, and how good each member is.

use staycast_evaluation::metrics::Ranking;
use staycast_sequences::{CutOff, EnrolmentIndex, WeekIndex};

use super::training_set::TrainingSet;
use crate::examples::Examples;

/// Lists the held-out rows of one member that decide when its training stops.
pub(super) struct StoppingRows {
    /// Places in the held-out logits, with the outcomes there, at the target week.
    at_target: Vec<(usize, bool)>,
    /// The same at all weeks.
    at_all: Vec<(usize, bool)>,
}

impl StoppingRows {
    /// Collects the rows of `held_out`, positions in `set`, that can be judged.
    ///
    /// # Panics
    /// When those at the target week are of one class only, which `feasibility::check` refuses.
    pub(super) fn new(set: &TrainingSet<'_>, held_out: &[usize], target: CutOff) -> Self {
        let examples = set.examples;
        let weeks = examples.weeks();
        let rows = |wanted: &dyn Fn(WeekIndex) -> bool| {
            let mut found = Vec::new();
            for (row, &position) in held_out.iter().enumerate() {
                let enrolment = set.enrolments[position];
                let Some(label) = examples.label(enrolment) else { continue };
                let seen =
                    examples.week_indices().filter(|&week| wanted(week) && examples.is_evaluable(enrolment, week));
                found.extend(seen.map(|week| (row * weeks + week.position(), label)));
            }
            found
        };
        let at_target = rows(&|week| week == target.last_week());
        let positives = at_target.iter().filter(|(_, label)| *label).count();
        let negatives = at_target.len() - positives;
        assert!(
            positives > 0 && negatives > 0,
            "{positives} dropouts and {negatives} others held out at week {target}"
        );
        Self { at_target, at_all: rows(&|_| true) }
    }

    /// Returns the AUC at the target week and the mean log loss at all weeks.
    pub(super) fn auc_and_loss(&self, logits: &[f32]) -> (f64, f64) {
        let (scores, labels): (Vec<f64>, Vec<bool>) =
            self.at_target.iter().map(|&(at, label)| (f64::from(logits[at]), label)).unzip();
        let auc = Ranking::new(&scores, &labels).ok().and_then(|ranking| ranking.auc().value()).unwrap_or(f64::NAN);
        let loss: f64 = self
            .at_all
            .iter()
            .map(|&(at, label)| {
                let logit = f64::from(logits[at]);
                let against = if label { -logit } else { logit };
                against.max(0.0) + (-against.abs()).exp().ln_1p()
            })
            .sum();
        (auc, loss / self.at_all.len() as f64)
    }
}

/// Returns the AUC over the held-out rows at the target week; `None` with one class only. `logits`: `[held-out row][week]`.
pub(super) fn held_out_auc(
    examples: &Examples,
    enrolments: &[EnrolmentIndex],
    held_out: &[usize],
    logits: &[f32],
    target: CutOff,
) -> Option<f64> {
    let (weeks, week) = (examples.weeks(), target.last_week());
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for (row, &position) in held_out.iter().enumerate() {
        let enrolment = enrolments[position];
        let Some(label) = examples.label(enrolment).filter(|_| examples.is_evaluable(enrolment, week)) else {
            continue;
        };
        scores.push(f64::from(logits[row * weeks + week.position()]));
        labels.push(label);
    }
    Ranking::new(&scores, &labels).ok()?.auc().value()
}
