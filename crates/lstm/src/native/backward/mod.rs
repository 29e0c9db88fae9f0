//! The backward pass through time, and the sums of the weights' gradients.
//!
//! [`shard`] walks some sequences back through their steps, [`products`] are its matrix products, [`panels`] the
//! weights in the order in which those read them. Here the work is divided and the results are added up.

mod panels;
mod products;
mod shard;

use rayon::prelude::*;

use panels::Panels;
use shard::{Shard, run_shard};

use super::buffer::{Aligned, SharedPointer, filled_by};
use super::forward::{TAPE_VECTORS, Tape};
use super::simd::on_isa;
use super::{Blocks, SHARD_ROWS, Sizes, Start, Weights};
use crate::ops::WantedGradients;
use crate::walk::Walk;

/// Bounds the partial sums of the weights' gradients. Shards go to this many tasks in runs, which bounds both the
/// memory of the partial sums and the number of threads that can help.
const MAX_TASKS: usize = 16;

/// Names who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The current rayon pool. While it waits, a calling thread that is one of the pool's takes up other tasks.
    Pool,
    /// The calling thread alone.
    Caller,
}

/// Holds gradients, each shaped like what it is the gradient of.
pub(crate) struct Gradients {
    pub(crate) w_ih: Vec<f32>,
    pub(crate) w_hh: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) x: Option<Vec<f32>>,
    /// First output, first cell.
    pub(crate) start: Option<(Vec<f32>, Vec<f32>)>,
}

/// Holds inputs and outputs of the forward pass, and the gradient of its outputs.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) weights: Weights<'a>,
    pub(crate) start: Option<Start<'a>>,
    /// The outputs of all steps, `[batch, steps, hidden]`.
    pub(crate) outputs: &'a [f32],
    /// The gradient of `outputs`.
    pub(crate) d_outputs: &'a [f32],
    /// The gradient of the last outputs and of the last cells, `[batch, hidden]` each; `None` is zeros.
    pub(crate) d_state: Option<[&'a [f32]; 2]>,
    pub(crate) walk: &'a Walk,
}

/// Points to the gradients that have a part for each sequence.
#[derive(Clone, Copy)]
struct Room {
    /// `[batch, steps, features]`
    x: Option<SharedPointer>,
    /// First output and first cell, `[batch, hidden]` each.
    start: Option<[SharedPointer; 2]>,
}

/// Borrows all that the shards read.
#[derive(Clone, Copy)]
struct Job<'a> {
    sizes: Sizes,
    given: Given<'a>,
    tape: &'a Tape,
    /// `w_hh` transposed.
    recurrent: &'a Panels,
    /// `w_ih` transposed, where the gradient of x is wanted.
    input: Option<&'a Panels>,
}

/// Computes the backward pass of [`super::forward`] on the same sizes.
///
/// # Panics
///
/// When a slice or the tape is not as long as `sizes` says.
pub(crate) fn backward(sizes: Sizes, given: Given<'_>, tape: &Tape, wanted: WantedGradients, work: Work) -> Gradients {
    check(sizes, given, tape);
    let Sizes { batch, features, hidden, .. } = sizes;
    let blocks = tape.blocks;
    let recurrent = Panels::transposed(given.weights.w_hh, hidden, blocks);
    let input = wanted.x.then(|| Panels::transposed(given.weights.w_ih, features, blocks));
    let job = Job { sizes, given, tape, recurrent: &recurrent, input: input.as_ref() };

    let shards = batch.div_ceil(SHARD_ROWS);
    let shards_each = shards.div_ceil(MAX_TASKS).max(1);
    let mut sums: Vec<Aligned> = Vec::new();
    let mut run = |room: Room| {
        let task = |task: usize| {
            let mut sum = Aligned::zeroed((1 + features + hidden) * 4 * blocks.padded());
            for shard in task * shards_each..shards.min((task + 1) * shards_each) {
                let args = (&Shard::new(job, room, shard), sum.as_mut_ptr());
                on_isa!(blocks.isa, run_shard, args, (&Shard<'_>, *mut f32));
            }
            sum
        };
        let tasks = 0..shards.div_ceil(shards_each);
        sums = match work {
            Work::Pool => tasks.into_par_iter().map(task).collect(),
            Work::Caller => tasks.map(task).collect(),
        };
    };
    let (x, start) = with_room(sizes, wanted, &mut run);
    let [w_ih, w_hh, bias] = reduce(sizes, blocks, &sums, work);
    Gradients { w_ih, w_hh, bias, x, start }
}

/// Checks the sizes, on which everything unchecked in the shards relies.
fn check(sizes: Sizes, given: Given<'_>, tape: &Tape) {
    let Sizes { batch, steps, hidden, .. } = sizes;
    sizes.check(given.x, given.weights, given.start, given.walk);
    let blocks = tape.blocks;
    assert_eq!(blocks, Blocks::new(blocks.isa, hidden), "the tape is of another layer");
    let tape_len = batch * steps * blocks.padded() * TAPE_VECTORS;
    assert_eq!(tape.values.len(), tape_len, "the tape is of another batch");
    let count = batch * steps * hidden;
    assert_eq!(given.outputs.len(), count, "outputs must hold [batch, steps, hidden]");
    assert_eq!(given.d_outputs.len(), count, "the gradient must be shaped like the outputs");
    for part in given.d_state.into_iter().flatten() {
        assert_eq!(part.len(), batch * hidden, "the state's gradient must hold [batch, hidden]");
    }
}

type StartGradients = (Vec<f32>, Vec<f32>);

/// Runs the shards with room for the gradients that are wanted.
fn with_room(
    sizes: Sizes,
    wanted: WantedGradients,
    run: &mut dyn FnMut(Room),
) -> (Option<Vec<f32>>, Option<StartGradients>) {
    let Sizes { batch, steps, features, hidden } = sizes;
    let x_len = if wanted.x { batch * steps * features } else { 0 };
    let start_len = if wanted.start { batch * hidden } else { 0 };
    let (mut d_cell, mut d_hidden) = (Vec::new(), Vec::new());
    // SAFETY: the shards cover all sequences, and each writes the wanted gradients of all of its own; what is not
    // wanted has no length.
    let d_x = unsafe {
        filled_by(x_len, |d_x| {
            d_hidden = filled_by(start_len, |d_hidden| {
                d_cell = filled_by(start_len, |d_cell| {
                    let start = [SharedPointer::new(d_hidden), SharedPointer::new(d_cell)];
                    run(Room { x: wanted.x.then(|| SharedPointer::new(d_x)), start: wanted.start.then_some(start) });
                });
            });
        })
    };
    (wanted.x.then_some(d_x), wanted.start.then_some((d_hidden, d_cell)))
}

/// Adds the tasks' sums in their order and drops the filling: gradients of `w_ih`, `w_hh` and the bias.
fn reduce(sizes: Sizes, blocks: Blocks, sums: &[Aligned], work: Work) -> [Vec<f32>; 3] {
    let Sizes { features, hidden, .. } = sizes;
    let lanes = blocks.lanes;
    let sum_rows = 1 + features + hidden;
    let add = |row: usize, total: &mut [f32]| {
        for sum in sums {
            for block in 0..blocks.blocks {
                let part = &sum.as_slice()[(block * sum_rows + row) * 4 * lanes..][..4 * lanes];
                let units = block * lanes..hidden.min((block + 1) * lanes);
                for (total, gate) in total.chunks_exact_mut(hidden).zip(part.chunks_exact(lanes)) {
                    for (total, value) in total[units.clone()].iter_mut().zip(gate) {
                        *total += value;
                    }
                }
            }
        }
    };
    let rows = |first: usize, count: usize| {
        let mut total = vec![0.0f32; count * 4 * hidden];
        let each = |(row, total): (usize, &mut [f32])| add(first + row, total);
        match work {
            Work::Pool => total.par_chunks_mut(4 * hidden).enumerate().for_each(each),
            Work::Caller => total.chunks_mut(4 * hidden).enumerate().for_each(each),
        }
        total
    };
    // The order of the rows is the bias, the features and the units.
    [rows(1, features), rows(1 + features, hidden), rows(0, 1)]
}
