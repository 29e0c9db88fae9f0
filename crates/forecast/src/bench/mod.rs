//! How fast the network trains, forecasts and is fed, on a device: what `staycast bench` prints.
//!
//! Every figure is of the code that trains and scores: a training step is the one of a training run (sequences fetched
//! by index from the device, forward, loss, backward, AdamW), without dropout; inference is that of scoring, logits
//! brought back to the host. Rates are of the median of up to [`Effort::rounds`] rounds.

mod agreement;
mod loading;
mod peak;

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;

use crate::config::{NetworkSpec, OptimiserSettings};
use crate::device::{ChosenDevice, quietly};
use crate::models::inference::forecast;
use crate::models::network::{DropoutMasks, Network};
use crate::random::{Purpose, shuffle, stream, unit};
use crate::training::adamw::{AdamW, AdamWState};
use crate::training::loss::LossTargets;
use crate::training::step::DeviceTrainingSet;

pub use agreement::Agreement;
pub use loading::{Loading, measure_loading};

/// Sequences on the device, in batches: an epoch's worth of steps is taken over them.
const BATCHES: usize = 8;
/// Sequence steps a round.
const SEQUENCE_STEPS: usize = 200_000;

/// Sizes of a network and of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Weeks of a sequence.
    pub t: usize,
    /// Inputs a week.
    pub f: usize,
    /// Units of the LSTM layer.
    pub h: usize,
    /// Sequences a step.
    pub batch: usize,
}

/// The shapes of the published comparison with PyTorch, and the one whose step is looked at closer.
pub const SHAPES: [Shape; 5] = [
    Shape { t: 4, f: 24, h: 64, batch: 256 },
    Shape { t: 12, f: 24, h: 64, batch: 256 },
    Shape { t: 12, f: 24, h: 64, batch: 1024 },
    Shape { t: 12, f: 24, h: 128, batch: 1024 },
    Shape { t: 84, f: 24, h: 64, batch: 256 },
];

impl Shape {
    /// Floating-point operations of the matrix products of one sequence, an addition and a multiplication for each
    /// weight: forward.
    #[must_use]
    pub fn forward_operations(self) -> f64 {
        (8 * self.t * self.h * (self.f + self.h)) as f64
    }

    /// The same of a training step: forward, the weights' gradients, and the gradient handed to the step before. The
    /// gradient of the inputs is not asked for in training, and is not counted.
    #[must_use]
    pub fn training_operations(self) -> f64 {
        2.0 * self.forward_operations() + (8 * self.t * self.h * self.h) as f64
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.t, self.f, self.h, self.batch)
    }
}

/// Why a text is no shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a shape: write T,F,H,BATCH (weeks, inputs, units, sequences a step), as in 12,24,64,256, T and F and H at most 4096, batch at most 1,000,000"
)]
pub struct ShapeError(String);

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[t, f, h, batch])
                if [t, f, h].iter().all(|size| (1..=4096).contains(size)) && (1..=1_000_000).contains(&batch) =>
            {
                Ok(Self { t, f, h, batch })
            }
            _ => Err(ShapeError(text.to_owned())),
        }
    }
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Rounds of about 200,000 sequence steps each.
    pub rounds: usize,
    /// Seconds after which no further round is begun.
    pub seconds: f64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { rounds: 7, seconds: 20.0 }
    }
}

/// What was measured on one device at one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The backend.
    pub device: String,
    /// What the device calls itself.
    pub device_name: String,
    /// What it is made of.
    pub hardware: &'static str,
    /// The shape.
    #[serde(flatten)]
    pub shape: Shape,
    /// Training: sequences a second, optimiser and all.
    pub train_sequences_per_second: f64,
    /// Forecasts of every week, brought back to the host: sequences a second.
    pub infer_sequences_per_second: f64,
    /// Billions of operations in matrix products a second, over the whole training step.
    pub train_gflops: f64,
    /// The same in inference.
    pub infer_gflops: f64,
    /// What matrix products alone reach on this device at this shape, in the same run.
    pub peak_gflops: f64,
    /// `train_gflops` / `peak_gflops`.
    pub peak_share: f64,
    /// Share of a training step that is not the layer's own forward and backward pass, 0 to 1.
    pub rest_share: f64,
    /// Seconds from nothing to the first finished training step: drawing the network, compiling kernels, the step.
    pub seconds_to_first_step: f64,
    /// Bytes of host memory that the process held at most so far, where the system says. A GPU's own memory is not in it.
    pub peak_memory_bytes: Option<u64>,
    /// Whether the device computes what plain tensor operations compute on the CPU.
    pub agreement: Agreement,
}

/// Measures one shape on one device.
///
/// # Errors
/// The driver's words, when it gives up (as for want of memory).
pub fn measure(shape: Shape, device: &ChosenDevice, effort: Effort) -> Result<Measured, String> {
    quietly(|| measure_unguarded(shape, device, effort))
}

fn measure_unguarded(shape: Shape, chosen: &ChosenDevice, effort: Effort) -> Measured {
    let device = chosen.device();
    let begun = Instant::now();
    let mut bench = Bench::new(shape, device);
    bench.train(1);
    let seconds_to_first_step = begun.elapsed().as_secs_f64();

    let steps = (SEQUENCE_STEPS / (shape.batch * shape.t)).max(1);
    let train = shape.batch as f64 / median_seconds(steps, effort, || bench.train(steps));
    let layer = shape.batch as f64 / median_seconds(steps, effort, || bench.layer(steps));
    let infer = shape.batch as f64 / median_seconds(steps, effort, || bench.infer(steps));
    let peak_gflops = peak::gflops(shape, chosen);
    let train_gflops = shape.training_operations() * train / 1e9;
    Measured {
        device: chosen.info.backend.name().to_owned(),
        device_name: chosen.info.name.clone(),
        hardware: chosen.info.hardware.name(),
        shape,
        train_sequences_per_second: train,
        infer_sequences_per_second: infer,
        train_gflops,
        infer_gflops: shape.forward_operations() * infer / 1e9,
        peak_gflops,
        peak_share: train_gflops / peak_gflops,
        rest_share: (1.0 - train / layer).max(0.0),
        seconds_to_first_step,
        peak_memory_bytes: staycast_sequences::peak_memory_bytes(),
        agreement: Agreement::of(shape, chosen),
    }
}

/// Median seconds of one of the `times` that `run` does its work, over rounds.
fn median_seconds(times: usize, effort: Effort, mut run: impl FnMut()) -> f64 {
    let begun = Instant::now();
    run();
    let mut rounds = Vec::new();
    while rounds.is_empty() || (rounds.len() < effort.rounds && begun.elapsed().as_secs_f64() < effort.seconds) {
        let start = Instant::now();
        run();
        rounds.push(start.elapsed().as_secs_f64() / times as f64);
    }
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// A network in training, and the sequences it is trained on, on the device.
struct Bench {
    shape: Shape,
    x: Tensor<3>,
    targets: LossTargets,
    plain: Network,
    network: Network,
    adam: AdamW,
    order: Vec<usize>,
    next: usize,
}

pub(crate) fn model(shape: Shape) -> NetworkSpec {
    NetworkSpec { hidden: shape.h, layers: 1, head_hidden: None, dropout: 0.0, input_dropout: 0.0 }
}

/// `count` inputs, uniform on ±1.7 (which has a deviation of about 1), the same on every device.
pub(crate) fn inputs(count: usize, shape: Shape) -> TensorData {
    let mut rng = stream(1, Purpose::Parameters, 1);
    let values = (0..count * shape.t * shape.f).map(|_| 3.4 * unit(&mut rng) - 1.7).collect();
    TensorData::new::<f32, _>(values, [count, shape.t, shape.f])
}

/// Answers that differ from sequence to sequence, and equal weights that sum to 1 a sequence.
pub(crate) fn targets(count: usize, shape: Shape, device: &Device) -> LossTargets {
    let labels = (0..count).map(|row| if row % 3 == 0 { 1.0 } else { 0.0 }).collect();
    LossTargets::from_values(device, labels, vec![1.0 / shape.t as f32; count * shape.t])
}

impl Bench {
    fn new(shape: Shape, device: &Device) -> Self {
        let count = shape.batch * BATCHES;
        let network = Network::new(&model(shape), shape.f, 1, &device.clone().autodiff());
        let adam = AdamW::new(&OptimiserSettings::default(), &network, AdamWState::fresh(&network), device);
        let mut order: Vec<usize> = (0..count).collect();
        shuffle(&mut order, &mut stream(1, Purpose::Order, 1));
        Self {
            shape,
            x: Tensor::from_data(inputs(count, shape), device),
            targets: targets(count, shape, device),
            plain: Network::new(&model(shape), shape.f, 1, device),
            network: network.with_flat(&adam.parameters),
            adam,
            order,
            next: 0,
        }
    }

    fn batch(&mut self) -> Vec<usize> {
        let first = self.next * self.shape.batch;
        self.next = (self.next + 1) % BATCHES;
        self.order[first..first + self.shape.batch].to_vec()
    }

    /// Takes training steps; waits for the device once, at the end.
    fn train(&mut self, steps: usize) {
        let mut total = Tensor::<1>::zeros([1], &self.x.device());
        for _ in 0..steps {
            let batch = self.batch();
            let on_device = DeviceTrainingSet { x: &self.x, targets: &self.targets };
            total = total + on_device.step(&batch, DropoutMasks::none(), &mut self.network, &mut self.adam, 1e-3);
        }
        drop(total.into_data());
    }

    /// Runs the layer alone forward and backward.
    fn layer(&mut self, steps: usize) {
        let x = self.x.clone().narrow(0, 0, self.shape.batch).autodiff();
        let mut total = Tensor::<1>::zeros([1], &self.x.device());
        for _ in 0..steps {
            let sum = self.network.lstm().outputs(x.clone()).sum();
            let gradients = sum.backward();
            total = total + sum.inner();
            drop(gradients);
        }
        drop(total.into_data());
    }

    /// Forecasts; every batch is brought back to the host, as in scoring.
    fn infer(&mut self, steps: usize) {
        for _ in 0..steps {
            let batch = self.batch();
            drop(forecast(&self.plain, &self.x, &batch));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_read_and_print() {
        assert_eq!("12,24,64,256".parse(), Ok(Shape { t: 12, f: 24, h: 64, batch: 256 }));
        assert_eq!(" 1, 2,3 ,4".parse::<Shape>().expect("four numbers").to_string(), "1,2,3,4");
        for wrong in ["", "1,2,3", "1,2,3,0", "1,2,3,x", "1,2,5000,4", "1,2,3,4,5"] {
            assert!(wrong.parse::<Shape>().expect_err(wrong).to_string().contains("T,F,H,BATCH"));
        }
    }

    #[test]
    fn operations_are_counted_by_weight() {
        let shape = Shape { t: 2, f: 3, h: 5, batch: 7 };
        // 4 gates of 5 units, each reading 3 + 5 numbers: 160 weights, 2 operations each, 2 steps.
        assert_eq!(shape.forward_operations(), 640.0);
        // Twice that, and 100 recurrent weights once more on the way back.
        assert_eq!(shape.training_operations(), 1680.0);
    }

    #[test]
    fn a_small_shape_is_measured_and_agrees() {
        let shape = Shape { t: 3, f: 5, h: 9, batch: 16 };
        let measured = measure(shape, &ChosenDevice::flex(), Effort { rounds: 1, seconds: 0.0 })
            .expect("the CPU does not give up");
        assert!(measured.agreement.agrees, "{:?}", measured.agreement);
        for positive in [
            measured.train_sequences_per_second,
            measured.infer_sequences_per_second,
            measured.train_gflops,
            measured.peak_gflops,
            measured.seconds_to_first_step,
        ] {
            assert!(positive > 0.0 && positive.is_finite(), "{measured:?}");
        }
        assert!((0.0..=1.0).contains(&measured.rest_share));
    }
}
