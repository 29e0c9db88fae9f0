//! The work that is measured: a network, its sequences and its steps, drawn the same on every device.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use staycast_lstm::{Epoch, MaskSource};

use super::shape::Shape;
use crate::config::{NetworkSpec, OptimiserSettings};
use crate::models::network::Network;
use crate::random::{Purpose, shuffle, stream, unit};
use crate::training::adamw::fresh_state;
use crate::training::learner::Learner;
use crate::training::loss::LossTargets;

/// Sets the number of batches of sequences on the device: an epoch's worth of steps is taken over them.
const BATCHES: usize = 8;

/// Holds a network in training, and the sequences it is trained on, on the device.
pub(super) struct Workload {
    shape: Shape,
    learner: Learner,
    order: Vec<usize>,
    next: usize,
}

/// Describes the network of a shape.
pub(super) fn network_spec(shape: Shape) -> NetworkSpec {
    NetworkSpec { hidden: shape.h, layers: 1, head_hidden: None, dropout: 0.0, input_dropout: 0.0 }
}

/// Draws `count` inputs, uniform on ±1.7 (which has a deviation of about 1), the same on every device.
pub(super) fn inputs(count: usize, shape: Shape) -> TensorData {
    let mut rng = stream(1, Purpose::Parameters, 1);
    let values = (0..count * shape.t * shape.f).map(|_| 3.4 * unit(&mut rng) - 1.7).collect();
    TensorData::new::<f32, _>(values, [count, shape.t, shape.f])
}

/// Makes labels that differ from sequence to sequence, and equal weights that sum to 1 a sequence.
pub(super) fn targets(count: usize, shape: Shape, device: &Device) -> LossTargets {
    let labels = (0..count).map(|row| if row % 3 == 0 { 1.0 } else { 0.0 }).collect();
    LossTargets::from_values(device, labels, vec![1.0 / shape.t as f32; count * shape.t])
}

impl Workload {
    /// Draws a network and its sequences, and brings them to the device.
    pub(super) fn new(shape: Shape, device: &Device) -> Self {
        let count = shape.batch * BATCHES;
        let network = |device: &Device| Network::new(&network_spec(shape), shape.f, 1, device);
        let x = Tensor::from_data(inputs(count, shape), device);
        let targets = targets(count, shape, device);
        let state = fresh_state(&network(device));
        let learner = Learner::new(&network, x.clone(), targets, &OptimiserSettings::default(), state);
        let mut order: Vec<usize> = (0..count).collect();
        shuffle(&mut order, &mut stream(1, Purpose::Order, 1));
        Self { shape, learner, order, next: 0 }
    }

    /// Returns where the next batch lies in the order.
    fn batch(&mut self) -> Range<usize> {
        let first = self.next * self.shape.batch;
        self.next = (self.next + 1) % BATCHES;
        first..first + self.shape.batch
    }

    /// Takes training steps; waits for the device once, at the end.
    pub(super) fn train(&mut self, steps: usize) {
        let order: Vec<usize> = (0..steps)
            .flat_map(|_| {
                let batch = self.batch();
                self.order[batch].to_vec()
            })
            .collect();
        let (batch, rates, none) = (self.shape.batch, vec![1e-3; steps], MaskSource::none());
        let loss = self.learner.epoch(&Epoch { order: &order, batch, rates: &rates, inputs: none, outputs: none });
        assert!(!loss.is_nan(), "the loss of a training step is no number");
    }

    /// Forecasts `steps` batches; every one is brought back to the host, as in scoring.
    pub(super) fn infer(&mut self, steps: usize) {
        for _ in 0..steps {
            let batch = self.batch();
            drop(self.learner.forecast(&self.order[batch]));
        }
    }
}
