//! The Qini curve (Radcliffe 2007): the gain of treating those first whom a model takes to gain most.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use serde::Serialize;
use staycast_evaluation::metrics::below;

/// Counts the resamples of an interval.
const RESAMPLES: u64 = 500;
/// Counts the steps of a curve that is shown.
const STEPS: usize = 20;

/// Holds what the curve needs of an enrolment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    pub(super) learner: u32,
    /// Uplift by a model that did not see the learner.
    pub(super) uplift: f64,
    pub(super) treated: bool,
    /// 1 for the wanted outcome, 0 else.
    pub(super) outcome: f64,
}

/// Holds a Qini curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Qini {
    /// Area between the curve and that of a random order, per treated enrolment: 0 for an order that tells nothing.
    pub coefficient: f64,
    /// Lower end of its 95% interval, of a bootstrap over learners.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Shares of enrolments treated, and wanted outcomes gained by it per treated enrolment.
    pub curve: Vec<[f64; 2]>,
}

/// Computes the curve, with an interval of seeded resamples.
pub(super) fn qini(rows: &[Ranked], seed: u64) -> Qini {
    let mut order: Vec<&Ranked> = rows.iter().collect();
    order.sort_by(|a, b| b.uplift.total_cmp(&a.uplift).then(a.learner.cmp(&b.learner)));
    let learners = rows.iter().map(|row| row.learner as usize + 1).max().unwrap_or(0);
    let (coefficient, curve) = area(&order, &vec![1; learners]);
    let present: Vec<usize> = {
        let mut present: Vec<usize> = rows.iter().map(|row| row.learner as usize).collect();
        present.sort_unstable();
        present.dedup();
        present
    };
    let seeded = ChaCha8Rng::seed_from_u64(seed);
    // A stream for each resample, so that threads change nothing.
    let resample = |number: u64| {
        let mut rng = seeded.clone();
        rng.set_stream(number);
        let mut weights = vec![0; learners];
        for _ in 0..present.len() {
            weights[present[below(&mut rng, present.len() as u64) as usize]] += 1;
        }
        area(&order, &weights).0
    };
    let mut resampled: Vec<f64> = (0..RESAMPLES).into_par_iter().map(resample).collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| resampled[((resampled.len() - 1) as f64 * share).round() as usize];
    Qini { coefficient, low: at(0.025), high: at(0.975), curve }
}

/// Computes the area over the line of a random order, and some points of the curve. Learners count `weights` times; equal
/// forecasts are taken together.
fn area(order: &[&Ranked], weights: &[u32]) -> (f64, Vec<[f64; 2]>) {
    let weight = |row: &Ranked| f64::from(weights[row.learner as usize]);
    let total: f64 = order.iter().map(|row| weight(row)).sum();
    let treated: f64 = order.iter().filter(|row| row.treated).map(|row| weight(row)).sum();
    if total == 0.0 || treated == 0.0 {
        return (0.0, vec![[0.0; 2]]);
    }
    // Of the holdout and the arm: enrolments so far, and wanted outcomes among them.
    let (mut rows, mut wanted) = ([0.0; 2], [0.0; 2]);
    let (mut share, mut gain, mut area) = (0.0, 0.0, 0.0);
    let mut curve = vec![[0.0, 0.0]];
    for equal in order.chunk_by(|a, b| a.uplift == b.uplift) {
        for row in equal {
            let arm = usize::from(row.treated);
            rows[arm] += weight(row);
            wanted[arm] += weight(row) * row.outcome;
        }
        let held = if rows[0] > 0.0 { wanted[0] * rows[1] / rows[0] } else { 0.0 };
        let (next, next_gain) = ((rows[0] + rows[1]) / total, (wanted[1] - held) / treated);
        area += (next - share) * f64::midpoint(gain, next_gain);
        (share, gain) = (next, next_gain);
        if share * STEPS as f64 >= curve.len() as f64 {
            curve.push([share, gain]);
        }
    }
    (area - gain / 2.0, curve)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(learner: u32, uplift: f64, treated: bool, outcome: f64) -> Ranked {
        Ranked { learner, uplift, treated, outcome }
    }

    #[test]
    fn a_curve_by_hand() {
        // The first half gains a whole outcome each, the second nothing.
        let rows = [row(0, 2.0, true, 1.0), row(1, 2.0, false, 0.0), row(2, 1.0, true, 1.0), row(3, 1.0, false, 1.0)];
        let order: Vec<&Ranked> = rows.iter().collect();
        let (area, curve) = area(&order, &[1; 4]);
        // Up to one half of a treated outcome at one half, where it stays; a random order's line ends there too.
        assert_eq!(curve, [[0.0, 0.0], [0.5, 0.5], [1.0, 0.5]]);
        assert!((area - (0.125 + 0.25 - 0.25)).abs() < 1e-12, "{area}");
    }

    #[test]
    fn a_constant_uplift_and_a_wrong_order_gain_nothing() {
        let flat: Vec<Ranked> =
            (0..400).map(|at| row(at, 0.1, at % 2 == 0, f64::from(u8::from(at % 3 == 0)))).collect();
        assert!(qini(&flat, 1).coefficient.abs() < 1e-12);
        // Those ranked last gain, those first do not.
        let wrong: Vec<Ranked> = (0..400)
            .map(|at| row(at, f64::from(at), at % 2 == 0, f64::from(u8::from(at < 200 && at % 2 == 0))))
            .collect();
        let found = qini(&wrong, 1);
        assert!(found.coefficient < 0.0 && found.high < 0.0, "{found:?}");
        assert_eq!(found, qini(&wrong, 1), "seeded");
    }
}
