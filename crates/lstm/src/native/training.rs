//! A network in training on a CPU: the steps that [`crate::Trainer`] promises, on plain slices and without a graph.
//!
//! Everything but the layers' own passes is cut into the same shards of sequences as these are, and sums over shards are
//! taken in their order: equal bytes for any number of threads.

use rayon::prelude::*;

use super::{Given, SHARD_ROWS, Sizes, Weights, Work, backward, forward};
use crate::adamw::{AdamWSettings, AdamWState, BETA_1, BETA_2, EPSILON};
use crate::epoch::Epoch;
use crate::masks::MaskSource;
use crate::ops::{HostTensor, TapeUse, WantedGradients};
use crate::sizes::NetworkSizes;
use crate::walk::Walk;

/// Bounds the sequences that are forecast at one time, and with them memory; changes no result.
const FORECAST_BATCH: usize = 4096;

/// Counts the sums that a product of two rows is taken in side by side, so that it can be taken in vectors.
const LANES: usize = 16;

/// Holds a network in training, and what it learns from but for the inputs.
pub(crate) struct HostTrainer {
    sizes: NetworkSizes,
    settings: AdamWSettings,
    /// `[tasks, sequences, steps]`
    labels: HostTensor,
    /// `[tasks, sequences, steps]`
    weights: HostTensor,
    decays: Vec<f32>,
    state: AdamWState,
}

/// Borrows the inputs of sequences, `[sequences, steps, features]`.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) steps: usize,
}

impl Inputs<'_> {
    /// Copies sequences side by side, times their masks; `first` is the first one's row of the epoch.
    fn gather(self, features: usize, positions: &[usize], first: usize, mask: MaskSource) -> Vec<f32> {
        let width = self.steps * features;
        let mut gathered = vec![0.0; positions.len() * width];
        let shards = gathered.par_chunks_mut(SHARD_ROWS * width).zip(positions.par_chunks(SHARD_ROWS));
        shards.enumerate().for_each(|(shard, (to, positions))| {
            for (row, (to, &position)) in to.chunks_exact_mut(width).zip(positions).enumerate() {
                to.copy_from_slice(&self.values[position * width..][..width]);
                if !mask.is_none() {
                    let at = first + shard * SHARD_ROWS + row;
                    let factors = mask.factors(at..at + 1, features);
                    for step in to.chunks_exact_mut(features) {
                        step.iter_mut().zip(&factors).for_each(|(value, factor)| *value *= factor);
                    }
                }
            }
        });
        gathered
    }
}

fn layer_weights(sizes: NetworkSizes, parameters: &[f32], layer: usize) -> Weights<'_> {
    let (at, recurrent_at, bias_at) = (sizes.layer_at(layer), sizes.recurrent_at(layer), sizes.bias_at(layer));
    Weights {
        w_ih: &parameters[at..recurrent_at],
        w_hh: &parameters[recurrent_at..bias_at],
        bias: &parameters[bias_at..bias_at + 4 * sizes.hidden],
    }
}

fn layer_sizes(sizes: NetworkSizes, layer: usize, batch: usize, steps: usize) -> Sizes {
    Sizes { batch, steps, features: sizes.reads(layer), hidden: sizes.hidden }
}

/// Computes the first task's logits of `positions`, `[position][step]`.
pub(crate) fn logits(sizes: NetworkSizes, parameters: &[f32], inputs: Inputs<'_>, positions: &[usize]) -> Vec<f32> {
    let (hidden, steps) = (sizes.hidden, inputs.steps);
    let (head, bias) = parameters[sizes.heads_at()..][..=hidden].split_at(hidden);
    let mut logits = Vec::with_capacity(positions.len() * steps);
    for batch in positions.chunks(FORECAST_BATCH) {
        let mut values = inputs.gather(sizes.features, batch, 0, MaskSource::none());
        for layer in 0..sizes.layers {
            let shape = layer_sizes(sizes, layer, batch.len(), steps);
            let weights = layer_weights(sizes, parameters, layer);
            let mut found = forward(shape, &values, weights, None, &Walk::forward(None), TapeUse::Discard).packed;
            found.truncate(batch.len() * steps * hidden);
            values = found;
        }
        logits.par_extend(values.par_chunks_exact(hidden).map(|row| bias[0] + dot(row, head)));
    }
    logits
}

/// Borrows what the heads learn, `[tasks, sequences, steps]` both.
#[derive(Clone, Copy)]
struct Targets<'a> {
    labels: &'a [f32],
    weights: &'a [f32],
}

/// Describes a batch: its sequences, and the row of the epoch of the first of them.
#[derive(Clone, Copy)]
struct Batch<'a> {
    positions: &'a [usize],
    first: usize,
    steps: usize,
}

/// Holds what the heads find of one shard.
struct Heads {
    /// Gradients of the heads' parameters.
    gradient: Vec<f32>,
    loss: f64,
}

impl HostTrainer {
    pub(crate) fn new(
        sizes: NetworkSizes,
        settings: AdamWSettings,
        labels: HostTensor,
        weights: HostTensor,
        state: AdamWState,
    ) -> Self {
        Self { sizes, settings, labels, weights, decays: sizes.decays(), state }
    }

    pub(crate) fn state(&self) -> &AdamWState {
        &self.state
    }

    pub(crate) fn forecast(&self, inputs: Inputs<'_>, positions: &[usize]) -> Vec<f32> {
        logits(self.sizes, &self.state.parameters, inputs, positions)
    }

    pub(crate) fn epoch(&mut self, inputs: Inputs<'_>, epoch: &Epoch<'_>) -> f64 {
        let mut total = 0.0;
        for (step, (positions, &rate)) in epoch.order.chunks(epoch.batch).zip(epoch.rates).enumerate() {
            let batch = Batch { positions, first: step * epoch.batch, steps: inputs.steps };
            let (loss, mut gradient) = self.gradient(inputs, epoch, batch);
            self.update(&mut gradient, rate);
            total += loss;
        }
        total
    }

    /// Computes the mean loss of a batch and its gradient.
    fn gradient(&self, inputs: Inputs<'_>, epoch: &Epoch<'_>, given: Batch<'_>) -> (f64, Vec<f32>) {
        let Batch { positions: batch, first, steps } = given;
        let (sizes, walk) = (self.sizes, Walk::forward(None));
        let parameters = &self.state.parameters;
        let count = batch.len() * steps * sizes.hidden;
        // Of every layer what it read, and what it kept; and the outputs of the last one.
        let mut kept = Vec::with_capacity(sizes.layers);
        let mut values = inputs.gather(sizes.features, batch, first, epoch.inputs);
        for layer in 0..sizes.layers {
            let shape = layer_sizes(sizes, layer, batch.len(), steps);
            let weights = layer_weights(sizes, parameters, layer);
            let found = forward(shape, &values, weights, None, &walk, TapeUse::Keep);
            kept.push((values, found.tape.expect("a tape was asked for")));
            values = found.packed;
            values.truncate(count);
        }
        let mut d_outputs = vec![0.0; count];
        let heads = self.heads(&values, &mut d_outputs, given, epoch.outputs);
        let mut gradient = vec![0.0; sizes.parameters()];
        let mut outputs = values;
        for (layer, (x, tape)) in kept.into_iter().enumerate().rev() {
            let given = Given {
                x: &x,
                weights: layer_weights(sizes, parameters, layer),
                start: None,
                outputs: &outputs,
                d_outputs: &d_outputs,
                d_state: None,
                walk: &walk,
            };
            let wanted = WantedGradients { x: layer > 0, start: false };
            let found = backward(layer_sizes(sizes, layer, batch.len(), steps), given, &tape, wanted, Work::Pool);
            let parts = [(sizes.layer_at(layer), found.w_ih), (sizes.recurrent_at(layer), found.w_hh)];
            for (at, part) in parts.into_iter().chain([(sizes.bias_at(layer), found.bias)]) {
                gradient[at..at + part.len()].copy_from_slice(&part);
            }
            if let Some(below) = found.x {
                d_outputs = below;
            }
            outputs = x;
        }
        gradient[sizes.heads_at()..].copy_from_slice(&heads.gradient);
        (heads.loss, gradient)
    }

    /// Computes the mean loss of a batch, and its gradients: of the heads' parameters, and of the outputs into `d_outputs`.
    fn heads(&self, outputs: &[f32], d_outputs: &mut [f32], batch: Batch<'_>, mask: MaskSource) -> Heads {
        let (labels, weights) = (self.labels.values(), self.weights.values());
        let targets = Targets { labels: &labels, weights: &weights };
        let share = 1.0 / batch.positions.len() as f32;
        let width = SHARD_ROWS * batch.steps * self.sizes.hidden;
        let positions = batch.positions.par_chunks(SHARD_ROWS);
        let shards = d_outputs.par_chunks_mut(width).zip(outputs.par_chunks(width)).zip(positions);
        let shards: Vec<Heads> = shards
            .enumerate()
            .map(|(shard, ((d_outputs, outputs), positions))| {
                let part = Batch { positions, first: batch.first + shard * SHARD_ROWS, ..batch };
                self.heads_of_shard(outputs, d_outputs, part, targets, share, mask)
            })
            .collect();
        let mut total = Heads { gradient: vec![0.0; self.sizes.tasks * (self.sizes.hidden + 1)], loss: 0.0 };
        for shard in shards {
            total.gradient.iter_mut().zip(&shard.gradient).for_each(|(total, part)| *total += part);
            total.loss += shard.loss;
        }
        total
    }

    fn heads_of_shard(
        &self,
        outputs: &[f32],
        d_outputs: &mut [f32],
        batch: Batch<'_>,
        targets: Targets<'_>,
        share: f32,
        mask: MaskSource,
    ) -> Heads {
        let Batch { positions, first, steps } = batch;
        let (hidden, tasks) = (self.sizes.hidden, self.sizes.tasks);
        let parameters = &self.state.parameters[self.sizes.heads_at()..];
        let sequences = targets.labels.len() / (tasks * steps);
        let mut found = Heads { gradient: vec![0.0; parameters.len()], loss: 0.0 };
        let mut masked = vec![0.0; hidden];
        let mut factors = vec![1.0; hidden];
        for (row, (outputs, d_outputs)) in
            outputs.chunks_exact(hidden).zip(d_outputs.chunks_exact_mut(hidden)).enumerate()
        {
            let (sequence, step) = (row / steps, row % steps);
            if step == 0 && !mask.is_none() {
                factors = mask.factors(first + sequence..first + sequence + 1, hidden);
            }
            masked
                .iter_mut()
                .zip(outputs.iter().zip(&factors))
                .for_each(|(to, (output, factor))| *to = output * factor);
            for task in 0..tasks {
                let (weights, bias) = parameters[task * (hidden + 1)..][..=hidden].split_at(hidden);
                let z = bias[0] + dot(&masked, weights);
                let place = (task * sequences + positions[sequence]) * steps + step;
                let (label, weight) = (targets.labels[place], targets.weights[place] * share);
                // ln(1 + e^z) - y z, and its slope, written so that no exponential overflows.
                let e = (-z.abs()).exp();
                found.loss += f64::from(weight * (z.max(0.0) + e.ln_1p() - z * label));
                let large = 1.0 / (1.0 + e);
                let d_logit = weight * (if z < 0.0 { e * large } else { large } - label);
                let (d_weights, d_bias) = found.gradient[task * (hidden + 1)..][..=hidden].split_at_mut(hidden);
                d_weights.iter_mut().zip(&masked).for_each(|(sum, value)| *sum += d_logit * value);
                d_bias[0] += d_logit;
                d_outputs.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += d_logit * weight);
            }
            d_outputs.iter_mut().zip(&factors).for_each(|(value, factor)| *value *= factor);
        }
        found
    }

    /// Takes the optimiser's step along a gradient.
    fn update(&mut self, gradient: &mut [f32], rate: f64) {
        let square: f64 = gradient.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
        let (norm, clip) = (square.sqrt(), self.settings.clip_norm);
        // A norm that is no number is seen in every parameter, and ends the training.
        let shorten = if norm <= clip { 1.0 } else { (clip / norm) as f32 };
        let state = &mut self.state;
        state.steps += 1;
        let power = i32::try_from(state.steps).unwrap_or(i32::MAX);
        let [keep_1, keep_2] = [BETA_1 as f32, BETA_2 as f32];
        let [add_1, add_2] = [(1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32];
        let correct_1 = (1.0 / (1.0 - BETA_1.powi(power))) as f32;
        let correct_2 = (1.0 / (1.0 - BETA_2.powi(power))) as f32;
        let (rate, decay, epsilon) = (rate as f32, self.settings.weight_decay as f32, EPSILON as f32);
        let moments = state.moment_1.iter_mut().zip(&mut state.moment_2);
        let places = state.parameters.iter_mut().zip(moments).zip(gradient.iter().zip(&self.decays));
        for ((parameter, (first, second)), (&slope, &decays)) in places {
            let slope = slope * shorten;
            *first = keep_1 * *first + add_1 * slope;
            *second = keep_2 * *second + add_2 * slope * slope;
            let way = *first * correct_1 / ((*second * correct_2).sqrt() + epsilon) + decay * decays * *parameter;
            *parameter -= rate * way;
        }
    }
}

/// Sums the products of two rows, in an order that does not depend on the processor.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (lefts, rights) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest: f32 = lefts.remainder().iter().zip(rights.remainder()).map(|(a, b)| a * b).sum();
    for (left, right) in lefts.zip(rights) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}
