//! Training sequences a second: the layer's operation and the reference recurrence, in one run on one device.
//!
//!     cargo run --release -p staycast-lstm --features flex,ndarray --example throughput [flex|ndarray]
//!
//! A step is forward, a mean of squares over all outputs, backward and AdamW. Rates are of the fastest of several
//! rounds, so that other work on the machine disturbs them least.

use std::time::{Duration, Instant};

use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use staycast_lstm::{Lstm, LstmConfig, LstmState, reference};

/// Weeks, features, hidden units, batch.
const SHAPES: [[usize; 4]; 5] =
    [[4, 24, 64, 256], [12, 24, 64, 256], [35, 60, 64, 256], [84, 24, 64, 256], [12, 24, 128, 1024]];

/// A round measures steps for about this long.
const ROUND: Duration = Duration::from_millis(400);
const ROUNDS: usize = 5;

// burn marks its ndarray backend as deprecated; it is measured because users ask for it by name.
#[allow(deprecated)]
fn main() {
    let name = std::env::args().nth(1).unwrap_or_else(|| "flex".to_owned());
    let device = match name.as_str() {
        #[cfg(feature = "flex")]
        "flex" => Device::flex(),
        #[cfg(feature = "ndarray")]
        "ndarray" => Device::ndarray(),
        other => {
            eprintln!("no device {other:?} in this build; its features decide (flex, ndarray)");
            std::process::exit(2);
        }
    };
    let device = device.autodiff();
    println!("{name}, {} threads, forward + backward + AdamW, sequences/s", rayon::current_num_threads());
    println!(
        "{:>22} {:>12} {:>12} {:>8} {:>10}",
        "weeks,features,h,batch", "operation", "reference", "ratio", "GFLOP/s"
    );
    for shape @ [weeks, features, hidden, batch] in SHAPES {
        let operation = rate(shape, &device, Lstm::outputs);
        let plain = rate(shape, &device, by_reference);
        // Forward is two products of a multiply and an add each; backward is twice that, less the input's gradient.
        let per_sequence = 2 * 4 * hidden * weeks * (2 * features + 3 * hidden);
        println!(
            "{:>22} {operation:>12.0} {plain:>12.0} {:>8.1} {:>10.1}",
            format!("{weeks},{features},{hidden},{batch}"),
            operation / plain,
            operation * per_sequence as f64 / 1e9,
        );
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of Lstm::outputs")]
fn by_reference(lstm: &Lstm, x: Tensor<3>) -> Tensor<3> {
    let [batch, ..] = x.dims();
    let mut state = LstmState::zeros(1, batch, lstm.hidden, &x.device());
    let layer = &lstm.layers[0];
    let (h, c) = (state.hidden.remove(0), state.cell.remove(0));
    reference::forward(&x, &layer.w_ih.val(), &layer.w_hh.val(), &layer.bias.val(), h, c).0
}

fn rate(
    [weeks, features, hidden, batch]: [usize; 4],
    device: &Device,
    outputs: impl Fn(&Lstm, Tensor<3>) -> Tensor<3>,
) -> f64 {
    device.seed(1);
    let mut lstm = LstmConfig::new(features, hidden).init(device);
    let x = Tensor::<3>::random([batch, weeks, features], Distribution::Default, device);
    let mut optimizer = AdamWConfig::new().init();
    let mut best = 0.0f64;
    for round in 0..=ROUNDS {
        let (start, mut steps) = (Instant::now(), 0usize);
        while start.elapsed() < ROUND {
            let grads = outputs(&lstm, x.clone()).square().mean().backward();
            let grads = GradientsParams::from_grads(grads, &lstm);
            lstm = optimizer.step(1e-3, lstm, grads);
            steps += 1;
        }
        // The first round warms up.
        if round > 0 {
            best = best.max((steps * batch) as f64 / start.elapsed().as_secs_f64());
        }
    }
    best
}
