//! Measuring one shape on one device.

use std::time::Instant;

use serde::Serialize;

use super::agreement::Agreement;
use super::peak;
use super::shape::Shape;
use super::workload::Workload;
use crate::device::{ChosenDevice, quietly};

/// Sets the sequence steps of a round on a CPU.
const SEQUENCE_STEPS: usize = 200_000;

/// Sets the same on a GPU, where a round ends with waiting for it.
const GPU_SEQUENCE_STEPS: usize = 1_000_000;

/// Bounds how long to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Rounds of about 200,000 sequence steps each on a CPU, and a million on a GPU.
    pub rounds: usize,
    /// Seconds after which no further round is begun.
    pub seconds: f64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { rounds: 7, seconds: 20.0 }
    }
}

/// Holds the measurements on one device at one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The backend.
    pub device: String,
    /// The device's own name.
    pub device_name: String,
    /// The kind of hardware.
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
    /// Billions of operations a second that matrix products alone reach on this device at this shape, in the same run.
    pub peak_gflops: f64,
    /// `train_gflops` / `peak_gflops`.
    pub peak_share: f64,
    /// Seconds from nothing to the first finished training step: drawing the network, compiling kernels, the step.
    pub seconds_to_first_step: f64,
    /// The same for a second network of the shape, whose kernels are there: the difference is what compiling them took.
    pub seconds_to_first_step_again: f64,
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
    let (_, seconds_to_first_step) = begin(shape, chosen);
    let (mut workload, seconds_to_first_step_again) = begin(shape, chosen);

    let of_a_round = if chosen.is_cpu() { SEQUENCE_STEPS } else { GPU_SEQUENCE_STEPS };
    let steps = (of_a_round / (shape.batch * shape.t)).max(1);
    let train = shape.batch as f64 / median_seconds(steps, effort, || workload.train(steps));
    let infer = shape.batch as f64 / median_seconds(steps, effort, || workload.infer(steps));
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
        seconds_to_first_step,
        seconds_to_first_step_again,
        peak_memory_bytes: staycast_sequences::peak_memory_bytes(),
        agreement: Agreement::measure(shape, chosen),
    }
}

/// Takes the first training step of a network on a device.
///
/// # Errors
/// As [`measure`].
pub fn first_step(shape: Shape, device: &ChosenDevice) -> Result<(), String> {
    quietly(|| drop(begin(shape, device)))
}

/// Draws a network and takes its first step; returns how long that took.
fn begin(shape: Shape, chosen: &ChosenDevice) -> (Workload, f64) {
    let begun = Instant::now();
    let mut workload = Workload::new(shape, chosen.device());
    workload.train(1);
    // The loss is there before the weights are. A process that ends while its driver compiles may be aborted by it.
    chosen.device().sync().expect("the device ends what was asked of it");
    (workload, begun.elapsed().as_secs_f64())
}

/// Returns the median seconds of one of the `times` that `run` does its work, over rounds.
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

#[cfg(test)]
mod tests {
    use super::*;

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
            measured.seconds_to_first_step_again,
        ] {
            assert!(positive > 0.0 && positive.is_finite(), "{measured:?}");
        }
    }
}
