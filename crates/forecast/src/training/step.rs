//! One training step of a network on the device.

use burn::tensor::{Device, Tensor, TensorData};

use super::adamw::AdamW;
use super::loss::LossTargets;
use crate::models::inference::{index, sequences};
use crate::models::network::{DropoutMasks, Network};
use crate::random::units;

/// Lends what training steps read, all of it on the device: a step fetches its sequences by index, and nothing comes back.
pub(crate) struct DeviceTrainingSet<'a> {
    /// `[positions, weeks, inputs]`, without autodiff.
    pub(crate) x: &'a Tensor<3>,
    pub(crate) targets: &'a LossTargets,
}

impl DeviceTrainingSet<'_> {
    /// Takes one step along the gradient of the sequences `batch`; returns their mean loss, still on the device.
    pub(crate) fn step(
        &self,
        batch: &[usize],
        masks: DropoutMasks,
        network: &mut Network,
        adam: &mut AdamW,
        learning_rate: f64,
    ) -> Tensor<1> {
        let rows = index(batch, &self.x.device());
        let x = sequences(self.x, rows.clone()).autodiff();
        let (logits, next_week) = network.forward_tasks(x, masks);
        let loss = self.targets.loss(logits, next_week, &rows);
        let gradients = loss.backward();
        adam.step(network, &gradients, learning_rate);
        *network = network.clone().with_flat(&adam.parameters);
        loss.inner()
    }
}

/// Draws a dropout mask `[rows, 1, columns]`, or none for a share of 0.
pub(super) fn draw_mask(
    rows: usize,
    columns: usize,
    share: f64,
    rng: &mut rand_chacha::ChaCha8Rng,
    device: &Device,
) -> Option<Tensor<3>> {
    if share == 0.0 {
        return None;
    }
    let kept = (1.0 / (1.0 - share)) as f32;
    let values: Vec<f32> =
        units(rows * columns, rng).map(|unit| if f64::from(unit) < share { 0.0 } else { kept }).collect();
    Some(Tensor::from_data(TensorData::new(values, [rows, 1, columns]), device).autodiff())
}
