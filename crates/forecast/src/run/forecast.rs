//! What a run's models say about any data that has their features.

use burn::tensor::{Device, Tensor, TensorData};
use staycast_baselines::{BaselineKind, ForecastError, Forecaster, WeeklyInputs};
use staycast_sequences::{CutOff, Dataset};

use super::{Model, Run, RunError};
use crate::device::ChosenDevice;
use crate::host::HostWeekly;
use crate::model::{ModelKind, SingleModel};
use crate::network::Network;
use crate::survival;
use crate::train::{MemberModel, member};

/// Enrolments whose inputs are in memory at a time: 2,048 of 40 weeks and 100 inputs take 33 MB.
const CHUNK: usize = 2048;

/// The ensemble's mean logits, or the blend's, at every week that the run looks at; NaN where it can't forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    weeks: usize,
    logits: Vec<f64>,
}

impl Forecasts {
    /// Weeks that were forecast: of the run's, those that the data has.
    #[must_use]
    pub fn weeks(&self) -> usize {
        self.weeks
    }

    /// Mean logit of row `row` after `cutoff_week` weeks.
    ///
    /// # Panics
    /// When there is no such row, or `cutoff_week` is 0 or above [`Forecasts::weeks`].
    #[must_use]
    pub fn logit(&self, row: usize, cutoff_week: u32) -> f64 {
        let week = cutoff_week as usize;
        assert!((1..=self.weeks).contains(&week), "week {week} of {}", self.weeks);
        self.logits[row * self.weeks + week - 1]
    }
}

/// The networks of an ensemble on a device, as one forecaster like any other: the inputs are brought there once.
struct OnDevice {
    networks: Vec<Network>,
    device: Device,
}

impl Forecaster for OnDevice {
    fn forecast(&self, inputs: &WeeklyInputs<'_>) -> Result<Vec<f32>, ForecastError> {
        let shape = [inputs.rows, inputs.weeks, inputs.columns.len()];
        let x = Tensor::<3>::from_data(TensorData::new(inputs.values.to_vec(), shape), &self.device);
        let logits = self.networks.iter().map(|network| member::forecast_all(network, x.clone()));
        Ok(mean(logits).into_iter().map(|logit| logit as f32).collect())
    }
}

impl Run {
    /// Forecasts `enrolments` of `data` at every week at once; networks on the device, without autodiff.
    ///
    /// # Errors
    /// When the run is a cross-validation, or the data lacks what it reads, naming it.
    pub fn forecast(&self, data: &Dataset, enrolments: &[usize], device: &ChosenDevice) -> Result<Forecasts, RunError> {
        let model = self.model()?;
        let weeks = usize::from(self.manifest.weeks).min(data.weeks).max(1);
        let parts: Vec<Vec<Box<dyn Forecaster>>> =
            model.parts.values().map(|members| self.forecasters(members, model, device)).collect();
        let with_raw = model.parts.keys().any(|kind| matches!(kind, SingleModel::Baseline(_)));
        let mut logits = Vec::with_capacity(enrolments.len() * weeks);
        for chunk in enrolments.chunks(CHUNK) {
            let host = HostWeekly::new(data, &model.inputs, chunk, weeks, with_raw)?;
            let mut of_parts = parts
                .iter()
                .map(|members| mean_of(members, &host))
                .collect::<Result<Vec<Vec<f64>>, ForecastError>>()?;
            logits.append(&mut match &model.blend {
                None => of_parts.swap_remove(0),
                Some(blend) => {
                    let singles: Vec<Vec<f32>> =
                        of_parts.iter().map(|part| part.iter().map(|&logit| logit as f32).collect()).collect();
                    blend.apply(&singles, weeks).into_iter().map(f64::from).collect()
                }
            });
        }
        Ok(Forecasts { weeks, logits })
    }

    /// The run's networks as one ONNX model: input `x [batch, weeks, inputs]`, scaled as `scaler.json` says; output `outputs
    /// [batch, weeks, 1]`, the mean logit at the end of each week, to which `calibration.json` belongs.
    ///
    /// # Errors
    /// When the run is a cross-validation, or forecasts with something else than networks.
    pub fn onnx(&self) -> Result<Vec<u8>, RunError> {
        let model = self.model()?;
        let kind = self.manifest.model;
        let networks = model.parts.get(&SingleModel::Lstm).filter(|_| kind == ModelKind::Lstm);
        let networks = networks.ok_or(RunError::NoNetwork(kind))?;
        let device = Device::flex();
        let networks: Vec<Network> = networks
            .iter()
            .filter_map(|member| match member {
                MemberModel::Network(parameters) => {
                    let network = Network::new(&self.config.network, model.inputs.width(), 0, &device);
                    Some(network.with_parameters(parameters.clone()))
                }
                MemberModel::Baseline(_) => None,
            })
            .collect();
        let members: Vec<_> = networks.iter().map(|network| (network.lstm(), network.head())).collect();
        Ok(staycast_lstm::onnx::export_ensemble(&members).expect("the networks have no layer normalisation"))
    }

    /// By enrolment of `data`, the predicted chance of not having left by 1, 2, … weeks after the cut-off, for those of
    /// `enrolments`; empty for the others, and altogether for models that don't say when.
    pub(super) fn survival_curves(
        &self,
        data: &Dataset,
        enrolments: &[usize],
        cutoff_week: u16,
        device: &ChosenDevice,
    ) -> Result<Vec<Vec<f64>>, RunError> {
        let Some(cut_off) = CutOff::after_weeks(cutoff_week) else { return Ok(Vec::new()) };
        let model = self.model()?;
        let weeks = usize::from(self.manifest.weeks).min(data.weeks).max(1);
        let mut curves = vec![Vec::new(); data.enrolments.len()];
        let hazards = model.parts.get(&SingleModel::Baseline(BaselineKind::Hazard));
        let Some(members) = hazards.filter(|_| model.blend.is_none()) else {
            let Some(by_forecast) = &model.survival else { return Ok(Vec::new()) };
            let forecasts = self.forecast(data, enrolments, device)?;
            let logits = forecasts.logits.iter().map(|&logit| logit as f32);
            let found = survival::curves(by_forecast, data, enrolments, logits, weeks, cut_off);
            let Some(found) = where_fitted(found)? else { return Ok(Vec::new()) };
            for (&enrolment, curve) in enrolments.iter().zip(found) {
                curves[enrolment] = curve;
            }
            return Ok(curves);
        };
        for chunk in enrolments.chunks(CHUNK) {
            let host = HostWeekly::new(data, &model.inputs, chunk, weeks, true)?;
            for member in members {
                let MemberModel::Baseline(member) = member else { continue };
                let hazards = host.lend(|inputs| member.hazards(inputs, cut_off));
                let Some(hazards) = where_fitted(hazards)? else { return Ok(Vec::new()) };
                for (&enrolment, hazards) in chunk.iter().zip(hazards) {
                    let curve: &mut Vec<f64> = &mut curves[enrolment];
                    curve.resize(hazards.len(), 0.0);
                    for (mean, survival) in curve.iter_mut().zip(survival::survival(&hazards)) {
                        *mean += survival / members.len() as f64;
                    }
                }
            }
        }
        // Sums of members may be a rounding error above 1.
        curves.iter_mut().flatten().for_each(|survival| *survival = survival.clamp(0.0, 1.0));
        Ok(curves)
    }

    /// What forecasts for `members`: networks together, others each by itself.
    fn forecasters(&self, members: &[MemberModel], model: &Model, device: &ChosenDevice) -> Vec<Box<dyn Forecaster>> {
        let device = device.device();
        let mut networks = Vec::new();
        let mut forecasters: Vec<Box<dyn Forecaster>> = Vec::new();
        for member in members {
            match member {
                MemberModel::Baseline(model) => forecasters.push(Box::new(model.clone())),
                MemberModel::Network(parameters) => {
                    let network = Network::new(&self.config.network, model.inputs.width(), 0, device);
                    networks.push(network.with_parameters(parameters.clone()));
                }
            }
        }
        if !networks.is_empty() {
            forecasters.push(Box::new(OnDevice { networks, device: device.clone() }));
        }
        forecasters
    }
}

/// Hazards or what is made of them; none of a week that too few had left to fit, which has no figures in the report either.
fn where_fitted<T>(found: Result<T, ForecastError>) -> Result<Option<T>, ForecastError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(ForecastError::NoHazards { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Mean logits over forecasters of the same standing.
fn mean_of(forecasters: &[Box<dyn Forecaster>], host: &HostWeekly) -> Result<Vec<f64>, ForecastError> {
    let logits = forecasters.iter().map(|forecaster| host.lend(|inputs| forecaster.forecast(inputs)));
    Ok(mean(logits.collect::<Result<Vec<_>, _>>()?.into_iter()))
}

/// Means over models, row by row.
fn mean(models: impl ExactSizeIterator<Item = Vec<f32>>) -> Vec<f64> {
    let count = models.len() as f64;
    let mut sums = Vec::new();
    for logits in models {
        sums.resize(logits.len(), 0.0_f64);
        sums.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += f64::from(logit));
    }
    sums.into_iter().map(|sum| sum / count).collect()
}
