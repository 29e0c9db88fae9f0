//! What a layer's input adds to the gates' sums, and what the gates' gradients give to the layer below: one product each.

use cubecl::prelude::*;

use super::super::device::four;
use super::random::{Mask, factor};
use super::tile::{ACROSS, DEPTH, Tile, add_products, no_sums, put_sums};

/// Says where the rows of the left matrix lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rows {
    /// One after the other.
    InOrder,
    /// Those of the sequences that the epoch's order names.
    Gathered {
        /// Whether a mask switches columns off, the same ones in every step of a sequence.
        masked: bool,
    },
}

/// Computes `left · right`, or `left · rightᵀ` where `transposed`.
///
/// - `left`: `[.., steps, depth]`, of which `Rows` says which sequences
/// - `right`: `[depth, columns]` from `right_at` on; `[columns, depth]` where `transposed`
/// - `order`: the sequences of the epoch, in its order; the batch begins at [`batch_at`]
/// - `result`: `[rows, columns]`, `rows` being the batch's sequences times its steps
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn product_kernel(
    left: &[f32],
    right: &[f32],
    order: &[i32],
    counter: &[u32],
    result: &mut [f32],
    mask: Mask,
    right_at: usize,
    first: usize,
    batch: usize,
    rows: usize,
    depth: usize,
    columns: usize,
    steps: usize,
    across: usize,
    #[comptime] gather: Rows,
    #[comptime] transposed: bool,
    #[comptime] tile: Tile,
) {
    let fours = comptime!(tile.fours());
    let left_column = (CUBE_POS % across) * comptime!(tile.side());
    let top = (CUBE_POS / across) * comptime!(tile.side());
    let unit = UNIT_POS as usize;
    let first = batch_at(counter, first, batch);
    let mut left_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut right_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut sums = no_sums(tile);
    let mut begin = 0usize;
    while begin < depth {
        sync_cube();
        #[unroll]
        for load in 0..comptime!(tile.loads()) {
            let at = comptime!(load * ACROSS * ACROSS) + unit;
            // Neighbouring units read neighbouring terms of one row on the left, and columns of one term on the right.
            let (k, quad) = (at % DEPTH, at / DEPTH);
            let row = top + quad * 4;
            let term = begin + k;
            left_tile[k * fours + quad] = four(
                element(left, order, &mask, row, term, first, rows, depth, steps, gather),
                element(left, order, &mask, row + 1, term, first, rows, depth, steps, gather),
                element(left, order, &mask, row + 2, term, first, rows, depth, steps, gather),
                element(left, order, &mask, row + 3, term, first, rows, depth, steps, gather),
            );
            let (k, quad) = (at / fours, at % fours);
            let column = left_column + quad * 4;
            let term = begin + k;
            right_tile[k * fours + quad] = four(
                weight(right, right_at, term, column, depth, columns, transposed),
                weight(right, right_at, term, column + 1, depth, columns, transposed),
                weight(right, right_at, term, column + 2, depth, columns, transposed),
                weight(right, right_at, term, column + 3, depth, columns, transposed),
            );
        }
        sync_cube();
        add_products(&left_tile, &right_tile, &mut sums, tile);
        begin += DEPTH;
    }
    put_sums(&sums, result, 0usize, top, left_column, rows, columns, tile);
}

/// Returns where a batch begins in the order: `first`, and `batch` further for every step taken before in the epoch. Steps are
/// counted on the device, so that the launches of all steps are the same and nothing is sent for them.
#[cube]
pub(super) fn batch_at(counter: &[u32], first: usize, batch: usize) -> usize {
    first + counter[0] as usize * batch
}

/// Reads one number of the left matrix, as it is multiplied; zero outside it.
#[cube]
pub(super) fn element(
    left: &[f32],
    order: &[i32],
    mask: &Mask,
    row: usize,
    column: usize,
    first: usize,
    rows: usize,
    columns: usize,
    steps: usize,
    #[comptime] gather: Rows,
) -> f32 {
    let mut value = 0.0f32;
    if row < rows && column < columns {
        match comptime!(gather) {
            Rows::InOrder => value = left[row * columns + column],
            Rows::Gathered { masked } => {
                let sequence = row / steps;
                let found = order[first + sequence] as usize;
                value = left[(found * steps + row % steps) * columns + column];
                if comptime!(masked) {
                    value *= factor(mask, first + sequence, column);
                }
            }
        }
    }
    value
}

#[cube]
fn weight(
    right: &[f32],
    right_at: usize,
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
    #[comptime] transposed: bool,
) -> f32 {
    let mut value = 0.0f32;
    if row < rows && column < columns {
        if comptime!(transposed) {
            value = right[right_at + column * rows + row];
        } else {
            value = right[right_at + row * columns + column];
        }
    }
    value
}
