//! The layer on burn's devices against plain `f64` loops: outputs, state and every gradient.
#![cfg(any(feature = "flex", feature = "ndarray"))]

mod common;

use burn::module::Param;
use burn::tensor::{DType, Device, FloatDType, Gradients, Shape, Tensor, TensorData};
use common::{Answer, Case, Numbers, assert_close, narrow};
use staycast_lstm::{Lstm, LstmConfig, LstmLayer, LstmState, reference};

/// Lists the devices this build has. (burn marks ndarray as deprecated; users ask for it by name.)
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

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_to_vec().expect("they were just converted")
}

/// Returns the same values without the operations they came from: what a parameter can be made of.
fn leaf<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    Tensor::from_inner(tensor.inner())
}

/// Holds a case on an autodiff device, everything tracked.
struct OnDevice {
    x: Tensor<3>,
    w_ih: Tensor<2>,
    w_hh: Tensor<2>,
    bias: Tensor<1>,
    h0: Tensor<2>,
    c0: Tensor<2>,
    d_outputs: Tensor<3>,
    d_hidden: Tensor<2>,
    d_cell: Tensor<2>,
}

impl OnDevice {
    fn new(case: &Case, device: &Device) -> Self {
        Self::of_type(case, device, DType::F32)
    }

    fn of_type(case: &Case, device: &Device, dtype: DType) -> Self {
        fn make<const D: usize>(values: &[f64], shape: [usize; D], device: &Device, dtype: DType) -> Tensor<D> {
            Tensor::from_data(TensorData::new(values.to_vec(), Shape::from(shape)), (device, dtype))
        }
        let &Case { batch, steps, features, hidden, .. } = case;
        let matrix = |values: &[f64], shape: [usize; 2]| make(values, shape, device, dtype);
        Self {
            x: make(&case.x, [batch, steps, features], device, dtype).require_grad(),
            w_ih: matrix(&case.w_ih, [features, 4 * hidden]).require_grad(),
            w_hh: matrix(&case.w_hh, [hidden, 4 * hidden]).require_grad(),
            bias: make(&case.bias, [4 * hidden], device, dtype).require_grad(),
            h0: matrix(&case.h0, [batch, hidden]).require_grad(),
            c0: matrix(&case.c0, [batch, hidden]).require_grad(),
            d_outputs: make(&case.d_outputs, [batch, steps, hidden], device, dtype),
            d_hidden: matrix(&case.d_hidden, [batch, hidden]),
            d_cell: matrix(&case.d_cell, [batch, hidden]),
        }
    }

    fn layer(&self) -> LstmLayer {
        LstmLayer {
            w_ih: Param::from_tensor(self.w_ih.clone()),
            w_hh: Param::from_tensor(self.w_hh.clone()),
            bias: Param::from_tensor(self.bias.clone()),
            norm: None,
        }
    }

    fn loss(&self, (outputs, hidden, cell): (Tensor<3>, Tensor<2>, Tensor<2>)) -> Tensor<1> {
        (outputs * self.d_outputs.clone()).sum()
            + (hidden * self.d_hidden.clone()).sum()
            + (cell * self.d_cell.clone()).sum()
    }

    /// Compares what was given, and the gradients of `grads`, leaving out that of x.
    fn check_parts(
        &self,
        what: &str,
        answer: &Answer,
        (outputs, hidden, cell): (Tensor<3>, Tensor<2>, Tensor<2>),
        grads: &Gradients,
        tolerance: f64,
    ) {
        let close = |name: &str, found: Vec<f64>, expected: &[f64]| {
            assert_close(&format!("{what} {name}"), &found, expected, tolerance);
        };
        close("outputs", values(outputs), &answer.outputs);
        close("last output", values(hidden), &answer.hidden);
        close("last cell", values(cell), &answer.cell);
        close("d_w_ih", values(self.w_ih.grad(grads).unwrap()), &answer.d_w_ih);
        close("d_w_hh", values(self.w_hh.grad(grads).unwrap()), &answer.d_w_hh);
        close("d_bias", values(self.bias.grad(grads).unwrap()), &answer.d_bias);
        close("d_h0", values(self.h0.grad(grads).unwrap()), &answer.d_h0);
        close("d_c0", values(self.c0.grad(grads).unwrap()), &answer.d_c0);
    }

    fn check(&self, what: &str, answer: &Answer, given: (Tensor<3>, Tensor<2>, Tensor<2>)) {
        let grads = self.loss(given.clone()).backward();
        self.check_parts(what, answer, given, &grads, 1e-5);
        let d_x = values(self.x.grad(&grads).unwrap());
        assert_close(&format!("{what} d_x"), &d_x, &answer.d_x, 1e-5);
    }

    fn check_layer(&self, what: &str, answer: &Answer) {
        let given = self.layer().forward(self.x.clone(), Some((self.h0.clone(), self.c0.clone())));
        self.check(what, answer, given);
    }
}

/// Draws sizes from 1 to `most`, small ones more often: uniform in the logarithm.
fn skewed(numbers: &mut Numbers, most: usize) -> usize {
    let share = f64::midpoint(numbers.next(), 1.0);
    ((most as f64 + 1.0).powf(share) as usize).clamp(1, most)
}

/// Draws a random shape (batch, steps, features, hidden) that plain loops get through in moderate time.
fn random_shape(numbers: &mut Numbers) -> [usize; 4] {
    loop {
        let shape = [skewed(numbers, 1025), skewed(numbers, 84), skewed(numbers, 96), skewed(numbers, 256)];
        let [batch, steps, features, hidden] = shape;
        if batch * steps * (features + hidden) * 4 * hidden < 30_000_000 {
            return shape;
        }
    }
}

#[test]
fn the_operation_and_the_reference_agree_with_plain_loops() {
    let shapes = [[1, 1, 1, 1], [2, 7, 3, 5], [33, 4, 24, 64], [70, 3, 17, 31], [5, 12, 40, 9], [41, 2, 1, 70]];
    for device in devices() {
        for (seed, shape) in shapes.into_iter().enumerate() {
            let case = Case::new(shape, 1000 + seed as u64);
            let answer = case.solve();
            OnDevice::new(&case, &device.clone().autodiff())
                .check_layer(&format!("operation {device:?} {shape:?}"), &answer);
            let on = OnDevice::new(&case, &device.clone().autodiff());
            let plain = reference::forward(&on.x, &on.w_ih, &on.w_hh, &on.bias, on.h0.clone(), on.c0.clone());
            on.check(&format!("reference {device:?} {shape:?}"), &answer, plain);
        }
    }
}

#[test]
fn random_shapes_agree_with_plain_loops() {
    let mut numbers = Numbers(77);
    // The ends of the ranges, and odd sizes on the way; then random ones.
    let mut shapes = vec![[1025, 3, 7, 33], [257, 12, 24, 64], [3, 84, 96, 65], [2, 5, 96, 256], [1024, 1, 5, 7]];
    shapes.extend((0..24).map(|_| random_shape(&mut numbers)));
    for (seed, shape) in shapes.into_iter().enumerate() {
        let case = Case::new(shape, 2000 + seed as u64);
        let answer = case.solve();
        for device in devices() {
            OnDevice::new(&case, &device.clone().autodiff()).check_layer(&format!("{device:?} {shape:?}"), &answer);
        }
    }
}

/// Checks both directions over sequences of different lengths, as two cases that share their input.
fn check_both_directions(device: &Device, dtype: DType, shape: [usize; 4], seed: u64, tolerance: f64) {
    let what = format!("{device:?} {dtype:?} {shape:?}");
    let there = Case::new(shape, seed).with_lengths(seed);
    let back = Case { x: there.x.clone(), ..Case::new(shape, seed + 1).with_lengths(seed).reversed() };
    let (answer_there, answer_back) = (there.solve(), back.solve());
    let device = device.clone().autodiff();
    let (on_there, on_back) = (OnDevice::of_type(&there, &device, dtype), OnDevice::of_type(&back, &device, dtype));
    let [_, _, features, hidden] = shape;
    let lstm = Lstm {
        layers: vec![on_there.layer()],
        reverse: vec![on_back.layer()],
        ..LstmConfig::new(features, hidden).with_bidirectional(true).init(&device)
    };
    let start = LstmState {
        hidden: vec![on_there.h0.clone(), on_back.h0.clone()],
        cell: vec![on_there.c0.clone(), on_back.c0.clone()],
    };
    // Nothing past a sequence's end may be read.
    let (steps, padding) = (shape[1], 1e30);
    let mut x = there.x.clone();
    for (row, &length) in there.lengths.iter().enumerate() {
        x[row * steps * features..][length * features..steps * features].fill(padding);
    }
    let x = Tensor::<3>::from_data(TensorData::new(x, [shape[0], steps, features]), (&device, dtype)).require_grad();
    let (outputs, state) = lstm.forward_with_lengths(x.clone(), &there.lengths, Some(start));
    let part = |from: usize| outputs.clone().narrow(2, from, hidden);
    let given_there = (part(0), state.hidden[0].clone(), state.cell[0].clone());
    let given_back = (part(hidden), state.hidden[1].clone(), state.cell[1].clone());
    let grads = (on_there.loss(given_there.clone()) + on_back.loss(given_back.clone())).backward();
    on_there.check_parts(&format!("{what} forward"), &answer_there, given_there, &grads, tolerance);
    on_back.check_parts(&format!("{what} reverse"), &answer_back, given_back, &grads, tolerance);
    let d_x = values(x.grad(&grads).unwrap());
    let expected: Vec<f64> = answer_there.d_x.iter().zip(&answer_back.d_x).map(|(a, b)| a + b).collect();
    assert_close(&format!("{what} d_x"), &d_x, &expected, tolerance);
    for (row, &length) in there.lengths.iter().enumerate() {
        let padding = &d_x[row * steps * features..][length * features..steps * features];
        assert!(padding.iter().all(|&d| d == 0.0), "{what}: a gradient in the padding of sequence {row}");
    }
}

#[test]
fn both_directions_with_lengths_agree_with_plain_loops() {
    let mut numbers = Numbers(99);
    let mut shapes = vec![[1, 1, 1, 1], [1, 4, 2, 3], [35, 9, 6, 17], [130, 5, 24, 20]];
    shapes.extend((0..8).map(|_| random_shape(&mut numbers)));
    for (seed, shape) in shapes.into_iter().enumerate() {
        for device in devices() {
            check_both_directions(&device, DType::F32, shape, 3000 + 2 * seed as u64, 1e-5);
        }
    }
}

/// Checks that 64-bit floats go through the backend's tensor operations, the path of devices without kernels of their
/// own.
#[test]
fn the_tensor_operations_agree_with_plain_loops() {
    for (seed, shape) in [[1, 1, 1, 1], [2, 7, 3, 5], [9, 6, 4, 7]].into_iter().enumerate() {
        for device in devices() {
            check_both_directions(&device, DType::F64, shape, 4000 + 2 * seed as u64, 1e-12);
        }
    }
}

/// Compares with burn's own LSTM with the same weights.
#[test]
fn the_operation_agrees_with_burns_lstm() {
    for device in devices() {
        let device = device.autodiff();
        let stock = burn::nn::LstmConfig::new(7, 13, true).init(&device);
        let gates = [&stock.input_gate, stock.forget_gate.as_ref().unwrap(), &stock.cell_gate, &stock.output_gate];
        let bias = gates.map(|gate| {
            let bias = |linear: &burn::nn::Linear| linear.bias.as_ref().unwrap().val();
            bias(&gate.input_transform) + bias(&gate.hidden_transform)
        });
        let layer = LstmLayer {
            w_ih: Param::from_tensor(leaf(Tensor::cat(
                gates.map(|gate| gate.input_transform.weight.val()).to_vec(),
                1,
            ))),
            w_hh: Param::from_tensor(leaf(Tensor::cat(
                gates.map(|gate| gate.hidden_transform.weight.val()).to_vec(),
                1,
            ))),
            bias: Param::from_tensor(leaf(Tensor::cat(bias.to_vec(), 0))),
            norm: None,
        };
        let case = Case::new([37, 6, 7, 13], 5);
        let on = OnDevice::new(&case, &device);
        let start = burn::nn::LstmState::new(on.c0.clone(), on.h0.clone());
        let (outputs, state) = stock.forward(on.x.clone(), Some(start));
        let grads = on.loss((outputs.clone(), state.hidden.clone(), state.cell.clone())).backward();
        let ours = OnDevice::new(&case, &device);
        let given = layer.forward(ours.x.clone(), Some((ours.h0.clone(), ours.c0.clone())));
        let our_grads = ours.loss(given.clone()).backward();
        let gradient = |tensor: Tensor<2>, grads: &Gradients| values(tensor.grad(grads).unwrap());
        assert_close("outputs", &values(given.0), &values(outputs), 1e-5);
        assert_close("last output", &values(given.1), &values(state.hidden), 1e-5);
        assert_close("last cell", &values(given.2), &values(state.cell), 1e-5);
        assert_close("d_x", &values(ours.x.grad(&our_grads).unwrap()), &values(on.x.grad(&grads).unwrap()), 1e-5);
        assert_close("d_h0", &gradient(ours.h0, &our_grads), &gradient(on.h0, &grads), 1e-5);
        assert_close("d_c0", &gradient(ours.c0, &our_grads), &gradient(on.c0, &grads), 1e-5);
        let d_w_hh = gates.map(|gate| gate.hidden_transform.weight.val().grad(&grads).unwrap());
        assert_close("d_w_hh", &gradient(layer.w_hh.val(), &our_grads), &values(Tensor::cat(d_w_hh.to_vec(), 1)), 1e-5);
        let d_w_ih = gates.map(|gate| gate.input_transform.weight.val().grad(&grads).unwrap());
        assert_close("d_w_ih", &gradient(layer.w_ih.val(), &our_grads), &values(Tensor::cat(d_w_ih.to_vec(), 1)), 1e-5);
    }
}

#[test]
fn the_outputs_alone_have_the_same_values_and_gradients() {
    for device in devices() {
        let mut case = Case::new([37, 6, 5, 19], 4).started_from_zeros();
        case.d_cell.fill(0.0);
        case.d_hidden.fill(0.0);
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
        let x = Tensor::<3>::from_data(TensorData::new(narrow(&x), [5, 6, 4]), &device).swap_dims(0, 1);
        let w_hh = values(on.w_hh.clone().transpose());
        let w_hh = Tensor::<2>::from_data(TensorData::new(narrow(&w_hh), [28, 7]), &device).transpose();
        let layer = LstmLayer { w_hh: Param::from_tensor(leaf(w_hh)), ..on.layer() };
        let (outputs, _, cell) = layer.forward(x, Some((on.h0.clone(), on.c0.clone())));
        assert_close("outputs", &values(outputs), &answer.outputs, 1e-5);
        assert_close("cell", &values(cell), &answer.cell, 1e-5);
    }
}

/// Returns `Σ outputs²` of a stacked layer in `f64` on the device under test, where it has that type.
fn loss_in_f64(lstm: &Lstm, x: &Tensor<3>) -> f64 {
    let (outputs, state) = lstm.forward(x.clone(), None);
    let cells = state.cell.into_iter().map(|cell| cell.square().sum()).reduce(|a, b| a + b).unwrap();
    (outputs.square().sum() + cells).into_data().try_to_vec::<f64>().unwrap()[0]
}

/// Makes a stacked layer in `f64`, which the native kernels leave to tensor operations.
fn double(lstm: Lstm) -> Lstm {
    let cast = |layer: LstmLayer| LstmLayer {
        w_ih: Param::from_tensor(leaf(layer.w_ih.val().cast(FloatDType::F64))),
        w_hh: Param::from_tensor(leaf(layer.w_hh.val().cast(FloatDType::F64))),
        bias: Param::from_tensor(leaf(layer.bias.val().cast(FloatDType::F64))),
        norm: None,
    };
    Lstm { layers: lstm.layers.into_iter().map(cast).collect(), ..lstm }
}

/// Compares with finite differences, in `f64`, of a stack of layers: the tensor operations' own backward pass, and the
/// chain from layer to layer.
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
            |state: LstmState| -> Vec<Vec<f64>> { state.hidden.into_iter().chain(state.cell).map(values).collect() };
        assert_eq!(flat(after), flat(state));
    }
}

#[test]
fn later_steps_change_no_earlier_output() {
    for device in devices() {
        let lstm = LstmConfig::new(4, 10).with_layers(2).init(&device);
        let case = Case::new([5, 9, 4, 10], 31);
        let x = tensor::<3>(&case.x, [5, 9, 4], &device);
        let all = values(lstm.outputs(x.clone()).narrow(1, 0, 4));
        assert_eq!(all, values(lstm.outputs(x.narrow(1, 0, 4))));
    }
}
