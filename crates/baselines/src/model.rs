//! Fitted models: one fit per cut-off, and their forecasts for other inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::config::CheckedBaselines;
use crate::cut_off_fits::{CutOffFits, OrderedKind};
use crate::cut_off_model::CutOffModel;
use crate::design;
use crate::error::{FitError, ForecastError};
use crate::kind::BaselineKind;
use crate::tree_fits::{TreeFits, TreeKind};
use crate::weekly::{Forecaster, TrainingData, WeeklyInputs};

/// Holds a fitted model. Read back from JSON, it forecasts the same bits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineModel {
    kind: BaselineKind,
    columns: Vec<String>,
    weeks: u16,
    absent: BTreeMap<CutOff, String>,
    #[serde(rename = "cutoffs")]
    cut_offs: BTreeMap<CutOff, CutOffModel>,
}

/// Lists the weights of a linear model at one cut-off, on standardised inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    /// Intercept.
    pub intercept: f64,
    /// Penalty that was chosen.
    pub penalty: f64,
    /// Name, as in `n_events@week 2`, and weight of each input that the cut-off reads.
    pub weights: Vec<(String, f64)>,
}

impl BaselineKind {
    /// Fits the model at every cut-off where a fit is possible.
    ///
    /// Random draws depend on `training.seed` alone, and nothing depends on the number of threads.
    ///
    /// Held in memory: for linear models a copy of the inputs at the last cut-off, 4 bytes a number, up to a copy more, and for
    /// each penalty 2 bytes for each pair of columns. Trees, forests and boosting hold one byte a number.
    ///
    /// # Errors
    /// [`FitError`], when slices do not fit together, the data lacks a feature that the model
    /// needs, or no cut-off can be fitted.
    pub fn fit(self, config: &CheckedBaselines, training: &TrainingData<'_>) -> Result<BaselineModel, FitError> {
        let weeks = training.check()?;
        self.check_needs(config, training)?;
        let tried: Vec<CutOff> = (1..=weeks).filter_map(CutOff::after_weeks).collect();
        let trees = |kind| TreeFits::fit(kind, config, training, &tried);
        let in_order = |kind| {
            let mut fits = CutOffFits::new(kind, config, training);
            tried.iter().map(|&cut_off| (cut_off, fits.fit(cut_off))).collect()
        };
        let fitted: Vec<(CutOff, Result<CutOffModel, String>)> = match self {
            Self::DaysSinceLast => in_order(OrderedKind::DaysSinceLast),
            Self::Rules => in_order(OrderedKind::Rules),
            Self::Linear => in_order(OrderedKind::Linear),
            Self::Logistic => in_order(OrderedKind::Logistic),
            Self::Tree => trees(TreeKind::Tree),
            Self::Forest => trees(TreeKind::Forest),
            Self::Boosting => trees(TreeKind::Boosting),
            Self::Hazard => in_order(OrderedKind::Hazard),
        };
        let (mut cut_offs, mut absent) = (BTreeMap::new(), BTreeMap::new());
        for (cut_off, fitted) in fitted {
            match fitted {
                Ok(fitted) => drop(cut_offs.insert(cut_off, fitted)),
                Err(reason) => drop(absent.insert(cut_off, reason)),
            }
        }
        if cut_offs.is_empty() {
            return Err(FitError::NothingFitted { kind: self, absent });
        }
        Ok(BaselineModel { kind: self, columns: training.inputs.columns.to_vec(), weeks, absent, cut_offs })
    }

    /// Checks that the data has everything that this baseline needs.
    fn check_needs(self, config: &CheckedBaselines, training: &TrainingData<'_>) -> Result<(), FitError> {
        let inputs = &training.inputs;
        match self {
            Self::DaysSinceLast | Self::Rules if inputs.series("days_since_last").is_none() => {
                Err(FitError::NoSeries { kind: self, name: "days_since_last".to_owned() })
            }
            Self::Boosting => match config.boosting.monotone.keys().find(|&name| !inputs.columns.contains(name)) {
                Some(column) => Err(FitError::NoSuchColumn { column: column.clone() }),
                None => Ok(()),
            },
            Self::Hazard if training.rows.iter().all(|&row| training.exit_week[row].is_none()) => {
                Err(FitError::NoExitWeeks { rows: training.rows.len() })
            }
            _ => Ok(()),
        }
    }
}

impl BaselineModel {
    /// Names the baseline.
    #[must_use]
    pub fn kind(&self) -> BaselineKind {
        self.kind
    }

    /// Names the inputs of the fit.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Returns the number of weeks of the fit; cut-offs after 1 to this many weeks were tried.
    #[must_use]
    pub fn weeks(&self) -> usize {
        usize::from(self.weeks)
    }

    /// Returns the fit of each cut-off that the model forecasts.
    pub(crate) fn cut_offs(&self) -> &BTreeMap<CutOff, CutOffModel> {
        &self.cut_offs
    }

    /// Lists the cut-offs that the model cannot forecast, with the reason.
    #[must_use]
    pub fn absent(&self) -> &BTreeMap<CutOff, String> {
        &self.absent
    }

    /// Returns the weights at a cut-off, for linear regression, logistic regression and hazards; `None` for other models and
    /// at absent cut-offs.
    #[must_use]
    pub fn coefficients(&self, cut_off: CutOff) -> Option<Coefficients> {
        let weights = match self.cut_offs.get(&cut_off)? {
            CutOffModel::Linear(weights) | CutOffModel::Logistic(weights) => weights,
            CutOffModel::Hazard(hazards) => &hazards.weights,
            _ => return None,
        };
        let names = weights.columns.iter().map(|&position| design::position_name(&self.columns, position));
        Some(Coefficients {
            intercept: weights.intercept,
            penalty: weights.penalty,
            weights: names.zip(weights.weights.iter().copied()).collect(),
        })
    }

    /// Computes hazards at a cut-off, by row: the probability of leaving in each coming week of the calendar, given that the
    /// learner has not left before.
    ///
    /// A course that is over has none. The product of 1 - hazard is the survival curve. Weeks beyond the last fitted one have
    /// its week effect.
    ///
    /// # Errors
    /// [`ForecastError`], when the model has no hazards, the cut-off is absent, or the inputs differ from those of the fit.
    pub fn hazards(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Result<Vec<Vec<f32>>, ForecastError> {
        self.check_inputs(inputs)?;
        let no_hazards = |reason: String| Err(ForecastError::NoHazards { cut_off, reason });
        if cut_off.count() > inputs.weeks {
            return no_hazards(format!("the inputs have {} weeks", inputs.weeks));
        }
        match self.cut_offs.get(&cut_off) {
            Some(CutOffModel::Hazard(hazards)) => Ok(hazards.by_week(inputs, cut_off)),
            Some(_) => no_hazards(format!("the baseline {} has none", self.kind)),
            None => no_hazards(
                self.absent.get(&cut_off).cloned().unwrap_or_else(|| "the model was not fitted there".to_owned()),
            ),
        }
    }

    /// Checks that the inputs have the columns of the fit and not more weeks.
    pub(crate) fn check_inputs(&self, inputs: &WeeklyInputs<'_>) -> Result<(), ForecastError> {
        inputs.check()?;
        if inputs.weeks > self.weeks() {
            return Err(ForecastError::TooManyWeeks { found: inputs.weeks, fitted: self.weeks() });
        }
        let longer = self.columns.len().max(inputs.columns.len());
        match (0..longer).find(|&at| self.columns.get(at) != inputs.columns.get(at)) {
            None => Ok(()),
            Some(position) => {
                let at = |columns: &[String]| columns.get(position).cloned().unwrap_or_default();
                Err(ForecastError::OtherColumns { position, found: at(inputs.columns), wanted: at(&self.columns) })
            }
        }
    }
}

impl Forecaster for BaselineModel {
    fn forecast(&self, inputs: &WeeklyInputs<'_>) -> Result<Vec<f32>, ForecastError> {
        self.check_inputs(inputs)?;
        let mut all = vec![f32::NAN; inputs.rows * inputs.weeks];
        for (&cut_off, fitted) in self.cut_offs.iter().take_while(|(cut_off, _)| cut_off.count() <= inputs.weeks) {
            for (row, logit) in fitted.logits(inputs, cut_off)?.into_iter().enumerate() {
                all[row * inputs.weeks + cut_off.last_week().position()] = logit as f32;
            }
        }
        Ok(all)
    }
}
