//! The forward recurrence: one launch, all steps.

use cubecl::prelude::*;

use super::device::{
    Four, Offsets, Order, fetch, four, gates_at, is_live, lengths_of, logistic, place, place_all, put_gates, slice_len,
    step_of, tanh,
};
use super::tiling::{Pass, Tiling};

/// Returns the place of the forward pass's weights in `[hidden, 4 * hidden]`.
fn offsets(tiling: Tiling) -> Offsets {
    Offsets { row: 4 * tiling.hidden, gate: tiling.hidden }
}

/// Selects what the forward pass keeps for the way back, beside the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Keep {
    /// Nothing, not even the gates.
    Nothing,
    /// The cells.
    Cells,
    /// The cells, and the outputs before each step.
    CellsAndPrevious,
}

/// Runs a tile of sequences through all steps.
///
/// - `projected`: what the input adds to the gates' sums, `[batch, steps, 4 * hidden]`; where anything is kept, it
///   is overwritten with the gates.
/// - `weights`: `[hidden, 4 * hidden]` from `weights_at` on; `bias`: `[4 * hidden]` from `bias_at` on
/// - `first`, `first_cell`: the state before the first step, `[batch, hidden]` each
/// - `lengths`: real steps of the sequences, `[batch]`
/// - `output`: the outputs, `[batch, steps, hidden]`, and where `give_state` then the last outputs and the last cells,
///   `[batch, hidden]` each
/// - `tape`: the cells after each step and the outputs before it, `[2, batch, steps, hidden]`, as far as `keep` says
// The outer `if` is decided when the kernel is compiled.
#[allow(clippy::collapsible_if)]
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn forward_kernel<F: Float>(
    projected: &mut [F],
    weights: &[F],
    bias: &[F],
    first: &[F],
    first_cell: &[F],
    lengths: &[i32],
    output: &mut [F],
    tape: &mut [F],
    weights_at: usize,
    bias_at: usize,
    batch: usize,
    steps: usize,
    #[comptime] tiling: Tiling,
    #[comptime] order: Order,
    #[comptime] started: bool,
    #[comptime] give_state: bool,
    #[comptime] keep: Keep,
    #[define(F)] _dtype: ElemType,
) {
    let (hidden, rows) = comptime!((tiling.hidden, tiling.rows));
    let column = UNIT_POS_X as usize;
    let top = CUBE_POS * comptime!(tiling.sequences()) + UNIT_POS_Y as usize * rows;

    let bias = gates_at::<F>(bias, bias_at + column, hidden);
    let real = lengths_of(lengths, top, batch, tiling, order);
    let mut h = Array::<f32>::new(rows);
    let mut c = Array::<f32>::new(rows);
    #[unroll]
    for r in 0..rows {
        h[r] = 0.0;
        c[r] = 0.0;
        if comptime!(started) {
            let row = top + r;
            if row < batch {
                h[r] = f32::cast_from(first[row * hidden + column]);
                c[r] = f32::cast_from(first_cell[row * hidden + column]);
            }
        }
    }

    let mut shared = Shared::<[Four]>::new_slice(comptime!(tiling.slice * tiling.hidden));
    let mut before = Shared::<[Four]>::new_slice(comptime!(tiling.slice * tiling.stride(Pass::Forward)));
    let mut ahead = Array::<Four>::new(comptime!(if tiling.resident() { 1 } else { tiling.ahead() }));
    if comptime!(tiling.resident()) {
        place_all::<F>(weights, weights_at, &mut shared, tiling, comptime!(offsets(tiling)));
    } else {
        fetch::<F>(weights, weights_at, &mut ahead, 0usize, tiling, comptime!(offsets(tiling)));
    }

    let mut sums = Array::<Four>::new(rows);
    for index in 0..steps {
        let step = step_of(index, steps, order);
        #[unroll]
        for r in 0..rows {
            sums[r] = bias;
            if is_live(&real, r, top, batch, step, order) {
                let at = ((top + r) * steps + step) * (4 * hidden) + column;
                sums[r] += gates_at::<F>(&*projected, at, hidden);
            }
        }
        if index > 0 || comptime!(started) {
            add_recurrent::<F>(weights, weights_at, &h, &mut sums, &mut shared, &mut before, &mut ahead, tiling);
        }
        #[unroll]
        for r in 0..rows {
            let at = ((top + r) * steps + step) * hidden + column;
            if is_live(&real, r, top, batch, step, order) {
                let i = logistic(sums[r].extract(0usize));
                let f = logistic(sums[r].extract(1usize));
                let g = tanh(sums[r].extract(2usize));
                let o = logistic(sums[r].extract(3usize));
                let previous = h[r];
                c[r] = fma(f, c[r], i * g);
                h[r] = o * tanh(c[r]);
                output[at] = F::cast_from(h[r]);
                if comptime!(keep != Keep::Nothing) {
                    let gates = four(i, f, g, o);
                    put_gates::<F>(projected, ((top + r) * steps + step) * (4 * hidden) + column, hidden, gates);
                    tape[at] = F::cast_from(c[r]);
                    if comptime!(keep == Keep::CellsAndPrevious) {
                        tape[batch * steps * hidden + at] = F::cast_from(previous);
                    }
                }
            } else if comptime!(order.ends) {
                if top + r < batch {
                    output[at] = F::cast_from(0.0f32);
                    if comptime!(keep == Keep::CellsAndPrevious) {
                        // A product over all steps multiplies it by zero, and what was in memory may be NaN.
                        tape[batch * steps * hidden + at] = F::cast_from(0.0f32);
                    }
                }
            }
        }
    }
    if comptime!(give_state) {
        #[unroll]
        for r in 0..rows {
            let row = top + r;
            if row < batch {
                output[(batch * steps + row) * hidden + column] = F::cast_from(h[r]);
                output[(batch * (steps + 1) + row) * hidden + column] = F::cast_from(c[r]);
            }
        }
    }
}

/// Adds `h · weights` to the sums of this unit's sequences, slice by slice.
#[cube]
fn add_recurrent<F: Float>(
    weights: &[F],
    weights_at: usize,
    h: &Array<f32>,
    sums: &mut Array<Four>,
    shared: &mut Shared<[Four]>,
    before: &mut Shared<[Four]>,
    ahead: &mut Array<Four>,
    #[comptime] tiling: Tiling,
) {
    let (hidden, quads) = comptime!((tiling.hidden, tiling.rows / 4));
    let stride = comptime!(tiling.stride(Pass::Forward));
    let column = UNIT_POS_X as usize;
    let quad = UNIT_POS_Y as usize * quads;
    for slice in 0..comptime!(tiling.slices()) {
        let start = slice * comptime!(tiling.slice);
        sync_cube(); // Nobody reads the slice before this one any more.
        if comptime!(!tiling.resident()) {
            place(&*ahead, shared, tiling);
        }
        if column >= start && column < start + comptime!(tiling.slice) {
            #[unroll]
            for q in 0..quads {
                let values = four(h[q * 4], h[q * 4 + 1], h[q * 4 + 2], h[q * 4 + 3]);
                before[(column - start) * stride + quad + q] = values;
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
            for q in 0..quads {
                let values = before[k * stride + quad + q];
                #[unroll]
                for l in 0..4usize {
                    let r = comptime!(q * 4 + l);
                    sums[r] = fma(w, Four::new(values.extract(l)), sums[r]);
                }
            }
        }
    }
}
