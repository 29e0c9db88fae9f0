//! AdamW (Loshchilov and Hutter 2019) on all parameters as one flat tensor, with the gradient's global norm clipped.
//!
//! Our own rather than burn-optim's for three reasons: burn clips tensor by tensor, its state is keyed by random
//! parameter ids, and one flat tensor makes a checkpoint three arrays that resume to the same bytes.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use staycast_lstm::{AdamWState, BETA_1, BETA_2, EPSILON};

use crate::config::OptimiserSettings;
use crate::models::network::Network;

/// Holds parameters and moments of one member in training.
#[derive(Clone, Debug)]
pub(crate) struct AdamW {
    /// All parameters in the order of [`Network::parameters`], `[parameters]`.
    pub(crate) parameters: Tensor<1>,
    moment_1: Tensor<1>,
    moment_2: Tensor<1>,
    /// 1 for weights, 0 for biases, which do not decay.
    decays: Tensor<1>,
    steps: u64,
    weight_decay: f64,
    clip_norm: f64,
}

/// Returns the optimiser's state before the first step.
pub(crate) fn fresh_state(network: &Network) -> AdamWState {
    AdamWState::fresh(network.parameters().into_iter().flat_map(|parameter| parameter.values).collect())
}

impl AdamW {
    pub(crate) fn new(config: &OptimiserSettings, network: &Network, state: AdamWState, device: &Device) -> Self {
        let decays = network.parameters().into_iter().flat_map(|parameter| {
            let decays = if parameter.shape.len() > 1 { 1.0 } else { 0.0 };
            vec![decays; parameter.values.len()]
        });
        Self {
            decays: vector(decays.collect(), device),
            parameters: vector(state.parameters, device),
            moment_1: vector(state.moment_1, device),
            moment_2: vector(state.moment_2, device),
            steps: state.steps,
            weight_decay: config.weight_decay,
            clip_norm: config.clip_norm,
        }
    }

    pub(crate) fn state(&self) -> AdamWState {
        let host = |tensor: &Tensor<1>| tensor.to_data().try_to_vec().expect("32-bit floats");
        AdamWState {
            parameters: host(&self.parameters),
            moment_1: host(&self.moment_1),
            moment_2: host(&self.moment_2),
            steps: self.steps,
        }
    }

    /// Takes one step along the gradients of `network`, whose parameters are these.
    pub(crate) fn step(&mut self, network: &Network, gradients: &Gradients, learning_rate: f64) {
        let mut visit = Flatten { gradients, pieces: Vec::new() };
        network.visit(&mut visit);
        let gradient = Tensor::cat(visit.pieces, 0);
        let norm = gradient.clone().square().sum().sqrt();
        let shorten = norm.clamp_min(self.clip_norm).recip().mul_scalar(self.clip_norm);
        let gradient = gradient * shorten;

        self.steps += 1;
        let power = i32::try_from(self.steps).unwrap_or(i32::MAX);
        self.moment_1 = self.moment_1.clone().mul_scalar(BETA_1) + gradient.clone().mul_scalar(1.0 - BETA_1);
        self.moment_2 = self.moment_2.clone().mul_scalar(BETA_2) + gradient.square().mul_scalar(1.0 - BETA_2);
        let mean = self.moment_1.clone().div_scalar(1.0 - BETA_1.powi(power));
        let spread = self.moment_2.clone().div_scalar(1.0 - BETA_2.powi(power)).sqrt().add_scalar(EPSILON);
        let decay = self.parameters.clone() * self.decays.clone().mul_scalar(self.weight_decay);
        self.parameters = self.parameters.clone() - (mean / spread + decay).mul_scalar(learning_rate);
    }
}

fn vector(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

struct Flatten<'a> {
    gradients: &'a Gradients,
    pieces: Vec<Tensor<1>>,
}

impl ModuleVisitor for Flatten<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).expect("every parameter takes part in the loss");
        let length = gradient.shape().num_elements();
        self.pieces.push(gradient.reshape([length]));
    }
}

/// Returns the learning rate of a step: up in a straight line over `warmup` steps, then down along a cosine to
/// `last` × `highest` at step `steps`.
pub(crate) fn learning_rate(config: &OptimiserSettings, step: u64, steps_per_epoch: u64) -> f64 {
    let warmup = config.warmup_epochs * steps_per_epoch as f64;
    let steps = f64::from(config.epochs) * steps_per_epoch as f64;
    let done = step as f64 + 1.0;
    if done < warmup {
        return config.learning_rate * done / warmup;
    }
    let way = ((done - warmup) / (steps - warmup).max(1.0)).clamp(0.0, 1.0);
    let last = config.final_learning_rate;
    config.learning_rate * (last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * way).cos()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NetworkSpec;

    #[test]
    fn the_learning_rate_rises_then_falls() {
        let config = OptimiserSettings {
            epochs: 10,
            warmup_epochs: 2.0,
            learning_rate: 1.0,
            final_learning_rate: 0.1,
            ..OptimiserSettings::default()
        };
        let rates: Vec<f64> = (0..100).map(|step| learning_rate(&config, step, 10)).collect();
        assert!(rates[..20].is_sorted() && rates[20..].is_sorted_by(|a, b| a >= b));
        assert!((rates[19] - 1.0).abs() < 1e-9 && (rates[99] - 0.1).abs() < 1e-9, "{} {}", rates[19], rates[99]);
    }

    /// Takes one step by hand: with the first step's bias correction every parameter moves by the learning rate against
    /// its gradient's sign, and weights decay besides.
    #[test]
    fn the_first_step_moves_by_the_learning_rate() {
        let device = Device::flex();
        let shape = NetworkSpec { hidden: 3, layers: 1, head_hidden: None, dropout: 0.0, input_dropout: 0.0 };
        let network = Network::new(&shape, 2, 5, &device.clone().autodiff());
        let before = fresh_state(&network);
        let config = OptimiserSettings { weight_decay: 0.1, clip_norm: 1e6, ..OptimiserSettings::default() };
        let mut adam = AdamW::new(&config, &network, before.clone(), &device);
        let x = Tensor::<3>::ones([4, 3, 2], &device).autodiff();
        let loss = network.forward(x, crate::models::network::DropoutMasks::none()).sum();
        let gradients = loss.backward();
        adam.step(&network, &gradients, 0.01);
        let after = adam.state();
        assert_eq!(after.steps, 1);
        let last = before.parameters.len() - 1;
        // The last parameter is the logit's bias: gradient 12, no decay.
        assert!((after.parameters[last] - (before.parameters[last] - 0.01)).abs() < 1e-6);
        // The one before is a weight of the logit: it decays too.
        let weight = before.parameters[last - 1];
        let moved = after.parameters[last - 1] - weight + 0.01 * 0.1 * weight;
        assert!((moved.abs() - 0.01).abs() < 1e-5, "{moved}");
    }

    #[test]
    fn long_gradients_are_shortened() {
        let device = Device::flex();
        let shape = NetworkSpec { hidden: 3, layers: 1, head_hidden: None, dropout: 0.0, input_dropout: 0.0 };
        let network = Network::new(&shape, 2, 5, &device.clone().autodiff());
        let config = OptimiserSettings { clip_norm: 0.5, ..OptimiserSettings::default() };
        let mut adam = AdamW::new(&config, &network, fresh_state(&network), &device);
        let x = Tensor::<3>::ones([4, 3, 2], &device).autodiff();
        let gradients = network.forward(x, crate::models::network::DropoutMasks::none()).sum().backward();
        adam.step(&network, &gradients, 0.01);
        // After one step the first moment is a tenth of the shortened gradient, over all parameters together.
        let moment = adam.state().moment_1;
        let norm = moment.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((norm - 0.05).abs() < 1e-5, "{norm}");
    }
}
