//! The parts of both kernels. One unit owns one hidden unit (`UNIT_POS_X`, the column) of a group of sequences
//! (`UNIT_POS_Y`); sums are 32-bit floats whatever the tensors hold.

use cubecl::prelude::*;

use super::tiling::Tiling;

/// Holds the four gates i, f, g, o of one hidden unit, or four sequences.
pub(super) type Four = Vector<f32, Const<4>>;

/// Names the order in which the kernels walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Order {
    /// From the last step to the first.
    pub(super) reverse: bool,
    /// Sequences have lengths of their own.
    pub(super) ends: bool,
}

/// Returns the step that is walked as number `index`.
#[cube]
pub(super) fn step_of(index: usize, steps: usize, #[comptime] order: Order) -> usize {
    if comptime!(order.reverse) { steps - 1 - index } else { index }
}

/// Returns the lengths of a unit's sequences, zero beyond the batch; where all sequences have all steps, nothing.
#[cube]
pub(super) fn lengths_of(
    lengths: &[i32],
    top: usize,
    batch: usize,
    #[comptime] tiling: Tiling,
    #[comptime] order: Order,
) -> Array<u32> {
    let mut real = Array::<u32>::new(comptime!(if order.ends { tiling.rows } else { 1 }));
    if comptime!(order.ends) {
        #[unroll]
        for r in 0..comptime!(tiling.rows) {
            real[r] = 0;
            if top + r < batch {
                real[r] = lengths[top + r] as u32;
            }
        }
    }
    real
}

/// Returns whether step `step` is a real one of a unit's sequence number `r`.
#[cube]
pub(super) fn is_live(
    real: &Array<u32>,
    #[comptime] r: usize,
    top: usize,
    batch: usize,
    step: usize,
    #[comptime] order: Order,
) -> bool {
    if comptime!(order.ends) { (step as u32) < real[r] } else { top + r < batch }
}

/// Computes `1 / (1 + e^-z)` without overflow for any `z`; NaN stays NaN.
#[cube]
pub(super) fn logistic(z: f32) -> f32 {
    let size = select(z < 0.0, -z, z);
    let e = (-size).exp();
    let large = 1.0 / (1.0 + e);
    select(z < 0.0, e * large, large)
}

/// Computes `tanh z` without overflow for any `z`; NaN stays NaN. Near zero it is the series, where the quotient would
/// cancel.
#[cube]
pub(super) fn tanh(z: f32) -> f32 {
    let size = select(z < 0.0, -z, z);
    let e = (-(size + size)).exp();
    let quotient = (1.0 - e) / (1.0 + e);
    let s = size * size;
    let series = size * (1.0 - s * (0.333_333_33 - s * (0.133_333_33 - s * (0.053_968_254 - s * 0.021_869_488))));
    let found = select(size < 0.25, series, quotient);
    select(z < 0.0, -found, found)
}

/// Makes a [`Four`] of four numbers.
#[cube]
pub(super) fn four(a: f32, b: f32, c: f32, d: f32) -> Four {
    let mut values = Four::new(a);
    values.insert(1usize, b);
    values.insert(2usize, c);
    values.insert(3usize, d);
    values
}

/// Reads `values[at]` and the three that follow it at distance `step`.
#[cube]
pub(super) fn gates_at<F: Float>(values: &[F], at: usize, step: usize) -> Four {
    four(
        f32::cast_from(values[at]),
        f32::cast_from(values[at + step]),
        f32::cast_from(values[at + 2 * step]),
        f32::cast_from(values[at + 3 * step]),
    )
}

/// Writes what [`gates_at`] reads.
#[cube]
pub(super) fn put_gates<F: Float>(values: &mut [F], at: usize, step: usize, gates: Four) {
    values[at] = F::cast_from(gates.extract(0usize));
    values[at + step] = F::cast_from(gates.extract(1usize));
    values[at + 2 * step] = F::cast_from(gates.extract(2usize));
    values[at + 3 * step] = F::cast_from(gates.extract(3usize));
}

/// Locates the four weights that go from one hidden unit to another: at `row * offsets.row + column`, and then
/// `offsets.gate` from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Offsets {
    pub(super) row: usize,
    pub(super) gate: usize,
}

/// Brings all weights to shared memory, `[hidden, hidden]` of four; they begin at `at`.
#[cube]
pub(super) fn place_all<F: Float>(
    weights: &[F],
    at: usize,
    shared: &mut Shared<[Four]>,
    #[comptime] tiling: Tiling,
    #[comptime] offsets: Offsets,
) {
    let hidden = comptime!(tiling.hidden);
    let column = UNIT_POS_X as usize;
    let mut row = UNIT_POS_Y as usize;
    while row < hidden {
        shared[row * hidden + column] =
            gates_at::<F>(weights, at + row * comptime!(offsets.row) + column, comptime!(offsets.gate));
        row += comptime!(tiling.groups);
    }
}

/// Reads this unit's part of slice `slice` of the weights to registers, to be there when [`place`] wants it.
#[cube]
pub(super) fn fetch<F: Float>(
    weights: &[F],
    at: usize,
    ahead: &mut Array<Four>,
    slice: usize,
    #[comptime] tiling: Tiling,
    #[comptime] offsets: Offsets,
) {
    let column = UNIT_POS_X as usize;
    #[unroll]
    for index in 0..comptime!(tiling.ahead()) {
        let inside = comptime!(index * tiling.groups) + UNIT_POS_Y as usize;
        let row = slice * comptime!(tiling.slice) + inside;
        if inside < comptime!(tiling.slice) && row < comptime!(tiling.hidden) {
            ahead[index] = gates_at::<F>(weights, at + row * comptime!(offsets.row) + column, comptime!(offsets.gate));
        }
    }
}

/// Brings what was fetched to shared memory, `[slice, hidden]` of four.
#[cube]
pub(super) fn place(ahead: &Array<Four>, shared: &mut Shared<[Four]>, #[comptime] tiling: Tiling) {
    let column = UNIT_POS_X as usize;
    #[unroll]
    for index in 0..comptime!(tiling.ahead()) {
        let inside = comptime!(index * tiling.groups) + UNIT_POS_Y as usize;
        if inside < comptime!(tiling.slice) {
            shared[inside * comptime!(tiling.hidden) + column] = ahead[index];
        }
    }
}

/// Counts the hidden units in slice `slice`.
#[cube]
pub(super) fn slice_len(slice: usize, #[comptime] tiling: Tiling) -> usize {
    let (hidden, full) = comptime!((tiling.hidden, tiling.slice));
    if comptime!(hidden % full == 0) {
        full.runtime()
    } else {
        let left = hidden - slice * full;
        select(left < full, left, full.runtime())
    }
}
