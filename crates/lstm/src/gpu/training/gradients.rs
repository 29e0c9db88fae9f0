//! The gradients of the weights, split over sequences and steps, and the second stage that adds the parts in one order.

use cubecl::prelude::*;

use super::super::device::Four;
use super::product::{Rows, batch_at, four_of};
use super::random::{Mask, factor};
use super::tile::{ACROSS, DEPTH, Tile, add_products, no_sums, put_fours};

/// Counts the units of a cube of the second stage.
pub(super) const ADDING_UNITS: usize = 256;

/// Computes parts of `[x h]ᵀ · d_sums`, whose first rows are the gradient of the input's weights and the others that of
/// the recurrent weights.
///
/// - `x`: what the layer read, `[.., steps, features]`, of which `Rows` says which sequences
/// - `outputs`: of the layer, `[rows, hidden]`; a step's row meets the output of the step before, and the first one zeros
/// - `d_sums`: `[rows, columns]`, `columns` being `4 * hidden`
/// - `parts`: `[parts, features + hidden, columns]`; a part has `part_rows` rows, the last one what is left; `count` parts
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn weights_kernel(
    x: &[f32],
    outputs: &[f32],
    d_sums: &[Vector<f32, Const<4>>],
    order: &[i32],
    counter: &[u32],
    parts: &mut [Vector<f32, Const<4>>],
    mask: Mask,
    batch: usize,
    rows: usize,
    features: usize,
    hidden: usize,
    columns: usize,
    steps: usize,
    part_rows: usize,
    across: usize,
    down: usize,
    count: usize,
    #[comptime] gather: Rows,
    #[comptime] tile: Tile,
) {
    let fours = comptime!(tile.fours());
    let tiles = across * down;
    let part = CUBE_POS / tiles;
    let place = CUBE_POS % tiles;
    let left_column = (place % across) * comptime!(tile.side());
    let top = (place / across) * comptime!(tile.side());
    let unit = UNIT_POS as usize;
    let first = batch_at(counter, 0usize, batch);
    let inputs = features + hidden;
    let mut left_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut right_tile = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(DEPTH * tile.fours()));
    let mut sums = no_sums(tile);
    let mut begin = part * part_rows;
    let mut end = begin + part_rows;
    if end > rows {
        end = rows;
    }
    while begin < end {
        sync_cube();
        #[unroll]
        for load in 0..comptime!(tile.loads()) {
            let at = comptime!(load * ACROSS * ACROSS) + unit;
            let (k, quad) = (at / fours, at % fours);
            let row = begin + k;
            left_tile[k * fours + quad] =
                read(x, outputs, order, &mask, row, top + quad * 4, first, end, features, hidden, steps, gather);
            right_tile[k * fours + quad] = four_of(d_sums, 0usize, row, left_column / 4 + quad, end, columns / 4);
        }
        sync_cube();
        add_products(&left_tile, &right_tile, &mut sums, tile);
        begin += DEPTH;
    }
    // A grid may have more cubes than there are parts.
    if part < count {
        put_fours(&sums, parts, part * inputs * (columns / 4), top, left_column, inputs, columns, tile);
    }
}

/// Reads input `input` of the layer in row `row` and the three after it: features, then outputs of the step before.
#[cube]
fn read(
    x: &[f32],
    outputs: &[f32],
    order: &[i32],
    mask: &Mask,
    row: usize,
    input: usize,
    first: usize,
    rows: usize,
    features: usize,
    hidden: usize,
    steps: usize,
    #[comptime] gather: Rows,
) -> Four {
    let mut values = Four::new(0.0);
    if row < rows {
        let sequence = row / steps;
        let step = row - sequence * steps;
        let mut x_row = row;
        if comptime!(gather.gathered()) {
            x_row = order[first + sequence] as usize * steps + step;
        }
        #[unroll]
        for e in 0..4usize {
            let one = input + e;
            if one < features {
                let mut value = x[x_row * features + one];
                if comptime!(gather.masked()) {
                    value *= factor(mask, first + sequence, one);
                }
                values.insert(e, value);
            } else if one < features + hidden && step > 0 {
                values.insert(e, outputs[(row - 1) * hidden + one - features]);
            }
        }
    }
    values
}

/// Holds the sizes of what the second stage adds for one layer, which lie in the parameters one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Sections {
    /// The weights of the input and the recurrent ones.
    pub(super) weights: usize,
    /// The biases of the gates.
    pub(super) biases: usize,
    /// The heads' parameters, after the last layer's.
    pub(super) heads: usize,
    /// Units that share the parts of one number.
    pub(super) lanes: usize,
}

impl Sections {
    /// Counts the numbers that are added up: the parameters, and after the heads' the loss.
    pub(super) fn numbers(self) -> usize {
        self.weights + self.biases + if self.heads > 0 { self.heads + 1 } else { 0 }
    }

    /// Counts the numbers of a cube.
    pub(super) fn a_cube(self) -> usize {
        ADDING_UNITS / self.lanes
    }
}

/// Adds the parts of the gradients of one layer, and of the heads behind it.
///
/// - `weight_parts`, `bias_parts`, `head_parts`: `[parts, size]` each, with their numbers of parts
/// - `gradient`: of all parameters; those of the layer begin at `at`
/// - `squares`: from `squares_at` on, by cube the sum of the squares of its gradients
/// - `total`: the loss is added to it
/// - `counter`: the steps taken in the epoch; one more after the first layer, which is the last on the way back
// The outer `if` is decided when the kernel is compiled.
#[allow(clippy::collapsible_if)]
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn add_parts_kernel(
    weight_parts: &[f32],
    bias_parts: &[f32],
    head_parts: &[f32],
    gradient: &mut [f32],
    squares: &mut [f32],
    total: &mut [f32],
    counter: &mut [u32],
    weight_count: usize,
    bias_count: usize,
    head_count: usize,
    at: usize,
    squares_at: usize,
    #[comptime] first_layer: bool,
    #[comptime] sections: Sections,
) {
    let (lanes, a_cube) = comptime!((sections.lanes, sections.a_cube()));
    let unit = UNIT_POS as usize;
    let (inside, lane) = (unit % a_cube, unit / a_cube);
    let number = CUBE_POS * a_cube + inside;
    let biases_at = comptime!(sections.weights);
    let heads_at = comptime!(sections.weights + sections.biases);
    let head_size = comptime!(sections.heads + 1);
    let mut sum = 0.0f32;
    if number < biases_at {
        sum = add_lane(weight_parts, number, biases_at, weight_count, lane, lanes);
    } else if number < heads_at {
        sum = add_lane(bias_parts, number - biases_at, comptime!(sections.biases).runtime(), bias_count, lane, lanes);
    } else if comptime!(sections.heads > 0) {
        if number < comptime!(sections.numbers()) {
            sum = add_lane(head_parts, number - heads_at, head_size.runtime(), head_count, lane, lanes);
        }
    }
    let mut by_lane = Shared::<[f32]>::new_slice(ADDING_UNITS);
    by_lane[unit] = sum;
    sync_cube();
    let mut square = 0.0f32;
    if unit < a_cube && number < comptime!(sections.numbers()) {
        let mut sum = 0.0f32;
        #[unroll]
        for other in 0..lanes {
            sum += by_lane[comptime!(other * a_cube) + unit];
        }
        if number < comptime!(sections.weights + sections.biases + sections.heads) {
            gradient[at + number] = sum;
            square = sum * sum;
        } else {
            total[0] += sum;
        }
    }
    sync_cube();
    by_lane[unit] = square;
    sync_cube();
    if unit == 0 {
        let mut sum = 0.0f32;
        for other in 0..a_cube {
            sum += by_lane[other];
        }
        squares[squares_at + CUBE_POS] = sum;
        if comptime!(first_layer) {
            if CUBE_POS == 0 {
                counter[0] += 1;
            }
        }
    }
}

/// Adds a lane's parts of one number.
#[cube]
fn add_lane(parts: &[f32], number: usize, size: usize, count: usize, lane: usize, #[comptime] lanes: usize) -> f32 {
    let mut sum = 0.0f32;
    let mut part = lane;
    while part < count {
        sum += parts[part * size + number];
        part += lanes;
    }
    sum
}
