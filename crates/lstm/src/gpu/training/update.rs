//! The optimiser: the gradient's norm, the clip and AdamW (Loshchilov and Hutter 2019) over all parameters in one launch.

use cubecl::prelude::*;

use crate::sizes::NetworkSizes;

/// Counts the units of a cube.
pub(super) const UNITS: usize = 256;

/// Takes one step of AdamW along the gradient, shortened to the norm `clip` where it is longer.
///
/// - `squares`: `count` sums of squares that make up the square of the gradient's norm
/// - `decays`: by parameter, 1 where it decays and 0 where not
/// - `transposed`: the recurrent weights of all layers once more, `[layers, 4 * hidden, hidden]`, which the backward pass
///   reads
/// - `schedule`: by step of the epoch the learning rate, 1 - β₁^step and 1 - β₂^step, `[steps, 3]`; `counter`: the steps of
///   the epoch, this one included
/// - `decay`: the rate at which parameters decay
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn adamw_kernel(
    parameters: &mut [f32],
    moment_1: &mut [f32],
    moment_2: &mut [f32],
    transposed: &mut [f32],
    gradient: &[f32],
    decays: &[f32],
    squares: &[f32],
    schedule: &[f32],
    counter: &[u32],
    length: usize,
    count: usize,
    clip: f32,
    beta_1: f32,
    beta_2: f32,
    rest_1: f32,
    rest_2: f32,
    epsilon: f32,
    decay: f32,
    #[comptime] sizes: NetworkSizes,
) {
    let unit = UNIT_POS as usize;
    let mut sums = Shared::<[f32]>::new_slice(UNITS);
    let mut sum = 0.0f32;
    let mut at = unit;
    while at < count {
        sum += squares[at];
        at += UNITS;
    }
    sums[unit] = sum;
    #[unroll]
    for halving in 0..8u32 {
        let half = comptime!(UNITS >> (halving + 1));
        sync_cube();
        if unit < half {
            let other = sums[unit + half];
            sums[unit] += other;
        }
    }
    sync_cube();
    let norm = sums[0].sqrt();
    let shorten = clip / select(norm < clip, clip, norm);

    let at = CUBE_POS * UNITS + unit;
    if at < length {
        let now = 3 * (counter[0] as usize - 1);
        let (rate, correction_1, correction_2) = (schedule[now], schedule[now + 1], schedule[now + 2]);
        let slope = gradient[at] * shorten;
        let first = beta_1 * moment_1[at] + rest_1 * slope;
        let second = beta_2 * moment_2[at] + rest_2 * slope * slope;
        moment_1[at] = first;
        moment_2[at] = second;
        let before = parameters[at];
        let way = first / correction_1 / ((second / correction_2).sqrt() + epsilon) + decay * decays[at] * before;
        let after = before - rate * way;
        parameters[at] = after;
        put_transposed(transposed, at, after, sizes);
    }
}

/// Writes the transposed recurrent weights of all layers, before the first step.
#[cube(launch_unchecked, address_type = "dynamic")]
pub(super) fn transpose_kernel(
    parameters: &[f32],
    transposed: &mut [f32],
    length: usize,
    #[comptime] sizes: NetworkSizes,
) {
    let at = CUBE_POS * UNITS + UNIT_POS as usize;
    if at < length {
        put_transposed(transposed, at, parameters[at], sizes);
    }
}

/// Writes a parameter to its place in the transposed weights, if it is a recurrent one.
#[cube]
fn put_transposed(transposed: &mut [f32], at: usize, value: f32, #[comptime] sizes: NetworkSizes) {
    let (hidden, count) = comptime!((sizes.hidden, sizes.recurrent()));
    #[unroll]
    for layer in 0..comptime!(sizes.layers) {
        let begin = comptime!(sizes.recurrent_at(layer));
        if at >= begin && at < comptime!(begin + count) {
            let inside = at - begin;
            let (row, column) = (inside / comptime!(4 * hidden), inside % comptime!(4 * hidden));
            transposed[comptime!(layer * count) + column * hidden + row] = value;
        }
    }
}
