//! The record of how a run's model was chosen.

use serde::{Deserialize, Serialize};
use staycast_evaluation::splits::Grouping;
use staycast_sequences::CutOff;

use crate::model_kind::{ModelKind, SingleModel};

/// Records which model a run forecasts with, and how the others did on rows that none of them was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChoice {
    /// The model that was chosen: one of the candidates, or a blend of all of them.
    pub chosen: ModelKind,
    /// The unit that was held out.
    pub held_out_by: Grouping,
    /// Courses of the training set.
    pub courses: u64,
    /// The cut-off at which they were compared.
    pub week: CutOff,
    /// Held-out rows that they were compared on: evaluable, with a known outcome.
    pub rows: u64,
    /// Whether weights and calibrations were fitted on other rows than those that they were judged by; false where rows were too
    /// few for that.
    pub fitted_apart: bool,
    /// The blend of all candidates.
    pub blend: HeldOutFigures,
    /// The candidates, in the order of their kinds.
    pub candidates: Vec<Candidate>,
    /// Models that were not trained, as the training set is too small for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_tried: Vec<NotTried>,
}

/// Holds how well held-out rows were forecast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutFigures {
    /// AUC.
    pub auc: f64,
    /// Mean log loss of calibrated probabilities, in nats.
    pub log_loss: f64,
}

/// Records a model that took part in a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The model.
    pub model: SingleModel,
    /// Its own forecasts of held-out rows.
    pub alone: HeldOutFigures,
    /// AUC of the chosen model less its own; 0 for the chosen one itself.
    pub gain: f64,
    /// Standard error of that difference (DeLong, `DeLong` & Clarke-Pearson 1988); 0 for the chosen one.
    pub error: f64,
}

/// Records a model that was not trained, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotTried {
    /// The model.
    pub model: SingleModel,
    /// The lack.
    pub reason: String,
}

/// Returns the model of a run that chose so in each of its splits: the one chosen everywhere, or a blend where they differ;
/// `None` where nothing was chosen.
pub(crate) fn chosen(choices: &[ModelChoice]) -> Option<ModelKind> {
    let first = choices.first()?.chosen;
    Some(if choices.iter().all(|choice| choice.chosen == first) { first } else { ModelKind::Blend })
}

impl ModelChoice {
    /// Returns the candidate whose forecasts differ from the chosen model's by no more than chance, if it is `model`.
    #[must_use]
    pub fn as_good(&self, model: SingleModel) -> Option<&Candidate> {
        /// Bounds differences of an AUC that chance explains, in standard errors.
        const WITHIN_CHANCE: f64 = 1.96;
        let found = self.candidates.iter().find(|candidate| candidate.model == model)?;
        (self.chosen != model.into() && found.gain <= WITHIN_CHANCE * found.error).then_some(found)
    }

    /// Lists the models that a run with this choice consists of, in the order of their kinds.
    pub(crate) fn parts(&self) -> Vec<SingleModel> {
        match self.chosen.single() {
            Some(single) => vec![single],
            None => self.candidates.iter().map(|candidate| candidate.model).collect(),
        }
    }

    /// Checks a choice that was read from a file.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let figures = self.candidates.iter().map(|candidate| candidate.alone).chain([self.blend]);
        let sound = |figures: HeldOutFigures| (0.0..=1.0).contains(&figures.auc) && figures.log_loss >= 0.0;
        let differences = |candidate: &Candidate| candidate.gain.abs() <= 1.0 && (0.0..=1.0).contains(&candidate.error);
        if !figures.into_iter().all(sound) || !self.candidates.iter().all(differences) {
            return Err("the figures of its choice of a model are none that forecasts can have".to_owned());
        }
        let models: Vec<SingleModel> = self.candidates.iter().map(|candidate| candidate.model).collect();
        if models.is_empty() || !models.is_sorted_by(|a, b| a < b) {
            return Err("its choice of a model is not among models, each once and in order".to_owned());
        }
        let known = match self.chosen {
            ModelKind::Blend => models.len() >= 2,
            ModelKind::Auto => false,
            chosen => chosen.single().is_some_and(|single| models.contains(&single)),
        };
        if known { Ok(()) } else { Err(format!("its model `{}` is none of those that it chose from", self.chosen)) }
    }
}
