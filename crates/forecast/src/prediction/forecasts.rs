//! Forecasts of a run for any data that has its features.

use burn::tensor::{Device, Tensor, TensorData};
use staycast_baselines::{ForecastError, Forecaster, WeeklyInputs};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex};

use super::error::PredictionError;
use crate::artifact::{Run, RunModel};
use crate::device::ChosenDevice;
use crate::model_kind::SingleModel;
use crate::models::enrolment_inputs::{EnrolmentInputs, RawFeatures};
use crate::models::inference::PlacedNetwork;
use crate::models::network::Network;
use crate::models::trained::MemberModel;

/// Bounds the enrolments whose inputs are in memory at a time: 2,048 of 40 weeks and 100 inputs take 33 MB.
pub(super) const CHUNK: usize = 2048;

/// Returns the last cut-off that is forecast: the run's, or the data's where that has fewer weeks.
pub(super) fn last_cut_off(run: &Run, data: &Dataset) -> CutOff {
    let weeks = usize::from(run.manifest().weeks).min(data.weeks).max(1);
    CutOff::after_weeks(weeks).expect("one week or more, as few as a run can have")
}

/// Holds the ensemble's mean logits, or the blend's, at every week of the run's sequences; NaN where it can't forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    last: CutOff,
    logits: Vec<f64>,
}

impl Forecasts {
    /// Forecasts `enrolments` of `data` at every week at once; networks on the device, without autodiff.
    ///
    /// # Errors
    /// When the run is a cross-validation, or the data lacks what it reads, naming it.
    pub fn compute(
        run: &Run,
        data: &Dataset,
        enrolments: &[EnrolmentIndex],
        device: &ChosenDevice,
    ) -> Result<Self, PredictionError> {
        let model = run.model()?;
        let last = last_cut_off(run, data);
        let weeks = last.count();
        let parts: Vec<Vec<Box<dyn Forecaster>>> =
            model.parts.values().map(|members| forecasters(run, model, members, device)).collect();
        let has_baselines = model.parts.keys().any(|kind| matches!(kind, SingleModel::Baseline(_)));
        let raw = if has_baselines { RawFeatures::Included } else { RawFeatures::LeftOut };
        let mut logits = Vec::with_capacity(enrolments.len() * weeks);
        for chunk in enrolments.chunks(CHUNK) {
            let inputs = EnrolmentInputs::new(data, &model.inputs, chunk, weeks, raw)?;
            let mut of_parts = parts
                .iter()
                .map(|members| mean_of(members, &inputs))
                .collect::<Result<Vec<Vec<f64>>, ForecastError>>()?;
            for (&kind, logits) in model.parts.keys().zip(&of_parts) {
                // A network has a forecast for every week; others have none where they were not fitted.
                let sound = |logit: &f64| logit.is_finite() || (logit.is_nan() && kind != SingleModel::Lstm);
                if !logits.iter().all(sound) {
                    return Err(PredictionError::NotFinite { model: kind });
                }
            }
            logits.append(&mut match &model.blend {
                None => of_parts.swap_remove(0),
                Some(blend) => {
                    let singles: Vec<Vec<f32>> =
                        of_parts.iter().map(|part| part.iter().map(|&logit| logit as f32).collect()).collect();
                    blend.apply(&singles, weeks).into_iter().map(f64::from).collect()
                }
            });
        }
        Ok(Self { last, logits })
    }

    /// Returns the last cut-off that was forecast: the run's, or the data's where that has fewer weeks.
    #[must_use]
    pub fn last_cut_off(&self) -> CutOff {
        self.last
    }

    /// Returns the mean logit of row `row` after the weeks seen.
    ///
    /// # Panics
    /// When there is no such row, or the cut-off is after [`Forecasts::last_cut_off`].
    #[must_use]
    pub fn logit(&self, row: usize, cut_off: CutOff) -> f64 {
        assert!(cut_off <= self.last, "week {cut_off} of {}", self.last);
        self.logits[row * self.last.count() + cut_off.last_week().position()]
    }

    /// Returns all logits, `[row][week]`.
    pub(super) fn logits(&self) -> &[f64] {
        &self.logits
    }
}

/// Holds the networks of an ensemble on a device, as one forecaster like any other: the inputs are brought there once.
struct DeviceEnsemble {
    networks: Vec<PlacedNetwork>,
    device: Device,
}

impl Forecaster for DeviceEnsemble {
    fn forecast(&self, inputs: &WeeklyInputs<'_>) -> Result<Vec<f32>, ForecastError> {
        let shape = [inputs.rows, inputs.weeks, inputs.columns.len()];
        let x = Tensor::<3>::from_data(TensorData::new(inputs.values.to_vec(), shape), &self.device);
        let logits = self.networks.iter().map(|network| network.forecast_all(&x));
        Ok(mean(logits).into_iter().map(|logit| logit as f32).collect())
    }
}

/// Makes the forecasters of `members`: networks together, others each by itself.
fn forecasters(
    run: &Run,
    model: &RunModel,
    members: &[MemberModel],
    device: &ChosenDevice,
) -> Vec<Box<dyn Forecaster>> {
    let device = device.device();
    let mut networks = Vec::new();
    let mut forecasters: Vec<Box<dyn Forecaster>> = Vec::new();
    for member in members {
        match member {
            MemberModel::Baseline(baseline) => forecasters.push(Box::new(baseline.clone())),
            MemberModel::Network(parameters) => {
                let network = Network::new(&run.config().network, model.inputs.width(), 0, device);
                networks.push(PlacedNetwork::new(network.with_parameters(parameters.clone())));
            }
        }
    }
    if !networks.is_empty() {
        forecasters.push(Box::new(DeviceEnsemble { networks, device: device.clone() }));
    }
    forecasters
}

/// Averages logits over forecasters of equal weight.
fn mean_of(forecasters: &[Box<dyn Forecaster>], inputs: &EnrolmentInputs) -> Result<Vec<f64>, ForecastError> {
    let logits = forecasters.iter().map(|forecaster| inputs.lend(|inputs| forecaster.forecast(inputs)));
    Ok(mean(logits.collect::<Result<Vec<_>, _>>()?.into_iter()))
}

/// Averages over models, row by row.
fn mean(models: impl ExactSizeIterator<Item = Vec<f32>>) -> Vec<f64> {
    let count = models.len() as f64;
    let mut sums = Vec::new();
    for logits in models {
        sums.resize(logits.len(), 0.0_f64);
        sums.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += f64::from(logit));
    }
    sums.into_iter().map(|sum| sum / count).collect()
}
