//! The choice of a model among candidates, or of a blend of them, by rows that none of their members was trained on.

use std::collections::BTreeSet;

use staycast_baselines::Blend;
use staycast_evaluation::metrics::{Ranking, delong_difference, log_loss};
use staycast_sequences::{CutOff, Dataset};

use super::candidates::Candidates;
use super::plan::{OuterSplit, SplitPlan};
use crate::artifact::{Candidate, HeldOutFigures, ModelChoice};
use crate::examples::Examples;
use crate::model_kind::{ModelKind, SingleModel};
use crate::models::blend::columns_at;

/// Lends what a choice is made of.
pub(super) struct ChoiceInput<'a> {
    pub(super) data: &'a Dataset,
    pub(super) examples: &'a Examples,
    pub(super) plan: &'a SplitPlan,
    pub(super) split: &'a OuterSplit,
    pub(super) candidates: &'a Candidates,
    /// The candidates in the order of their kinds.
    pub(super) parts: &'a [SingleModel],
    /// Held-out logits by part, `[position][week]`, NaN where nobody held the position out.
    pub(super) logits: &'a [Vec<f32>],
    pub(super) week: CutOff,
}

/// Chooses a blend of all candidates, unless one of them alone ranks held-out rows better than chance explains.
///
/// Weights and calibrations are fitted on all folds but the one that they are applied to, or on one half of the rows and applied
/// to the other where one fold is held out, so that a model of more parameters has no advantage. The blend is the rule, since
/// held-out rows are forecast by one member each and new rows by the mean of all: single networks look worse than they are. On
/// other courses and later runs, what was best on held-out rows was behind the blend (docs/experiments.md).
///
/// # Errors
/// Says why nothing can be compared.
pub(super) fn choose(input: &ChoiceInput<'_>) -> Result<ModelChoice, String> {
    let rows = HeldOutRows::new(input);
    let names: Vec<&str> = input.parts.iter().map(|kind| kind.name()).collect();
    let all: Vec<usize> = (0..names.len()).collect();
    let blend = rows.cross_fitted(&names, &all)?;
    let alone: Vec<Vec<f64>> =
        all.iter().map(|&part| rows.cross_fitted(&names, &[part])).collect::<Result<_, String>>()?;
    let blend_figures = rows.figures(&blend)?;
    let figures: Vec<HeldOutFigures> =
        alone.iter().map(|logits| rows.figures(logits)).collect::<Result<_, String>>()?;
    let single = match all.as_slice() {
        // Of one model there is nothing to blend.
        [only] => Some(*only),
        _ => better_alone(&alone, &blend, &rows.labels)?,
    };
    let chosen_logits = single.map_or(&blend, |part| &alone[part]);
    let candidates = all
        .iter()
        .map(|&part| {
            let (model, own) = (input.parts[part], figures[part]);
            if single == Some(part) {
                return Ok(Candidate { model, alone: own, gain: 0.0, error: 0.0 });
            }
            let difference = delong_difference(chosen_logits, &alone[part], &rows.labels);
            let difference = difference.map_err(|error| error.to_string())?;
            Ok(Candidate { model, alone: own, gain: difference.difference, error: difference.standard_error })
        })
        .collect::<Result<_, String>>()?;
    let courses: BTreeSet<_> = input.split.training.iter().map(|&row| input.data.enrolment(row).course).collect();
    Ok(ModelChoice {
        chosen: single.map_or(ModelKind::Blend, |part| input.parts[part].into()),
        held_out_by: input.plan.held_out_by,
        courses: courses.len() as u64,
        week: input.week,
        rows: rows.labels.len() as u64,
        fitted_apart: rows.folds.is_some(),
        blend: blend_figures,
        candidates,
        not_tried: input.candidates.not_tried.clone(),
    })
}

/// Returns the model that ranks the rows better than the blend does, by more than chance explains; the one that gains most, if
/// there are several.
fn better_alone(alone: &[Vec<f64>], blend: &[f64], labels: &[bool]) -> Result<Option<usize>, String> {
    let mut best: Option<(usize, f64)> = None;
    for (part, logits) in alone.iter().enumerate() {
        let difference = delong_difference(logits, blend, labels).map_err(|error| error.to_string())?;
        if difference.low > 0.0 && best.is_none_or(|(_, gain)| difference.difference > gain) {
            best = Some((part, difference.difference));
        }
    }
    Ok(best.map(|(part, _)| part))
}

/// Tells whether both outcomes are left when any of the folds is left out.
fn can_be_left_out(folds: &[usize], labels: &[bool]) -> bool {
    let numbers: BTreeSet<usize> = folds.iter().copied().collect();
    numbers.len() >= 2
        && numbers.into_iter().all(|left_out| {
            let others = || folds.iter().zip(labels).filter(|(fold, _)| **fold != left_out).map(|(_, &label)| label);
            others().any(|label| label) && !others().all(|label| label)
        })
}

/// Holds the rows that every candidate has forecast without having been trained on them.
struct HeldOutRows {
    /// Logits by candidate.
    columns: Vec<Vec<f32>>,
    labels: Vec<bool>,
    /// By row: the fold that is left out of what is applied to it; `None` where the rows are too few to leave any out.
    folds: Option<Vec<usize>>,
}

impl HeldOutRows {
    fn new(input: &ChoiceInput<'_>) -> Self {
        // A position is held out by one member of each repeat; the first says its fold.
        let mut fold_of = vec![usize::MAX; input.split.training.len()];
        for (member, split) in input.split.members.iter().enumerate().rev() {
            split.held_out.iter().for_each(|&position| fold_of[position] = member);
        }
        let found = columns_at(input.examples, &input.split.training, input.logits, input.week);
        let of_members: Vec<usize> = found.positions.iter().map(|&position| fold_of[position]).collect();
        // Members fewer than folds may hold out one part alone.
        let halves: Vec<usize> = (0..of_members.len()).map(|row| row % 2).collect();
        let folds = [of_members, halves].into_iter().find(|folds| can_be_left_out(folds, &found.labels));
        Self { folds, columns: found.columns, labels: found.labels }
    }

    /// Blends the candidates `parts` with weights that are fitted on all folds but the row's own.
    fn cross_fitted(&self, names: &[&str], parts: &[usize]) -> Result<Vec<f64>, String> {
        let names: Vec<&str> = parts.iter().map(|&part| names[part]).collect();
        let pick = |rows: &[usize]| -> Vec<Vec<f32>> {
            parts.iter().map(|&part| rows.iter().map(|&row| self.columns[part][row]).collect()).collect()
        };
        let mut logits = vec![f64::NAN; self.labels.len()];
        let all: Vec<usize> = (0..self.labels.len()).collect();
        let parts: Vec<(Vec<usize>, Vec<usize>)> = match &self.folds {
            Some(folds) => {
                let numbers: BTreeSet<usize> = folds.iter().copied().collect();
                numbers.into_iter().map(|fold| all.iter().partition(|&&row| folds[row] == fold)).collect()
            }
            None => vec![(all.clone(), all)],
        };
        for (own, others) in parts {
            let labels: Vec<bool> = others.iter().map(|&row| self.labels[row]).collect();
            let (fitted_on, applied_to) = (pick(&others), pick(&own));
            let fitted_on: Vec<&[f32]> = fitted_on.iter().map(Vec::as_slice).collect();
            let applied_to: Vec<&[f32]> = applied_to.iter().map(Vec::as_slice).collect();
            let blend = Blend::fit(&names, &fitted_on, &labels).map_err(|error| error.to_string())?;
            let blended = blend.apply(&applied_to).map_err(|error| error.to_string())?;
            own.iter().zip(blended).for_each(|(&row, logit)| logits[row] = f64::from(logit));
        }
        Ok(logits)
    }

    fn figures(&self, logits: &[f64]) -> Result<HeldOutFigures, String> {
        let p: Vec<f64> = logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect();
        let ranking = Ranking::new(logits, &self.labels).map_err(|error| error.to_string())?;
        let auc = ranking.auc().value().ok_or("the held-out rows have one outcome")?;
        let loss = log_loss(&p, &self.labels).map_err(|error| error.to_string())?;
        let log_loss = loss.value().ok_or("the held-out rows have no log loss")?;
        Ok(HeldOutFigures { auc, log_loss })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(labels: &[bool], folds: Option<Vec<usize>>, columns: Vec<Vec<f32>>) -> HeldOutRows {
        HeldOutRows { columns, labels: labels.to_vec(), folds }
    }

    #[test]
    fn a_model_is_better_alone_only_by_more_than_chance_explains() {
        let labels: Vec<bool> = (0..200).map(|row: usize| row.is_multiple_of(2)).collect();
        // Right but for every n-th row.
        let ranks = |wrong: usize| -> Vec<f64> {
            let sign = |row: usize| if row.is_multiple_of(2) != (row / 2).is_multiple_of(wrong) { 1.0 } else { -1.0 };
            (0..200).map(|row| sign(row) * (1.0 + row as f64 / 1000.0)).collect()
        };
        let (poor, good, better) = (ranks(3), ranks(10), ranks(25));
        assert_eq!(better_alone(&[poor.clone(), good.clone()], &poor, &labels), Ok(Some(1)));
        assert_eq!(
            better_alone(&[good.clone(), better.clone()], &poor, &labels),
            Ok(Some(1)),
            "the one that gains most"
        );
        assert_eq!(better_alone(std::slice::from_ref(&poor), &good, &labels), Ok(None));
        assert_eq!(better_alone(std::slice::from_ref(&good), &good, &labels), Ok(None));
    }

    #[test]
    fn a_fold_can_be_left_out_if_both_outcomes_remain() {
        assert!(can_be_left_out(&[0, 0, 1, 1], &[true, false, true, false]));
        assert!(!can_be_left_out(&[0, 0, 1, 1], &[true, false, true, true]), "without the first, all drop out");
        assert!(!can_be_left_out(&[3, 3], &[true, false]), "nothing remains");
    }

    #[test]
    fn what_is_applied_to_a_fold_is_not_fitted_on_it() {
        // The column tells the outcome in the first fold and the opposite in the second.
        let labels: Vec<bool> = (0..400).map(|row: usize| row.is_multiple_of(2)).collect();
        let folds: Vec<usize> = (0..400).map(|row| usize::from(row >= 200)).collect();
        let sign = |row: usize| if row.is_multiple_of(2) == (row < 200) { 1.0 } else { -1.0 };
        let column: Vec<f32> = (0..400).map(|row| sign(row) * (1.0 + row as f32 / 400.0)).collect();
        let rows = rows(&labels, Some(folds), vec![column]);
        let found = rows.cross_fitted(&["one"], &[0]).expect("it fits");
        // Weights of at least 0: the second fold, where the column misleads, gives none; the first gives one that misleads.
        assert!(found[..200].iter().all(|logit| logit.abs() < 1e-6), "{:?}", &found[..4]);
        assert!(found[200..].iter().enumerate().all(|(at, &logit)| (logit > 0.0) != labels[200 + at]));
        assert!(rows.figures(&found).expect("figures").auc < 0.5);
    }
}
