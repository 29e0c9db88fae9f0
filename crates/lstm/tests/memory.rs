//! Training and scoring hold no more memory after a thousand steps than after a few.
//!
//! One test in a file of its own: the measure is the process's resident memory.
#![cfg(all(feature = "flex", target_os = "linux"))]

use burn::module::Param;
use burn::tensor::{Device, Distribution, Gradients, Tensor};
use staycast_lstm::{Lstm, LstmConfig, LstmLayer};

/// Bounds the growth between the two readings. One step's tape and graph take about 1.3 MB: a step that leaked even a
/// hundredth of it would show after 800 steps.
const ALLOWED_BYTES: u64 = 8 << 20;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells a process its memory");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("status has a VmRSS line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("VmRSS is in kB") * 1024
}

/// Takes one step of gradient descent.
fn descend(lstm: &Lstm, grads: &Gradients) -> Lstm {
    fn moved<const D: usize>(param: &Param<Tensor<D>>, grads: &Gradients) -> Param<Tensor<D>> {
        let value = param.val();
        let gradient = value.grad(grads).expect("every parameter has a gradient");
        let device = value.device();
        Param::from_tensor(Tensor::from_inner(value.inner() - gradient * 1e-4).to_device(&device))
    }
    let layers = lstm.layers.iter().map(|layer| LstmLayer {
        w_ih: moved(&layer.w_ih, grads),
        w_hh: moved(&layer.w_hh, grads),
        bias: moved(&layer.bias, grads),
        norm: None,
    });
    Lstm { layers: layers.collect(), ..lstm.clone() }
}

#[test]
fn a_thousand_steps_hold_no_more_memory_than_a_few() {
    let device = Device::flex().autodiff();
    device.seed(1);
    let mut lstm = LstmConfig::new(12, 32).with_layers(2).with_dropout(0.1).init(&device);
    let x = Tensor::<3>::random([64, 8, 12], Distribution::Default, &device);
    let mut after_warm_up = 0;
    for step in 0..1000 {
        let (outputs, state) = lstm.forward(x.clone(), None);
        let cells = state.cell.into_iter().map(Tensor::sum).reduce(|a, b| a + b).expect("two layers");
        let grads = (outputs.square().mean() + cells * 1e-3).backward();
        lstm = descend(&lstm, &grads);
        // A graph that is dropped without a backward pass must go too.
        drop(lstm.outputs(x.clone()));
        if step == 199 {
            after_warm_up = resident_bytes();
        }
    }
    let growth = resident_bytes().saturating_sub(after_warm_up);
    assert!(growth < ALLOWED_BYTES, "800 steps grew the process by {growth} bytes");
}
