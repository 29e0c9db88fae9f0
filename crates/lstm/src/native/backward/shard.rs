//! Some sequences, walked back through their steps.
//!
//! In each step the gradient of the outputs (from outside, plus `dz(t+1) · w_hhᵀ` from the step after) becomes
//! `dz(t)`, the gradient of the gates' sums. While that still lies in the cache, `[1, x, h(t-1)]ᵀ dz` is added to the
//! weights' gradients, and `dz · w_hhᵀ` and `dz · w_ihᵀ` go on to the step before and to the gradient of x.
//!
//! Where a sequence has ended, its `dz` and what it read are zeros, and the gradient of its state goes on unchanged.

use super::panels::Panels;
use super::products::{BackProduct, GateGradients, OuterSum, add_outer, back_product};
use super::{Job, Room};
use crate::native::buffer::{Aligned, copy_rows, prefetch_rows};
use crate::native::forward::{TAPE_VECTORS, tape_offset};
use crate::native::simd::Simd;
use crate::native::tile::{Scalars, tanh};
use crate::native::{Blocks, SHARD_ROWS, Sizes, Start};
use crate::walk::Part;

/// Describes the sequences of one shard, all pointers at the first of them.
pub(super) struct Shard<'a> {
    sizes: Sizes,
    blocks: Blocks,
    rows: usize,
    walk: Part<'a>,
    x: *const f32,
    start: Option<Start<'a>>,
    outputs: *const f32,
    d_outputs: *const f32,
    d_state: Option<[&'a [f32]; 2]>,
    tape: *const f32,
    recurrent: &'a Panels,
    input: Option<&'a Panels>,
    d_x: Option<*mut f32>,
    d_start: Option<[*mut f32; 2]>,
}

/// Describes one step of a shard, as the backward pass meets it.
#[derive(Clone, Copy)]
struct Place {
    step: usize,
    /// The step that the forward pass walked before this one.
    before: Option<usize>,
}

impl<'a> Shard<'a> {
    /// Makes shard number `shard` of a job.
    pub(super) fn new(job: Job<'a>, room: Room, shard: usize) -> Self {
        let Sizes { batch, steps, features, hidden } = job.sizes;
        let blocks = job.tape.blocks;
        let first = shard * SHARD_ROWS;
        let rows = SHARD_ROWS.min(batch - first);
        let of_state = |values: &'a [f32]| &values[first * hidden..];
        let given = job.given;
        Self {
            sizes: job.sizes,
            blocks,
            rows,
            walk: given.walk.part(first, rows, steps),
            x: given.x[first * steps * features..].as_ptr(),
            start: given.start.map(|start| Start { hidden: of_state(start.hidden), cell: of_state(start.cell) }),
            outputs: given.outputs[first * steps * hidden..].as_ptr(),
            d_outputs: given.d_outputs[first * steps * hidden..].as_ptr(),
            d_state: given.d_state.map(|parts| parts.map(of_state)),
            tape: job.tape.values.as_ptr().wrapping_add(first * steps * blocks.padded() * TAPE_VECTORS),
            recurrent: job.recurrent,
            input: job.input,
            d_x: room.x.map(|x| x.at(first * steps * features)),
            d_start: room.start.map(|parts| parts.map(|part| part.at(first * hidden))),
        }
    }

    fn place(&self, index: usize) -> Place {
        let before = index.checked_sub(1).map(|before| self.walk.step(before));
        Place { step: self.walk.step(index), before }
    }

    /// Returns the outputs that a step read, and how far rows lie apart; `None` where they were zero.
    fn outputs_before(&self, place: Place) -> Option<(*const f32, usize)> {
        let Sizes { steps, hidden, .. } = self.sizes;
        match place.before {
            None => self.start.map(|start| (start.hidden.as_ptr(), hidden)),
            Some(before) => Some((self.outputs.wrapping_add(before * hidden), steps * hidden)),
        }
    }
}

/// Counts the sequences that the tape is prefetched ahead: it is read once, often from memory, and between two pages
/// there are too few reads for the processor to see the pattern soon enough.
const TAPE_AHEAD: usize = 8;

/// Holds a shard's working memory.
struct Scratch {
    /// Values that the step read, `[rows, 1 + features + hidden]`: a one (for the bias), inputs, outputs of the step before.
    read: Aligned,
    /// `dz` of the step, `[blocks, rows, 4, lanes]`.
    dz: Aligned,
    /// The gradient of the outputs as far as it comes from later in the walk, `[rows, padded]`.
    d_output: Aligned,
    /// The same for the step before, `[rows, padded]`.
    d_before: Aligned,
    /// The gradient of the cells, `[rows, padded]`.
    d_cell: Aligned,
}

impl Scratch {
    fn new(shard: &Shard<'_>) -> Self {
        let Sizes { features, hidden, .. } = shard.sizes;
        let (rows, padded) = (shard.rows, shard.blocks.padded());
        let mut scratch = Self {
            read: Aligned::zeroed(rows * (1 + features + hidden)),
            dz: Aligned::zeroed(rows * 4 * padded),
            d_output: Aligned::zeroed(rows * padded),
            d_before: Aligned::zeroed(rows * padded),
            d_cell: Aligned::zeroed(rows * padded),
        };
        for row in scratch.read.as_mut_slice().chunks_exact_mut(1 + features + hidden) {
            row[0] = 1.0;
        }
        if let Some([d_hidden, d_cell]) = shard.d_state {
            for (to, from) in [(&mut scratch.d_output, d_hidden), (&mut scratch.d_cell, d_cell)] {
                for (to, from) in to.as_mut_slice().chunks_exact_mut(padded).zip(from.chunks_exact(hidden)) {
                    to[..hidden].copy_from_slice(from);
                }
            }
        }
        scratch
    }
}

/// Runs a shard back through all steps, adding the weights' gradients to `sum [blocks, 1 + features + hidden, 4,
/// lanes]`: that of the bias, of `w_ih` and of `w_hh`.
///
/// # Safety
///
/// The instruction set must exist, and the pointers be good for the shard's sequences.
#[inline(always)]
pub(super) unsafe fn run_shard<S: Simd, const ROWS: usize>((shard, sum): (&Shard<'_>, *mut f32)) {
    let Sizes { steps, features, hidden, .. } = shard.sizes;
    let (rows, padded, walk) = (shard.rows, shard.blocks.padded(), shard.walk);
    let mut scratch = Scratch::new(shard);
    let dz = GateGradients { values: scratch.dz.as_mut_ptr(), rows, hidden, blocks: shard.blocks };
    // SAFETY: offsets stay inside the shard's rows, the scratch and the sum.
    unsafe {
        for index in (0..walk.steps()).rev() {
            let place = shard.place(index);
            for block in 0..shard.blocks.blocks {
                for row in 0..rows {
                    if walk.is_live(row, place.step) {
                        gate_vector::<S>(shard, &mut scratch, place, block, row);
                    } else {
                        dz.at(block, row).write_bytes(0, 4 * S::LANES);
                    }
                }
            }
            let count = read_step(shard, &mut scratch, place);
            if let Some(next) = place.before {
                prefetch_rows::<S>(shard.d_outputs.add(next * hidden), steps * hidden, rows, hidden);
                prefetch_rows::<S>(shard.x.add(next * features), steps * features, rows, features);
            }
            let read = Scalars { start: scratch.read.as_ptr(), row_stride: 1, term_stride: 1 + features + hidden };
            add_outer::<S, ROWS>(dz, OuterSum { a: read, count, sum, sum_rows: 1 + features + hidden });
            let is_read = index > 0 || shard.d_start.is_some();
            let to_outputs = BackProduct { panels: shard.recurrent, to: scratch.d_before.as_mut_ptr(), stride: padded };
            let to_x = shard.d_x.zip(shard.input).map(|(d_x, panels)| BackProduct {
                panels,
                to: d_x.add(place.step * features),
                stride: steps * features,
            });
            // A list, so that the product's code is there once.
            for product in [is_read.then_some(to_outputs), to_x].into_iter().flatten() {
                back_product::<S, ROWS>(dz, product);
            }
            for row in walk.ended(rows, place.step) {
                let from = scratch.d_output.as_ptr().add(row * padded);
                std::ptr::copy_nonoverlapping(from, scratch.d_before.as_mut_ptr().add(row * padded), padded);
            }
            std::mem::swap(&mut scratch.d_output, &mut scratch.d_before);
        }
        if let Some(d_x) = shard.d_x {
            for row in 0..rows {
                let after_the_end = d_x.add((row * steps + walk.steps()) * features);
                after_the_end.write_bytes(0, (steps - walk.steps()) * features);
            }
        }
        if let Some(d_start) = shard.d_start {
            for (to, from) in d_start.into_iter().zip([&scratch.d_output, &scratch.d_cell]) {
                copy_rows(from.as_ptr(), padded, to, hidden, rows, hidden);
            }
        }
    }
}

/// Gathers what a step read, and says how many values of each row count: where the outputs before were all zero, those
/// are left out.
#[inline(always)]
unsafe fn read_step(shard: &Shard<'_>, scratch: &mut Scratch, place: Place) -> usize {
    let Sizes { steps, features, hidden, .. } = shard.sizes;
    let width = 1 + features + hidden;
    let to = scratch.read.as_mut_ptr();
    // SAFETY: rows and steps are the shard's.
    unsafe {
        let x = shard.x.add(place.step * features);
        copy_rows(x, steps * features, to.add(1), width, shard.rows, features);
        // What lies past a sequence's end may be anything, even no number.
        for row in shard.walk.ended(shard.rows, place.step) {
            to.add(row * width + 1).write_bytes(0, features);
        }
        let Some((before, stride)) = shard.outputs_before(place) else {
            return 1 + features;
        };
        copy_rows(before, stride, to.add(1 + features), width, shard.rows, hidden);
        // A sequence that was walked from its end, the others having started earlier, read its first state.
        if let (Some(before), Some(start)) = (place.before, shard.start) {
            for row in shard.walk.ended(shard.rows, before) {
                let first = start.hidden[row * hidden..][..hidden].as_ptr();
                std::ptr::copy_nonoverlapping(first, to.add(row * width + 1 + features), hidden);
            }
        }
    }
    width
}

/// Computes one vector of units of one sequence: from the gradient of their outputs to `dz`, and from the gradient of
/// their cells to that of a step earlier.
#[inline(always)]
unsafe fn gate_vector<S: Simd>(shard: &Shard<'_>, scratch: &mut Scratch, place: Place, block: usize, row: usize) {
    let step = place.step;
    let Sizes { steps, hidden, .. } = shard.sizes;
    let lanes = S::LANES;
    let padded = shard.blocks.padded();
    let unit = block * lanes;
    let count = lanes.min(hidden - unit);
    // SAFETY: offsets are inside the gradient of the outputs, the tape, the scratch and the first cells.
    unsafe {
        let outside = shard.d_outputs.add((row * steps + step) * hidden + unit);
        let after = S::load(scratch.d_output.as_ptr().add(row * padded + unit));
        let d_output = S::add(S::load_first(outside, count), after);

        let tape = shard.tape.add(tape_offset(shard.blocks, shard.rows, step, block, row));
        for vector in 0..TAPE_VECTORS {
            S::prefetch(tape.wrapping_add((TAPE_AHEAD * TAPE_VECTORS + vector) * lanes));
        }
        let (i, f) = (S::load(tape), S::load(tape.add(lanes)));
        let (g, o) = (S::load(tape.add(2 * lanes)), S::load(tape.add(3 * lanes)));
        let c_tanh = tanh::<S>(S::load(tape.add(4 * lanes)));
        let cell_before = if let Some(before) = place.before {
            let before = tape_offset(shard.blocks, shard.rows, before, block, row);
            S::load(shard.tape.add(before + 4 * lanes))
        } else if let Some(start) = shard.start {
            S::load_first(start.cell.as_ptr().add(row * hidden + unit), count)
        } else {
            S::splat(0.0)
        };

        let one = S::splat(1.0);
        let d_cell_at = scratch.d_cell.as_mut_ptr().add(row * padded + unit);
        // The hyperbolic tangent's derivative is 1 - y², the logistic function's y - y².
        let through_output = S::mul(S::mul(d_output, o), S::neg_mul_add(c_tanh, c_tanh, one));
        let d_cell = S::add(S::load(d_cell_at), through_output);
        S::store(d_cell_at, S::mul(d_cell, f));
        let dz = scratch.dz.as_mut_ptr().add((block * shard.rows + row) * 4 * lanes);
        S::store(dz, S::mul(S::mul(d_cell, g), S::neg_mul_add(i, i, i)));
        S::store(dz.add(lanes), S::mul(S::mul(d_cell, cell_before), S::neg_mul_add(f, f, f)));
        S::store(dz.add(2 * lanes), S::mul(S::mul(d_cell, i), S::neg_mul_add(g, g, one)));
        S::store(dz.add(3 * lanes), S::mul(S::mul(d_output, c_tanh), S::neg_mul_add(o, o, o)));
    }
}
