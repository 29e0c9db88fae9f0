//! An exported model, scored by tract, gives what the LSTM gives; what is written is read back.
#![cfg(feature = "flex")]

use burn::tensor::{Device, Distribution, Tensor};
use staycast_lstm::onnx::{Dense, OnnxError, OnnxInputs, export, export_ensemble, import};
use staycast_lstm::{Lstm, LstmConfig, LstmState};
use tract_onnx::prelude::*;

const BATCH: usize = 3;
const STEPS: usize = 5;
const FEATURES: usize = 4;
const HIDDEN: usize = 6;

fn values<const D: usize>(tensor: burn::tensor::Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn numbers(lstm: &Lstm) -> Vec<Vec<f32>> {
    let layers = lstm.layers.iter().chain(&lstm.reverse);
    layers.flat_map(|layer| [values(layer.w_ih.val()), values(layer.w_hh.val()), values(layer.bias.val())]).collect()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let square = |value: f32| f64::from(value).powi(2);
    let difference: f64 = found.iter().zip(expected).map(|(found, expected)| square(found - expected)).sum();
    let norm: f64 = expected.iter().map(|&expected| square(expected)).sum();
    assert!((difference / norm).sqrt() < 1e-5, "relative L2 error {:e}", (difference / norm).sqrt());
}

/// Scores a model on its inputs and returns outputs, last outputs and last cells.
fn by_tract(model: &[u8], inputs: &[(&[usize], Vec<f32>)]) -> Vec<Vec<f32>> {
    let mut reader = model;
    let mut model = tract_onnx::onnx().model_for_read(&mut reader).unwrap();
    let mut given: TVec<TValue> = tvec!();
    for (at, (shape, numbers)) in inputs.iter().enumerate() {
        model.set_input_fact(at, f32::fact(*shape).into()).unwrap();
        given.push(tract_onnx::prelude::Tensor::from_shape(shape, numbers).unwrap().into());
    }
    let found = model.into_typed().unwrap().into_runnable().unwrap().run(given).unwrap();
    found.iter().map(|tensor| tensor.to_plain_array_view::<f32>().unwrap().iter().copied().collect()).collect()
}

fn check(layers: usize, both_ways: bool, with_state: bool) {
    let device = Device::flex();
    let lstm = LstmConfig::new(FEATURES, HIDDEN).with_layers(layers).with_bidirectional(both_ways).init(&device);
    let count = lstm.layers.len() + lstm.reverse.len();
    let x = Tensor::<3>::random([BATCH, STEPS, FEATURES], Distribution::Default, &device);
    let states: Tensor<3> = Tensor::random([2 * count, BATCH, HIDDEN], Distribution::Default, &device);
    let state = |at: usize| states.clone().narrow(0, at, 1).squeeze_dim::<2>(0);
    let start = with_state
        .then(|| LstmState { hidden: (0..count).map(state).collect(), cell: (count..2 * count).map(state).collect() });
    let mut inputs = vec![(&[BATCH, STEPS, FEATURES][..], values(x.clone()))];
    let shape = [count, BATCH, HIDDEN];
    if with_state {
        inputs.push((&shape, values(states.clone().narrow(0, 0, count))));
        inputs.push((&shape, values(states.clone().narrow(0, count, count))));
    }
    let model = export(&lstm, OnnxInputs { lengths: false, state: with_state }).unwrap();
    let found = by_tract(&model, &inputs);
    let (outputs, after) = lstm.forward(x, start);
    assert_close(&found[0], &values(outputs));
    assert_close(&found[1], &values(Tensor::cat(after.hidden, 0)));
    assert_close(&found[2], &values(Tensor::cat(after.cell, 0)));
}

#[test]
fn tract_scores_a_layer_as_the_layer_does() {
    check(1, false, false);
    check(1, false, true);
}

#[test]
fn tract_scores_a_bidirectional_stack_as_the_stack_does() {
    check(2, true, false);
    check(3, true, true);
}

#[test]
fn tract_scores_an_ensemble_with_heads_as_its_members_do_on_average() {
    let device = Device::flex();
    let lstms: Vec<Lstm> =
        [1, 2, 1].iter().map(|&layers| LstmConfig::new(FEATURES, HIDDEN).with_layers(layers).init(&device)).collect();
    let x = Tensor::<3>::random([BATCH, STEPS, FEATURES], Distribution::Default, &device);
    let uniform = |count: usize| values(Tensor::<1>::random([count], Distribution::Uniform(-1.0, 1.0), &device));
    let heads: Vec<Vec<Dense>> = (0..3)
        .map(|_| {
            let first = Dense { weight: uniform(HIDDEN * 4), bias: uniform(4), relu: true };
            vec![first, Dense { weight: uniform(4), bias: uniform(1), relu: false }]
        })
        .collect();
    let members: Vec<(&Lstm, Vec<Dense>)> = lstms.iter().zip(heads.iter().cloned()).collect();
    let model = export_ensemble(&members).unwrap();
    let found = by_tract(&model, &[(&[BATCH, STEPS, FEATURES], values(x.clone()))]);
    let mut mean = vec![0.0; BATCH * STEPS];
    for (lstm, head) in &members {
        let mut rows = lstm.outputs(x.clone()).reshape([BATCH * STEPS, HIDDEN]);
        for dense in head {
            let [_, width] = rows.dims();
            let outputs = dense.bias.len();
            let tensor = |data: &[f32], shape: [usize; 2]| {
                Tensor::<2>::from_data(burn::tensor::TensorData::new(data.to_vec(), shape), &device)
            };
            rows = rows.matmul(tensor(&dense.weight, [width, outputs])) + tensor(&dense.bias, [1, outputs]);
            rows = if dense.relu { rows.clamp_min(0.0) } else { rows };
        }
        mean.iter_mut().zip(values(rows)).for_each(|(mean, value)| *mean += value / 3.0);
    }
    assert_close(&found[0], &mean);
}

#[test]
fn what_is_written_is_read_back() {
    let device = Device::flex();
    for both_ways in [false, true] {
        for lengths in [false, true] {
            let lstm = LstmConfig::new(5, 3).with_layers(3).with_bidirectional(both_ways).init(&device);
            let model = export(&lstm, OnnxInputs { lengths, state: lengths }).unwrap();
            let again = import(&model, &device).unwrap();
            assert_eq!(numbers(&again), numbers(&lstm));
            assert_eq!((again.input, again.hidden, again.is_bidirectional()), (5, 3, both_ways));
        }
    }
}

#[test]
fn what_is_no_model_is_refused() {
    let device = Device::flex();
    assert!(matches!(import(&[0xff; 7], &device), Err(OnnxError::Format(_))));
    assert!(matches!(import(&[], &device), Err(OnnxError::NoLstm)));
    let normalised = LstmConfig::new(2, 3).with_layer_norm(true).init(&device);
    assert!(matches!(export(&normalised, OnnxInputs::default()), Err(OnnxError::LayerNorm)));
}
