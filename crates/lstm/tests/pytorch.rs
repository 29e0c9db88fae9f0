//! A stacked layer with PyTorch's weights gives PyTorch's outputs, states and gradients (data/pytorch.py).
#![cfg(any(feature = "flex", feature = "ndarray"))]

mod common;

use std::collections::HashMap;

use burn::module::Param;
use burn::tensor::{Device, Shape, Tensor, TensorData};
use common::{assert_close, narrow};
use staycast_lstm::{LstmConfig, LstmLayer, LstmState};

const BATCH: usize = 3;
const WEEKS: usize = 5;
const FEATURES: usize = 4;
const HIDDEN: usize = 6;
const LAYERS: usize = 2;

fn fixture() -> HashMap<&'static str, Vec<f64>> {
    let lines = include_str!("data/pytorch.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().expect("a line has a name");
            (name, words.map(|word| word.parse().expect("a number")).collect())
        })
        .collect()
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(narrow(values), Shape::from(shape)), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Returns `[layers, batch, hidden]` as one tensor a layer.
fn by_layer(values: &[f64], device: &Device) -> Vec<Tensor<2>> {
    values.chunks(BATCH * HIDDEN).map(|part| tensor(part, [BATCH, HIDDEN], device)).collect()
}

fn check(device: &Device) {
    let given = fixture();
    let mut lstm = LstmConfig::new(FEATURES, HIDDEN).with_layers(LAYERS).init(device);
    for (index, layer) in lstm.layers.iter_mut().enumerate() {
        let named = |name: &str| &given[format!("{name}_l{index}").as_str()];
        let features = if index == 0 { FEATURES } else { HIDDEN };
        let bias: Vec<f64> = named("bias_ih").iter().zip(named("bias_hh")).map(|(a, b)| a + b).collect();
        // The layout that `LstmLayer` documents: PyTorch's matrices transposed, its biases added.
        *layer = LstmLayer {
            w_ih: Param::from_tensor(tensor(named("weight_ih"), [4 * HIDDEN, features], device).transpose()),
            w_hh: Param::from_tensor(tensor(named("weight_hh"), [4 * HIDDEN, HIDDEN], device).transpose()),
            bias: Param::from_tensor(tensor(&bias, [4 * HIDDEN], device)),
            norm: None,
        };
    }
    let x = tensor(&given["x"], [BATCH, WEEKS, FEATURES], device).require_grad();
    let tracked = |name: &str| -> Vec<Tensor<2>> {
        by_layer(&given[name], device).into_iter().map(Tensor::require_grad).collect()
    };
    let (h0, c0) = (tracked("h0"), tracked("c0"));
    let start = LstmState { hidden: h0.clone(), cell: c0.clone() };
    let (outputs, after) = lstm.forward(x.clone(), Some(start));

    let close = |name: &str, found: Vec<f32>| assert_close(name, &found, &given[name], 1e-5);
    close("outputs", values(outputs.clone()));
    close("h", values(Tensor::cat(after.hidden.clone(), 0)));
    close("c", values(Tensor::cat(after.cell.clone(), 0)));

    let mut loss = (outputs * tensor(&given["d_outputs"], [BATCH, WEEKS, HIDDEN], device)).sum();
    let states = after.hidden.into_iter().zip(by_layer(&given["d_h"], device));
    for (state, gradient) in states.chain(after.cell.into_iter().zip(by_layer(&given["d_c"], device))) {
        loss = loss + (state * gradient).sum();
    }
    let grads = loss.backward();
    close("grad_x", values(x.grad(&grads).unwrap()));
    let joined = |tensors: &[Tensor<2>]| -> Vec<f32> {
        tensors.iter().flat_map(|tensor| values(tensor.grad(&grads).unwrap())).collect()
    };
    close("grad_h0", joined(&h0));
    close("grad_c0", joined(&c0));
    for (index, layer) in lstm.layers.iter().enumerate() {
        let gradient = |tensor: Tensor<2>| values(tensor.grad(&grads).unwrap().transpose());
        close(&format!("grad_weight_ih_l{index}"), gradient(layer.w_ih.val()));
        close(&format!("grad_weight_hh_l{index}"), gradient(layer.w_hh.val()));
        let bias = values(layer.bias.val().grad(&grads).unwrap());
        close(&format!("grad_bias_ih_l{index}"), bias.clone());
        close(&format!("grad_bias_hh_l{index}"), bias);
    }
}

#[cfg(feature = "flex")]
#[test]
fn on_flex() {
    check(&Device::flex().autodiff());
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)]
#[test]
fn on_ndarray() {
    check(&Device::ndarray().autodiff());
}
