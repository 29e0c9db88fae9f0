//! The layer on burn's devices against plain `f64` loops: outputs, state and every gradient.
#![cfg(any(feature = "flex", feature = "ndarray"))]

mod common;

use burn::module::Param;
use burn::tensor::{DType, Device, FloatDType, Shape, Tensor, TensorData};
use common::{Answer, Case, Numbers, assert_close, narrow};
use staycast_lstm::{Lstm, LstmConfig, LstmLayer, LstmState, reference};

/// The devices this build has. (burn marks ndarray as deprecated; users ask for it by name.)
#[allow(deprecated)]
fn devices() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(narrow(values), Shape::from(shape)), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("the tests use 32-bit floats")
}

/// The same values without the operations they came from: what a parameter can be made of.
fn leaf<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    Tensor::from_inner(tensor.inner())
}

/// A case on an autodiff device, everything tracked.
struct OnDevice {
    x: Tensor<3>,
    w_ih: Tensor<2>,
    w_hh: Tensor<2>,
    bias: Tensor<1>,
    h0: Tensor<2>,
    c0: Tensor<2>,
    d_outputs: Tensor<3>,
    d_cell: Tensor<2>,
}

impl OnDevice {
    fn new(case: &Case, device: &Device) -> Self {
        let &Case { batch, weeks, features, hidden, .. } = case;
        Self {
            x: tensor(&case.x, [batch, weeks, features], device).require_grad(),
            w_ih: tensor(&case.w_ih, [features, 4 * hidden], device).require_grad(),
            w_hh: tensor(&case.w_hh, [hidden, 4 * hidden], device).require_grad(),
            bias: tensor(&case.bias, [4 * hidden], device).require_grad(),
            h0: tensor(&case.h0, [batch, hidden], device).require_grad(),
            c0: tensor(&case.c0, [batch, hidden], device).require_grad(),
            d_outputs: tensor(&case.d_outputs, [batch, weeks, hidden], device),
            d_cell: tensor(&case.d_cell, [batch, hidden], device),
        }
    }

    fn layer(&self) -> LstmLayer {
        LstmLayer {
            w_ih: Param::from_tensor(self.w_ih.clone()),
            w_hh: Param::from_tensor(self.w_hh.clone()),
            bias: Param::from_tensor(self.bias.clone()),
        }
    }

    fn check(&self, what: &str, answer: &Answer, (outputs, hidden, cell): (Tensor<3>, Tensor<2>, Tensor<2>)) {
        let close = |name: &str, found: Vec<f32>, expected: &[f64]| {
            assert_close(&format!("{what} {name}"), &found, expected, 1e-5);
        };
        let [batch, weeks, width] = outputs.dims();
        let last: Vec<f64> =
            (0..batch).flat_map(|row| &answer.outputs[(row * weeks + weeks - 1) * width..][..width]).copied().collect();
        close("outputs", values(outputs.clone()), &answer.outputs);
        close("last output", values(hidden), &last);
        close("last cell", values(cell.clone()), &answer.cell);
        let loss = (outputs * self.d_outputs.clone()).sum() + (cell * self.d_cell.clone()).sum();
        let grads = loss.backward();
        close("d_x", values(self.x.grad(&grads).unwrap()), &answer.d_x);
        close("d_w_ih", values(self.w_ih.grad(&grads).unwrap()), &answer.d_w_ih);
        close("d_w_hh", values(self.w_hh.grad(&grads).unwrap()), &answer.d_w_hh);
        close("d_bias", values(self.bias.grad(&grads).unwrap()), &answer.d_bias);
        close("d_h0", values(self.h0.grad(&grads).unwrap()), &answer.d_h0);
        close("d_c0", values(self.c0.grad(&grads).unwrap()), &answer.d_c0);
    }
}

fn shapes() -> Vec<[usize; 4]> {
    let mut shapes = vec![[1, 1, 1, 1], [2, 7, 3, 5], [33, 4, 24, 64], [70, 3, 17, 31]];
    let mut numbers = Numbers(77);
    shapes.extend(
        (0..12).map(|_| [numbers.whole(1, 80), numbers.whole(1, 12), numbers.whole(1, 40), numbers.whole(1, 70)]),
    );
    shapes
}

#[test]
fn the_operation_and_the_reference_agree_with_plain_loops() {
    for device in devices() {
        for (seed, shape) in shapes().into_iter().enumerate() {
            let case = Case::new(shape, 1000 + seed as u64);
            let answer = case.solve();

            let on = OnDevice::new(&case, &device.clone().autodiff());
            let fused = on.layer().forward(on.x.clone(), Some((on.h0.clone(), on.c0.clone())));
            on.check(&format!("operation {device:?} {shape:?}"), &answer, fused);

            let on = OnDevice::new(&case, &device.clone().autodiff());
            let plain = reference::forward(&on.x, &on.w_ih, &on.w_hh, &on.bias, on.h0.clone(), on.c0.clone());
            on.check(&format!("reference {device:?} {shape:?}"), &answer, plain);
        }
    }
}

#[test]
fn the_outputs_alone_have_the_same_values_and_gradients() {
    for device in devices() {
        let mut case = Case::new([37, 6, 5, 19], 4).started_from_zeros();
        case.d_cell.fill(0.0);
        let answer = case.solve();
        let on = OnDevice::new(&case, &device.clone().autodiff());
        let outputs = on.layer().outputs(on.x.clone());
        assert_close("outputs", &values(outputs.clone()), &answer.outputs, 1e-5);
        let grads = (outputs * on.d_outputs.clone()).sum().backward();
        assert_close("d_x", &values(on.x.grad(&grads).unwrap()), &answer.d_x, 1e-5);
        assert_close("d_w_ih", &values(on.w_ih.grad(&grads).unwrap()), &answer.d_w_ih, 1e-5);
        assert_close("d_w_hh", &values(on.w_hh.grad(&grads).unwrap()), &answer.d_w_hh, 1e-5);
        assert_close("d_bias", &values(on.bias.grad(&grads).unwrap()), &answer.d_bias, 1e-5);
    }
}

#[test]
fn inputs_that_are_views_are_read_right() {
    for device in devices() {
        let case = Case::new([6, 5, 4, 7], 12);
        let answer = case.solve();
        let device = device.autodiff();
        let on = OnDevice::new(&case, &device);
        // The same numbers, laid out time first and handed over as a transposed view; weights likewise.
        let x = values(on.x.clone().swap_dims(0, 1));
        let x = Tensor::<3>::from_data(TensorData::new(x, [5, 6, 4]), &device).swap_dims(0, 1);
        let w_hh = values(on.w_hh.clone().transpose());
        let w_hh = Tensor::<2>::from_data(TensorData::new(w_hh, [28, 7]), &device).transpose();
        let layer = LstmLayer { w_hh: Param::from_tensor(leaf(w_hh)), ..on.layer() };
        let (outputs, _, cell) = layer.forward(x, Some((on.h0.clone(), on.c0.clone())));
        assert_close("outputs", &values(outputs), &answer.outputs, 1e-5);
        assert_close("cell", &values(cell), &answer.cell, 1e-5);
    }
}

/// `Σ outputs²` of a stacked layer in `f64` on the device under test, where it has that type.
fn loss_in_f64(lstm: &Lstm, x: &Tensor<3>) -> f64 {
    let (outputs, state) = lstm.forward(x.clone(), None);
    let cells = state.cell.into_iter().map(|cell| cell.square().sum()).reduce(|a, b| a + b).unwrap();
    (outputs.square().sum() + cells).into_data().try_to_vec::<f64>().unwrap()[0]
}

/// A stacked layer in `f64`, which the native kernels leave to tensor operations.
fn double(lstm: Lstm) -> Lstm {
    let cast = |layer: LstmLayer| LstmLayer {
        w_ih: Param::from_tensor(leaf(layer.w_ih.val().cast(FloatDType::F64))),
        w_hh: Param::from_tensor(leaf(layer.w_hh.val().cast(FloatDType::F64))),
        bias: Param::from_tensor(leaf(layer.bias.val().cast(FloatDType::F64))),
    };
    Lstm { layers: lstm.layers.into_iter().map(cast).collect(), ..lstm }
}

/// Finite differences, in `f64`, of a stack of layers: the tensor operations' own backward pass, and the chain from
/// layer to layer.
#[test]
fn gradients_agree_with_finite_differences() {
    for device in devices() {
        let device = device.autodiff();
        let case = Case::new([3, 4, 3, 5], 9);
        let lstm = double(LstmConfig::new(3, 5).with_layers(2).init(&device));
        let x = tensor::<3>(&case.x, [3, 4, 3], &device).cast(FloatDType::F64);
        let x = leaf(x).require_grad();
        let (outputs, state) = lstm.forward(x.clone(), None);
        let cells = state.cell.into_iter().map(|cell| cell.square().sum()).reduce(|a, b| a + b).unwrap();
        let grads = (outputs.square().sum() + cells).backward();

        let bump = 1e-5;
        let check = |what: &str, gradient: Vec<f64>, loss_at: &dyn Fn(usize, f64) -> f64| {
            for (index, &gradient) in gradient.iter().enumerate() {
                let difference = (loss_at(index, bump) - loss_at(index, -bump)) / (2.0 * bump);
                let error = (gradient - difference).abs();
                assert!(error < 1e-7 * (1.0 + gradient.abs()), "{what}[{index}]: {gradient} is not {difference}");
            }
        };
        let bumped = |tensor: &Tensor<3>, index: usize, by: f64| {
            let mut values = tensor.to_data().try_to_vec::<f64>().unwrap();
            values[index] += by;
            Tensor::<3>::from_data(TensorData::new(values, tensor.shape()), (&device, DType::F64))
        };
        let gradient = x.grad(&grads).unwrap().into_data().try_to_vec::<f64>().unwrap();
        check("x", gradient, &|index, by| loss_in_f64(&lstm, &bumped(&x, index, by)));
        for (number, layer) in lstm.layers.iter().enumerate() {
            let weight = layer.w_hh.val();
            let gradient = weight.grad(&grads).unwrap().into_data().try_to_vec::<f64>().unwrap();
            check(&format!("layer {number} w_hh"), gradient, &|index, by| {
                let as_three = bumped(&weight.clone().unsqueeze::<3>(), index, by);
                let mut lstm = lstm.clone();
                lstm.layers[number].w_hh = Param::from_tensor(leaf(as_three.squeeze_dim::<2>(0)));
                loss_in_f64(&lstm, &x)
            });
        }
    }
}

#[test]
fn a_sequence_in_two_parts_gives_what_it_gives_whole() {
    for device in devices() {
        let lstm = LstmConfig::new(6, 11).with_layers(2).init(&device);
        let case = Case::new([9, 8, 6, 11], 21);
        let x = tensor::<3>(&case.x, [9, 8, 6], &device);
        let (whole, after) = lstm.forward(x.clone(), None);
        let (first, state) = lstm.forward(x.clone().narrow(1, 0, 3), None);
        let (second, state) = lstm.forward(x.clone().narrow(1, 3, 5), Some(state));
        assert_eq!(values(whole.clone()), values(Tensor::cat(vec![first, second], 1)));
        assert_eq!(values(whole), values(lstm.outputs(x)));
        let flat =
            |state: LstmState| -> Vec<Vec<f32>> { state.hidden.into_iter().chain(state.cell).map(values).collect() };
        assert_eq!(flat(after), flat(state));
    }
}

#[test]
fn later_weeks_change_no_earlier_output() {
    for device in devices() {
        let lstm = LstmConfig::new(4, 10).with_layers(2).init(&device);
        let case = Case::new([5, 9, 4, 10], 31);
        let x = tensor::<3>(&case.x, [5, 9, 4], &device);
        let all = values(lstm.outputs(x.clone()).narrow(1, 0, 4));
        assert_eq!(all, values(lstm.outputs(x.narrow(1, 0, 4))));
    }
}
