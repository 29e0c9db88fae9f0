//! Layer normalisation: the forward pass against plain loops, gradients against finite differences in `f64`.
#![cfg(feature = "flex")]

mod common;

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{Numbers, assert_close};
use staycast_lstm::{Lstm, LstmConfig, LstmLayer, LstmNorm, LstmState};

const BATCH: usize = 3;
const STEPS: usize = 4;
const FEATURES: usize = 2;
const HIDDEN: usize = 3;
const LENGTHS: [usize; BATCH] = [4, 0, 2];

/// Lists the shapes of x, first output, first cell, w_ih, w_hh, bias, and the gains and shift of `LstmNorm`, in its
/// order.
const SHAPES: [&[usize]; 10] = [
    &[BATCH, STEPS, FEATURES],
    &[BATCH, HIDDEN],
    &[BATCH, HIDDEN],
    &[FEATURES, 4 * HIDDEN],
    &[HIDDEN, 4 * HIDDEN],
    &[4 * HIDDEN],
    &[4 * HIDDEN],
    &[4 * HIDDEN],
    &[HIDDEN],
    &[HIDDEN],
];

type Values = Vec<Vec<f64>>;

fn drawn() -> Values {
    let mut numbers = Numbers(12);
    SHAPES.iter().map(|shape| numbers.take(shape.iter().product(), 1.0)).collect()
}

fn normalised(values: &[f64], gain: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    values.iter().zip(gain).map(|(value, gain)| gain * (value - mean) / (variance + 1e-5).sqrt()).collect()
}

fn product(row: &[f64], matrix: &[f64]) -> Vec<f64> {
    let width = matrix.len() / row.len();
    (0..width)
        .map(|column| row.iter().enumerate().map(|(at, value)| value * matrix[at * width + column]).sum())
        .collect()
}

/// Computes outputs, last outputs and last cells by plain loops.
fn by_loops(values: &Values, reverse: bool) -> [Vec<f64>; 3] {
    let [x, h0, c0, w_ih, w_hh, bias, gain_ih, gain_hh, gain_cell, shift_cell] = &values[..] else { unreachable!() };
    let mut outputs = vec![0.0; BATCH * STEPS * HIDDEN];
    let (mut last, mut cells) = (h0.clone(), c0.clone());
    for row in 0..BATCH {
        let (h, c) = (&mut last[row * HIDDEN..][..HIDDEN], &mut cells[row * HIDDEN..][..HIDDEN]);
        for index in 0..LENGTHS[row] {
            let step = if reverse { LENGTHS[row] - 1 - index } else { index };
            let from_x = normalised(&product(&x[(row * STEPS + step) * FEATURES..][..FEATURES], w_ih), gain_ih);
            let from_h = normalised(&product(h, w_hh), gain_hh);
            let z: Vec<f64> = (0..4 * HIDDEN).map(|at| from_x[at] + from_h[at] + bias[at]).collect();
            let logistic = |z: f64| 1.0 / (1.0 + (-z).exp());
            for (unit, c) in c.iter_mut().enumerate() {
                *c = logistic(z[HIDDEN + unit]) * *c + logistic(z[unit]) * z[2 * HIDDEN + unit].tanh();
            }
            let shown = normalised(c, gain_cell);
            for unit in 0..HIDDEN {
                h[unit] = logistic(z[3 * HIDDEN + unit]) * (shown[unit] + shift_cell[unit]).tanh();
                outputs[(row * STEPS + step) * HIDDEN + unit] = h[unit];
            }
        }
    }
    [outputs, last, cells]
}

struct OnDevice {
    lstm: Lstm,
    x: Tensor<3>,
    start: LstmState,
}

fn on_device(values: &Values, reverse: bool, device: &Device) -> OnDevice {
    fn make<const D: usize>(values: &Values, index: usize, device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values[index].clone(), SHAPES[index].to_vec()), (device, DType::F64))
    }
    let vector = |index: usize| Param::from_tensor(make::<1>(values, index, device));
    let layer = LstmLayer {
        w_ih: Param::from_tensor(make(values, 3, device)),
        w_hh: Param::from_tensor(make(values, 4, device)),
        bias: vector(5),
        norm: Some(LstmNorm { gain_ih: vector(6), gain_hh: vector(7), gain_cell: vector(8), shift_cell: vector(9) }),
    };
    let (h0, c0) = (make::<2>(values, 1, device).require_grad(), make::<2>(values, 2, device).require_grad());
    let mut lstm = LstmConfig::new(FEATURES, HIDDEN).with_bidirectional(reverse).init(device);
    // A layer that walks forward beside the reverse one: the tests look at the reverse one only.
    lstm.layers = vec![layer.clone()];
    let count = if reverse { 2 } else { 1 };
    lstm.reverse = if reverse { vec![layer] } else { Vec::new() };
    OnDevice {
        lstm,
        x: make::<3>(values, 0, device).require_grad(),
        start: LstmState { hidden: vec![h0; count], cell: vec![c0; count] },
    }
}

impl OnDevice {
    fn run(&self) -> [Tensor<2>; 3] {
        let (outputs, state) = self.lstm.forward_with_lengths(self.x.clone(), &LENGTHS, Some(self.start.clone()));
        let [_, _, width] = outputs.dims();
        let outputs = outputs.narrow(2, width - HIDDEN, HIDDEN).reshape([BATCH * STEPS, HIDDEN]);
        [outputs, state.hidden.last().unwrap().clone(), state.cell.last().unwrap().clone()]
    }

    /// Returns a number that depends on everything, differently on each output.
    fn loss(&self) -> Tensor<1> {
        let [outputs, hidden, cell] = self.run();
        outputs.sin().sum() + hidden.square().sum() + cell.exp().sum()
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().try_to_vec().unwrap()
}

#[test]
fn the_forward_pass_agrees_with_plain_loops() {
    for reverse in [false, true] {
        let values = drawn();
        let found = on_device(&values, reverse, &Device::flex().autodiff()).run();
        for ((name, expected), found) in ["outputs", "hidden", "cell"].iter().zip(by_loops(&values, reverse)).zip(found)
        {
            assert_close(name, &numbers(found), &expected, 1e-12);
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    for reverse in [false, true] {
        let values = drawn();
        let on = on_device(&values, reverse, &device);
        let grads = on.loss().backward();
        let layer = if reverse { &on.lstm.reverse[0] } else { &on.lstm.layers[0] };
        let norm = layer.norm.as_ref().unwrap();
        let vector = |param: &Param<Tensor<1>>| numbers(param.val().grad(&grads).unwrap());
        let found = [
            numbers(on.x.grad(&grads).unwrap()),
            numbers(on.start.hidden[0].grad(&grads).unwrap()),
            numbers(on.start.cell[0].grad(&grads).unwrap()),
            numbers(layer.w_ih.val().grad(&grads).unwrap()),
            numbers(layer.w_hh.val().grad(&grads).unwrap()),
            vector(&layer.bias),
            vector(&norm.gain_ih),
            vector(&norm.gain_hh),
            vector(&norm.gain_cell),
            vector(&norm.shift_cell),
        ];
        let loss_at = |which: usize, at: usize, by: f64| {
            let mut values = values.clone();
            values[which][at] += by;
            numbers(on_device(&values, reverse, &Device::flex().autodiff()).loss())[0]
        };
        let bump = 1e-5;
        for (which, found) in found.iter().enumerate() {
            for (at, &gradient) in found.iter().enumerate() {
                let difference = (loss_at(which, at, bump) - loss_at(which, at, -bump)) / (2.0 * bump);
                let error = (gradient - difference).abs();
                assert!(error < 1e-7 * (1.0 + gradient.abs()), "input {which} [{at}]: {gradient} is not {difference}");
            }
        }
    }
}
