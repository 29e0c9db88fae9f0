//! Training and forecasting without a graph: all of a step, from the rows that it reads to the parameters that it writes, in
//! native code on a CPU and in a few launches on a GPU.
//!
//! It is for one kind of network, the common one: layers of an LSTM in one direction, and on the outputs of every step one
//! logit a task, trained with weighted binary cross-entropy. What it computes is what the same network computes with
//! burn's operations, autodiff and AdamW, but for the order of sums.

use burn::tensor::Tensor;

use crate::adamw::{AdamWSettings, AdamWState};
use crate::epoch::{Epoch, TrainingRows};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use crate::gpu::training::{GpuTrainer, logits as gpu_logits};
#[cfg(any(feature = "flex", feature = "ndarray"))]
use crate::native::{HostTrainer, Inputs, logits as host_logits};
#[cfg(any(feature = "flex", feature = "ndarray"))]
use crate::ops::HostTensor;
use crate::sizes::NetworkSizes;

/// Trains a network: on a CPU in native code, on a GPU in seven launches a step for one layer and six for each other.
///
/// A step reads its sequences by index where they lie, draws its masks and takes the optimiser's step on the device. All
/// that the host sends is the order and the learning rates of an epoch, and it waits once, at the epoch's end. Equal calls
/// give equal bytes on the same device, on a CPU for any number of threads.
///
/// On a CPU the work is shared out in the current rayon pool. Several trainers as tasks of one pool are right, but one may
/// then run within another's wait: give each a pool of its own.
pub struct Trainer {
    place: Place,
}

/// Holds a network in training where it is trained.
enum Place {
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    Host { trainer: Box<HostTrainer>, x: HostTensor, steps: usize },
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    Gpu(Box<GpuTrainer>),
}

impl Trainer {
    /// Makes a network in training on the device of `rows`; `None` where this crate has no such path: for floats of other than
    /// 32 bits, and on GPUs for layers wider than a cube of the device.
    ///
    /// # Panics
    ///
    /// When the rows' shapes or the state's lengths don't fit `sizes`.
    #[must_use]
    pub fn new(sizes: NetworkSizes, settings: AdamWSettings, rows: TrainingRows, state: AdamWState) -> Option<Self> {
        let NetworkSizes { features, hidden, layers, tasks } = sizes;
        assert!(features > 0 && hidden > 0 && layers > 0 && tasks > 0, "a network without {sizes:?}");
        let [sequences, steps, _] = rows.x.dims();
        assert_eq!(rows.x.dims()[2], features, "the features of a step");
        assert_eq!(rows.labels.dims(), [tasks, sequences, steps], "the shape of the labels");
        assert_eq!(rows.weights.dims(), [tasks, sequences, steps], "the shape of the labels' weights");
        for values in [&state.parameters, &state.moment_1, &state.moment_2] {
            assert_eq!(values.len(), sizes.parameters(), "the length of the optimiser's state");
        }
        #[cfg(any(feature = "flex", feature = "ndarray"))]
        if let Some(x) = HostTensor::new(rows.x.clone()) {
            let (labels, weights) = (HostTensor::new(rows.labels)?, HostTensor::new(rows.weights)?);
            let trainer = Box::new(HostTrainer::new(sizes, settings, labels, weights, state));
            return Some(Self { place: Place::Host { trainer, x, steps } });
        }
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        if let Some(trainer) = GpuTrainer::new(sizes, settings, rows, &state) {
            return Some(Self { place: Place::Gpu(Box::new(trainer)) });
        }
        None
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
        match &mut self.place {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            Place::Host { trainer, x, steps } => trainer.epoch(Inputs { values: &x.values(), steps: *steps }, epoch),
            #[cfg(any(feature = "wgpu", feature = "cuda"))]
            Place::Gpu(trainer) => trainer.epoch(epoch),
            #[cfg(not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")))]
            _ => unreachable!("without a backend there is no trainer"),
        }
    }

    /// Returns parameters and moments, in host memory.
    #[must_use]
    pub fn state(&self) -> AdamWState {
        match &self.place {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            Place::Host { trainer, .. } => trainer.state().clone(),
            #[cfg(any(feature = "wgpu", feature = "cuda"))]
            Place::Gpu(trainer) => trainer.state(),
            #[cfg(not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")))]
            _ => unreachable!("without a backend there is no trainer"),
        }
    }

    /// Computes the first task's logits with the parameters as they are, of sequences of the training set, as
    /// [`forecast`] does.
    ///
    /// # Panics
    ///
    /// When a position is not in the training set.
    #[must_use]
    pub fn forecast(&self, positions: &[usize]) -> Vec<f32> {
        match &self.place {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            Place::Host { trainer, x, steps } => {
                trainer.forecast(Inputs { values: &x.values(), steps: *steps }, positions)
            }
            #[cfg(any(feature = "wgpu", feature = "cuda"))]
            Place::Gpu(trainer) => trainer.forecast(positions),
            #[cfg(not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")))]
            _ => unreachable!("without a backend there is no trainer"),
        }
    }
}

/// Computes the first task's logits at every step of the sequences `positions` of `x`, `[position][step]`: in native code on a
/// CPU; on a GPU in three launches for one layer and two for each other, as many sequences at one time as 64 MB hold, and
/// brought back once. `None` where there is no such path, as of [`Trainer::new`].
///
/// # Panics
///
/// When `parameters` are not those of a network of these sizes, or a position is beyond `x`.
#[must_use]
pub fn forecast(sizes: NetworkSizes, parameters: &Tensor<1>, x: &Tensor<3>, positions: &[usize]) -> Option<Vec<f32>> {
    assert!(sizes.layers > 0 && sizes.hidden > 0, "a network without {sizes:?}");
    assert_eq!(parameters.dims(), [sizes.parameters()], "the number of parameters");
    assert_eq!(x.dims()[2], sizes.features, "the features of a step");
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    if let Some(x_values) = HostTensor::new(x.clone()) {
        let parameters = HostTensor::new(parameters.clone())?;
        let inputs = Inputs { values: &x_values.values(), steps: x.dims()[1] };
        return Some(host_logits(sizes, &parameters.values(), inputs, positions));
    }
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    if let Some(logits) = gpu_logits(sizes, parameters, x, positions) {
        return Some(logits);
    }
    None
}
