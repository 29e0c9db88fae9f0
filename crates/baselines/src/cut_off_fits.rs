//! One model fitted cut-off after cut-off, with what later cut-offs take from earlier ones.

use staycast_weeks::CutOff;

use crate::config::{CheckedBaselines, Penalties};
use crate::cut_off_data::{CutOffRows, HeldOutUse, LearntRows};
use crate::cut_off_model::CutOffModel;
use crate::hazard::{self, Hazards};
use crate::linear::{self, Weights, mean_squared_error};
use crate::newton::log_loss;
use crate::pooled::Outcomes;
use crate::simple::{Inactivity, WarningPoints};
use crate::weekly::TrainingData;
use crate::wide::{WideFits, is_small};

/// Names a model that is fitted at one cut-off after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderedKind {
    DaysSinceLast,
    Rules,
    Linear,
    Logistic,
    Hazard,
}

/// Fits one model at one cut-off after the other.
///
/// Linear models with many columns are solved by conjugate gradients. Where these do not converge, Newton steps on all second
/// derivatives find the same minimum, more slowly.
pub(crate) struct CutOffFits<'a> {
    kind: OrderedKind,
    config: &'a CheckedBaselines,
    training: &'a TrainingData<'a>,
    wide: WideFits,
}

impl<'a> CutOffFits<'a> {
    /// Begins without any fit.
    pub(crate) fn new(kind: OrderedKind, config: &'a CheckedBaselines, training: &'a TrainingData<'a>) -> Self {
        let wide = match kind {
            OrderedKind::Linear => WideFits::new(&config.linear, 0.0),
            OrderedKind::Hazard => WideFits::new(&config.hazard, config.hazard_baseline),
            _ => WideFits::new(&config.logistic, 0.0),
        };
        Self { kind, config, training, wide }
    }

    /// Fits one cut-off; later cut-offs come after earlier ones.
    ///
    /// # Errors
    /// The reason why the cut-off is absent.
    pub(crate) fn fit(&mut self, cut_off: CutOff) -> Result<CutOffModel, String> {
        let (config, training) = (self.config, self.training);
        let learnt = || LearntRows::new(training, cut_off);
        match self.kind {
            OrderedKind::DaysSinceLast => {
                let LearntRows { rows, labels } = learnt()?;
                Inactivity::fit(&training.inputs, &rows, &labels, cut_off).map(CutOffModel::DaysSinceLast)
            }
            OrderedKind::Rules => {
                let LearntRows { rows, labels } = learnt()?;
                WarningPoints::fit(&training.inputs, &config.rules, &rows, &labels, cut_off).map(CutOffModel::Rules)
            }
            OrderedKind::Linear => self.linear(cut_off, learnt()?).map(CutOffModel::Linear),
            OrderedKind::Logistic => self.logistic(cut_off, learnt()?).map(CutOffModel::Logistic),
            OrderedKind::Hazard => self.hazards(cut_off).map(CutOffModel::Hazard),
        }
    }

    /// Fits ridge regression on targets 0 and 1. The penalty with the least squared error on held-out rows is chosen.
    fn linear(&mut self, cut_off: CutOff, learnt: LearntRows) -> Result<Weights, String> {
        let penalties = &self.config.linear;
        let rows = CutOffRows::new(self.training, cut_off, learnt, choice(penalties))?;
        if !is_small(rows.rows.len(), rows.columns.len()) {
            let loss = |scores: &[f64], _: &[f64]| mean_squared_error(scores, &rows.held_out_labels);
            if let Ok(fit) = self.wide.fit(self.training, &rows, Outcomes::Squares(&rows.labels), 0, &loss) {
                return Ok(fit.weights);
            }
        }
        linear::ridge(&rows.copy(self.training, cut_off).fit_data(), penalties)
    }

    /// Fits logistic regression. The penalty with the least log loss on held-out rows is chosen.
    fn logistic(&mut self, cut_off: CutOff, learnt: LearntRows) -> Result<Weights, String> {
        let penalties = &self.config.logistic;
        let rows = CutOffRows::new(self.training, cut_off, learnt, choice(penalties))?;
        if !is_small(rows.rows.len(), rows.columns.len()) {
            let loss = |scores: &[f64], _: &[f64]| log_loss(scores, &rows.held_out_labels);
            if let Ok(fit) = self.wide.fit(self.training, &rows, Outcomes::Labels(&rows.labels), 0, &loss) {
                return Ok(fit.weights);
            }
        }
        linear::logistic(&rows.copy(self.training, cut_off).fit_data(), penalties)
    }

    /// Fits hazards. The penalty with the least log loss of dropout on held-out rows is chosen.
    fn hazards(&mut self, cut_off: CutOff) -> Result<Hazards, String> {
        let penalties = &self.config.hazard;
        let (learnt, spells) = LearntRows::with_spells(self.training, cut_off)?;
        let rows = CutOffRows::new(self.training, cut_off, learnt, choice(penalties))?;
        let ahead = rows.held_out_weeks_ahead(self.training, cut_off);
        if !is_small(rows.rows.len(), rows.columns.len()) {
            let weeks = spells.iter().map(|spell| spell.weeks).max().unwrap_or(0);
            let loss =
                |scores: &[f64], effects: &[f64]| hazard::dropout_loss(scores, effects, &ahead, &rows.held_out_labels);
            if let Ok(fit) = self.wide.fit(self.training, &rows, Outcomes::Spells(&spells), weeks, &loss) {
                return Ok(Hazards { weights: fit.weights, weeks: fit.effects });
            }
        }
        let data = rows.copy(self.training, cut_off);
        hazard::fit(&data.fit_data(), &spells, &ahead, penalties, self.config.hazard_baseline)
    }
}

/// Tells what held-out rows are read for: several penalties are chosen from.
fn choice(penalties: &Penalties) -> HeldOutUse {
    if penalties.are_several() { HeldOutUse::ChoosePenalty } else { HeldOutUse::None }
}
