//! Training steps and forecasts without a graph, against the same network in burn's operations on flex. Those of a GPU need an
//! adapter, which may be a software one.

#![cfg(feature = "flex")]

use std::ops::Range;

use burn::module::Param;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
use burn::tensor::{Device, Tensor, TensorData};
use staycast_lstm::{
    AdamWSettings, AdamWState, BETA_1, BETA_2, EPSILON, Epoch, LstmLayer, MaskSource, NetworkSizes, Trainer,
    TrainingRows, forecast,
};

const SETTINGS: AdamWSettings = AdamWSettings { weight_decay: 0.1, clip_norm: 0.5 };
const RATE: f64 = 0.01;

/// Holds the numbers of a training set and a network.
struct Case {
    sizes: NetworkSizes,
    sequences: usize,
    steps: usize,
    x: Vec<f32>,
    labels: Vec<f32>,
    weights: Vec<f32>,
    parameters: Vec<f32>,
}

/// Returns numbers within ±1 that look random.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|at| (((at + 1) * 7919 + seed * 104_729) as f32 * 0.618_034).sin()).collect()
}

impl Case {
    fn new(sequences: usize, steps: usize, sizes: NetworkSizes) -> Self {
        let cells = sizes.tasks * sequences * steps;
        let scale = 1.0 / (sizes.hidden as f32).sqrt();
        Self {
            sizes,
            sequences,
            steps,
            x: numbers(sequences * steps * sizes.features, 1),
            labels: numbers(cells, 2).into_iter().map(|value| f32::from(u8::from(value > 0.0))).collect(),
            weights: numbers(cells, 3)
                .into_iter()
                .map(|value| value.max(0.0) + if value < -0.9 { 2.0 } else { 0.0 })
                .collect(),
            parameters: numbers(sizes.parameters(), 4).into_iter().map(|value| value * scale).collect(),
        }
    }

    fn rows(&self, device: &Device) -> TrainingRows {
        let tasks = [self.sizes.tasks, self.sequences, self.steps];
        let tensor = |values: &Vec<f32>, shape: [usize; 3]| {
            Tensor::<3>::from_data(TensorData::new(values.clone(), shape), device)
        };
        TrainingRows {
            x: tensor(&self.x, [self.sequences, self.steps, self.sizes.features]),
            labels: tensor(&self.labels, tasks),
            weights: tensor(&self.weights, tasks),
        }
    }
}

/// Takes steps with burn's operations on flex and AdamW in `f64`; returns the state, and the losses' sum.
fn plainly(
    case: &Case,
    order: &[usize],
    masks: [MaskSource; 2],
    batches: &[Range<usize>],
    state: AdamWState,
) -> (AdamWState, f64) {
    let mut state = state;
    let mut total = 0.0;
    for batch in batches {
        let (loss, gradient) = loss_and_gradient(case, &state.parameters, order, masks, batch.clone());
        total += loss;
        let norm = gradient.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let shorten = SETTINGS.clip_norm / norm.max(SETTINGS.clip_norm);
        state.steps += 1;
        let decays = decays(case.sizes);
        for (at, &slope) in gradient.iter().enumerate() {
            let slope = f64::from(slope) * shorten;
            let first = BETA_1 * f64::from(state.moment_1[at]) + (1.0 - BETA_1) * slope;
            let second = BETA_2 * f64::from(state.moment_2[at]) + (1.0 - BETA_2) * slope * slope;
            let spread = (second / (1.0 - BETA_2.powi(state.steps as i32))).sqrt() + EPSILON;
            let before = f64::from(state.parameters[at]);
            let decay = if decays[at] { SETTINGS.weight_decay * before } else { 0.0 };
            let way = first / (1.0 - BETA_1.powi(state.steps as i32)) / spread + decay;
            state.parameters[at] = (before - RATE * way) as f32;
            state.moment_1[at] = first as f32;
            state.moment_2[at] = second as f32;
        }
    }
    (state, total)
}

/// Tells, by parameter, whether it decays.
fn decays(sizes: NetworkSizes) -> Vec<bool> {
    let mut decays = Vec::new();
    for layer in 0..sizes.layers {
        let reads = if layer == 0 { sizes.features } else { sizes.hidden };
        decays.extend(vec![true; 4 * sizes.hidden * (reads + sizes.hidden)]);
        decays.extend(vec![false; 4 * sizes.hidden]);
    }
    for _ in 0..sizes.tasks {
        decays.extend(vec![true; sizes.hidden]);
        decays.push(false);
    }
    decays
}

/// Holds a network of burn's operations.
struct Plain {
    layers: Vec<LstmLayer>,
    heads: Vec<(Tensor<2>, Tensor<1>)>,
}

impl Plain {
    fn new(sizes: NetworkSizes, parameters: &[f32], device: &Device) -> Self {
        let mut rest = parameters;
        let mut take = |count: usize| {
            let (piece, after) = rest.split_at(count);
            rest = after;
            piece.to_vec()
        };
        let NetworkSizes { hidden, .. } = sizes;
        let matrix = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<2>::from_data(TensorData::new(values, shape), device).require_grad()
        };
        let vector = |values: Vec<f32>| {
            let length = [values.len()];
            Tensor::<1>::from_data(TensorData::new(values, length), device).require_grad()
        };
        let layers = (0..sizes.layers).map(|layer| {
            let reads = if layer == 0 { sizes.features } else { hidden };
            LstmLayer {
                w_ih: Param::from_tensor(matrix(take(4 * hidden * reads), [reads, 4 * hidden])),
                w_hh: Param::from_tensor(matrix(take(4 * hidden * hidden), [hidden, 4 * hidden])),
                bias: Param::from_tensor(vector(take(4 * hidden))),
                norm: None,
            }
        });
        let layers = layers.collect();
        let heads = (0..sizes.tasks).map(|_| (matrix(take(hidden), [hidden, 1]), vector(take(1)))).collect();
        Self { layers, heads }
    }

    /// Returns the logits of every task, `[batch, steps]` each.
    fn logits(&self, x: Tensor<3>, mask: Option<Tensor<3>>) -> Vec<Tensor<2>> {
        let [batch, steps, _] = x.dims();
        let mut outputs = self.layers.iter().fold(x, |x, layer| layer.outputs(x));
        if let Some(mask) = mask {
            outputs = outputs * mask;
        }
        let [_, _, hidden] = outputs.dims();
        let rows = outputs.reshape([batch * steps, hidden]);
        let logit = |(weight, bias): &(Tensor<2>, Tensor<1>)| {
            (rows.clone().matmul(weight.clone()) + bias.clone().unsqueeze()).reshape([batch, steps])
        };
        self.heads.iter().map(logit).collect()
    }
}

fn loss_and_gradient(
    case: &Case,
    parameters: &[f32],
    order: &[usize],
    masks: [MaskSource; 2],
    batch: Range<usize>,
) -> (f64, Vec<f32>) {
    let device = &Device::flex().autodiff();
    let NetworkSizes { features, hidden, tasks, .. } = case.sizes;
    let (steps, count) = (case.steps, batch.len());
    let network = Plain::new(case.sizes, parameters, device);
    let picked = |values: &[f32], width: usize, first: usize| -> Vec<f32> {
        order[batch.clone()].iter().flat_map(|&at| values[(first + at) * width..][..width].to_vec()).collect()
    };
    let mask = |source: MaskSource, columns: usize| {
        let values = source.factors(batch.clone(), columns);
        Tensor::<3>::from_data(TensorData::new(values, [count, 1, columns]), device)
    };
    let x = TensorData::new(picked(&case.x, steps * features, 0), [count, steps, features]);
    let x = Tensor::<3>::from_data(x, device) * mask(masks[0], features);
    let mut loss = Tensor::<1>::zeros([1], device);
    for (task, logits) in network.logits(x, Some(mask(masks[1], hidden))).into_iter().enumerate() {
        assert!(task < tasks);
        let cells = |values: &[f32]| {
            let values = picked(values, steps, task * case.sequences);
            Tensor::<2>::from_data(TensorData::new(values, [count, steps]), device)
        };
        let softplus = logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p();
        loss = loss + ((softplus - logits * cells(&case.labels)) * cells(&case.weights)).sum();
    }
    let loss = loss.div_scalar(count as f64);
    let gradients = loss.backward();
    let mut found = Vec::new();
    for layer in &network.layers {
        found.extend(values(layer.w_ih.val().grad(&gradients).expect("tracked")));
        found.extend(values(layer.w_hh.val().grad(&gradients).expect("tracked")));
        found.extend(values(layer.bias.val().grad(&gradients).expect("tracked")));
    }
    for (weight, bias) in &network.heads {
        found.extend(values(weight.grad(&gradients).expect("tracked")));
        found.extend(values(bias.grad(&gradients).expect("tracked")));
    }
    (f64::from(values(loss)[0]), found)
}

#[cfg(feature = "wgpu")]
fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |value: f64| value * value;
    let off: f64 = found.iter().zip(expected).map(|(f, e)| square(f64::from(f - e))).sum();
    let size: f64 = expected.iter().map(|&e| square(f64::from(e))).sum();
    (off / size).sqrt()
}

fn sizes(features: usize, hidden: usize, layers: usize, tasks: usize) -> NetworkSizes {
    NetworkSizes { features, hidden, layers, tasks }
}

/// Lists sequences, steps, and networks: small and odd sizes; several layers; wide enough for large tiles and for weights
/// that are streamed; several parts of the weights' gradients.
fn cases() -> Vec<Case> {
    vec![
        Case::new(9, 3, sizes(4, 6, 1, 1)),
        Case::new(11, 4, sizes(3, 9, 1, 2)),
        Case::new(12, 2, sizes(5, 8, 3, 2)),
        Case::new(8, 1, sizes(1, 1, 1, 1)),
        Case::new(90, 4, sizes(95, 45, 1, 2)),
        Case::new(75, 5, sizes(6, 70, 2, 1)),
        Case::new(301, 5, sizes(6, 20, 2, 2)),
    ]
}

fn order(case: &Case) -> Vec<usize> {
    // Without the first sequence, backwards, so that an order is not the identity.
    (1..case.sequences).rev().collect()
}

#[test]
fn steps_on_a_cpu_are_those_of_the_plain_network() {
    steps_are_those_of_the_plain_network(&Device::flex());
}

#[test]
#[cfg(feature = "wgpu")]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn steps_on_a_gpu_are_those_of_the_plain_network() {
    steps_are_those_of_the_plain_network(&gpu());
}

fn steps_are_those_of_the_plain_network(device: &Device) {
    for case in cases() {
        let order = order(&case);
        let half = order.len() / 2;
        // The second batch is smaller than the first, as the last of an epoch is.
        let batches = [0..half + 1, half + 1..order.len()];
        for masks in [[MaskSource::none(); 2], [MaskSource::new([7, 9], 0.2), MaskSource::new([1, 2], 0.4)]] {
            let start = AdamWState::fresh(case.parameters.clone());
            let (expected, expected_total) = plainly(&case, &order, masks, &batches, start.clone());
            let mut trainer = Trainer::new(case.sizes, SETTINGS, case.rows(device), start).expect("32-bit floats");
            let epoch =
                Epoch { order: &order, batch: half + 1, rates: &[RATE; 2], inputs: masks[0], outputs: masks[1] };
            let (total, state) = (trainer.epoch(&epoch), trainer.state());
            let what = format!("{:?}, {} sequences", case.sizes, case.sequences);
            assert!((total - expected_total).abs() < 1e-5 * expected_total, "{what}: loss {total}, {expected_total}");
            assert_eq!(state.steps, 2);
            let off = distance(&state.moment_1, &expected.moment_1);
            assert!(off < 1e-4, "{what}: first moments are off by {off:e}");
            let off = distance(&state.moment_2, &expected.moment_2);
            assert!(off < 2e-4, "{what}: second moments are off by {off:e}");
            let off = distance(&state.parameters, &expected.parameters);
            assert!(off < 1e-3, "{what}: parameters are off by {off:e}");
        }
    }
}

#[test]
fn forecasts_on_a_cpu_are_those_of_the_plain_network() {
    forecasts_are_those_of_the_plain_network(&Device::flex());
}

#[test]
#[cfg(feature = "wgpu")]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn forecasts_on_a_gpu_are_those_of_the_plain_network() {
    forecasts_are_those_of_the_plain_network(&gpu());
}

fn forecasts_are_those_of_the_plain_network(device: &Device) {
    for case in cases() {
        let positions = order(&case);
        let parameters = |device: &Device| {
            let data = TensorData::new(case.parameters.clone(), [case.parameters.len()]);
            Tensor::<1>::from_data(data, device)
        };
        let flex = Device::flex().autodiff();
        let index: Vec<i32> = positions.iter().map(|&at| at as i32).collect();
        let index = Tensor::<1, burn::tensor::Int>::from_data(TensorData::new(index, [positions.len()]), &flex);
        let x = case.rows(&flex).x.select(0, index);
        let expected = values(Plain::new(case.sizes, &case.parameters, &flex).logits(x, None).swap_remove(0));
        let x = case.rows(device).x;
        let found = forecast(case.sizes, &parameters(device), &x, &positions).expect("a GPU");
        let off = distance(&found, &expected);
        assert!(off < 1e-5, "{:?}: off by {off:e}", case.sizes);
        let start = AdamWState::fresh(case.parameters.clone());
        let trainer = Trainer::new(case.sizes, SETTINGS, case.rows(device), start).expect("32-bit floats");
        assert_eq!(trainer.forecast(&positions), found);
        assert!(trainer.forecast(&[]).is_empty());
    }
}

#[test]
fn a_cpu_gives_the_same_bytes_for_any_number_of_threads_and_resumes_anywhere() {
    let states: Vec<AdamWState> = [1, 2, 5]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| the_same_bytes_again(&Device::flex()))
        })
        .into();
    assert!(states[0] == states[1] && states[1] == states[2]);
}

#[test]
#[cfg(feature = "wgpu")]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn a_gpu_gives_the_same_bytes_again_and_resumes_anywhere() {
    the_same_bytes_again(&gpu());
}

fn the_same_bytes_again(device: &Device) -> AdamWState {
    let case = Case::new(130, 3, sizes(5, 12, 2, 2));
    let order = order(&case);
    let masks = [MaskSource::new([3, 1], 0.1), MaskSource::new([4, 1], 0.3)];
    let run = |stop: bool| {
        let mut trainer =
            Trainer::new(case.sizes, SETTINGS, case.rows(device), AdamWState::fresh(case.parameters.clone()))
                .expect("a GPU");
        for epoch in 0..2 {
            if stop && epoch == 1 {
                let state = trainer.state();
                trainer = Trainer::new(case.sizes, SETTINGS, case.rows(device), state).expect("32-bit floats");
            }
            let rates = [RATE, RATE / 2.0];
            trainer.epoch(&Epoch { order: &order, batch: 100, rates: &rates, inputs: masks[0], outputs: masks[1] });
        }
        trainer.state()
    };
    let first = run(false);
    assert_eq!(first, run(false));
    assert_eq!(first, run(true));
    first
}

/// Is run by the test below in a process of its own, with CubeCL's profile of launches switched on.
#[test]
#[cfg(feature = "wgpu")]
#[ignore = "is run by the test that counts launches"]
fn take_steps_for_the_count() {
    let Ok(steps) = std::env::var("STAYCAST_COUNTED_STEPS") else { return };
    let steps: usize = steps.parse().expect("a number");
    let layers = std::env::var("STAYCAST_COUNTED_LAYERS").expect("set").parse().expect("a number");
    let case = Case::new(12, 3, sizes(5, 8, layers, 2));
    let start = AdamWState::fresh(case.parameters.clone());
    let mut trainer = Trainer::new(case.sizes, SETTINGS, case.rows(&gpu()), start).expect("32-bit floats");
    let order = order(&case).repeat(steps);
    let (inputs, outputs) = (MaskSource::new([1, 2], 0.1), MaskSource::new([3, 4], 0.3));
    let rates = vec![RATE; steps];
    let loss = trainer.epoch(&Epoch { order: &order, batch: case.sequences - 1, rates: &rates, inputs, outputs });
    assert!(loss.is_finite());
}

/// Counts the launches of a process that takes `steps` steps, by the profile that CubeCL writes.
#[cfg(feature = "wgpu")]
fn launches(steps: usize, layers: usize) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("launches");
    let output = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["take_steps_for_the_count", "--exact", "--include-ignored"])
        .env("CUBECL_DEBUG_OPTION", "profile-full")
        .env("CUBECL_DEBUG_LOG", &log)
        .env("STAYCAST_COUNTED_STEPS", steps.to_string())
        .env("STAYCAST_COUNTED_LAYERS", layers.to_string())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = std::fs::read_to_string(&log).expect("a profile");
    // A launch is a line of a table: | 12.3µs | name of the kernel … |
    text.lines()
        .filter(|line| line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
        .count()
}

#[test]
#[cfg(feature = "wgpu")]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn a_step_takes_seven_launches_and_six_more_a_layer() {
    for (layers, expected) in [(1, 7), (2, 13)] {
        let (few, many) = (launches(2, layers), launches(12, layers));
        assert_eq!(many - few, 10 * expected, "{layers} layers: {few} launches for 2 steps, {many} for 12");
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("32-bit floats")
}
