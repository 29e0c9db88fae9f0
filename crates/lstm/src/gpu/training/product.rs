//! Multiplies a layer's input by its weights, and the gates' gradients by the same for the layer below.

use cubecl::prelude::*;

use super::super::device::{Four, four};
use super::random::{Mask, factor};
use super::tile::{ACROSS, DEPTH, Tile, add_products, no_sums, put_fours, put_sums};

/// Says where the rows of a layer's input lie.
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

impl Rows {
    pub(super) fn gathered(self) -> bool {
        matches!(self, Self::Gathered { .. })
    }

    pub(super) fn masked(self) -> bool {
        matches!(self, Self::Gathered { masked: true })
    }
}

/// Computes what a layer's input adds to the gates' sums, `x · w_ih`.
///
/// - `x`: `[.., steps, features]`, of which `Rows` says which sequences
/// - `parameters`: `w_ih [features, columns]` from `weights_at` on, a multiple of four; `columns` is `4 * hidden`
/// - `order`: the sequences of the epoch, in its order; the batch begins at [`batch_at`]
/// - `sums`: `[rows, columns]`, `rows` being the batch's sequences times its steps
/// - `across`: the tiles side by side
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn projection_kernel(
    x: &[f32],
    parameters: &[Vector<f32, Const<4>>],
    order: &[i32],
    counter: &[u32],
    sums: &mut [Vector<f32, Const<4>>],
    mask: Mask,
    weights_at: usize,
    first: usize,
    batch: usize,
    rows: usize,
    features: usize,
    columns: usize,
    steps: usize,
    across: usize,
    #[comptime] gather: Rows,
    #[comptime] tile: Tile,
) {
    let fours = comptime!(tile.fours());
    let left = (CUBE_POS % across) * comptime!(tile.side());
    let top = (CUBE_POS / across) * comptime!(tile.side());
    let unit = UNIT_POS as usize;
    let first = batch_at(counter, first, batch);
    let mut x_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut weight_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut results = no_sums(tile);
    let mut begin = 0usize;
    while begin < features {
        sync_cube();
        #[unroll]
        for load in 0..comptime!(tile.loads()) {
            let at = comptime!(load * ACROSS * ACROSS) + unit;
            // Neighbouring units read neighbouring features of one row, and neighbouring columns of one feature.
            let (k, quad) = (at % DEPTH, at / DEPTH);
            let (row, feature) = (top + quad * 4, begin + k);
            x_tile[k * fours + quad] = four(
                element(x, order, &mask, row, feature, first, rows, features, steps, gather),
                element(x, order, &mask, row + 1, feature, first, rows, features, steps, gather),
                element(x, order, &mask, row + 2, feature, first, rows, features, steps, gather),
                element(x, order, &mask, row + 3, feature, first, rows, features, steps, gather),
            );
            let (k, quad) = (at / fours, at % fours);
            let column = left / 4 + quad;
            weight_tile[k * fours + quad] =
                four_of(parameters, weights_at / 4, begin + k, column, features, columns / 4);
        }
        sync_cube();
        add_products(&x_tile, &weight_tile, &mut results, tile);
        begin += DEPTH;
    }
    put_fours(&results, sums, 0usize, top, left, rows, columns, tile);
}

/// Computes the gradients of what a layer read, `d_sums · w_ihᵀ`.
///
/// - `d_sums`: `[rows, depth]`, `depth` being `4 * hidden`
/// - `parameters`: `w_ih [columns, depth]` from `weights_at` on
/// - `gradients`: `[rows, columns]`
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn downward_kernel(
    d_sums: &[f32],
    parameters: &[f32],
    gradients: &mut [f32],
    weights_at: usize,
    rows: usize,
    depth: usize,
    columns: usize,
    across: usize,
    #[comptime] tile: Tile,
) {
    let fours = comptime!(tile.fours());
    let left = (CUBE_POS % across) * comptime!(tile.side());
    let top = (CUBE_POS / across) * comptime!(tile.side());
    let unit = UNIT_POS as usize;
    let mut row_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut weight_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut results = no_sums(tile);
    let mut begin = 0usize;
    while begin < depth {
        sync_cube();
        #[unroll]
        for load in 0..comptime!(tile.loads()) {
            let at = comptime!(load * ACROSS * ACROSS) + unit;
            // Either way neighbouring units read neighbouring terms.
            let (k, quad) = (at % DEPTH, at / DEPTH);
            let term = begin + k;
            row_tile[k * fours + quad] = four_rows(d_sums, 0usize, top + quad * 4, term, rows, depth);
            weight_tile[k * fours + quad] = four_rows(parameters, weights_at, left + quad * 4, term, columns, depth);
        }
        sync_cube();
        add_products(&row_tile, &weight_tile, &mut results, tile);
        begin += DEPTH;
    }
    put_sums(&results, gradients, top, left, rows, columns, tile);
}

/// Returns where a batch begins in the order: `first`, and `batch` further for every step taken before in the epoch. Steps are
/// counted on the device, so that the launches of all steps are the same and nothing is sent for them.
#[cube]
pub(super) fn batch_at(counter: &[u32], first: usize, batch: usize) -> usize {
    first + counter[0] as usize * batch
}

/// Reads one number of a layer's input; zero outside it.
#[cube]
fn element(
    x: &[f32],
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
        if comptime!(gather.gathered()) {
            let sequence = row / steps;
            let found = order[first + sequence] as usize;
            value = x[(found * steps + row % steps) * columns + column];
            if comptime!(gather.masked()) {
                value *= factor(mask, first + sequence, column);
            }
        } else {
            value = x[row * columns + column];
        }
    }
    value
}

/// Reads group `column` of row `row` of a matrix that begins at group `at`; zeros outside it.
#[cube]
pub(super) fn four_of(matrix: &[Four], at: usize, row: usize, column: usize, rows: usize, across: usize) -> Four {
    let mut values = Four::new(0.0);
    if row < rows && column < across {
        values = matrix[at + row * across + column];
    }
    values
}

/// Reads column `column` of row `row` and the three after it; zeros outside the matrix.
#[cube]
fn four_rows(matrix: &[f32], at: usize, row: usize, column: usize, rows: usize, columns: usize) -> Four {
    let mut values = Four::new(0.0);
    #[unroll]
    for l in 0..4usize {
        if row + l < rows && column < columns {
            values.insert(l, matrix[at + (row + l) * columns + column]);
        }
    }
    values
}
