//! What a run's networks say about any data that has their features.

use burn::tensor::{Tensor, TensorData};
use staycast_sequences::Dataset;

use super::{Run, RunError};
use crate::device::ChosenDevice;
use crate::network::Network;
use crate::train::member;

/// Enrolments whose inputs are in memory at a time: 2,048 of 40 weeks and 100 inputs take 33 MB.
const CHUNK: usize = 2048;

/// The ensemble's mean logits at every week that the run looks at.
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

impl Run {
    /// Forecasts `enrolments` of `data` at every week at once, on the device without autodiff.
    ///
    /// # Errors
    /// When the run is a cross-validation, or the data lacks what it reads, naming it.
    pub fn forecast(&self, data: &Dataset, enrolments: &[usize], device: &ChosenDevice) -> Result<Forecasts, RunError> {
        let model = self.model()?;
        let inputs = model.inputs.for_data(data)?;
        let weeks = usize::from(self.manifest.weeks).min(data.weeks).max(1);
        let width = model.inputs.width();
        let networks: Vec<Network> = model
            .members
            .iter()
            .map(|parameters| {
                Network::new(&self.config.model, width, 0, device.device()).with_parameters(parameters.clone())
            })
            .collect();
        let mut logits = Vec::with_capacity(enrolments.len() * weeks);
        for chunk in enrolments.chunks(CHUNK) {
            let values = TensorData::new(inputs.fill(chunk, weeks), [chunk.len(), weeks, width]);
            let x = Tensor::<3>::from_data(values, device.device());
            let rows: Vec<usize> = (0..chunk.len()).collect();
            let mut sums = vec![0.0_f64; chunk.len() * weeks];
            for network in &networks {
                for (sum, logit) in sums.iter_mut().zip(member::forecast(network, &x, &rows)) {
                    *sum += f64::from(logit);
                }
            }
            logits.extend(sums.into_iter().map(|sum| sum / networks.len() as f64));
        }
        Ok(Forecasts { weeks, logits })
    }
}
