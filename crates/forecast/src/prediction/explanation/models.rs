//! The models of a run as an explanation asks them: one cut-off at a time, with inputs replaced.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use staycast_baselines::{BaselineModel, ForecastError, WeeklyInputs};
use staycast_evaluation::calibration::Calibration;
use staycast_sequences::CutOff;

use super::gradients::{self, Rows};
use crate::artifact::{Run, RunModel};
use crate::device::ChosenDevice;
use crate::model_kind::SingleModel;
use crate::models::inference::PlacedNetwork;
use crate::models::network::Network;
use crate::models::trained::MemberModel;
use crate::prediction::error::PredictionError;

/// Holds the models of a run on a device.
pub(super) struct Models<'a> {
    model: &'a RunModel,
    parts: Vec<(SingleModel, Vec<Member>)>,
    device: Device,
}

enum Member {
    Network {
        placed: Box<PlacedNetwork>,
        /// The same for gradients.
        tracked: Box<Network>,
    },
    Baseline(Arc<BaselineModel>),
}

/// Says how a run's forecasts at one cut-off are made of its models', in log odds: Σ weight × logit + intercept.
pub(super) struct Mixture {
    cut_off: CutOff,
    /// By part.
    weights: Vec<f64>,
    calibration: Calibration,
    /// Log odds of the probability for each unit of the mixed logit; `None` where the calibration is no line.
    slope: Option<f64>,
}

impl Mixture {
    /// Returns the calibrated probability.
    pub(super) fn probability(&self, logit: f64) -> f64 {
        self.calibration.apply(logit)
    }

    /// Returns how far log odds of the probability move with the mixed logit; 1 where the calibration is no line.
    pub(super) fn slope(&self) -> f64 {
        self.slope.unwrap_or(1.0)
    }
}

impl<'a> Models<'a> {
    /// Puts the models on a device.
    ///
    /// # Errors
    /// When one of them reads no inputs, so that nothing can be said of these.
    pub(super) fn new(run: &Run, model: &'a RunModel, device: &ChosenDevice) -> Result<Self, ForecastError> {
        for &part in model.parts.keys() {
            match part {
                SingleModel::Baseline(kind) if !kind.reads_inputs() => {
                    return Err(ForecastError::NoContributions { kind });
                }
                SingleModel::Baseline(_) | SingleModel::Lstm => {}
            }
        }
        let device = device.device();
        let member = |member: &MemberModel| match member {
            MemberModel::Baseline(baseline) => Member::Baseline(Arc::clone(baseline)),
            MemberModel::Network(parameters) => {
                let network = |device: &Device| {
                    let network = Network::new(&run.config().network, model.inputs.width(), 0, device);
                    network.with_parameters(parameters.clone())
                };
                Member::Network {
                    placed: Box::new(PlacedNetwork::new(network(device))),
                    tracked: Box::new(network(&device.clone().autodiff())),
                }
            }
        };
        let parts = model.parts.iter().map(|(&kind, members)| (kind, members.iter().map(member).collect())).collect();
        Ok(Self { model, parts, device: device.clone() })
    }

    /// Returns how forecasts after `cut_off` are made, or why there are none.
    pub(super) fn mixture(&self, cut_off: CutOff) -> Result<Mixture, PredictionError> {
        let fit = self.model.fits.weeks.get(&cut_off);
        let weights = match &self.model.blend {
            None => Some(vec![1.0]),
            Some(blend) => {
                blend.weights.get(&cut_off).map(|blend| blend.weights().iter().map(|part| part.weight).collect())
            }
        };
        let (Some(fit), Some(weights)) = (fit, weights) else {
            let weeks = self.model.fits.weeks.keys().copied().collect();
            return Err(PredictionError::WeekNotForecast {
                week: cut_off,
                reason: "it was not fitted".to_owned(),
                weeks,
            });
        };
        let calibration = fit.calibration.clone();
        let slope = match calibration {
            Calibration::Platt { slope, .. } => Some(slope),
            Calibration::Logistic {} => Some(1.0),
            Calibration::Identity {} | Calibration::Isotonic(_) => None,
        };
        Ok(Mixture { cut_off, weights, calibration, slope })
    }

    /// Returns the mixed logit of every row after the cut-off. `inputs` has the weeks seen.
    pub(super) fn logits(&self, mixture: &Mixture, inputs: &WeeklyInputs<'_>) -> Result<Vec<f64>, PredictionError> {
        let mut of_parts = Vec::with_capacity(self.parts.len());
        for (kind, members) in &self.parts {
            let mut sum = vec![0.0; inputs.rows];
            for member in members {
                let logits = self.of_member(member, mixture, inputs)?;
                sum.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += logit / members.len() as f64);
            }
            if !sum.iter().all(|logit| logit.is_finite()) {
                return Err(PredictionError::NotFinite { model: *kind });
            }
            of_parts.push(sum);
        }
        let Some(blend) = &self.model.blend else { return Ok(of_parts.swap_remove(0)) };
        let columns: Vec<Vec<f32>> =
            of_parts.iter().map(|part| part.iter().map(|&logit| logit as f32).collect()).collect();
        let columns: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
        let mixed = blend.weights[&mixture.cut_off].apply(&columns).expect("finite logits of every part");
        Ok(mixed.into_iter().map(f64::from).collect())
    }

    fn of_member(
        &self,
        member: &Member,
        mixture: &Mixture,
        inputs: &WeeklyInputs<'_>,
    ) -> Result<Vec<f64>, ForecastError> {
        match member {
            Member::Baseline(model) => model.logits_at(inputs, mixture.cut_off),
            Member::Network { placed, .. } => Ok(self.of_network(placed, inputs)),
        }
    }

    fn of_network(&self, placed: &PlacedNetwork, inputs: &WeeklyInputs<'_>) -> Vec<f64> {
        let shape = [inputs.rows, inputs.weeks, inputs.columns.len()];
        let x = Tensor::<3>::from_data(TensorData::new(inputs.values.to_vec(), shape), &self.device);
        placed.forecast_all(&x).chunks_exact(inputs.weeks).map(|logits| f64::from(logits[inputs.weeks - 1])).collect()
    }

    /// Computes what each input adds to the mixed logit, `[row][week][column]`. `inputs` has the weeks seen.
    pub(super) fn contributions(
        &self,
        mixture: &Mixture,
        inputs: &WeeklyInputs<'_>,
        reference: &[f32],
    ) -> Result<Vec<f64>, ForecastError> {
        let mut added = vec![0.0; inputs.values.len()];
        let one_row = WeeklyInputs { rows: 1, values: reference, raw: &[], course_weeks: &[0], ..*inputs };
        for ((_, members), &weight) in self.parts.iter().zip(&mixture.weights) {
            if weight == 0.0 {
                continue;
            }
            let weight = weight / members.len() as f64;
            for member in members {
                match member {
                    Member::Baseline(model) => {
                        let found = model.contributions(inputs, reference, mixture.cut_off)?;
                        added
                            .iter_mut()
                            .zip(found.values)
                            .for_each(|(added, value)| *added += weight * f64::from(value));
                    }
                    Member::Network { placed, tracked } => {
                        let base = self.of_network(placed, &one_row)[0];
                        let wanted: Vec<f64> =
                            self.of_network(placed, inputs).into_iter().map(|logit| logit - base).collect();
                        let rows = Rows { values: inputs.values, reference, weeks: inputs.weeks };
                        let share = gradients::Share { weight, of_log_odds: (mixture.slope() * weight).abs() };
                        gradients::add(tracked, &self.device, rows, &wanted, share, &mut added);
                    }
                }
            }
        }
        Ok(added)
    }
}
