//! The module as a burn user sees it: initialisation, dropout, training, refusals.
#![cfg(feature = "flex")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use rayon::prelude::*;
use staycast_lstm::{Lstm, LstmConfig, LstmState};

/// Waits for its turn: the device's random numbers are one stream for the process: all that draw from it take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // Some tests panic on purpose, which does the stream no harm.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn parameters(lstm: &Lstm) -> Vec<Vec<f32>> {
    let layers = lstm.layers.iter();
    layers.flat_map(|layer| [values(layer.w_ih.val()), values(layer.w_hh.val()), values(layer.bias.val())]).collect()
}

#[test]
fn equal_seeds_give_equal_parameters() {
    let _turn = turn();
    let device = Device::flex();
    let config = LstmConfig::new(5, 8).with_layers(3);
    let draw = |device: &Device, seed| {
        device.seed(seed);
        let lstm = config.init(device);
        // Drawn at once: what is drawn afterwards changes nothing.
        let _: Tensor<1> = Tensor::random([7], Distribution::Default, device);
        parameters(&lstm)
    };
    let first = draw(&device, 11);
    assert_eq!(first, draw(&device, 11));
    assert_eq!(first, draw(&device.clone().autodiff(), 11));
    assert_ne!(first, draw(&device, 12));
}

#[test]
fn parameters_start_as_documented() {
    let _turn = turn();
    let lstm = LstmConfig::new(40, 50).init(&Device::flex());
    let layer = &lstm.layers[0];
    assert_eq!(layer.w_ih.dims(), [40, 200]);
    assert_eq!(layer.w_hh.dims(), [50, 200]);
    let bound = 1.0 / 50f32.sqrt();
    for weights in [values(layer.w_ih.val()), values(layer.w_hh.val())] {
        assert!(weights.iter().all(|weight| weight.abs() <= bound));
        let variance = weights.iter().map(|weight| weight * weight).sum::<f32>() / weights.len() as f32;
        assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.1, "a uniform distribution's variance");
    }
    let bias = values(layer.bias.val());
    assert!(bias[50..100].iter().all(|&value| value == 1.0), "forget gates start open");
    assert!(bias[..50].iter().chain(&bias[100..]).all(|&value| value == 0.0));
}

#[test]
fn dropout_acts_between_layers_and_only_in_training() {
    let _turn = turn();
    let device = Device::flex().autodiff();
    device.seed(3);
    let lstm = LstmConfig::new(4, 6).with_layers(2).with_dropout(0.5).init(&device);
    let x = Tensor::<3>::random([3, 4, 4], Distribution::Default, &device);
    let training = |lstm: &Lstm| values(lstm.outputs(x.clone()));
    assert_ne!(training(&lstm), training(&lstm), "every pass drops others");
    let scoring = lstm.valid();
    let inner = x.clone().inner();
    assert_eq!(values(scoring.outputs(inner.clone())), values(scoring.outputs(inner)));

    let single = LstmConfig::new(4, 6).with_dropout(0.5).init(&device);
    assert_eq!(training(&single), training(&single), "one layer has nothing between layers");
}

#[test]
fn training_gives_the_same_bytes_for_any_number_of_threads() {
    let _turn = turn();
    let device = Device::flex().autodiff();
    device.seed(13);
    let lstm = LstmConfig::new(7, 20).with_layers(2).init(&device);
    let x = Tensor::<3>::random([600, 5, 7], Distribution::Default, &device);
    let run = || {
        let (outputs, state) = lstm.forward(x.clone(), None);
        let cells = state.cell.into_iter().map(Tensor::sum).reduce(|a, b| a + b).unwrap();
        let grads = (outputs.clone().square().sum() + cells).backward();
        let mut bytes = vec![values(outputs)];
        for layer in &lstm.layers {
            bytes.push(values(layer.w_ih.val().grad(&grads).unwrap()));
            bytes.push(values(layer.w_hh.val().grad(&grads).unwrap()));
            bytes.push(values(layer.bias.val().grad(&grads).unwrap()));
        }
        bytes
    };
    // Outside a pool the work goes to the global one, of as many threads as there are cores.
    let global = run();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(run) == global, "a pool of {threads} gives other bytes than the global one");
    }
}

/// Trains in one pool: autodiff holds a lock during the backward pass, and a waiting rayon worker takes up other tasks:
/// trainings that share a tensor, side by side in one pool, once could wait for themselves.
#[test]
fn trainings_in_one_rayon_pool_come_to_an_end() {
    let _turn = turn();
    let device = Device::flex().autodiff();
    let x = Tensor::<3>::random([200, 6, 5], Distribution::Default, &device);
    let lstm = LstmConfig::new(5, 16).init(&device);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let norms: Vec<f32> = pool.install(|| {
        (0..48)
            .into_par_iter()
            .map(|_| {
                let grads = lstm.outputs(x.clone()).square().sum().backward();
                values(lstm.layers[0].w_hh.val().grad(&grads).unwrap().abs().sum())[0]
            })
            .collect()
    });
    assert!(norms.iter().all(|norm| *norm == norms[0] && norm.is_finite()));
}

#[test]
fn only_what_is_tracked_gets_a_gradient() {
    let _turn = turn();
    let device = Device::flex().autodiff();
    let lstm = LstmConfig::new(3, 5).init(&device);
    let x = Tensor::<3>::random([4, 3, 3], Distribution::Default, &device);
    let tracked = x.clone().require_grad();
    let weights = |lstm: &Lstm, grads: &burn::tensor::Gradients| lstm.layers[0].w_hh.val().grad(grads).map(values);

    let grads = lstm.outputs(tracked.clone()).sum().backward();
    let (d_x, d_w_hh) = (tracked.grad(&grads), weights(&lstm, &grads));
    assert!(d_x.is_some() && d_w_hh.is_some());

    let grads = lstm.outputs(x).sum().backward();
    assert_eq!(weights(&lstm, &grads), d_w_hh);

    let frozen = lstm.freeze();
    let grads = frozen.outputs(tracked.clone()).sum().backward();
    assert_eq!(tracked.grad(&grads).map(values), d_x.map(values));
    assert!(weights(&frozen, &grads).is_none());
}

#[test]
fn it_learns_to_remember() {
    let _turn = turn();
    let device = Device::flex().autodiff();
    device.seed(7);
    // The first step's value, after five steps of noise.
    let mut lstm = LstmConfig::new(1, 8).init(&device);
    let x = Tensor::<3>::random([128, 6, 1], Distribution::Uniform(-1.0, 1.0), &device);
    let target = x.clone().narrow(1, 0, 1).reshape([128]);
    let loss = |lstm: &Lstm| {
        let last = lstm.outputs(x.clone()).narrow(1, 5, 1).narrow(2, 0, 1).reshape([128]);
        (last - target.clone()).square().mean()
    };
    let before = values(loss(&lstm))[0];
    for _ in 0..300 {
        let grads = loss(&lstm).backward();
        let layer = &mut lstm.layers[0];
        for weights in [&mut layer.w_ih, &mut layer.w_hh] {
            let value = weights.val();
            let gradient = Tensor::from_inner(value.grad(&grads).unwrap());
            *weights = burn::module::Param::from_tensor((value - gradient * 0.5).detach());
        }
        let bias = layer.bias.val();
        let gradient = Tensor::from_inner(bias.grad(&grads).unwrap());
        layer.bias = burn::module::Param::from_tensor((bias - gradient * 0.5).detach());
    }
    let after = values(loss(&lstm))[0];
    assert!(after < 0.2 * before, "the loss went from {before} to {after} only");
}

#[test]
fn the_configuration_counts_its_parameters() {
    let _turn = turn();
    let lstm = LstmConfig::new(24, 64).with_layers(2).init(&Device::flex());
    let expected = (24 + 64 + 1) * 256 + (64 + 64 + 1) * 256;
    assert_eq!(lstm.num_params(), expected);
}

#[test]
#[should_panic(expected = "the weights of the input must be [features, 4 * hidden] for x of 5 features a step")]
fn other_features_are_refused() {
    let _turn = turn();
    let device = Device::flex();
    LstmConfig::new(4, 6).init(&device).outputs(Tensor::zeros([2, 3, 5], &device));
}

#[test]
#[should_panic(expected = "an LSTM needs at least one sequence and step")]
fn no_step_is_refused() {
    let _turn = turn();
    let device = Device::flex();
    LstmConfig::new(4, 6).init(&device).outputs(Tensor::zeros([2, 0, 4], &device));
}

#[test]
#[should_panic(expected = "the state must hold a tensor for each layer and direction: 2, not 1 and 1")]
fn a_state_of_other_layers_is_refused() {
    let _turn = turn();
    let device = Device::flex();
    let state = LstmState::zeros(1, 2, 6, &device);
    let lstm = LstmConfig::new(4, 6).with_layers(2).init(&device);
    let _ = lstm.forward(Tensor::zeros([2, 3, 4], &device), Some(state));
}

#[test]
#[should_panic(expected = "an LSTM needs at least one feature, unit and layer")]
fn a_configuration_without_units_is_refused() {
    let _turn = turn();
    let _ = LstmConfig::new(4, 0).init(&Device::flex());
}

#[test]
fn the_forget_gates_start_as_configured() {
    let _turn = turn();
    let lstm = LstmConfig::new(3, 4).with_bidirectional(true).with_forget_bias(-0.5).init(&Device::flex());
    for layer in lstm.layers.iter().chain(&lstm.reverse) {
        assert_eq!(values(layer.bias.val())[4..8], [-0.5; 4]);
    }
}

#[test]
fn a_bidirectional_stack_reads_both_directions() {
    let _turn = turn();
    let device = Device::flex().autodiff();
    let lstm = LstmConfig::new(3, 5).with_layers(2).with_bidirectional(true).init(&device);
    assert_eq!(lstm.num_params(), 2 * ((3 + 5 + 1) * 20 + (10 + 5 + 1) * 20));
    let x = Tensor::<3>::random([4, 6, 3], Distribution::Default, &device).require_grad();
    let (outputs, state) = lstm.forward(x.clone(), None);
    assert_eq!(outputs.dims(), [4, 6, lstm.output_width()]);
    assert_eq!((state.hidden.len(), state.cell.len()), (4, 4));
    // The last layer's states are its outputs at either end.
    assert_eq!(values(state.hidden[2].clone()), values(outputs.clone().slice([0..4, 5..6, 0..5])));
    assert_eq!(values(state.hidden[3].clone()), values(outputs.clone().slice([0..4, 0..1, 5..10])));
    // The first output depends on the last input, and the other way round.
    let grads = outputs.clone().narrow(1, 0, 1).sum().backward();
    let d_x = values(x.grad(&grads).unwrap().narrow(1, 5, 1));
    assert!(d_x.iter().any(|&d| d != 0.0));
    assert_eq!(values(outputs), values(lstm.outputs(x)));
}

#[test]
fn full_lengths_change_nothing() {
    let _turn = turn();
    let device = Device::flex();
    let lstm = LstmConfig::new(3, 5).with_layers(2).with_bidirectional(true).init(&device);
    let x = Tensor::<3>::random([4, 6, 3], Distribution::Default, &device);
    assert_eq!(values(lstm.outputs(x.clone())), values(lstm.outputs_with_lengths(x, &[6; 4])));
}

#[test]
#[should_panic(expected = "sequence 1 is said to have 7 steps, but x has 6")]
fn a_length_beyond_the_steps_is_refused() {
    let _turn = turn();
    let device = Device::flex();
    LstmConfig::new(3, 5).init(&device).outputs_with_lengths(Tensor::zeros([2, 6, 3], &device), &[6, 7]);
}

#[test]
#[should_panic(expected = "there must be a length for each of the 2 sequences")]
fn too_few_lengths_are_refused() {
    let _turn = turn();
    let device = Device::flex();
    LstmConfig::new(3, 5).init(&device).outputs_with_lengths(Tensor::zeros([2, 6, 3], &device), &[6]);
}
