//! The numeric check: small networks forward and backward, compared with flex.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use staycast_lstm::{AdamWSettings, AdamWState, BETA_1, Epoch, MaskSource, Trainer, TrainingRows};

use super::backend::{DeviceInfo, Hardware};
use crate::config::NetworkSpec;
use crate::models::network::{DropoutMasks, Network, cross_entropy};

/// Bounds the difference from flex, relative to the greatest value of the same kind, with which a device passes. 32-bit
/// arithmetic stays below 1e-5 here and TF32 below 5e-3; a wrong kernel is off by a tenth or more.
pub const TOLERANCE: f64 = 1e-2;

/// Reports the outcome of the numeric check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "outcome")]
pub enum Check {
    /// The device computes what flex computes.
    Passed {
        /// Greatest difference from flex, relative.
        error: f64,
    },
    /// It does not, or it could not be asked.
    Failed {
        /// The cause, with the measured error if there is one.
        reason: String,
    },
}

impl Check {
    /// Tells whether the device may be used.
    #[must_use]
    pub const fn passed(&self) -> bool {
        matches!(self, Self::Passed { .. })
    }
}

/// Runs the check on `device`. Never panics.
pub(super) fn check(info: &DeviceInfo, device: &Device) -> Check {
    why_not_tried(info).unwrap_or_else(|| {
        let expected = compute(&Device::flex(), Way::Operations);
        compare(&expected, quietly(|| compute(device, Way::Training)))
    })
}

/// Runs the check on several devices side by side, as each compiles its kernels for seconds. Never panics.
pub(super) fn check_all(devices: &[(DeviceInfo, Device)]) -> Vec<Check> {
    if devices.len() <= 1 {
        return devices.iter().map(|(info, device)| check(info, device)).collect();
    }
    let expected = compute(&Device::flex(), Way::Operations);
    let on_thread = |device: &Device| {
        catch_unwind(AssertUnwindSafe(|| compute(device, Way::Training))).map_err(|panic| words(&*panic))
    };
    let checks = quietly(|| {
        std::thread::scope(|scope| {
            let begin = |(info, device)| match why_not_tried(info) {
                Some(check) => Err(check),
                None => Ok(scope.spawn(move || on_thread(device))),
            };
            let begun: Vec<_> = devices.iter().map(|(info, device)| begin((info, device))).collect();
            let end = |one: Result<std::thread::ScopedJoinHandle<'_, _>, Check>| match one {
                Ok(thread) => compare(&expected, thread.join().unwrap_or_else(|panic| Err(words(&*panic)))),
                Err(check) => check,
            };
            begun.into_iter().map(end).collect()
        })
    });
    checks.unwrap_or_else(|reason| devices.iter().map(|_| Check::Failed { reason: reason.clone() }).collect())
}

/// Says why a device is not tried, as failing could take the process along.
fn why_not_tried(info: &DeviceInfo) -> Option<Check> {
    if cfg!(feature = "vulkan") && info.hardware == Hardware::Software {
        // Tried with burn 0.22.1: lavapipe crashes the process while compiling a pipeline.
        let reason = "not tried: a build with the feature `vulkan` sends SPIR-V to software adapters, \
                      which crash on it or compute wrongly";
        return Some(Check::Failed { reason: reason.to_owned() });
    }
    None
}

/// Compares what a device computed, or its driver's last words, with what flex computes.
fn compare(expected: &[Vec<f32>], found: Result<Vec<Vec<f32>>, String>) -> Check {
    match found {
        Err(reason) => Check::Failed { reason },
        Ok(found) => {
            let error = expected.iter().zip(&found).map(|(e, f)| relative_error(e, f)).fold(0.0, f64::max);
            if error <= TOLERANCE {
                Check::Passed { error }
            } else {
                let reason = format!(
                    "it computes wrongly, by {error:.1e} of the greatest value where {TOLERANCE:.0e} is allowed"
                );
                Check::Failed { reason }
            }
        }
    }
}

/// Returns the greatest difference relative to the greatest expected value; infinite when a value is no number.
fn relative_error(expected: &[f32], found: &[f32]) -> f64 {
    if expected.len() != found.len() || found.iter().any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    let scale = expected.iter().fold(f32::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
    let worst = expected.iter().zip(found).map(|(e, f)| (e - f).abs()).fold(0.0, f32::max);
    f64::from(worst) / f64::from(scale)
}

/// Selects how the part that networks are trained by is computed.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// As training does on the device.
    Training,
    /// By tensor operations, to compare with.
    Operations,
}

/// Computes logits, input gradients and weight gradients of small networks on `device`.
fn compute(device: &Device, way: Way) -> Vec<Vec<f32>> {
    let (batch, weeks, inputs) = (24, 6, 20);
    let shape = NetworkSpec { hidden: 24, layers: 2, head_hidden: Some(8), dropout: 0.0, input_dropout: 0.0 };
    let network = Network::new(&shape, inputs, 7, &device.clone().autodiff());
    let values: Vec<f32> = (0..batch * weeks * inputs).map(|i| (i as f32 * 0.7).sin()).collect();
    let data = TensorData::new(values, [batch, weeks, inputs]);
    let x = Tensor::<3>::from_data(data, device).autodiff().require_grad();
    let logits = network.forward(x.clone(), DropoutMasks::none());
    // Every week counts differently, so that no gradient cancels out.
    let weights: Vec<f32> = (0..batch * weeks).map(|i| 0.5 + (i % 5) as f32).collect();
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [batch, weeks]), device).autodiff();
    let gradients = (logits.clone().tanh() * weights).sum().backward();
    let mut found = vec![values_of(logits.inner()), values_of(x.grad(&gradients).expect("x is tracked"))];
    let mut visit = WeightGradients { gradients: &gradients, found: &mut found };
    network.visit(&mut visit);
    let trained = if way == Way::Training { train(device) } else { None };
    found.extend(trained.unwrap_or_else(|| train_by_operations(device)));
    found
}

/// Describes what the training of the check runs on: large enough for every kind of tile and for several parts of the weights'
/// gradients, and a second batch that is smaller than the first.
mod training {
    pub(super) const POSITIONS: usize = 110;
    pub(super) const WEEKS: usize = 6;
    pub(super) const INPUTS: usize = 95;
    pub(super) const HIDDEN: usize = 40;
    pub(super) const BATCH: usize = 64;
}

/// Computes forecasts, and what two steps leave in the first moments, as training does on `device`; `None` where it trains by
/// the operations that are compared besides. The learning rate is 0, so that both steps are of the same network.
fn train(device: &Device) -> Option<[Vec<f32>; 2]> {
    let (network, rows, masks) = training_case(device);
    let order: Vec<usize> = (0..training::POSITIONS).rev().collect();
    // No gradient is as long as that.
    let settings = AdamWSettings { weight_decay: 0.0, clip_norm: 1e9 };
    let state = AdamWState::fresh(values_of(network.flat()));
    let mut trainer = Trainer::new(network.sizes()?, settings, rows, state)?;
    let logits = trainer.forecast(&order);
    let [inputs, outputs] = masks;
    trainer.epoch(&Epoch { order: &order, batch: training::BATCH, rates: &[0.0, 0.0], inputs, outputs });
    Some([logits, trainer.state().moment_1])
}

/// Computes what [`train`] does, by tensor operations.
fn train_by_operations(device: &Device) -> [Vec<f32>; 2] {
    use training::{BATCH, HIDDEN, INPUTS, POSITIONS};

    let device = &device.clone().autodiff();
    let (network, rows, masks) = training_case(device);
    let reversed = |tensor: Tensor<3>, dimension: usize| tensor.flip([dimension as isize]);
    let x = reversed(rows.x, 0);
    let logits = values_of(network.forward(x.clone(), DropoutMasks::none()).inner());
    let [labels, weights] = [rows.labels, rows.weights].map(|tensor| reversed(tensor, 1).squeeze_dim::<2>(0));
    let mut moments = Vec::new();
    for batch in [0..BATCH, BATCH..POSITIONS] {
        let count = batch.len();
        let mask = |source: MaskSource, columns: usize| {
            let data = TensorData::new(source.factors(batch.clone(), columns), [count, 1, columns]);
            Some(Tensor::<3>::from_data(data, device))
        };
        let drop = DropoutMasks { inputs: mask(masks[0], INPUTS), outputs: mask(masks[1], HIDDEN) };
        let part = |tensor: &Tensor<2>| tensor.clone().narrow(0, batch.start, count);
        let found = network.forward(x.clone().narrow(0, batch.start, count), drop);
        let loss = cross_entropy(found, part(&labels), part(&weights)).div_scalar(count as f64);
        let gradients = loss.backward();
        let mut pieces = Vec::new();
        network.visit(&mut WeightGradients { gradients: &gradients, found: &mut pieces });
        let gradient = pieces.concat();
        moments.resize(gradient.len(), 0.0);
        let keep = BETA_1 as f32;
        moments.iter_mut().zip(gradient).for_each(|(moment, slope)| *moment = keep * *moment + (1.0 - keep) * slope);
    }
    [logits, moments]
}

/// Makes the network, the rows and the masks of [`train`].
fn training_case(device: &Device) -> (Network, TrainingRows, [MaskSource; 2]) {
    use training::{HIDDEN, INPUTS, POSITIONS, WEEKS};

    let shape = NetworkSpec { hidden: HIDDEN, layers: 2, head_hidden: None, dropout: 0.3, input_dropout: 0.1 };
    let numbers = |count: usize, value: &dyn Fn(usize) -> f32| (0..count).map(value).collect::<Vec<f32>>();
    let tensor = |values: Vec<f32>, shape: [usize; 3]| Tensor::<3>::from_data(TensorData::new(values, shape), device);
    let (cells, tasks) = (POSITIONS * WEEKS, [1, POSITIONS, WEEKS]);
    let rows = TrainingRows {
        x: tensor(numbers(cells * INPUTS, &|i| (i as f32 * 0.7).sin()), [POSITIONS, WEEKS, INPUTS]),
        labels: tensor(numbers(cells, &|i| (i % 3 % 2) as f32), tasks),
        weights: tensor(numbers(cells, &|i| 0.5 + (i % 5) as f32), tasks),
    };
    let masks = [MaskSource::new([5, 6], shape.input_dropout), MaskSource::new([7, 8], shape.dropout)];
    (Network::new(&shape, INPUTS, 8, device), rows, masks)
}

fn values_of<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("32-bit floats")
}

/// Collects the gradient of every parameter of a network.
pub(crate) struct WeightGradients<'a> {
    pub(crate) gradients: &'a Gradients,
    pub(crate) found: &'a mut Vec<Vec<f32>>,
}

impl ModuleVisitor for WeightGradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).expect("parameters are tracked");
        self.found.push(values_of(gradient));
    }
}

/// Runs `work`, turning a panic into an error and printing nothing: drivers and adapters panic where there is none.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // The hook is the process's; two threads exchanging it could leave the one that prints nothing behind.
    static HOOK: Mutex<()> = Mutex::new(());
    let _guard = HOOK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(before);
    outcome.map_err(|panic| words(&*panic))
}

/// Returns the first line of what a driver said when it gave up.
fn words(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked without a message");
    let first_line = message.lines().next().unwrap_or(message);
    format!("the driver gave up: {first_line}")
}

#[cfg(test)]
mod tests {
    use super::super::backend::Backend;
    use super::*;

    #[test]
    fn errors_are_relative_to_the_greatest_value() {
        assert_eq!(relative_error(&[2.0, -4.0], &[2.0, -3.0]), 0.25);
        assert_eq!(relative_error(&[1.0], &[f32::NAN]), f64::INFINITY);
        assert_eq!(relative_error(&[1.0], &[]), f64::INFINITY);
    }

    #[test]
    fn several_devices_are_checked_side_by_side_in_their_order() {
        let flex = |name: &str| {
            (DeviceInfo { name: name.to_owned(), ..super::super::find::cpu(Backend::Flex) }, Device::flex())
        };
        let checks = check_all(&[flex("a"), flex("b"), flex("c")]);
        assert_eq!(checks.len(), 3);
        assert!(checks.iter().all(|check| matches!(check, Check::Passed { error } if *error < 1e-5)), "{checks:?}");
        assert_eq!(check_all(&[]), []);
    }

    #[test]
    fn a_panic_is_a_reason() {
        let reason = quietly(|| -> u32 { panic!("no adapter {}", 3) }).expect_err("it panics");
        assert!(reason.contains("no adapter 3"), "{reason}");
    }
}
