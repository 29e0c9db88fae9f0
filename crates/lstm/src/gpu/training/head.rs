//! The heads: from the outputs of the last layer to logits, losses, and the gradients of both, in one launch.

use cubecl::prelude::*;

use super::product::batch_at;
use super::random::{Mask, draw};

/// Counts the rows (a step of a sequence each) that a cube works on.
pub(super) const ROWS: usize = 32;

/// Counts the units that share a row's sums.
pub(super) const LANES: usize = 8;

/// Counts the units of a cube.
const UNITS: usize = ROWS * LANES;

/// Holds what decides how the kernels of the heads are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Heads {
    /// Units of the last layer.
    pub(super) hidden: usize,
    /// Logits a step.
    pub(super) tasks: usize,
    /// Whether a mask switches outputs off, the same ones in every step of a sequence.
    pub(super) masked: bool,
}

impl Heads {
    /// Counts the parameters: the weights of a task and its bias, task by task.
    pub(super) fn parameters(self) -> usize {
        self.tasks * (self.hidden + 1)
    }

    /// Counts the bytes of shared memory that the loss takes.
    pub(super) fn shared_bytes(self) -> usize {
        let Self { tasks, .. } = self;
        size_of::<f32>() * (UNITS * tasks + ROWS * tasks + ROWS + 2 * UNITS * tasks)
    }

    fn pairs(self) -> usize {
        self.hidden.div_ceil(2)
    }

    /// Counts the pairs of hidden units that a cube works on at one time.
    fn across(self) -> usize {
        self.pairs().min(UNITS)
    }

    /// Counts the rows that it works on at one time.
    fn groups(self) -> usize {
        UNITS / self.across()
    }
}

/// Computes the weighted binary cross-entropy of a batch and its gradients.
///
/// - `outputs`: of the last layer, `[rows, hidden]`, `rows` being the batch's sequences times its steps
/// - `parameters`: the heads' from `at` on, `[tasks, hidden + 1]`
/// - `labels`, `weights`: `[tasks, sequences, steps]` of the whole training set
/// - `order`: the sequences of the epoch, in its order; the batch begins at [`batch_at`]
/// - `inverse`: 1 / the batch's sequences
/// - `d_outputs`: the gradients of `outputs`
/// - `parts`: by cube, the gradients of the heads' parameters and then the loss, `[cubes, tasks * (hidden + 1) + 1]`
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn loss_kernel(
    outputs: &[f32],
    parameters: &[f32],
    labels: &[f32],
    weights: &[f32],
    order: &[i32],
    counter: &[u32],
    d_outputs: &mut [f32],
    parts: &mut [f32],
    mask: Mask,
    at: usize,
    batch: usize,
    rows: usize,
    steps: usize,
    sequences: usize,
    inverse: f32,
    #[comptime] heads: Heads,
) {
    let (hidden, tasks) = comptime!((heads.hidden, heads.tasks));
    let unit = UNIT_POS as usize;
    let top = CUBE_POS * ROWS;
    let first = batch_at(counter, 0usize, batch);
    let mut dots = Shared::<[f32]>::new_slice(comptime!(UNITS * heads.tasks));
    let mut d_logits = Shared::<[f32]>::new_slice(comptime!(ROWS * heads.tasks));
    let mut losses = Shared::<[f32]>::new_slice(ROWS);
    add_rows(outputs, parameters, &mut dots, &mask, at, top, first, rows, steps, heads);
    sync_cube();
    if unit < ROWS {
        let row = top + unit;
        let mut loss = 0.0f32;
        #[unroll]
        for task in 0..tasks {
            let mut d_logit = 0.0f32;
            if row < rows {
                let z = logit(&dots, parameters, at, unit, task, heads);
                let found = order[first + row / steps] as usize;
                let place = (task * sequences + found) * steps + row % steps;
                let label = labels[place];
                let weight = weights[place] * inverse;
                // ln(1 + e^z) - y z, written so that no exponential overflows.
                let size = select(z < 0.0, -z, z);
                let e = (-size).exp();
                let above = select(z < 0.0, 0.0f32, z);
                loss += weight * (above + e.log1p() - z * label);
                let large = 1.0 / (1.0 + e);
                d_logit = weight * (select(z < 0.0, e * large, large) - label);
            }
            d_logits[unit * tasks + task] = d_logit;
        }
        losses[unit] = loss;
    }
    sync_cube();
    let own = CUBE_POS * comptime!(heads.parameters() + 1);
    if unit == 0 {
        let mut loss = 0.0f32;
        for row in 0..ROWS {
            loss += losses[row];
        }
        parts[own + comptime!(heads.parameters())] = loss;
        #[unroll]
        for task in 0..tasks {
            let mut sum = 0.0f32;
            for row in 0..ROWS {
                sum += d_logits[row * tasks + task];
            }
            parts[own + comptime!(task * (hidden + 1) + hidden)] = sum;
        }
    }
    // A unit owns a pair of hidden units in every row of its group; groups are added through shared memory.
    let (pairs, across, groups) = comptime!((heads.pairs(), heads.across(), heads.groups()));
    let mut by_group = Shared::<[f32]>::new_slice(comptime!(2 * UNITS * heads.tasks));
    let group = unit / across;
    #[unroll]
    for block in 0..comptime!(heads.pairs().div_ceil(heads.across())) {
        let pair = comptime!(block * across) + unit % across;
        let column = 2 * pair;
        let mut d_even = Array::<f32>::new(tasks);
        let mut d_odd = Array::<f32>::new(tasks);
        #[unroll]
        for task in 0..tasks {
            d_even[task] = 0.0;
            d_odd[task] = 0.0;
        }
        if group < groups && pair < pairs {
            let mut inside = group;
            while inside < ROWS {
                let row = top + inside;
                if row < rows {
                    let (even, odd) = factors(&mask, first + row / steps, pair, heads);
                    let mut d_output = 0.0f32;
                    #[unroll]
                    for task in 0..tasks {
                        let d_logit = d_logits[inside * tasks + task];
                        d_output += d_logit * parameters[at + comptime!(task * (hidden + 1)) + column];
                        d_even[task] += d_logit * even * outputs[row * hidden + column];
                    }
                    d_outputs[row * hidden + column] = d_output * even;
                    if column + 1 < hidden {
                        let mut d_output = 0.0f32;
                        #[unroll]
                        for task in 0..tasks {
                            let d_logit = d_logits[inside * tasks + task];
                            d_output += d_logit * parameters[at + comptime!(task * (hidden + 1)) + column + 1];
                            d_odd[task] += d_logit * odd * outputs[row * hidden + column + 1];
                        }
                        d_outputs[row * hidden + column + 1] = d_output * odd;
                    }
                }
                inside += groups;
            }
        }
        sync_cube();
        #[unroll]
        for task in 0..tasks {
            by_group[(unit * tasks + task) * 2] = d_even[task];
            by_group[(unit * tasks + task) * 2 + 1] = d_odd[task];
        }
        sync_cube();
        if unit < across && pair < pairs {
            #[unroll]
            for task in 0..tasks {
                let mut even = 0.0f32;
                let mut odd = 0.0f32;
                for other in 0..groups {
                    even += by_group[((other * across + unit) * tasks + task) * 2];
                    odd += by_group[((other * across + unit) * tasks + task) * 2 + 1];
                }
                parts[own + comptime!(task * (hidden + 1)) + column] = even;
                if column + 1 < hidden {
                    parts[own + comptime!(task * (hidden + 1)) + column + 1] = odd;
                }
            }
        }
    }
}

/// Computes the logits of the first task, `[rows]` from `result_at` on.
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn logit_kernel(
    outputs: &[f32],
    parameters: &[f32],
    logits: &mut [f32],
    mask: Mask,
    at: usize,
    result_at: usize,
    rows: usize,
    #[comptime] heads: Heads,
) {
    let unit = UNIT_POS as usize;
    let top = CUBE_POS * ROWS;
    let mut dots = Shared::<[f32]>::new_slice(comptime!(UNITS * heads.tasks));
    add_rows(outputs, parameters, &mut dots, &mask, at, top, 0usize, rows, rows, heads);
    sync_cube();
    if unit < ROWS && top + unit < rows {
        logits[result_at + top + unit] = logit(&dots, parameters, at, unit, 0usize, heads);
    }
}

/// Sums each row's products by lane: `dots [ROWS, LANES, tasks]`.
#[cube]
fn add_rows(
    outputs: &[f32],
    parameters: &[f32],
    dots: &mut Shared<[f32]>,
    mask: &Mask,
    at: usize,
    top: usize,
    first: usize,
    rows: usize,
    steps: usize,
    #[comptime] heads: Heads,
) {
    let (hidden, tasks) = comptime!((heads.hidden, heads.tasks));
    let unit = UNIT_POS as usize;
    let row = top + unit / LANES;
    let mut sums = Array::<f32>::new(tasks);
    #[unroll]
    for task in 0..tasks {
        sums[task] = 0.0;
    }
    if row < rows {
        let mut pair = unit % LANES;
        while pair < comptime!(heads.pairs()) {
            let column = 2 * pair;
            let (even, odd) = factors(mask, first + row / steps, pair, heads);
            let value = outputs[row * hidden + column] * even;
            #[unroll]
            for task in 0..tasks {
                sums[task] += value * parameters[at + comptime!(task * (hidden + 1)) + column];
            }
            if column + 1 < hidden {
                let value = outputs[row * hidden + column + 1] * odd;
                #[unroll]
                for task in 0..tasks {
                    sums[task] += value * parameters[at + comptime!(task * (hidden + 1)) + column + 1];
                }
            }
            pair += LANES;
        }
    }
    #[unroll]
    for task in 0..tasks {
        dots[unit * tasks + task] = sums[task];
    }
}

/// Returns the logit of a task in row `inside` of the cube.
#[cube]
fn logit(
    dots: &Shared<[f32]>,
    parameters: &[f32],
    at: usize,
    inside: usize,
    #[comptime] task: usize,
    #[comptime] heads: Heads,
) -> f32 {
    let mut sum = parameters[at + comptime!(task * (heads.hidden + 1) + heads.hidden)];
    for lane in 0..LANES {
        sum += dots[(inside * LANES + lane) * comptime!(heads.tasks) + task];
    }
    sum
}

/// Returns the factors of a pair of hidden units.
#[cube]
fn factors(mask: &Mask, row: usize, pair: usize, #[comptime] heads: Heads) -> (f32, f32) {
    if comptime!(heads.masked) { draw(mask, row, pair) } else { (1.0f32.runtime(), 1.0f32.runtime()) }
}
