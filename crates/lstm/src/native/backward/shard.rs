//! Some sequences, walked back through their weeks.
//!
//! In each week the gradient of the outputs (from outside, plus `dz(t+1) · w_hhᵀ` from the week after) becomes
//! `dz(t)`, the gradient of the gates' sums. While that still lies in the cache, `[1, x, h(t-1)]ᵀ dz` is added to the
//! weights' gradients, and `dz · w_hhᵀ` and `dz · w_ihᵀ` go on to the week before and to the gradient of x.

use super::panels::Panels;
use super::products::{BackProduct, GateGradients, OuterSum, add_outer, back_product};
use super::{Job, Room};
use crate::native::buffer::{Aligned, copy_rows};
use crate::native::forward::{TAPE_VECTORS, tape_offset};
use crate::native::simd::Simd;
use crate::native::tile::{Scalars, tanh};
use crate::native::{Blocks, SHARD_ROWS, Sizes, Start};

/// The sequences of one shard, all pointers at the first of them.
pub(super) struct Shard<'a> {
    sizes: Sizes,
    blocks: Blocks,
    rows: usize,
    x: *const f32,
    start: Option<Start<'a>>,
    outputs: *const f32,
    d_outputs: *const f32,
    d_last_cell: Option<&'a [f32]>,
    tape: *const f32,
    recurrent: &'a Panels,
    input: Option<&'a Panels>,
    d_x: Option<*mut f32>,
    d_start: Option<[*mut f32; 2]>,
}

impl<'a> Shard<'a> {
    /// Shard number `shard` of a job.
    pub(super) fn new(job: Job<'a>, room: Room, shard: usize) -> Self {
        let Sizes { batch, weeks, features, hidden } = job.sizes;
        let blocks = job.tape.blocks;
        let first = shard * SHARD_ROWS;
        let of_state = |values: &'a [f32]| &values[first * hidden..];
        let given = job.given;
        Self {
            sizes: job.sizes,
            blocks,
            rows: SHARD_ROWS.min(batch - first),
            x: given.x[first * weeks * features..].as_ptr(),
            start: given.start.map(|start| Start { hidden: of_state(start.hidden), cell: of_state(start.cell) }),
            outputs: given.outputs[first * weeks * hidden..].as_ptr(),
            d_outputs: given.d_outputs[first * weeks * hidden..].as_ptr(),
            d_last_cell: given.d_cell.map(of_state),
            tape: job.tape.values.as_ptr().wrapping_add(first * weeks * blocks.padded() * TAPE_VECTORS),
            recurrent: job.recurrent,
            input: job.input,
            d_x: room.x.map(|x| x.at(first * weeks * features)),
            d_start: room.start.map(|parts| parts.map(|part| part.at(first * hidden))),
        }
    }

    /// The outputs that week `week` read, and how far rows lie apart; `None` where they were zero.
    fn outputs_before(&self, week: usize) -> Option<(*const f32, usize)> {
        let Sizes { weeks, hidden, .. } = self.sizes;
        match week {
            0 => self.start.map(|start| (start.hidden.as_ptr(), hidden)),
            _ => Some((self.outputs.wrapping_add((week - 1) * hidden), weeks * hidden)),
        }
    }
}

/// A shard's working memory.
struct Scratch {
    /// What the week read, `[rows, 1 + features + hidden]`: a one (for the bias), inputs, outputs of the week before.
    read: Aligned,
    /// `dz` of the week, `[blocks, rows, 4, lanes]`.
    dz: Aligned,
    /// What the week after adds to the gradient of the outputs, `[rows, padded]`.
    d_output: Aligned,
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
            d_cell: Aligned::zeroed(rows * padded),
        };
        for row in scratch.read.as_mut_slice().chunks_exact_mut(1 + features + hidden) {
            row[0] = 1.0;
        }
        if let Some(d_last_cell) = shard.d_last_cell {
            let cells = scratch.d_cell.as_mut_slice().chunks_exact_mut(padded);
            for (to, from) in cells.zip(d_last_cell.chunks_exact(hidden)) {
                to[..hidden].copy_from_slice(from);
            }
        }
        scratch
    }
}

/// Runs a shard back through all weeks, adding the weights' gradients to `sum [blocks, 1 + features + hidden, 4,
/// lanes]`: that of the bias, of `w_ih` and of `w_hh`.
///
/// # Safety
///
/// The instruction set must exist, and the pointers be good for the shard's sequences.
#[inline(always)]
pub(super) unsafe fn run_shard<S: Simd, const ROWS: usize>((shard, sum): (&Shard<'_>, *mut f32)) {
    let Sizes { weeks, features, hidden, .. } = shard.sizes;
    let (rows, padded) = (shard.rows, shard.blocks.padded());
    let mut scratch = Scratch::new(shard);
    let dz = GateGradients { values: scratch.dz.as_mut_ptr(), rows, hidden, blocks: shard.blocks };
    // SAFETY: offsets stay inside the shard's rows, the scratch and the sum.
    unsafe {
        for week in (0..weeks).rev() {
            for block in 0..shard.blocks.blocks {
                for row in 0..rows {
                    gate_vector::<S>(shard, &mut scratch, week, block, row);
                }
            }
            let count = read_week(shard, &mut scratch, week);
            let read = Scalars { start: scratch.read.as_ptr(), row_stride: 1, step_stride: 1 + features + hidden };
            add_outer::<S, ROWS>(dz, OuterSum { a: read, count, sum, sum_rows: 1 + features + hidden });
            let is_read = week > 0 || shard.d_start.is_some();
            let to_outputs = BackProduct { panels: shard.recurrent, to: scratch.d_output.as_mut_ptr(), stride: padded };
            let to_x = shard.d_x.zip(shard.input).map(|(d_x, panels)| BackProduct {
                panels,
                to: d_x.add(week * features),
                stride: weeks * features,
            });
            // A list, so that the product's code is there once.
            for product in [is_read.then_some(to_outputs), to_x].into_iter().flatten() {
                back_product::<S, ROWS>(dz, product);
            }
        }
        if let Some(d_start) = shard.d_start {
            for (to, from) in d_start.into_iter().zip([&scratch.d_output, &scratch.d_cell]) {
                copy_rows(from.as_ptr(), padded, to, hidden, rows, hidden);
            }
        }
    }
}

/// Gathers what a week read, and says how many values of each row count: where the outputs of the week before were
/// zero, those are left out.
#[inline(always)]
unsafe fn read_week(shard: &Shard<'_>, scratch: &mut Scratch, week: usize) -> usize {
    let Sizes { weeks, features, hidden, .. } = shard.sizes;
    let width = 1 + features + hidden;
    let to = scratch.read.as_mut_ptr();
    // SAFETY: rows and weeks are the shard's.
    unsafe {
        let x = shard.x.add(week * features);
        copy_rows(x, weeks * features, to.add(1), width, shard.rows, features);
        let Some((before, stride)) = shard.outputs_before(week) else {
            return 1 + features;
        };
        copy_rows(before, stride, to.add(1 + features), width, shard.rows, hidden);
    }
    width
}

/// One vector of units of one sequence: from the gradient of their outputs to `dz`, and from the gradient of their
/// cells to that of a week earlier.
#[inline(always)]
unsafe fn gate_vector<S: Simd>(shard: &Shard<'_>, scratch: &mut Scratch, week: usize, block: usize, row: usize) {
    let Sizes { weeks, hidden, .. } = shard.sizes;
    let lanes = S::LANES;
    let padded = shard.blocks.padded();
    let unit = block * lanes;
    let count = lanes.min(hidden - unit);
    // SAFETY: offsets are inside the gradient of the outputs, the tape, the scratch and the first cells.
    unsafe {
        let outside = shard.d_outputs.add((row * weeks + week) * hidden + unit);
        let after = S::load(scratch.d_output.as_ptr().add(row * padded + unit));
        let d_output = S::add(S::load_first(outside, count), after);

        let tape = shard.tape.add(tape_offset(shard.blocks, shard.rows, week, block, row));
        let (i, f) = (S::load(tape), S::load(tape.add(lanes)));
        let (g, o) = (S::load(tape.add(2 * lanes)), S::load(tape.add(3 * lanes)));
        let c_tanh = tanh::<S>(S::load(tape.add(4 * lanes)));
        let cell_before = if week > 0 {
            let before = tape_offset(shard.blocks, shard.rows, week - 1, block, row);
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
