//! The choice of a run's model, described in sentences.

use std::collections::BTreeMap;

use staycast_baselines::BaselineKind;
use staycast_evaluation::splits::Grouping;
use staycast_forecast::{Candidate, ModelChoice, ModelKind, SingleModel};

use crate::display::pluralise;

/// The model that needs the least explaining: where it is as good, a reader should know.
const SIMPLEST: SingleModel = SingleModel::Baseline(BaselineKind::Logistic);

/// Describes which model a run forecasts with, and by how much it was better: a clause each. Of a cross-validation, how often
/// each model was chosen.
pub(crate) fn describe(choices: &[ModelChoice]) -> Vec<String> {
    let mut clauses = statements(choices);
    if let [choice] = choices
        && choice.as_good(SIMPLEST).is_some()
    {
        clauses.push("--model logistic trains logistic regression alone".to_owned());
    }
    clauses
}

/// States the same without naming a flag.
fn statements(choices: &[ModelChoice]) -> Vec<String> {
    match choices {
        [] => Vec::new(),
        [choice] => clauses(choice),
        _ => {
            let mut counts: BTreeMap<ModelKind, u64> = BTreeMap::new();
            choices.iter().for_each(|choice| *counts.entry(choice.chosen).or_default() += 1);
            let each: Vec<String> =
                counts.iter().map(|(model, count)| format!("{model} {}", pluralise(*count, "time"))).collect();
            vec![format!("anew in each fold: {}", each.join(", "))]
        }
    }
}

/// Describes the choice in whole sentences, for a report.
pub(crate) fn in_sentences(choices: &[ModelChoice]) -> Vec<String> {
    let clauses = statements(choices);
    if clauses.is_empty() { Vec::new() } else { vec![format!("Model chosen: {}.", clauses.join("; "))] }
}

fn clauses(choice: &ModelChoice) -> Vec<String> {
    let mut clauses = vec![chosen(choice)];
    if choice.as_good(SIMPLEST).is_some() {
        clauses.push("logistic regression alone is as good within chance".to_owned());
    }
    clauses.extend(choice.not_tried.iter().map(|left| format!("{} was not tried: {}", left.model, left.reason)));
    clauses
}

/// Says what was chosen, on what, and what the others reached.
fn chosen(choice: &ModelChoice) -> String {
    if let [only] = choice.candidates.as_slice() {
        return format!("{}, as the training set is too small for others", only.model);
    }
    let what = match choice.chosen {
        ModelKind::Blend => format!("a blend of {}", names(choice.candidates.iter())),
        single => format!("{single} alone"),
    };
    let auc = choice
        .candidates
        .iter()
        .find(|candidate| choice.chosen == candidate.model.into())
        .map_or(choice.blend.auc, |candidate| candidate.alone.auc);
    let others = choice.candidates.iter().filter(|candidate| choice.chosen != candidate.model.into());
    let mut others: Vec<String> = others
        .map(|other| {
            format!("{} {:.3} ({:+.3} ± {:.3})", other.model, other.alone.auc, -other.gain, 1.96 * other.error)
        })
        .collect();
    if choice.chosen != ModelKind::Blend {
        others.push(format!("a blend of all {:.3}", choice.blend.auc));
    }
    let rows = pluralise(choice.rows, "enrolment");
    let held_out = match choice.held_out_by {
        Grouping::Course => format!("{rows} of courses held out"),
        Grouping::Institution => format!("{rows} of institutions held out"),
        Grouping::Learner | Grouping::Enrolment => format!("{rows} held out"),
    };
    let apart = if choice.fitted_apart { "" } else { ", too few to fit on some and judge by others" };
    format!("{what}: AUC {auc:.3} at week {} on {held_out}{apart}; the others: {}", choice.week, others.join(", "))
}

fn names<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> String {
    candidates.map(|candidate| candidate.model.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use staycast_forecast::{HeldOutFigures, NotTried};
    use staycast_sequences::CutOff;

    use super::*;

    fn figures(auc: f64) -> HeldOutFigures {
        HeldOutFigures { auc, log_loss: 0.5 }
    }

    fn choice(chosen: ModelKind, gain_over_logistic: f64) -> ModelChoice {
        let candidate = |model, auc, gain, error| Candidate { model, alone: figures(auc), gain, error };
        ModelChoice {
            chosen,
            held_out_by: Grouping::Course,
            courses: 7,
            week: CutOff::after_weeks(4).expect("a cut-off"),
            rows: 2500,
            fitted_apart: true,
            blend: figures(0.85),
            candidates: vec![
                candidate(SingleModel::Lstm, 0.84, 0.01, 0.002),
                candidate(SIMPLEST, 0.85 - gain_over_logistic, gain_over_logistic, 0.002),
            ],
            not_tried: vec![NotTried {
                model: SingleModel::Baseline(BaselineKind::Boosting),
                reason: "it takes more".to_owned(),
            }],
        }
    }

    #[test]
    fn a_choice_is_said_in_a_sentence_with_what_the_others_reached() {
        let better = describe(&[choice(ModelKind::Blend, 0.01)]);
        assert_eq!(
            better,
            [
                "a blend of lstm, logistic: AUC 0.850 at week 4 on 2,500 enrolments of courses held out; the others: lstm 0.840 \
                 (-0.010 ± 0.004), logistic 0.840 (-0.010 ± 0.004)",
                "boosting was not tried: it takes more",
            ]
        );
        let sentences = in_sentences(&[choice(ModelKind::Blend, 0.01)]);
        assert!(
            sentences.len() == 1 && sentences[0].starts_with("Model chosen: a blend of") && sentences[0].ends_with('.')
        );
    }

    #[test]
    fn where_logistic_regression_is_as_good_that_is_said() {
        let as_good =
            |choice: ModelChoice| describe(&[choice]).iter().any(|clause| clause.contains("as good within chance"));
        assert!(as_good(choice(ModelKind::Blend, 0.003)));
        assert!(!as_good(choice(ModelKind::Blend, 0.005)));
        assert!(!as_good(choice(SIMPLEST.into(), 0.0)), "it is the one chosen");
    }

    #[test]
    fn one_model_alone_and_many_folds_are_said_in_short() {
        let mut only = choice(ModelKind::Lstm, 0.0);
        only.candidates.truncate(1);
        assert_eq!(describe(&[only])[0], "lstm, as the training set is too small for others");
        let folds = [choice(ModelKind::Blend, 0.0), choice(ModelKind::Lstm, 0.0), choice(ModelKind::Blend, 0.0)];
        assert_eq!(describe(&folds), ["anew in each fold: lstm 1 time, blend 2 times"]);
        assert!(in_sentences(&[]).is_empty());
    }
}
