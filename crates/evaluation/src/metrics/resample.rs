//! Seeded draws, and percentiles of sorted values.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::metric::{Metric, Undefined};

/// Draws a uniform number below `bound`, without bias (Lemire 2019): written out, so that a draw never changes with the version
/// of a random number library.
pub fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    let unfair = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= unfair {
            return (product >> 64) as u64;
        }
    }
}

/// Draws as many units as there are, with replacement; `weights` counts how often each was drawn.
pub(crate) fn draw_with_replacement(rng: &mut ChaCha8Rng, weights: &mut [u32]) {
    weights.fill(0);
    for _ in 0..weights.len() {
        let drawn = below(rng, weights.len() as u64);
        weights[drawn as usize] += 1;
    }
}

/// Interpolates linearly between order statistics (numpy's default, Hyndman & Fan's type 7).
pub(crate) fn percentile(sorted: &[f64], share: f64, if_empty: Undefined) -> Metric {
    let Some(last) = sorted.len().checked_sub(1) else {
        return Metric::Undefined(if_empty);
    };
    let position = share * last as f64;
    let (below, way) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(last);
    Metric::Value(sorted[below] + way * (sorted[above] - sorted[below]))
}
