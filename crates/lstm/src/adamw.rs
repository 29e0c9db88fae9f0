//! AdamW (Loshchilov and Hutter 2019): its constants, its settings, and its state in host memory.

/// Sets the share of the first moment that a step keeps.
pub const BETA_1: f64 = 0.9;

/// Sets the share of the second moment that a step keeps.
pub const BETA_2: f64 = 0.999;

/// Keeps a step finite: it is added to the root of the second moment, by which the step is divided.
pub const EPSILON: f64 = 1e-8;

/// Holds the settings of the optimiser that are the same in every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWSettings {
    /// Sets what weights decay by, times the learning rate; biases don't.
    pub weight_decay: f64,
    /// The norm to which the gradient of all parameters together is shortened where it is longer.
    pub clip_norm: f64,
}

/// Holds parameters and moments in host memory, in the order of the network's parameters, and the number of steps taken.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWState {
    /// The parameters.
    pub parameters: Vec<f32>,
    /// The first moments, one a parameter.
    pub moment_1: Vec<f32>,
    /// The second moments, one a parameter.
    pub moment_2: Vec<f32>,
    /// Steps taken so far.
    pub steps: u64,
}

impl AdamWState {
    /// Returns the state before the first step.
    #[must_use]
    pub fn fresh(parameters: Vec<f32>) -> Self {
        let zeros = vec![0.0; parameters.len()];
        Self { parameters, moment_1: zeros.clone(), moment_2: zeros, steps: 0 }
    }
}
