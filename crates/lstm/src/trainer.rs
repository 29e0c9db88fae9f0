//! Training and forecasting in a few launches on a GPU: all of a step, from the rows that it reads to the parameters that it
//! writes.
//!
//! It is for one kind of network, the common one: layers of an LSTM in one direction, and on the outputs of every step one
//! logit a task, trained with weighted binary cross-entropy. What it computes is what the same network computes with
//! burn's operations, autodiff and AdamW, but for the order of sums.

use burn::tensor::Tensor;

use crate::adamw::AdamWState;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use crate::gpu::training::{GpuTrainer, logits};
use crate::masks::MaskSource;

/// Holds the sizes of a network.
///
/// Its parameters lie in a row, layer by layer `w_ih [reads, 4 * hidden]`, `w_hh [hidden, 4 * hidden]` and
/// `bias [4 * hidden]`, then task by task a weight a hidden unit and a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSizes {
    /// Inputs a step.
    pub features: usize,
    /// Units of each layer.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Logits a step.
    pub tasks: usize,
}

impl NetworkSizes {
    /// Counts the parameters.
    #[must_use]
    pub fn parameters(self) -> usize {
        let Self { features, hidden, layers, tasks } = self;
        let layer = |reads: usize| 4 * hidden * (reads + hidden + 1);
        layer(features) + (layers - 1) * layer(hidden) + tasks * (hidden + 1)
    }
}

/// Holds what a network learns from, all of it on the device.
#[derive(Clone, Debug)]
pub struct TrainingRows {
    /// Inputs, `[sequences, steps, features]`, without autodiff.
    pub x: Tensor<3>,
    /// By task, 0 or 1, `[tasks, sequences, steps]`.
    pub labels: Tensor<3>,
    /// What the loss of each label counts, `[tasks, sequences, steps]`; 0 where there is nothing to learn.
    pub weights: Tensor<3>,
}

/// Holds the settings of the optimiser that are the same in every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWSettings {
    /// What weights decay by, times the learning rate; biases don't.
    pub weight_decay: f64,
    /// The norm to which the gradient of all parameters together is shortened where it is longer.
    pub clip_norm: f64,
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

/// Trains a network on a GPU, a step in seven launches for one layer and six for each other.
///
/// A step reads its sequences by index where they lie, draws its masks and takes the optimiser's step on the device. All
/// that the host sends is the order and the learning rates of an epoch, and it waits once, at the epoch's end. Equal calls give equal bytes on the
/// same device: no sum is atomic.
pub struct Trainer {
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    gpu: GpuTrainer,
    #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
    never: std::convert::Infallible,
}

impl Trainer {
    /// Brings a network in training to the device of `rows`; `None` where this crate has no such path: on CPUs, and on
    /// GPUs for layers wider than a cube of the device, or floats of other than 32 bits.
    ///
    /// # Panics
    ///
    /// When the rows' shapes or the state's lengths don't fit `sizes`.
    #[must_use]
    pub fn new(sizes: NetworkSizes, settings: AdamWSettings, rows: TrainingRows, state: &AdamWState) -> Option<Self> {
        let NetworkSizes { features, tasks, .. } = sizes;
        let [sequences, steps, _] = rows.x.dims();
        assert_eq!(rows.x.dims()[2], features, "the features of a step");
        assert_eq!(rows.labels.dims(), [tasks, sequences, steps], "the shape of the labels");
        assert_eq!(rows.weights.dims(), [tasks, sequences, steps], "the shape of the labels' weights");
        for values in [&state.parameters, &state.moment_1, &state.moment_2] {
            assert_eq!(values.len(), sizes.parameters(), "the length of the optimiser's state");
        }
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        return GpuTrainer::new(sizes, settings, rows, state).map(|gpu| Self { gpu });
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        return None;
    }

    /// Takes the steps of one epoch, each along the gradient of its batch's mean loss; waits for them, and returns the sum of
    /// these losses.
    ///
    /// # Panics
    ///
    /// When a sequence is not in the training set, or there is not one learning rate a batch.
    pub fn epoch(&mut self, epoch: &Epoch<'_>) -> f64 {
        assert!(epoch.batch > 0, "a batch has at least one sequence");
        assert_eq!(epoch.rates.len(), epoch.order.len().div_ceil(epoch.batch), "one learning rate a batch");
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        return self.gpu.epoch(epoch);
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        match self.never {}
    }

    /// Brings parameters and moments to the host.
    #[must_use]
    pub fn state(&self) -> AdamWState {
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        return self.gpu.state();
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        match self.never {}
    }

    /// Computes the first task's logits with the parameters as they are, of sequences of the training set, as
    /// [`forecast`] does.
    ///
    /// # Panics
    ///
    /// When a position is not in the training set.
    #[must_use]
    pub fn forecast(&self, positions: &[usize]) -> Vec<f32> {
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        return self.gpu.forecast(positions);
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        match self.never {}
    }
}

/// Computes the first task's logits at every step of the sequences `positions` of `x`, `[position][step]`, on a GPU: three
/// launches for one layer and two for each other, as many sequences at one time as 256 MB hold. What they give is brought
/// back once; `parameters` is called only where there is such a path. `None` where there is no such path, as of [`Trainer::new`].
///
/// # Panics
///
/// When `parameters` are not those of a network of these sizes, or a position is beyond `x`.
#[must_use]
pub fn forecast(
    sizes: NetworkSizes,
    parameters: impl FnOnce() -> Tensor<1>,
    x: &Tensor<3>,
    positions: &[usize],
) -> Option<Vec<f32>> {
    assert_eq!(x.dims()[2], sizes.features, "the features of a step");
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    return logits(sizes, parameters, x, positions);
    #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
    None
}
