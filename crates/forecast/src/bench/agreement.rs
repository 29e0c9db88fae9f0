//! Whether a device computes what plain tensor operations compute.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use staycast_lstm::{AdamWSettings, Epoch, Lstm, MaskSource, Trainer, TrainingRows, reference};

use super::shape::Shape;
use super::workload::{inputs, network_spec, targets};
use crate::device::{ChosenDevice, Hardware, WeightGradients};
use crate::models::inference::index;
use crate::models::network::{DropoutMasks, Network};
use crate::training::adamw::fresh_state;

/// Bounds the sequences that are compared: the result doesn't depend on the others of a batch.
const MOST_SEQUENCES: usize = 64;

/// Compares logits and all gradients with the reference recurrence on the CPU: those of the layer in burn's operations, and
/// those of the training without a graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Greatest relative difference of a tensor, ‖a − b‖ / ‖b‖ in the Euclidean norm; null if a value is no number.
    pub error: Option<f64>,
    /// The greatest that is allowed: 1e-5 on a CPU, 1e-4 elsewhere.
    pub tolerance: f64,
    /// Whether `error` is within it.
    pub agrees: bool,
}

impl Agreement {
    pub(super) fn measure(shape: Shape, chosen: &ChosenDevice) -> Self {
        let expected = compute(shape, &Device::flex(), by_reference);
        let found = compute(shape, chosen.device(), Lstm::outputs);
        let mut error =
            expected.iter().zip(&found).map(|(expected, found)| distance(expected, found)).fold(0.0, f64::max);
        if let Some([logits, gradient]) = train(shape, chosen.device()) {
            error = error.max(distance(&expected[0], &logits)).max(distance(&expected[1..].concat(), &gradient));
        }
        let tolerance = if chosen.info.hardware == Hardware::Cpu { 1e-5 } else { 1e-4 };
        Self { error: error.is_finite().then_some(error), tolerance, agrees: error < tolerance }
    }
}

/// Computes the logits, then the gradient of every parameter.
fn compute(shape: Shape, device: &Device, outputs: impl Fn(&Lstm, Tensor<3>) -> Tensor<3>) -> Vec<Vec<f32>> {
    let count = shape.batch.min(MOST_SEQUENCES);
    let network = Network::new(&network_spec(shape), shape.f, 1, &device.clone().autodiff());
    let x = Tensor::<3>::from_data(inputs(count, shape), device).autodiff();
    let logits = network.forward_by(outputs, x, DropoutMasks::none());
    let rows = index(&(0..count).collect::<Vec<_>>(), device);
    let gradients = targets(count, shape, device).loss(logits.clone(), None, &rows).backward();
    let mut found = vec![logits.inner().into_data().try_to_vec().expect("32-bit floats")];
    network.visit(&mut WeightGradients { gradients: &gradients, found: &mut found });
    found
}

/// Computes the logits, and the gradient of all parameters in a row, as they are trained without a graph; `None` where they
/// can't be.
fn train(shape: Shape, device: &Device) -> Option<[Vec<f32>; 2]> {
    let order: Vec<usize> = (0..shape.batch.min(MOST_SEQUENCES)).collect();
    let network = Network::new(&network_spec(shape), shape.f, 1, device);
    let (labels, weights) = targets(order.len(), shape, device).of_tasks();
    let rows = TrainingRows { x: Tensor::from_data(inputs(order.len(), shape), device), labels, weights };
    // No gradient is as long as that, so after one step the first moment is a tenth of the gradient.
    let settings = AdamWSettings { weight_decay: 0.0, clip_norm: 1e9 };
    let mut trainer = Trainer::new(network.sizes()?, settings, rows, fresh_state(&network))?;
    let logits = trainer.forecast(&order);
    let none = MaskSource::none();
    trainer.epoch(&Epoch { order: &order, batch: order.len(), rates: &[1e-3], inputs: none, outputs: none });
    Some([logits, trainer.state().moment_1.iter().map(|moment| moment * 10.0).collect()])
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of Lstm::outputs")]
fn by_reference(lstm: &Lstm, x: Tensor<3>) -> Tensor<3> {
    let [batch, ..] = x.dims();
    let layer = &lstm.layers[0];
    let zeros = || Tensor::zeros([batch, lstm.hidden], &x.device());
    reference::forward(&x, &layer.w_ih.val(), &layer.w_hh.val(), &layer.bias.val(), zeros(), zeros()).0
}

fn distance(expected: &[f32], found: &[f32]) -> f64 {
    let square = |value: f32| f64::from(value).powi(2);
    let difference: f64 = expected.iter().zip(found).map(|(expected, found)| square(found - expected)).sum();
    let norm: f64 = expected.iter().map(|&value| square(value)).sum();
    match (difference / norm).sqrt() {
        distance if expected.len() == found.len() && distance.is_finite() => distance,
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_is_seen() {
        assert_eq!(distance(&[3.0, 4.0], &[3.0, 4.0]), 0.0);
        assert!((distance(&[3.0, 4.0], &[3.0, 4.5]) - 0.1).abs() < 1e-9);
        assert_eq!(distance(&[3.0, 4.0], &[3.0, f32::NAN]), f64::INFINITY);
        assert_eq!(distance(&[3.0, 4.0], &[3.0]), f64::INFINITY);
    }
}
