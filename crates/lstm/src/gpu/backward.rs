//! The recurrence backwards: one launch, all steps.

use cubecl::prelude::*;

use super::device::{
    Four, Offsets, Order, fetch, four, gates_at, is_live, lengths_of, place, place_all, put_gates, slice_len, step_of,
    tanh,
};
use super::tiling::{Pass, Tiling};

/// Returns the place of the backward pass's weights in the transposed matrix, `[4 * hidden, hidden]`.
fn offsets(tiling: Tiling) -> Offsets {
    Offsets { row: tiling.hidden, gate: tiling.hidden * tiling.hidden }
}

/// Runs a tile of sequences back through all steps.
///
/// - `gradient`: of the outputs, `[batch, steps, hidden]`, and where `with_state` then of the last outputs and cells
/// - `gates`, `[batch, steps, 4 * hidden]`, and `cells`, at least `[batch, steps, hidden]`: what the forward pass kept
/// - `first_cell`: `[batch, hidden]`; `weights`: transposed, `[4 * hidden, hidden]` from
///   `weights_at` on; `lengths`: `[batch]`
/// - `d_sums`: the gradients of the gates' sums, `[batch, steps, 4 * hidden]`
/// - `d_bias`: their sums over a unit's sequences and all steps, `[cubes * groups, 4 * hidden]`
/// - `d_start`: where `want_start`, the gradients of the first output and cell, `[2, batch, hidden]`
// The outer `if` is decided when the kernel is compiled.
#[allow(clippy::collapsible_if)]
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn backward_kernel<F: Float>(
    gradient: &[F],
    gates: &[F],
    cells: &[F],
    first_cell: &[F],
    weights: &[F],
    lengths: &[i32],
    d_sums: &mut [F],
    d_bias: &mut [f32],
    d_start: &mut [F],
    weights_at: usize,
    batch: usize,
    steps: usize,
    #[comptime] tiling: Tiling,
    #[comptime] order: Order,
    #[comptime] started: bool,
    #[comptime] with_state: bool,
    #[comptime] want_start: bool,
    #[define(F)] _dtype: ElemType,
) {
    let (hidden, rows) = comptime!((tiling.hidden, tiling.rows));
    let column = UNIT_POS_X as usize;
    let group = CUBE_POS * comptime!(tiling.groups) + UNIT_POS_Y as usize;
    let top = group * rows;

    let real = lengths_of(lengths, top, batch, tiling, order);
    // Of this unit's sequences: gradients of the gates' sums of the step that was walked after, of the last output until
    // the step that gave it, and of the cell.
    let mut d_after = Array::<Four>::new(rows);
    let mut d_last = Array::<f32>::new(rows);
    let mut d_cell = Array::<f32>::new(rows);
    #[unroll]
    for r in 0..rows {
        d_after[r] = Four::new(0.0);
        d_last[r] = 0.0;
        d_cell[r] = 0.0;
        if comptime!(with_state) {
            let row = top + r;
            if row < batch {
                d_last[r] = f32::cast_from(gradient[(batch * steps + row) * hidden + column]);
                d_cell[r] = f32::cast_from(gradient[(batch * (steps + 1) + row) * hidden + column]);
            }
        }
    }

    let mut shared = Shared::<[Four]>::new_slice(comptime!(tiling.slice * tiling.hidden));
    let mut after = Shared::<[Four]>::new_slice(comptime!(tiling.slice * tiling.stride(Pass::Backward)));
    let mut ahead = Array::<Four>::new(comptime!(if tiling.resident() { 1 } else { tiling.ahead() }));
    if comptime!(tiling.resident()) {
        place_all::<F>(weights, weights_at, &mut shared, tiling, comptime!(offsets(tiling)));
    } else {
        fetch::<F>(weights, weights_at, &mut ahead, 0usize, tiling, comptime!(offsets(tiling)));
    }

    let mut bias = Four::new(0.0);
    let mut d_output = Array::<f32>::new(rows);
    for back in 0..steps {
        let index = steps - 1 - back;
        let step = step_of(index, steps, order);
        #[unroll]
        for r in 0..rows {
            d_output[r] = d_last[r];
            if is_live(&real, r, top, batch, step, order) {
                d_output[r] += f32::cast_from(gradient[((top + r) * steps + step) * hidden + column]);
            }
        }
        if back > 0 {
            add_recurrent::<F>(
                weights,
                weights_at,
                &d_after,
                &mut d_output,
                &mut shared,
                &mut after,
                &mut ahead,
                tiling,
            );
        }
        #[unroll]
        for r in 0..rows {
            let row = top + r;
            let at = (row * steps + step) * (4 * hidden) + column;
            if is_live(&real, r, top, batch, step, order) {
                let values = gates_at::<F>(gates, at, hidden);
                let i = values.extract(0usize);
                let f = values.extract(1usize);
                let g = values.extract(2usize);
                let o = values.extract(3usize);
                let cell = f32::cast_from(cells[(row * steps + step) * hidden + column]);
                let mut cell_before = 0.0f32;
                if has_before(&real, r, index, step, order) {
                    let before = step_of(index - 1, steps, order);
                    cell_before = f32::cast_from(cells[(row * steps + before) * hidden + column]);
                } else if comptime!(started) {
                    cell_before = f32::cast_from(first_cell[row * hidden + column]);
                }
                let squashed = tanh(cell);
                let d_here = fma(d_output[r] * o, 1.0 - squashed * squashed, d_cell[r]);
                let d = four(
                    d_here * g * i * (1.0 - i),
                    d_here * cell_before * f * (1.0 - f),
                    d_here * i * (1.0 - g * g),
                    d_output[r] * squashed * o * (1.0 - o),
                );
                put_gates::<F>(d_sums, at, hidden, d);
                bias += d;
                d_after[r] = d;
                d_last[r] = 0.0;
                d_cell[r] = d_here * f;
            } else if comptime!(order.ends) {
                if row < batch {
                    put_gates::<F>(d_sums, at, hidden, Four::new(0.0));
                }
            }
        }
    }
    // A cube beyond the last sequence has none to write for, but its row of the sums is there and must be zero.
    put_gates::<f32>(d_bias, group * (4 * hidden) + column, hidden, bias);
    if comptime!(want_start) {
        #[unroll]
        for r in 0..rows {
            d_output[r] = d_last[r];
        }
        add_recurrent::<F>(weights, weights_at, &d_after, &mut d_output, &mut shared, &mut after, &mut ahead, tiling);
        #[unroll]
        for r in 0..rows {
            let row = top + r;
            if row < batch {
                d_start[row * hidden + column] = F::cast_from(d_output[r]);
                d_start[(batch + row) * hidden + column] = F::cast_from(d_cell[r]);
            }
        }
    }
}

/// Returns whether a live step of sequence number `r` has another before it in the walk.
#[cube]
fn has_before(real: &Array<u32>, #[comptime] r: usize, index: usize, step: usize, #[comptime] order: Order) -> bool {
    if comptime!(order.reverse && order.ends) { (step as u32) + 1 < real[r] } else { index > 0 }
}

/// Adds `d_after · weightsᵀ` to the gradients of the outputs of this unit's sequences, slice by slice.
#[cube]
fn add_recurrent<F: Float>(
    weights: &[F],
    weights_at: usize,
    d_after: &Array<Four>,
    d_output: &mut Array<f32>,
    shared: &mut Shared<[Four]>,
    after: &mut Shared<[Four]>,
    ahead: &mut Array<Four>,
    #[comptime] tiling: Tiling,
) {
    let (hidden, rows) = comptime!((tiling.hidden, tiling.rows));
    let stride = comptime!(tiling.stride(Pass::Backward));
    let column = UNIT_POS_X as usize;
    let left = UNIT_POS_Y as usize * rows;
    for slice in 0..comptime!(tiling.slices()) {
        let start = slice * comptime!(tiling.slice);
        sync_cube(); // Nobody reads the slice before this one any more.
        if comptime!(!tiling.resident()) {
            place(&*ahead, shared, tiling);
        }
        if column >= start && column < start + comptime!(tiling.slice) {
            #[unroll]
            for r in 0..rows {
                after[(column - start) * stride + left + r] = d_after[r];
            }
        }
        sync_cube();
        if comptime!(!tiling.resident()) {
            let next = slice + 1;
            let next = select(next == comptime!(tiling.slices()), 0usize, next);
            fetch::<F>(weights, weights_at, ahead, next, tiling, comptime!(offsets(tiling)));
        }
        let count = slice_len(slice, tiling);
        for k in 0..count {
            let w = shared[k * hidden + column];
            #[unroll]
            for r in 0..rows {
                let d = after[k * stride + left + r];
                let mut sum = d_output[r];
                #[unroll]
                for gate in 0..4usize {
                    sum = fma(w.extract(gate), d.extract(gate), sum);
                }
                d_output[r] = sum;
            }
        }
    }
}
