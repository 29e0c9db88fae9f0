//! A network in training on a device, step by step.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use staycast_lstm::{AdamWSettings, AdamWState, Epoch, MaskSource, Trainer, TrainingRows};

use super::adamw::AdamW;
use super::loss::LossTargets;
use crate::config::OptimiserSettings;
use crate::models::inference::{forecast_by_operations, index, sequences};
use crate::models::network::{DropoutMasks, Network};

/// Trains a network on a device, in the faster of two ways. Either computes the same, but for the order of sums.
pub(crate) enum Learner {
    /// Without a graph: native code on a CPU, a few launches on a GPU.
    Trainer(Trainer),
    /// Operations on tensors, for networks that the former is not for.
    Operations(Box<TensorLearner>),
}

impl Learner {
    /// Goes on from `state` with the network that `network` makes for a device, on the sequences `x`,
    /// `[positions, weeks, inputs]`.
    pub(crate) fn new(
        network: &dyn Fn(&Device) -> Network,
        x: Tensor<3>,
        targets: LossTargets,
        settings: &OptimiserSettings,
        state: AdamWState,
    ) -> Self {
        let plain = network(&x.device());
        let trainer = plain.sizes().and_then(|sizes| {
            let (labels, weights) = targets.of_tasks();
            let adamw = AdamWSettings { weight_decay: settings.weight_decay, clip_norm: settings.clip_norm };
            Trainer::new(sizes, adamw, TrainingRows { x: x.clone(), labels, weights }, state.clone())
        });
        match trainer {
            Some(trainer) => Self::Trainer(trainer),
            None => Self::Operations(Box::new(TensorLearner::new(network, plain, x, targets, settings, state))),
        }
    }

    /// Takes the steps of one epoch, each along the gradient of its batch's mean loss; returns the sum of these losses.
    pub(crate) fn epoch(&mut self, epoch: &Epoch<'_>) -> f64 {
        match self {
            Self::Trainer(trainer) => trainer.epoch(epoch),
            Self::Operations(learner) => learner.epoch(epoch),
        }
    }

    /// Brings parameters and moments to the host.
    pub(crate) fn state(&self) -> AdamWState {
        match self {
            Self::Trainer(trainer) => trainer.state(),
            Self::Operations(learner) => learner.adam.state(),
        }
    }

    /// Returns the logits of the sequences at `positions`, `[position][week]`, with the parameters as they are.
    pub(crate) fn forecast(&self, positions: &[usize]) -> Vec<f32> {
        match self {
            Self::Trainer(trainer) => trainer.forecast(positions),
            Self::Operations(learner) => learner.forecast(positions),
        }
    }
}

/// Trains by burn's operations, autodiff, and AdamW on a flat tensor. Everything lies on the device.
pub(crate) struct TensorLearner {
    x: Tensor<3>,
    targets: LossTargets,
    /// Without autodiff, for forecasts.
    plain: Network,
    tracked: Network,
    adam: AdamW,
}

impl TensorLearner {
    fn new(
        network: &dyn Fn(&Device) -> Network,
        plain: Network,
        x: Tensor<3>,
        targets: LossTargets,
        settings: &OptimiserSettings,
        state: AdamWState,
    ) -> Self {
        let device = x.device();
        let tracked = network(&device.clone().autodiff());
        let adam = AdamW::new(settings, &tracked, state, &device);
        let tracked = tracked.with_flat(&adam.parameters);
        Self { x, targets, plain, tracked, adam }
    }

    fn epoch(&mut self, epoch: &Epoch<'_>) -> f64 {
        let mut total = Tensor::<1>::zeros([1], &self.x.device());
        for (step, &rate) in epoch.rates.iter().enumerate() {
            let first = step * epoch.batch;
            let batch = first..epoch.order.len().min(first + epoch.batch);
            total = total + self.step(epoch, batch, rate);
        }
        let total: Vec<f32> = total.into_data().try_to_vec().expect("32-bit floats");
        f64::from(total[0])
    }

    /// Takes one step along the gradient of the sequences at `batch` of the epoch's order; returns their mean loss, still on
    /// the device.
    fn step(&mut self, epoch: &Epoch<'_>, batch: Range<usize>, learning_rate: f64) -> Tensor<1> {
        let rows = index(&epoch.order[batch.clone()], &self.x.device());
        let x = sequences(&self.x, rows.clone()).autodiff();
        let [_, _, inputs] = self.x.dims();
        let masks = DropoutMasks {
            inputs: self.mask(epoch.inputs, batch.clone(), inputs),
            outputs: self.mask(epoch.outputs, batch, self.plain.lstm().hidden),
        };
        let (logits, next_week) = self.tracked.forward_tasks(x, masks);
        let loss = self.targets.loss(logits, next_week, &rows);
        let gradients = loss.backward();
        self.adam.step(&self.tracked, &gradients, learning_rate);
        self.tracked = self.tracked.clone().with_flat(&self.adam.parameters);
        loss.inner()
    }

    /// Draws the mask of a batch, `[batch, 1, columns]`; none where it switches nothing off.
    fn mask(&self, source: MaskSource, batch: Range<usize>, columns: usize) -> Option<Tensor<3>> {
        let data = || TensorData::new(source.factors(batch.clone(), columns), [batch.len(), 1, columns]);
        (!source.is_none()).then(|| Tensor::from_data(data(), &self.x.device()).autodiff())
    }

    fn forecast(&self, positions: &[usize]) -> Vec<f32> {
        forecast_by_operations(&self.plain.clone().with_flat(&self.adam.parameters), &self.x, positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NetworkSpec;
    use crate::training::adamw::fresh_state;

    #[test]
    fn both_ways_train_the_same() {
        let device = Device::flex();
        let (positions, weeks, inputs) = (40, 5, 7);
        let spec = NetworkSpec { hidden: 9, layers: 2, head_hidden: None, dropout: 0.4, input_dropout: 0.2 };
        let network = |device: &Device| Network::new(&spec, inputs, 3, device);
        let numbers = |count: usize| (0..count).map(|at| (at as f32 * 0.7).sin());
        let targets = || {
            let labels = numbers(positions).map(|value| f32::from(u8::from(value > 0.0))).collect();
            LossTargets::from_values(&device, labels, numbers(positions * weeks).map(f32::abs).collect())
        };
        let x = TensorData::new(numbers(positions * weeks * inputs).collect::<Vec<f32>>(), [positions, weeks, inputs]);
        let x = Tensor::<3>::from_data(x, &device);
        let settings = OptimiserSettings { weight_decay: 0.1, clip_norm: 0.2, ..OptimiserSettings::default() };
        let state = fresh_state(&network(&device));
        let plain = TensorLearner::new(&network, network(&device), x.clone(), targets(), &settings, state.clone());
        let mut ways = [Learner::new(&network, x, targets(), &settings, state), Learner::Operations(Box::new(plain))];
        assert!(matches!(ways[0], Learner::Trainer(_)), "a network without a hidden layer in the head");
        let order: Vec<usize> = (0..positions).rev().collect();
        let epoch = Epoch {
            order: &order,
            batch: 15,
            rates: &[0.01, 0.02, 0.01],
            inputs: MaskSource::new([1, 2], spec.input_dropout),
            outputs: MaskSource::new([3, 4], spec.dropout),
        };
        let [found, expected] = ways.each_mut().map(|way| (way.epoch(&epoch), way.state(), way.forecast(&order)));
        assert!((found.0 - expected.0).abs() < 1e-5 * expected.0, "losses {} and {}", found.0, expected.0);
        assert_eq!(found.1.steps, 3);
        let pairs = [(&found.1.moment_1, &expected.1.moment_1), (&found.2, &expected.2)];
        for (found, expected) in pairs {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4, "{found} and {expected}");
            }
        }
    }
}
