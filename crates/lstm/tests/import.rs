//! PyTorch's weights read and written; a model that PyTorch saved gives what PyTorch gave (scripts/references/pytorch_lstm.py).
#![cfg(feature = "flex")]

mod common;

use std::path::PathBuf;

use burn::tensor::{Device, Gradients, Shape, Tensor, TensorData};
use common::assert_close;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use staycast_lstm::pytorch::{PyTorchError, export, import};
use staycast_lstm::{Lstm, LstmConfig, LstmLayer, LstmState};

const BATCH: usize = 4;
const STEPS: usize = 6;
const FEATURES: usize = 3;
const HIDDEN: usize = 4;

fn saved_by_pytorch() -> Vec<u8> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    std::fs::read(PathBuf::from(manifest).join("tests/data/pytorch_packed.safetensors")).expect("the case is committed")
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Holds the numbers of the case, which are 64 bits wide: `lengths` whole numbers, the others floats.
struct Case<'a>(SafeTensors<'a>);

impl Case<'_> {
    fn words(&self, name: &str) -> impl Iterator<Item = [u8; 8]> {
        let data = self.0.tensor(&format!("case.{name}")).unwrap().data().to_vec();
        (0..data.len() / 8).map(move |at| data[8 * at..8 * at + 8].try_into().unwrap())
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        self.words(name).map(f64::from_le_bytes).collect()
    }

    fn lengths(&self) -> Vec<usize> {
        self.words("lengths").map(|word| u64::from_le_bytes(word) as usize).collect()
    }

    fn tensor<const D: usize>(&self, name: &str, shape: [usize; D], device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(common::narrow(&self.floats(name)), Shape::from(shape)), device)
    }

    /// Returns `[layers and directions, batch, hidden]`, one tensor each.
    fn states(&self, name: &str, device: &Device) -> Vec<Tensor<2>> {
        let all = common::narrow(&self.floats(name));
        let each = all.chunks(BATCH * HIDDEN);
        each.map(|part| Tensor::from_data(TensorData::new(part.to_vec(), [BATCH, HIDDEN]), device)).collect()
    }
}

#[test]
fn a_packed_bidirectional_stack_gives_what_pytorch_gives() {
    let bytes = saved_by_pytorch();
    let case = Case(SafeTensors::deserialize(&bytes).unwrap());
    let device = Device::flex().autodiff();
    let lstm = import(&bytes, "encoder.lstm.", &device).unwrap();
    let tracked =
        |name| -> Vec<Tensor<2>> { case.states(name, &device).into_iter().map(Tensor::require_grad).collect() };
    let (h0, c0) = (tracked("h0"), tracked("c0"));
    let x = case.tensor("x", [BATCH, STEPS, FEATURES], &device).require_grad();
    let start = LstmState { hidden: h0.clone(), cell: c0.clone() };
    let (outputs, after) = lstm.forward_with_lengths(x.clone(), &case.lengths(), Some(start));

    let close = |name: &str, found: Vec<f32>| assert_close(name, &found, &case.floats(name), 1e-5);
    close("outputs", values(outputs.clone()));
    close("h", values(Tensor::cat(after.hidden.clone(), 0)));
    close("c", values(Tensor::cat(after.cell.clone(), 0)));
    let mut loss = (outputs * case.tensor("d_outputs", [BATCH, STEPS, 2 * HIDDEN], &device)).sum();
    for (states, name) in [(after.hidden, "d_h"), (after.cell, "d_c")] {
        for (state, gradient) in states.into_iter().zip(case.states(name, &device)) {
            loss = loss + (state * gradient).sum();
        }
    }
    let grads = loss.backward();
    let joined =
        |parts: Vec<Tensor<2>>| values(Tensor::cat(parts.iter().map(|part| part.grad(&grads).unwrap()).collect(), 0));
    close("grad.x", values(x.grad(&grads).unwrap()));
    close("grad.h0", joined(h0));
    close("grad.c0", joined(c0));
    for (layers, end) in [(&lstm.layers, ""), (&lstm.reverse, "_reverse")] {
        for (index, layer) in layers.iter().enumerate() {
            check_weights(layer, &format!("_l{index}{end}"), &grads, &close);
        }
    }
}

fn check_weights(layer: &LstmLayer, suffix: &str, grads: &Gradients, close: &dyn Fn(&str, Vec<f32>)) {
    let matrix = |tensor: Tensor<2>| values(tensor.grad(grads).unwrap().transpose());
    close(&format!("grad.weight_ih{suffix}"), matrix(layer.w_ih.val()));
    close(&format!("grad.weight_hh{suffix}"), matrix(layer.w_hh.val()));
    let bias = values(layer.bias.val().grad(grads).unwrap());
    close(&format!("grad.bias_ih{suffix}"), bias.clone());
    close(&format!("grad.bias_hh{suffix}"), bias);
}

#[test]
fn narrow_floats_are_read_as_what_they_are() {
    let bytes = saved_by_pytorch();
    let device = Device::flex();
    for name in ["half", "brain"] {
        let narrow = import(&bytes, &format!("{name}."), &device).unwrap();
        let wide = import(&bytes, &format!("{name}_wide."), &device).unwrap();
        assert_eq!(numbers(&narrow), numbers(&wide), "{name}");
        assert!(values(narrow.layers[0].bias.val()).iter().all(|&bias| bias == 0.0), "it was made without biases");
    }
}

fn numbers(lstm: &Lstm) -> Vec<Vec<f32>> {
    let layers = lstm.layers.iter().chain(&lstm.reverse);
    layers.flat_map(|layer| [values(layer.w_ih.val()), values(layer.w_hh.val()), values(layer.bias.val())]).collect()
}

#[test]
fn what_is_written_is_read_back() {
    let device = Device::flex();
    for both_ways in [false, true] {
        let lstm = LstmConfig::new(5, 3).with_layers(3).with_bidirectional(both_ways).init(&device);
        let bytes = export(&lstm, "a.b.").unwrap();
        assert_eq!(bytes, export(&lstm, "a.b.").unwrap());
        let again = import(&bytes, "a.b.", &device).unwrap();
        assert_eq!(numbers(&again), numbers(&lstm));
        assert_eq!((again.input, again.hidden, again.is_bidirectional()), (5, 3, both_ways));
    }
}

/// Makes a file of zeros with tensors of these names, shapes and types.
fn file(tensors: &[(&str, &[usize], Dtype)]) -> Vec<u8> {
    let size = |shape: &[usize], dtype: Dtype| shape.iter().product::<usize>() * dtype.bitsize() / 8;
    let blobs: Vec<Vec<u8>> = tensors.iter().map(|&(_, shape, dtype)| vec![0; size(shape, dtype)]).collect();
    let views = tensors
        .iter()
        .zip(&blobs)
        .map(|(&(name, shape, dtype), blob)| (name, TensorView::new(dtype, shape.to_vec(), blob).unwrap()));
    serialize(views, None).unwrap()
}

const W_IH: (&str, &[usize], Dtype) = ("weight_ih_l0", &[8, 3], Dtype::F32);
const W_HH: (&str, &[usize], Dtype) = ("weight_hh_l0", &[8, 2], Dtype::F32);

#[track_caller]
fn refuses(bytes: &[u8], prefix: &str, expected: &str) {
    let error: PyTorchError = import(bytes, prefix, &Device::flex()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    assert!(matches!(import(b"no file", "", &Device::flex()), Err(PyTorchError::Format(_))));
    assert!(matches!(import(&saved_by_pytorch()[..900], "", &Device::flex()), Err(PyTorchError::Format(_))));
    refuses(
        &file(&[("encoder.weight_ih_l0", &[8, 3], Dtype::F32)]),
        "",
        "no tensor is called weight_ih_l0; the file holds encoder.weight_ih_l0; give the prefix of the LSTM's tensors",
    );
    refuses(
        &file(&[W_IH, W_HH, ("head.weight", &[1], Dtype::F32)]),
        "",
        "the tensor head.weight is none of an LSTM's weights",
    );
    refuses(
        &file(&[W_IH, W_HH, ("weight_hr_l0", &[1, 2], Dtype::F32)]),
        "",
        "the tensor weight_hr_l0 is none of an LSTM's weights (projections, PyTorch's proj_size, are not supported)",
    );
    refuses(
        &file(&[W_IH, W_HH, ("weight_ih_l01", &[1], Dtype::F32)]),
        "",
        "the tensor weight_ih_l01 is none of an LSTM's weights",
    );
}

#[test]
fn what_is_missing_is_named() {
    refuses(&file(&[W_IH]), "", "the tensor weight_hh_l0 is missing");
    refuses(&file(&[W_IH, W_HH, ("bias_ih_l0", &[8], Dtype::F32)]), "", "the tensor bias_hh_l0 is missing");
    let third = ("weight_ih_l4294967296", &[8, 2][..], Dtype::F32);
    refuses(&file(&[W_IH, W_HH, third]), "", "the tensor weight_ih_l1 is missing");
    let back = ("weight_ih_l0_reverse", &[8, 3][..], Dtype::F32);
    refuses(&file(&[W_IH, W_HH, back]), "", "the tensor weight_hh_l0_reverse is missing");
}

#[test]
fn odd_shapes_and_types_are_refused() {
    let other = ("weight_hh_l0", &[12, 2][..], Dtype::F32);
    refuses(&file(&[W_IH, other]), "", "the tensor weight_hh_l0 has shape [12, 2], not [8, 2]");
    let wide = ("weight_ih_l0", &[12, 3][..], Dtype::F32);
    refuses(&file(&[wide, W_HH]), "", "the tensor weight_ih_l0 has shape [12, 3], not [8, 3]");
    let whole = ("weight_ih_l0", &[8, 3][..], Dtype::I64);
    refuses(&file(&[whole, W_HH]), "", "the tensor weight_ih_l0 holds I64; F32, F64, F16 and BF16 are read");
    refuses(
        &file(&[("weight_ih_l0", &[8], Dtype::F32), W_HH]),
        "",
        "the tensor weight_ih_l0 has shape [8]; it must be a matrix",
    );
}

#[test]
fn layer_normalisation_is_not_written() {
    let lstm = LstmConfig::new(2, 3).with_layer_norm(true).init(&Device::flex());
    assert!(matches!(export(&lstm, ""), Err(PyTorchError::LayerNorm)));
}
