//! Whether a training can succeed: asked before anything is written.

use super::error::{Outcomes, Place, TrainError};
use super::plan::{OuterSplit, SplitPlan};
use super::request::TrainRequest;
use crate::examples::Examples;
use crate::reach::NoOutcomeKnown;

/// Checks that the outcome of anybody is known, or that something may stand for it.
///
/// # Errors
/// [`TrainError::NoOutcomeKnown`].
pub(super) fn require_outcomes(request: &TrainRequest<'_>) -> Result<(), TrainError> {
    let data = request.data;
    let is_unknown = !data.enrolments.is_empty() && data.enrolments.iter().all(|row| row.dropout.is_none());
    if is_unknown && request.config.training.proxy.is_none() {
        return Err(TrainError::NoOutcomeKnown(NoOutcomeKnown::of(data, data.enrolment_indices())));
    }
    Ok(())
}

/// Checks that outcomes are known, and that every training set and every part of one that is held out has dropouts and
/// others.
///
/// # Errors
/// [`TrainError::NoOutcomeKnown`], [`TrainError::OneOutcome`] or [`TrainError::OneOutcomeInPart`].
pub(super) fn check(request: &TrainRequest<'_>, plan: &SplitPlan, examples: &Examples) -> Result<(), TrainError> {
    let data = request.data;
    let enrolments = data.enrolment_indices();
    if enrolments.clone().all(|enrolment| examples.training_label(enrolment).is_none()) {
        return Err(TrainError::NoOutcomeKnown(NoOutcomeKnown::of(data, enrolments)));
    }
    plan.splits.iter().try_for_each(|split| check_split(request, plan, split, examples))
}

fn check_split(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    split: &OuterSplit,
    examples: &Examples,
) -> Result<(), TrainError> {
    let week = request.config.training.target;
    let at_target = |positions: &mut dyn Iterator<Item = usize>| {
        let judged = positions.map(|position| split.training[position]);
        let judged = judged.filter(|&enrolment| examples.is_evaluable(enrolment, week.last_week()));
        Outcomes::count(judged.filter_map(|enrolment| examples.label(enrolment)))
    };
    let place = Place::new(split.repeat, split.fold, plan.folds);
    let all = at_target(&mut (0..split.training.len()));
    if !all.are_both() {
        return Err(TrainError::OneOutcome { place, week, outcomes: all });
    }
    for member in &split.members {
        let held_out = at_target(&mut member.held_out.iter().copied());
        let trainable = member.training.iter().map(|&position| split.training[position]);
        let trainable =
            trainable.filter(|&enrolment| examples.week_indices().any(|week| examples.is_trainable(enrolment, week)));
        let trained_on = Outcomes::count(trainable.filter_map(|enrolment| examples.training_label(enrolment)));
        if held_out.are_both() && trained_on.are_both() {
            continue;
        }
        let held_out_is_short = !held_out.are_both();
        return Err(TrainError::OneOutcomeInPart {
            place,
            week,
            all,
            parts: request.config.ensemble.validation_folds,
            part: if held_out_is_short { held_out } else { trained_on },
            held_out: held_out_is_short,
        });
    }
    Ok(())
}
