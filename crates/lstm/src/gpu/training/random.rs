//! Dropout masks as the kernels draw them: the numbers of [`crate::MaskSource`].

use cubecl::prelude::*;

use crate::masks::{MaskSource, PARITY, ROTATIONS, ROUNDS};

/// Holds what a kernel draws a mask with.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(super) struct Mask {
    key_0: u32,
    key_1: u32,
    /// Numbers of 24 bits below it switch their place off.
    threshold: u32,
    /// The factor elsewhere.
    kept: f32,
}

/// Makes the argument of a launch.
pub(super) fn mask_argument(source: MaskSource) -> MaskLaunch {
    let [key_0, key_1] = source.key();
    MaskLaunch::new(key_0, key_1, source.threshold(), source.kept())
}

/// Returns the factor of column `column` in row `row` of the epoch.
#[cube]
pub(super) fn factor(mask: &Mask, row: usize, column: usize) -> f32 {
    let words = draw(mask, row, column / 2);
    if column & 1 == 0 { words.0 } else { words.1 }
}

/// Returns the factors of columns `2 * pair` and `2 * pair + 1`.
#[cube]
pub(super) fn draw(mask: &Mask, row: usize, pair: usize) -> (f32, f32) {
    let third = mask.key_0 ^ mask.key_1 ^ comptime!(PARITY).runtime();
    let mut a = row as u32 + mask.key_0;
    let mut b = pair as u32 + mask.key_1;
    #[unroll]
    for round in 0..comptime!(ROUNDS) {
        a += b;
        let left = comptime!(ROTATIONS[round % 8]);
        let right = comptime!(32 - left);
        b = ((b << left) | (b >> right)) ^ a;
        if comptime!(round % 4 == 3) {
            let turn = comptime!(round / 4 + 1);
            if comptime!(turn % 3 == 0) {
                a += mask.key_0;
                b += mask.key_1;
            } else if comptime!(turn % 3 == 1) {
                a += mask.key_1;
                b += third;
            } else {
                a += third;
                b += mask.key_0;
            }
            b += comptime!(turn as u32);
        }
    }
    (one_factor(mask, a), one_factor(mask, b))
}

#[cube]
fn one_factor(mask: &Mask, word: u32) -> f32 {
    select(word >> 8u32 < mask.threshold, 0.0f32, mask.kept)
}
