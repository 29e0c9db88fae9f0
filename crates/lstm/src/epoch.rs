//! Describes what a network in training learns from, and in which steps.

use burn::tensor::Tensor;

use crate::masks::MaskSource;

/// Holds what a network learns from, all of it on the device.
#[derive(Clone, Debug)]
pub struct TrainingRows {
    /// Inputs, `[sequences, steps, features]`, without autodiff.
    pub x: Tensor<3>,
    /// By task, 0 or 1, `[tasks, sequences, steps]`.
    pub labels: Tensor<3>,
    /// Says what the loss of each label counts, `[tasks, sequences, steps]`; 0 where there is nothing to learn.
    pub weights: Tensor<3>,
}

/// Describes one pass over sequences of a training set.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// The sequences, in the order in which they are trained on.
    pub order: &'a [usize],
    /// Sequences a step; the last one may have fewer.
    pub batch: usize,
    /// The learning rate of each step.
    pub rates: &'a [f64],
    /// The masks of the first layer's inputs, the same ones in every step of a sequence.
    pub inputs: MaskSource,
    /// The masks of the last layer's outputs.
    pub outputs: MaskSource,
}
