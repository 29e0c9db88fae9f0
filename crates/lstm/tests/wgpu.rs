//! The layer on a GPU device, which here may be a software adapter, against plain `f64` loops and against flex.
//!
//! Build without the feature `vulkan`: CubeCL's SPIR-V path crashes on one software adapter and is wrong on another.
#![cfg(all(feature = "wgpu", feature = "flex"))]

mod common;

use burn::module::{Module, Param};
use burn::tensor::{Device, DeviceKind, FloatDType, Shape, Tensor, TensorData};
use common::{Answer, Case, assert_close, narrow};
use staycast_lstm::{Lstm, LstmConfig, LstmLayer};

/// Lists the sizes batch, steps, features, hidden units. On a software adapter's 32 KiB of shared memory the recurrent
/// weights of up to about 40 hidden units stay there, those of more are streamed, and more than 1,024 are left to
/// tensor operations.
const SHAPES: [[usize; 4]; 10] = [
    [1, 1, 1, 1],
    [3, 4, 5, 6],
    [5, 3, 2, 9],
    [33, 5, 7, 13],
    [67, 3, 4, 31],
    [9, 4, 3, 48],
    [7, 3, 4, 65],
    [5, 2, 3, 257],
    // Enough rows for the products of the weights' gradients to be cut into parts.
    [520, 4, 3, 5],
    [2, 2, 3, 1030],
];

fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(narrow(values), Shape::from(shape)), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn layer(case: &Case, device: &Device) -> LstmLayer {
    let &Case { features, hidden, .. } = case;
    LstmLayer {
        w_ih: Param::from_tensor(tensor(&case.w_ih, [features, 4 * hidden], device)),
        w_hh: Param::from_tensor(tensor(&case.w_hh, [hidden, 4 * hidden], device)),
        bias: Param::from_tensor(tensor(&case.bias, [4 * hidden], device)),
        norm: None,
    }
}

/// Computes outputs, last output and cell, and gradients of x, weights, bias, first output and cell.
fn run(case: &Case, device: &Device) -> Vec<(&'static str, Vec<f32>)> {
    let device = &device.clone().autodiff();
    let &Case { batch, steps, features, hidden, .. } = case;
    let x = tensor::<3>(&case.x, [batch, steps, features], device).require_grad();
    let h0 = tensor::<2>(&case.h0, [batch, hidden], device).require_grad();
    let c0 = tensor::<2>(&case.c0, [batch, hidden], device).require_grad();
    let layer = layer(case, device);
    let (outputs, last, cell) = layer.forward(x.clone(), Some((h0.clone(), c0.clone())));
    let d_outputs = tensor(&case.d_outputs, [batch, steps, hidden], device);
    let d_cell = tensor(&case.d_cell, [batch, hidden], device);
    let d_hidden = tensor(&case.d_hidden, [batch, hidden], device);
    let state = (last.clone() * d_hidden).sum() + (cell.clone() * d_cell).sum();
    let grads = ((outputs.clone() * d_outputs).sum() + state).backward();
    vec![
        ("outputs", values(outputs)),
        ("last output", values(last)),
        ("last cell", values(cell)),
        ("d_x", values(x.grad(&grads).unwrap())),
        ("d_w_ih", values(layer.w_ih.val().grad(&grads).unwrap())),
        ("d_w_hh", values(layer.w_hh.val().grad(&grads).unwrap())),
        ("d_bias", values(layer.bias.val().grad(&grads).unwrap())),
        ("d_h0", values(h0.grad(&grads).unwrap())),
        ("d_c0", values(c0.grad(&grads).unwrap())),
    ]
}

/// Computes the right outcome of [`run`].
fn expected(case: &Case) -> Vec<Vec<f64>> {
    let Answer { outputs, hidden, cell, d_x, d_w_ih, d_w_hh, d_bias, d_h0, d_c0 } = case.solve();
    vec![outputs, hidden, cell, d_x, d_w_ih, d_w_hh, d_bias, d_h0, d_c0]
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn a_gpu_agrees_with_plain_loops() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        let case = Case::new(shape, seed as u64);
        for ((name, found), expected) in run(&case, &gpu()).iter().zip(expected(&case)) {
            assert_close(&format!("{shape:?} {name}"), found, &expected, 1e-5);
        }
    }
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn a_gpu_agrees_with_flex() {
    for (seed, shape) in SHAPES.into_iter().enumerate().take(6) {
        let case = Case::new(shape, 50 + seed as u64);
        for ((name, found), (_, expected)) in run(&case, &gpu()).iter().zip(run(&case, &Device::flex())) {
            let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
            assert_close(&format!("{shape:?} {name}"), found, &expected, 1e-5);
        }
    }
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn from_zeros_the_outputs_alone_have_the_same_values_and_gradients() {
    for shape in [[7, 5, 3, 11], [6, 3, 2, 50]] {
        let mut case = Case::new(shape, 4).started_from_zeros();
        case.d_hidden.fill(0.0);
        case.d_cell.fill(0.0);
        let answer = case.solve();
        let [batch, steps, features, hidden] = shape;
        let device = &gpu().autodiff();
        let layer = layer(&case, device);
        let x = tensor::<3>(&case.x, [batch, steps, features], device);
        let outputs = layer.outputs(x);
        assert_close("outputs", &values(outputs.clone()), &answer.outputs, 1e-5);
        let grads = (outputs * tensor(&case.d_outputs, [batch, steps, hidden], device)).sum().backward();
        assert_close("d_w_ih", &values(layer.w_ih.val().grad(&grads).unwrap()), &answer.d_w_ih, 1e-5);
        assert_close("d_w_hh", &values(layer.w_hh.val().grad(&grads).unwrap()), &answer.d_w_hh, 1e-5);
        assert_close("d_bias", &values(layer.bias.val().grad(&grads).unwrap()), &answer.d_bias, 1e-5);
    }
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn inputs_that_are_views_are_read_right() {
    let case = Case::new([6, 5, 4, 7], 12);
    let answer = case.solve();
    let device = &gpu();
    // The same numbers, laid out step first and handed over as transposed views; weights likewise.
    let x = values(tensor::<3>(&case.x, [6, 5, 4], device).swap_dims(0, 1));
    let x = Tensor::<3>::from_data(TensorData::new(x, [5, 6, 4]), device).swap_dims(0, 1);
    let w_hh = values(tensor::<2>(&case.w_hh, [7, 28], device).transpose());
    let w_hh = Tensor::<2>::from_data(TensorData::new(w_hh, [28, 7]), device).transpose();
    let layer = LstmLayer { w_hh: Param::from_tensor(w_hh), ..layer(&case, device) };
    let (h0, c0) = (tensor(&case.h0, [6, 7], device), tensor(&case.c0, [6, 7], device));
    let (outputs, _, cell) = layer.forward(x, Some((h0, c0)));
    assert_close("outputs", &values(outputs), &answer.outputs, 1e-5);
    assert_close("cell", &values(cell), &answer.cell, 1e-5);
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn the_same_call_gives_the_same_bytes_again() {
    for shape in [[9, 4, 5, 12], [37, 3, 4, 45]] {
        let case = Case::new(shape, 8);
        let first = run(&case, &gpu());
        for _ in 0..3 {
            assert_eq!(first, run(&case, &gpu()), "{shape:?}");
        }
    }
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn what_is_not_a_number_stays_visible() {
    let mut case = Case::new([3, 4, 2, 5], 6);
    case.x[2] = f64::NAN; // the first sequence's second step
    case.x[8 + 4] = 1e30; // the second sequence's third
    let device = &gpu();
    let outputs = values(layer(&case, device).outputs(tensor(&case.x, [3, 4, 2], device)));
    let finite: Vec<bool> = outputs.chunks_exact(5).map(|step| step.iter().all(|value| value.is_finite())).collect();
    let expected = [true, false, false, false, true, true, true, true, true, true, true, true];
    assert_eq!(finite, expected);
    assert!(outputs[5..20].iter().all(|value| value.is_nan()));
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn sixteen_bits_where_the_device_has_them() {
    let device = &gpu();
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        if !device.supports_dtype(dtype) {
            eprintln!("{device:?} has no {dtype:?}: left out");
            continue;
        }
        let case = Case::new([5, 4, 3, 9], 3);
        let answer = case.solve();
        let layer = layer(&case, device);
        let cast = |tensor: Tensor<2>| Param::from_tensor(tensor.cast(dtype));
        let layer = LstmLayer {
            w_ih: cast(layer.w_ih.val()),
            w_hh: cast(layer.w_hh.val()),
            bias: Param::from_tensor(layer.bias.val().cast(dtype)),
            norm: None,
        };
        let start = (tensor(&case.h0, [5, 9], device).cast(dtype), tensor(&case.c0, [5, 9], device).cast(dtype));
        let x = tensor::<3>(&case.x, [5, 4, 3], device).cast(dtype);
        let (outputs, _, cell) = layer.forward(x, Some(start));
        assert_close("outputs", &values(outputs.cast(FloatDType::F32)), &answer.outputs, 0.02);
        assert_close("cell", &values(cell.cast(FloatDType::F32)), &answer.cell, 0.02);
    }
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn both_directions_with_lengths_and_padding_that_is_not_a_number_agree_with_flex() {
    for shape in [[9, 5, 3, 6], [5, 3, 2, 44]] {
        let [batch, steps, features, hidden] = shape;
        let mut case = Case::new(shape, 17).with_lengths(2);
        for (sequence, &length) in case.x.chunks_exact_mut(steps * features).zip(&case.lengths) {
            sequence[length * features..].fill(f64::NAN);
        }
        let cpu = Device::flex().autodiff();
        let lstm = LstmConfig::new(features, hidden).with_bidirectional(true).init(&cpu);
        let run = |lstm: Lstm, device: &Device| {
            let x = tensor::<3>(&case.x, [batch, steps, features], device).require_grad();
            let (outputs, state) = lstm.forward_with_lengths(x.clone(), &case.lengths, None);
            let state: Vec<_> = state.hidden.into_iter().chain(state.cell).collect();
            let loss = outputs.clone().square().sum() + Tensor::cat(state.clone(), 0).square().sum();
            let grads = loss.backward();
            let weight = lstm.layers[0].w_ih.val();
            let mut found =
                vec![values(outputs), values(x.grad(&grads).unwrap()), values(weight.grad(&grads).unwrap())];
            found.extend(state.into_iter().map(values));
            found
        };
        let expected = run(lstm.clone(), &cpu);
        let gpu = gpu().autodiff();
        for (number, (found, expected)) in run(lstm.fork(&gpu), &gpu).iter().zip(&expected).enumerate() {
            let expected: Vec<f64> = expected.iter().copied().map(f64::from).collect();
            assert_close(&format!("{shape:?}, result {number}"), found, &expected, 1e-5);
        }
    }
}
