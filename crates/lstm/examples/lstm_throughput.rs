//! Training and scoring rates of the layer, in sequences a second.
//!
//!     cargo run --release --workspace --example lstm_throughput -- [flex|ndarray] [--shapes T,F,H,B;...] [--reference]
//!
//! The model is a layer and a linear head that gives one logit a step. A training step is forward, binary
//! cross-entropy, backward and AdamW; scoring is the forward pass without a graph. Rates are of the median of seven
//! rounds of about 200,000 sequence steps each, so that a PyTorch script can be timed in the same way.
//! `--reference` measures the reference recurrence too. README.md says how the C library's memory bears on the figures.

use std::time::Instant;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use staycast_lstm::{Lstm, LstmConfig, LstmState, reference};

/// Holds steps, features, hidden units, batch.
type Shape = [usize; 4];

const SHAPES: [Shape; 5] =
    [[4, 24, 64, 256], [12, 24, 64, 256], [12, 24, 128, 1024], [84, 24, 64, 256], [35, 60, 64, 256]];
const ROUNDS: usize = 7;
const WARM_UP_STEPS: usize = 5;
const SEQUENCE_STEPS_A_ROUND: usize = 200_000;

#[derive(Module, Debug)]
struct Model {
    lstm: Lstm,
    head: Linear,
}

type Outputs = fn(&Lstm, Tensor<3>) -> Tensor<3>;

impl Model {
    fn logits(&self, x: Tensor<3>, outputs: Outputs) -> Tensor<3> {
        self.head.forward(outputs(&self.lstm, x))
    }

    /// Computes the mean binary cross-entropy, `ln(1 + e^z) - y z` written so that no exponential overflows.
    fn loss(&self, x: Tensor<3>, y: Tensor<3>, outputs: Outputs) -> Tensor<1> {
        let logits = self.logits(x, outputs);
        let softplus = logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p();
        (softplus - logits * y).mean()
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let device = device(arguments.first().filter(|name| !name.starts_with("--")).map_or("flex", String::as_str));
    let shapes = arguments.iter().position(|argument| argument == "--shapes").map_or(SHAPES.to_vec(), |at| {
        let list = arguments.get(at + 1).unwrap_or_else(|| refuse("--shapes needs T,F,H,B;T,F,H,B;..."));
        list.split(';').map(shape).collect()
    });
    println!("{device:?}, {} threads", rayon::current_num_threads());
    for shape in shapes {
        let [steps, features, hidden, _] = shape;
        // A multiply and an add for each weight; the backward pass is counted as twice the forward pass.
        let forward = (2 * steps * (features + hidden) * 4 * hidden) as f64 / 1e9;
        let (train, score) = rates(shape, &device, Lstm::outputs);
        println!(
            "T,F,H,B {shape:?}: train {train:.0} seq/s ({:.1} GFLOP/s)  infer {score:.0} seq/s ({:.1} GFLOP/s)",
            3.0 * forward * train,
            forward * score
        );
        if arguments.iter().any(|argument| argument == "--reference") {
            let (train, score) = rates(shape, &device, by_reference);
            println!("  by the reference: train {train:.0} seq/s  infer {score:.0} seq/s");
        }
    }
}

fn refuse(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(2)
}

// burn marks its ndarray backend as deprecated; it is measured because users ask for it by name.
#[allow(deprecated)]
fn device(name: &str) -> Device {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Device::flex(),
        #[cfg(feature = "ndarray")]
        "ndarray" => Device::ndarray(),
        other => refuse(&format!("no device {other:?} in this build; its features decide (flex, ndarray)")),
    }
}

fn shape(text: &str) -> Shape {
    let sizes: Option<Vec<usize>> = text.split(',').map(|size| size.parse().ok().filter(|&size| size > 0)).collect();
    let four = sizes.and_then(|sizes| Shape::try_from(sizes).ok());
    four.unwrap_or_else(|| refuse(&format!("{text:?} is no shape: four numbers above zero, T,F,H,B")))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of Lstm::outputs")]
fn by_reference(lstm: &Lstm, x: Tensor<3>) -> Tensor<3> {
    let [batch, ..] = x.dims();
    let mut state = LstmState::zeros(1, batch, lstm.hidden, &x.device());
    let layer = &lstm.layers[0];
    let (h, c) = (state.hidden.remove(0), state.cell.remove(0));
    reference::forward(&x, &layer.w_ih.val(), &layer.w_hh.val(), &layer.bias.val(), h, c).0
}

/// Measures the sequences a second in training and in scoring.
fn rates([steps, features, hidden, batch]: Shape, device: &Device, outputs: Outputs) -> (f64, f64) {
    let tracked = device.clone().autodiff();
    tracked.seed(1);
    let lstm = LstmConfig::new(features, hidden).init(&tracked);
    let mut model = Model { lstm, head: LinearConfig::new(hidden, 1).init(&tracked) };
    let x = Tensor::<3>::random([batch, steps, features], Distribution::Default, device);
    let y = Tensor::<3>::random([batch, steps, 1], Distribution::Bernoulli(0.5), device);
    let mut optimizer = AdamWConfig::new().init();
    let train = sequences_a_second(batch, steps, || {
        let loss = model.loss(x.clone().autodiff(), y.clone().autodiff(), outputs);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-3, model.clone(), gradients);
    });
    let scoring = model.valid();
    let score = sequences_a_second(batch, steps, || drop(scoring.logits(x.clone(), outputs)));
    (train, score)
}

fn sequences_a_second(batch: usize, steps: usize, mut run: impl FnMut()) -> f64 {
    (0..WARM_UP_STEPS).for_each(|_| run());
    let times = (SEQUENCE_STEPS_A_ROUND / (batch * steps)).max(1);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..times).for_each(|_| run());
            start.elapsed().as_secs_f64() / times as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    batch as f64 / rounds[ROUNDS / 2]
}
