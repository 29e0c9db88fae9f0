//! Weights of what speaks for an item, learnt from what learners used next.
//!
//! A conditional logit: of an item that a learner used in the next week and those that the learner did not, it makes the first
//! as likely as can be. Each learner counts the same. Convex, so the solution is one; found by Newton's method.

use super::candidates::FEATURES;
use super::factors::solve;

const REGULARISATION: f64 = 1.0;
const MOST_STEPS: usize = 25;
const SMALL_STEP: f64 = 1e-7;

/// Holds what spoke for the items that a learner could have used, and which ones the learner used next.
#[derive(Clone, Debug, Default)]
pub(super) struct Example {
    pub(super) used: Vec<[f64; FEATURES]>,
    pub(super) not_used: Vec<[f64; FEATURES]>,
}

/// Holds one weight for each feature, and what features are divided by.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    of: [f64; FEATURES],
}

impl Weights {
    /// Learns weights. Examples without an item of either sort say nothing.
    pub(super) fn learn(examples: &[&Example]) -> Self {
        let scale = scales(examples);
        let mut weights = [0.0; FEATURES];
        let (mut value, mut gradient, mut curvature) = likelihood(examples, &weights, &scale);
        for _ in 0..MOST_STEPS {
            let step = solve(&mut curvature, gradient.to_vec());
            let mut length = 1.0;
            let found = loop {
                let next: [f64; FEATURES] = std::array::from_fn(|at| weights[at] + length * step[at]);
                let there = likelihood(examples, &next, &scale);
                if there.0 >= value || length < 1e-4 {
                    break (next, there);
                }
                length /= 2.0;
            };
            let gain = found.1.0 - value;
            weights = found.0;
            (value, gradient, curvature) = found.1;
            if gain < SMALL_STEP * (1.0 + value.abs()) {
                break;
            }
        }
        Self { of: std::array::from_fn(|at| weights[at] / scale[at]) }
    }

    /// Returns how much speaks for an item.
    pub(super) fn score(&self, features: &[f64; FEATURES]) -> f64 {
        dot(&self.of, features)
    }
}

fn dot(a: &[f64; FEATURES], b: &[f64; FEATURES]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns the standard deviation of each feature over all items; 1 where it does not vary.
fn scales(examples: &[&Example]) -> [f64; FEATURES] {
    let (mut count, mut sums, mut squares) = (0.0, [0.0; FEATURES], [0.0; FEATURES]);
    for features in examples.iter().flat_map(|example| example.used.iter().chain(&example.not_used)) {
        count += 1.0;
        for at in 0..FEATURES {
            sums[at] += features[at];
            squares[at] += features[at] * features[at];
        }
    }
    std::array::from_fn(|at| {
        let mean = sums[at] / f64::max(count, 1.0);
        let variance = squares[at] / f64::max(count, 1.0) - mean * mean;
        if variance > 1e-12 { variance.sqrt() } else { 1.0 }
    })
}

/// Returns the log likelihood less the penalty, its gradient, and the negative of its second derivatives: the lower triangle,
/// which is all that [`solve`] looks at.
fn likelihood(
    examples: &[&Example],
    weights: &[f64; FEATURES],
    scale: &[f64; FEATURES],
) -> (f64, [f64; FEATURES], Vec<f64>) {
    let scaled = |features: &[f64; FEATURES]| -> [f64; FEATURES] { std::array::from_fn(|at| features[at] / scale[at]) };
    let mut value = -0.5 * REGULARISATION * dot(weights, weights);
    let mut gradient: [f64; FEATURES] = weights.map(|weight| -REGULARISATION * weight);
    let mut curvature = vec![0.0; FEATURES * FEATURES];
    (0..FEATURES).for_each(|at| curvature[at * FEATURES + at] = REGULARISATION);
    for example in examples.iter().filter(|example| !example.used.is_empty() && !example.not_used.is_empty()) {
        let not_used: Vec<_> = example.not_used.iter().map(scaled).collect();
        let scores: Vec<f64> = not_used.iter().map(|features| dot(weights, features)).collect();
        let greatest = scores.iter().copied().fold(f64::MIN, f64::max);
        let (mut mass, mut mean, mut second) = (0.0, [0.0; FEATURES], [0.0; FEATURES * FEATURES]);
        for (features, score) in not_used.iter().zip(scores) {
            let weight = (score - greatest).exp();
            mass += weight;
            add(&mut mean, &mut second, features, weight);
        }
        let share = 1.0 / example.used.len() as f64;
        for features in example.used.iter().map(scaled) {
            let score = dot(weights, &features);
            // Relative to the greatest of all, so that nothing overflows.
            let top = greatest.max(score);
            let (others, own) = ((greatest - top).exp(), (score - top).exp());
            let all = mass * others + own;
            value += share * (score - top - all.ln());
            let expected: [f64; FEATURES] = std::array::from_fn(|at| (mean[at] * others + own * features[at]) / all);
            for row in 0..FEATURES {
                gradient[row] += share * (features[row] - expected[row]);
                let sums = &mut curvature[row * FEATURES..=row * FEATURES + row];
                let products = second[row * FEATURES..].iter().zip(&features).zip(&expected);
                for (sum, ((&second, &feature), &mean)) in sums.iter_mut().zip(products) {
                    let product = (second * others + own * features[row] * feature) / all;
                    *sum += share * (product - expected[row] * mean);
                }
            }
        }
    }
    (value, gradient, curvature)
}

/// Adds features and their products, those of the lower triangle alone.
fn add(mean: &mut [f64; FEATURES], second: &mut [f64; FEATURES * FEATURES], features: &[f64; FEATURES], weight: f64) {
    for (row, (sums, sum)) in second.chunks_exact_mut(FEATURES).zip(mean).enumerate() {
        let scaled = weight * features[row];
        *sum += scaled;
        sums[..=row].iter_mut().zip(features).for_each(|(sum, feature)| *sum += scaled * feature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(first: f64, second: f64) -> [f64; FEATURES] {
        let mut features = [0.0; FEATURES];
        (features[0], features[1]) = (first, second);
        features
    }

    #[test]
    fn weights_are_the_solution_that_can_be_worked_out() {
        // One feature of 0 or 1: of 90 learners 60 used the item with it, 30 the one without. The log odds are ln 2 where
        // nothing draws them to 0.
        let example =
            |used: f64| Example { used: vec![features(used, 0.0)], not_used: vec![features(1.0 - used, 0.0)] };
        let examples: Vec<Example> = (0..90_000).map(|n| example(if n % 3 == 0 { 0.0 } else { 1.0 })).collect();
        let learnt = Weights::learn(&examples.iter().collect::<Vec<_>>());
        assert!((learnt.of[0] - 2_f64.ln()).abs() < 1e-3, "{:?}", learnt.of);
        assert_eq!(learnt.of[1..], [0.0; FEATURES - 1]);
        assert_eq!(learnt.score(&features(2.0, 7.0)), 2.0 * learnt.of[0]);
    }

    #[test]
    fn nothing_to_learn_from_gives_no_weights() {
        let lonely = Example { used: vec![features(1.0, 2.0)], not_used: Vec::new() };
        assert_eq!(Weights::learn(&[&lonely]).of, [0.0; FEATURES]);
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let examples: Vec<Example> = (0..20)
            .map(|n| Example {
                used: vec![features(f64::from(n % 5), f64::from(n % 3)), features(1.0, f64::from(n))],
                not_used: (0..4).map(|at| features(f64::from(at * n % 7), f64::from(at))).collect(),
            })
            .collect();
        let examples: Vec<&Example> = examples.iter().collect();
        let scale = scales(&examples);
        let mut weights = [0.1; FEATURES];
        let (_, gradient, curvature) = likelihood(&examples, &weights, &scale);
        for at in 0..2 {
            let step = 1e-5;
            weights[at] += step;
            let (above, slope_above, _) = likelihood(&examples, &weights, &scale);
            weights[at] -= 2.0 * step;
            let (below, slope_below, _) = likelihood(&examples, &weights, &scale);
            weights[at] += step;
            assert!(((above - below) / (2.0 * step) - gradient[at]).abs() < 1e-5);
            let bend = -(slope_above[at] - slope_below[at]) / (2.0 * step);
            assert!((bend - curvature[at * FEATURES + at]).abs() < 1e-5);
        }
    }
}
