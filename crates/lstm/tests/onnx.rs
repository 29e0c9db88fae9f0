//! An exported model, scored by ONNX Runtime, gives what the LSTM gives; what is written is read back.
#![cfg(feature = "flex")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use burn::tensor::{Device, Distribution, Tensor};
use serde_json::json;
use staycast_lstm::onnx::{Dense, OnnxError, OnnxInputs, export, export_ensemble, import};
use staycast_lstm::{Lstm, LstmConfig, LstmState};

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

/// Makes an input of a model by name: type, shape and values.
fn input<T: Into<serde_json::Value> + Copy>(kind: &str, shape: &[usize], values: &[T]) -> serde_json::Value {
    let values: Vec<serde_json::Value> = values.iter().map(|&value| value.into()).collect();
    json!({ "type": kind, "shape": shape, "values": values })
}

/// Runs a model with ONNX Runtime (scripts/references/onnx_outputs.py), and returns its outputs by name: shape and values.
fn by_onnx_runtime(model: &[u8], inputs: &serde_json::Value) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let python = std::env::var("STAYCAST_ONNX_PYTHON").expect("STAYCAST_ONNX_PYTHON names a python with onnxruntime");
    // Asked of cargo when the test runs: it may have been built in another checkout.
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"));
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(model).expect("writable");
    let mut child = Command::new(python)
        .arg(package.join("../../scripts/references/onnx_outputs.py"))
        .arg(file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    child.stdin.take().expect("a pipe").write_all(inputs.to_string().as_bytes()).expect("the script reads");
    let output = child.wait_with_output().expect("python runs");
    assert!(output.status.success(), "the script says why, above");
    let found: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = |value: &serde_json::Value| value.as_array().expect("a list").clone();
    found
        .iter()
        .map(|(name, output)| {
            let shape = list(&output["shape"]).iter().map(|size| size.as_u64().expect("a size") as usize).collect();
            let values = list(&output["values"]).iter().map(|value| value.as_f64().expect("a number") as f32).collect();
            (name.clone(), (shape, values))
        })
        .collect()
}

/// Holds the inputs that a model is checked with.
#[derive(Clone, Copy)]
struct Case {
    layers: usize,
    bidirectional: bool,
    state: bool,
    lengths: Option<[usize; BATCH]>,
    steps: usize,
}

const FORWARD: Case = Case { layers: 1, bidirectional: false, state: false, lengths: None, steps: STEPS };

fn check(case: Case) {
    let device = Device::flex();
    let Case { layers, bidirectional, state: with_state, lengths, steps } = case;
    let lstm = LstmConfig::new(FEATURES, HIDDEN).with_layers(layers).with_bidirectional(bidirectional).init(&device);
    let count = lstm.layers.len() + lstm.reverse.len();
    let x = Tensor::<3>::random([BATCH, steps, FEATURES], Distribution::Default, &device);
    let states: Tensor<3> = Tensor::random([2 * count, BATCH, HIDDEN], Distribution::Default, &device);
    let state = |at: usize| states.clone().narrow(0, at, 1).squeeze_dim::<2>(0);
    let start = with_state
        .then(|| LstmState { hidden: (0..count).map(state).collect(), cell: (count..2 * count).map(state).collect() });
    let shape = [count, BATCH, HIDDEN];
    let mut inputs = json!({ "x": input("float32", &[BATCH, steps, FEATURES], &values(x.clone())) });
    if with_state {
        inputs["initial_hidden"] = input("float32", &shape, &values(states.clone().narrow(0, 0, count)));
        inputs["initial_cell"] = input("float32", &shape, &values(states.clone().narrow(0, count, count)));
    }
    if let Some(lengths) = lengths {
        inputs["lengths"] = input("int32", &[BATCH], &lengths);
    }
    let model = export(&lstm, OnnxInputs { lengths: lengths.is_some(), state: with_state }).unwrap();
    let found = by_onnx_runtime(&model, &inputs);
    let (outputs, after) = match lengths {
        Some(lengths) => lstm.forward_with_lengths(x, &lengths, start),
        None => lstm.forward(x, start),
    };
    let close = |name: &str, shape: &[usize], expected: &[f32]| {
        let (found_shape, found) = &found[name];
        assert_eq!(found_shape, shape, "{name}");
        assert_close(found, expected);
    };
    let ways = if bidirectional { 2 } else { 1 };
    close("outputs", &[BATCH, steps, ways * HIDDEN], &values(outputs));
    close("hidden", &shape, &values(Tensor::cat(after.hidden, 0).reshape(shape)));
    close("cell", &shape, &values(Tensor::cat(after.cell, 0).reshape(shape)));
}

#[test]
#[ignore = "needs STAYCAST_ONNX_PYTHON, a python with onnxruntime; scripts/test provides it"]
fn onnx_runtime_scores_a_layer_as_the_layer_does() {
    check(FORWARD);
    check(Case { state: true, ..FORWARD });
    check(Case { steps: 1, state: true, ..FORWARD });
}

#[test]
#[ignore = "needs STAYCAST_ONNX_PYTHON, a python with onnxruntime; scripts/test provides it"]
fn onnx_runtime_scores_a_bidirectional_stack_as_the_stack_does() {
    check(Case { layers: 2, bidirectional: true, ..FORWARD });
    check(Case { layers: 3, bidirectional: true, state: true, ..FORWARD });
}

#[test]
#[ignore = "needs STAYCAST_ONNX_PYTHON, a python with onnxruntime; scripts/test provides it"]
fn onnx_runtime_scores_sequences_of_different_lengths_as_the_stack_does() {
    let lengths = Some([STEPS, 1, 3]);
    check(Case { lengths, ..FORWARD });
    check(Case { layers: 2, bidirectional: true, state: true, lengths, ..FORWARD });
}

#[test]
#[ignore = "needs STAYCAST_ONNX_PYTHON, a python with onnxruntime; scripts/test provides it"]
fn onnx_runtime_scores_an_ensemble_with_heads_as_its_members_do_on_average() {
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
    let given = json!({ "x": input("float32", &[BATCH, STEPS, FEATURES], &values(x.clone())) });
    let found = by_onnx_runtime(&model, &given);
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
    let (shape, outputs) = &found["outputs"];
    assert_eq!(shape, &[BATCH, STEPS, 1]);
    assert_close(outputs, &mean);
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
