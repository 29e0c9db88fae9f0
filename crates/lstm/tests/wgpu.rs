//! The layer on a GPU device, which here may be a software adapter, against flex.
//!
//! Build without the feature `vulkan`: CubeCL's SPIR-V path crashes on one software adapter and is wrong on another.
#![cfg(all(feature = "wgpu", feature = "flex"))]

mod common;

use burn::module::Param;
use burn::tensor::{Device, DeviceKind, Shape, Tensor, TensorData};
use common::{Case, assert_close, narrow};
use staycast_lstm::LstmLayer;

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(narrow(values), Shape::from(shape)), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Outputs, last cell and gradients of x, weights, bias, first output and cell.
fn run(case: &Case, device: &Device) -> Vec<(&'static str, Vec<f32>)> {
    let device = &device.clone().autodiff();
    let &Case { batch, steps, features, hidden, .. } = case;
    let x = tensor::<3>(&case.x, [batch, steps, features], device).require_grad();
    let h0 = tensor::<2>(&case.h0, [batch, hidden], device).require_grad();
    let c0 = tensor::<2>(&case.c0, [batch, hidden], device).require_grad();
    let layer = LstmLayer {
        w_ih: Param::from_tensor(tensor(&case.w_ih, [features, 4 * hidden], device)),
        w_hh: Param::from_tensor(tensor(&case.w_hh, [hidden, 4 * hidden], device)),
        bias: Param::from_tensor(tensor(&case.bias, [4 * hidden], device)),
        norm: None,
    };
    let (outputs, last, cell) = layer.forward(x.clone(), Some((h0.clone(), c0.clone())));
    let d_outputs = tensor(&case.d_outputs, [batch, steps, hidden], device);
    let d_cell = tensor(&case.d_cell, [batch, hidden], device);
    let grads = ((outputs.clone() * d_outputs).sum() + (cell.clone() * d_cell).sum()).backward();
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

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn a_gpu_agrees_with_flex() {
    let gpu = Device::wgpu(DeviceKind::DefaultDevice);
    for (seed, shape) in [[1, 1, 1, 1], [3, 4, 5, 6], [5, 3, 2, 9]].into_iter().enumerate() {
        let case = Case::new(shape, seed as u64);
        for ((name, found), (_, expected)) in run(&case, &gpu).iter().zip(run(&case, &Device::flex())) {
            let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
            assert_close(&format!("{shape:?} {name}"), found, &expected, 1e-4);
        }
    }
}
