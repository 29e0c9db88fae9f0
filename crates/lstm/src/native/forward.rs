//! The forward pass: input projection, recurrence and gates of a tile in registers, nothing in between stored.

use rayon::prelude::*;

use super::buffer::{Aligned, SharedPointer, copy_rows, filled_by, prefetch_rows};
use super::simd::{Isa, Simd, on_isa};
use super::tile::{Scalars, accumulate, logistic, tanh};
use super::{Blocks, SHARD_ROWS, Sizes, Start, Weights};
use crate::ops::TapeUse;
use crate::walk::{Part, Walk};

/// Holds the result of a forward pass.
pub(crate) struct Forward {
    /// The outputs of all steps, `[batch, steps, hidden]`, then the last outputs and the last cells, `[batch, hidden]`
    /// each.
    pub(crate) packed: Vec<f32>,
    /// Values for the backward pass, where they were asked for.
    pub(crate) tape: Option<Tape>,
}

/// Holds gates and cells of every step, for the backward pass: `i, f, g, o, c`, one vector each, in the order in which
/// both passes walk (shard, step, block of units, sequence). Past a sequence's end only the cell is there.
///
/// 20 bytes for each sequence, step and hidden unit (hidden units rounded up to a whole vector).
#[derive(Debug)]
pub(crate) struct Tape {
    pub(super) values: Aligned,
    pub(super) blocks: Blocks,
}

/// Counts the vectors that a tape holds for a unit block of one sequence in one step.
pub(super) const TAPE_VECTORS: usize = 5;

/// Runs one layer over `x`, `[batch, steps, features]`. Without `start` the state before the first step is zero.
///
/// # Panics
///
/// When a slice is not as long as `sizes` says.
pub(crate) fn forward(
    sizes: Sizes,
    x: &[f32],
    weights: Weights<'_>,
    start: Option<Start<'_>>,
    walk: &Walk,
    keep: TapeUse,
) -> Forward {
    forward_on(Isa::detect(), sizes, x, weights, start, walk, keep)
}

/// Computes [`forward`] on a given instruction set, which must be one of this processor's.
pub(super) fn forward_on(
    isa: Isa,
    sizes: Sizes,
    x: &[f32],
    weights: Weights<'_>,
    start: Option<Start<'_>>,
    walk: &Walk,
    keep: TapeUse,
) -> Forward {
    sizes.check(x, weights, start, walk);
    let Sizes { batch, steps, hidden, .. } = sizes;
    let blocks = Blocks::new(isa, hidden);
    let panels = pack(sizes, blocks, weights);
    let per_sequence = steps * blocks.padded() * TAPE_VECTORS;
    let mut tape = match keep {
        TapeUse::Discard => None,
        // SAFETY: the shards write the cell of every step up to the end of their longest sequence, and the gates of every
        // step of every sequence up to its own; the backward pass reads no others.
        TapeUse::Keep => Some(unsafe { Aligned::unfilled(batch * per_sequence) }),
    };
    let tape_start = tape.as_mut().map(|tape| SharedPointer::new(tape.as_mut_ptr()));
    let outputs = batch * steps * hidden;
    let fill = |packed: *mut f32| {
        let packed = SharedPointer::new(packed);
        (0..batch.div_ceil(SHARD_ROWS)).into_par_iter().for_each(|shard| {
            let first = shard * SHARD_ROWS;
            let rows = SHARD_ROWS.min(batch - first);
            let part = Shard {
                sizes,
                blocks,
                rows,
                walk: walk.part(first, rows, steps),
                x: x[first * steps * sizes.features..].as_ptr(),
                panels: panels.as_ptr(),
                start: start.map(|start| Start {
                    hidden: &start.hidden[first * hidden..],
                    cell: &start.cell[first * hidden..],
                }),
                outputs: packed.at(first * steps * hidden),
                last_output: packed.at(outputs + first * hidden),
                last_cell: packed.at(outputs + (batch + first) * hidden),
                tape: tape_start.map(|tape| tape.at(first * per_sequence)),
            };
            on_isa!(isa, run, &part, &Shard<'_>);
        });
    };
    // SAFETY: shards cover all sequences, and each writes its outputs of every step, its last outputs and cells.
    let packed = unsafe { filled_by(outputs + 2 * batch * hidden, fill) };
    Forward { packed, tape: tape.map(|values| Tape { values, blocks }) }
}

/// Brings the weights into the order in which a tile reads them: for each block of units, the bias and then each row of
/// `w_ih` and of `w_hh`, as four vectors (the block's part of i, f, g, o).
fn pack(sizes: Sizes, blocks: Blocks, weights: Weights<'_>) -> Aligned {
    let Sizes { features, hidden, .. } = sizes;
    let lanes = blocks.lanes;
    let width = 4 * lanes;
    let mut packed = Aligned::zeroed(blocks.blocks * (1 + features + hidden) * width);
    let rows = weights
        .bias
        .chunks_exact(4 * hidden)
        .chain(weights.w_ih.chunks_exact(4 * hidden))
        .chain(weights.w_hh.chunks_exact(4 * hidden));
    let values = packed.as_mut_slice();
    for (row_index, row) in rows.enumerate() {
        for block in 0..blocks.blocks {
            let unit = block * lanes;
            let count = lanes.min(hidden - unit);
            let target = (block * (1 + features + hidden) + row_index) * width;
            for gate in 0..4 {
                let to = target + gate * lanes;
                values[to..to + count].copy_from_slice(&row[gate * hidden + unit..][..count]);
            }
        }
    }
    packed
}

/// Describes one task: `rows` sequences, all pointers at the first of them.
struct Shard<'a> {
    sizes: Sizes,
    blocks: Blocks,
    rows: usize,
    walk: Part<'a>,
    x: *const f32,
    panels: *const f32,
    start: Option<Start<'a>>,
    outputs: *mut f32,
    last_output: *mut f32,
    last_cell: *mut f32,
    tape: Option<*mut f32>,
}

/// Holds a shard's working memory.
struct Scratch {
    /// The step's inputs, `[rows, features]`.
    x: Aligned,
    /// The outputs of the step before, `[rows, padded]`.
    before: Aligned,
    /// The outputs of this step, `[rows, padded]`.
    outputs: Aligned,
    /// The cells, `[rows, padded]`.
    cell: Aligned,
    /// The gates' sums of one block of units, `[rows, 4 vectors]`.
    sums: Aligned,
}

impl Scratch {
    fn new(shard: &Shard<'_>) -> Self {
        let rows = shard.rows;
        let (padded, features) = (shard.blocks.padded(), shard.sizes.features);
        let mut scratch = Self {
            x: Aligned::zeroed(rows * features),
            before: Aligned::zeroed(rows * padded),
            outputs: Aligned::zeroed(rows * padded),
            cell: Aligned::zeroed(rows * padded),
            sums: Aligned::zeroed(rows * 4 * shard.blocks.lanes),
        };
        if let Some(start) = shard.start {
            let hidden = shard.sizes.hidden;
            for (to, from) in [(&mut scratch.before, start.hidden), (&mut scratch.cell, start.cell)] {
                let rows = to.as_mut_slice().chunks_exact_mut(padded).zip(from.chunks_exact(hidden));
                for (to, from) in rows {
                    to[..hidden].copy_from_slice(from);
                }
            }
        }
        scratch
    }
}

/// Runs a shard through all steps.
///
/// After a sequence's end its state stays what it was, and its output is zero. Products are computed for it all
/// the same, and ignored.
///
/// # Safety
///
/// The instruction set must exist, and the shard's pointers be good for its sequences.
#[inline(always)]
unsafe fn run<S: Simd, const ROWS: usize>(shard: &Shard<'_>) {
    let Sizes { steps, features, hidden, .. } = shard.sizes;
    let (padded, rows, walk) = (shard.blocks.padded(), shard.rows, shard.walk);
    let mut scratch = Scratch::new(shard);
    // SAFETY: rows, blocks and steps stay inside the shard.
    unsafe {
        for index in 0..walk.steps() {
            let step = walk.step(index);
            let x = shard.x.add(step * features);
            copy_rows(x, steps * features, scratch.x.as_mut_ptr(), features, rows, features);
            if index + 1 < walk.steps() {
                prefetch_rows::<S>(shard.x.add(walk.step(index + 1) * features), steps * features, rows, features);
            }
            // Before the first step there may be no outputs to read.
            let units = if index > 0 || shard.start.is_some() { hidden } else { 0 };
            for block in 0..shard.blocks.blocks {
                let mut terms = Terms { with_input: true, from: 0, to: units.min(FIRST_UNITS) };
                loop {
                    let mut row = 0;
                    while row + ROWS <= rows {
                        sum_gates::<S, ROWS>(shard, &mut scratch, terms, block, row);
                        row += ROWS;
                    }
                    while row < rows {
                        sum_gates::<S, 1>(shard, &mut scratch, terms, block, row);
                        row += 1;
                    }
                    if terms.to == units {
                        break;
                    }
                    terms = Terms { with_input: false, from: terms.to, to: units.min(terms.to + LATER_UNITS) };
                }
                for row in 0..rows {
                    if walk.is_live(row, step) {
                        pass_gates::<S>(shard, &mut scratch, step, block, row);
                    } else {
                        carry::<S>(shard, &mut scratch, step, block, row);
                    }
                }
            }
            let outputs = shard.outputs.add(step * hidden);
            copy_rows(scratch.outputs.as_ptr(), padded, outputs, steps * hidden, rows, hidden);
            for row in walk.ended(rows, step) {
                outputs.add(row * steps * hidden).write_bytes(0, hidden);
            }
            std::mem::swap(&mut scratch.outputs, &mut scratch.before);
        }
        for row in 0..rows {
            let after_the_end = shard.outputs.add((row * steps + walk.steps()) * hidden);
            after_the_end.write_bytes(0, (steps - walk.steps()) * hidden);
        }
        copy_rows(scratch.before.as_ptr(), padded, shard.last_output, hidden, rows, hidden);
        copy_rows(scratch.cell.as_ptr(), padded, shard.last_cell, hidden, rows, hidden);
    }
}

/// Carries on, unchanged, the state of one vector of units of a sequence that has ended, or not begun.
#[inline(always)]
unsafe fn carry<S: Simd>(shard: &Shard<'_>, scratch: &mut Scratch, step: usize, block: usize, row: usize) {
    let at = row * shard.blocks.padded() + block * S::LANES;
    // SAFETY: as for `pass_gates`.
    unsafe {
        S::store(scratch.outputs.as_mut_ptr().add(at), S::load(scratch.before.as_ptr().add(at)));
        if let Some(tape) = shard.tape {
            let cell = tape.add(tape_offset(shard.blocks, shard.rows, step, block, row) + 4 * S::LANES);
            S::store(cell, S::load(scratch.cell.as_ptr().add(at)));
        }
    }
}

/// Counts the units whose weights are multiplied in one go, together with the input's and after that: the panel, which
/// each tile of rows reads again, should stay in a first-level cache of 32 KB.
const FIRST_UNITS: usize = 64;
const LATER_UNITS: usize = 96;

/// Selects the terms of the gates' sums that are added: bias and inputs, and the units `from..to` of the outputs
/// before.
#[derive(Clone, Copy)]
struct Terms {
    with_input: bool,
    from: usize,
    to: usize,
}

/// Adds some terms to the gates' sums of one block of units of `ROWS` sequences. The terms with the input start the sums.
#[inline(always)]
unsafe fn sum_gates<S: Simd, const ROWS: usize>(
    shard: &Shard<'_>,
    scratch: &mut Scratch,
    terms: Terms,
    block: usize,
    row: usize,
) {
    let Sizes { features, hidden, .. } = shard.sizes;
    let padded = shard.blocks.padded();
    let width = 4 * S::LANES;
    // SAFETY: offsets are inside the scratch and the block's panel [1 + features + hidden, 4 vectors].
    unsafe {
        let bias = shard.panels.add(block * (1 + features + hidden) * width);
        let sums = scratch.sums.as_mut_ptr().add(row * width);
        let mut acc = [[S::splat(0.0); 4]; ROWS];
        for (index, row) in acc.iter_mut().enumerate() {
            for (gate, sum) in row.iter_mut().enumerate() {
                let start = if terms.with_input { bias } else { sums.add(index * width).cast_const() };
                *sum = S::load(start.add(gate * S::LANES));
            }
        }
        if terms.with_input {
            let start = scratch.x.as_ptr().add(row * features);
            let x = Scalars { start, row_stride: features, term_stride: 1 };
            accumulate::<S, ROWS, 4>(&mut acc, features, x, bias.add(width), width);
        }
        let start = scratch.before.as_ptr().add(row * padded + terms.from);
        let before = Scalars { start, row_stride: padded, term_stride: 1 };
        let panel = bias.add((1 + features + terms.from) * width);
        accumulate::<S, ROWS, 4>(&mut acc, terms.to - terms.from, before, panel, width);
        for (index, row) in acc.iter().enumerate() {
            for (gate, &sum) in row.iter().enumerate() {
                S::store(sums.add(index * width + gate * S::LANES), sum);
            }
        }
    }
}

/// Goes from the gates' sums of one vector of units of one sequence to their cells and outputs.
#[inline(always)]
unsafe fn pass_gates<S: Simd>(shard: &Shard<'_>, scratch: &mut Scratch, step: usize, block: usize, row: usize) {
    let lanes = S::LANES;
    let at = row * shard.blocks.padded() + block * lanes;
    // SAFETY: offsets are inside the scratch and the tape [steps, blocks, rows, 5 vectors].
    unsafe {
        let sums = scratch.sums.as_ptr().add(row * 4 * lanes);
        let i = logistic::<S>(S::load(sums));
        let f = logistic::<S>(S::load(sums.add(lanes)));
        let g = tanh::<S>(S::load(sums.add(2 * lanes)));
        let o = logistic::<S>(S::load(sums.add(3 * lanes)));
        let cell = scratch.cell.as_mut_ptr().add(at);
        let c = S::mul_add(f, S::load(cell), S::mul(i, g));
        S::store(cell, c);
        S::store(scratch.outputs.as_mut_ptr().add(at), S::mul(o, tanh::<S>(c)));
        if let Some(tape) = shard.tape {
            let tape = tape.add(tape_offset(shard.blocks, shard.rows, step, block, row));
            for (vector, value) in [i, f, g, o, c].into_iter().enumerate() {
                S::store(tape.add(vector * lanes), value);
            }
        }
    }
}

/// Returns the place in a shard's tape of one block of units of one sequence in one step.
#[inline(always)]
pub(super) fn tape_offset(blocks: Blocks, rows: usize, step: usize, block: usize, row: usize) -> usize {
    ((step * blocks.blocks + block) * rows + row) * TAPE_VECTORS * blocks.lanes
}
