//! Collaborative filtering of implicit feedback (Hu, Koren & Volinsky 2008), by the crate discorec.
//!
//! The factors of items are learnt by alternating least squares. Those of a learner are then the exact solution for what the
//! learner used, so that they are the same for learners who used the same, and need no learning for anybody new.

use discorec::RecommenderBuilder;

/// Counts the factors.
const FACTORS: usize = 16;
const ITERATIONS: u32 = 10;
/// Sets by how much more an item that was used counts than one that was not.
const ALPHA: f32 = 5.0;
const REGULARISATION: f32 = 0.1;
const SEED: u64 = 0x5741;

/// Holds the factors of items.
pub(super) struct ItemFactors {
    /// By item, then factor; zeros for an item that nobody used.
    factors: Vec<f64>,
    /// The factors' products, summed over items, and the regularisation.
    products: Vec<f64>,
    count: usize,
    alpha: f64,
}

impl ItemFactors {
    /// Learns the factors of `items` items from who used which. Those of nobody are zeros.
    pub(super) fn learn(used: &[Vec<u32>], items: usize) -> Self {
        Self::learn_in(ITERATIONS, used, items)
    }

    fn learn_in(iterations: u32, used: &[Vec<u32>], items: usize) -> Self {
        let mut factors = vec![0.0; items * FACTORS];
        let pairs =
            used.iter().zip(0_u32..).flat_map(|(used, learner)| used.iter().map(move |&item| (learner, item, 1.0_f32)));
        if used.iter().any(|used| !used.is_empty()) {
            let learnt = RecommenderBuilder::new()
                .factors(FACTORS as u32)
                .iterations(iterations)
                .alpha(ALPHA)
                .regularization(REGULARISATION)
                .seed(SEED)
                .fit_implicit(pairs);
            for (item, row) in factors.chunks_exact_mut(FACTORS).enumerate() {
                if let Some(learnt) = learnt.item_factors(&(item as u32)) {
                    row.iter_mut().zip(learnt).for_each(|(to, &from)| *to = f64::from(from));
                }
            }
        }
        // A learner whose factors fit without error makes the crate divide nothing by nothing.
        if factors.iter().any(|factor| !factor.is_finite()) {
            factors.fill(0.0);
        }
        Self::new(factors, FACTORS, f64::from(ALPHA), f64::from(REGULARISATION))
    }

    fn new(factors: Vec<f64>, count: usize, alpha: f64, regularisation: f64) -> Self {
        let mut products = vec![0.0; count * count];
        for row in factors.chunks_exact(count) {
            add_outer(&mut products, row, 1.0);
        }
        (0..count).for_each(|at| products[at * count + at] += regularisation);
        Self { factors, products, count, alpha }
    }

    /// Returns how near each item is to a learner who used these.
    pub(super) fn scores(&self, used: &[u32]) -> Vec<f64> {
        let learner = self.learner(used);
        let dot = |row: &[f64]| row.iter().zip(&learner).map(|(a, b)| a * b).sum();
        self.factors.chunks_exact(self.count).map(dot).collect()
    }

    /// Returns the factors of a learner who used these items.
    fn learner(&self, used: &[u32]) -> Vec<f64> {
        let mut left = self.products.clone();
        let mut right = vec![0.0; self.count];
        for &item in used {
            let row = &self.factors[item as usize * self.count..][..self.count];
            add_outer(&mut left, row, self.alpha);
            right.iter_mut().zip(row).for_each(|(sum, factor)| *sum += (1.0 + self.alpha) * factor);
        }
        solve(&mut left, right)
    }
}

/// Adds `weight` times the products of a row's numbers, those of the lower triangle.
fn add_outer(sums: &mut [f64], row: &[f64], weight: f64) {
    for (place, (sums, a)) in sums.chunks_exact_mut(row.len()).zip(row).enumerate() {
        let scaled = weight * a;
        sums[..=place].iter_mut().zip(row).for_each(|(sum, b)| *sum += scaled * b);
    }
}

/// Solves a system of equations whose matrix is symmetric and positive definite, by Cholesky's decomposition in place. Only the
/// lower triangle is looked at.
pub(super) fn solve(matrix: &mut [f64], mut right: Vec<f64>) -> Vec<f64> {
    let count = right.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for row in 0..count {
        let (above, here) = matrix.split_at_mut(row * count);
        for column in 0..row {
            let other = &above[column * count..][..=column];
            here[column] = (here[column] - dot(&here[..column], &other[..column])) / other[column];
        }
        let own = here[row] - dot(&here[..row], &here[..row]);
        here[row] = own.max(f64::MIN_POSITIVE).sqrt();
    }
    for row in 0..count {
        let here = &matrix[row * count..][..=row];
        right[row] = (right[row] - dot(&here[..row], &right[..row])) / here[row];
    }
    for row in (0..count).rev() {
        let products: f64 = (row + 1..count).map(|at| matrix[at * count + row] * right[at]).sum();
        right[row] = (right[row] - products) / matrix[row * count + row];
    }
    right
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Holds cases of `scripts/references/implicit_als.py`.
    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        used: Vec<Vec<u32>>,
        item_factors: Vec<Vec<f64>>,
        learner_factors: Vec<Vec<f64>>,
    }

    fn case() -> Case {
        let text = include_str!("../../fixtures/implicit_als.json");
        let fixture: Fixture = serde_json::from_str(text).expect("the fixture is JSON");
        fixture.cases.into_iter().next().expect("there is a case")
    }

    #[test]
    fn learners_get_the_factors_that_implicit_gives_them() {
        let case = case();
        let factors = case.item_factors.concat();
        let items = ItemFactors::new(factors, FACTORS, f64::from(ALPHA), f64::from(REGULARISATION));
        for (used, expected) in case.used.iter().zip(&case.learner_factors) {
            for (own, expected) in items.learner(used).iter().zip(expected) {
                assert!((own - expected).abs() < 1e-9, "{own} {expected}");
            }
        }
    }

    /// Returns the loss that alternating least squares makes small, less the penalty of items' factors.
    fn loss(items: &ItemFactors, used: &[Vec<u32>]) -> f64 {
        let of_learner = |used: &Vec<u32>| {
            let penalty: f64 = items.learner(used).iter().map(|factor| factor * factor).sum();
            let errors = items.scores(used).into_iter().enumerate().map(|(item, score)| {
                let is_used = used.contains(&(item as u32));
                let (wanted, weight) = if is_used { (1.0, 1.0 + items.alpha) } else { (0.0, 1.0) };
                weight * (wanted - score) * (wanted - score)
            });
            errors.sum::<f64>() + f64::from(REGULARISATION) * penalty
        };
        let penalty: f64 = items.factors.iter().map(|factor| factor * factor).sum();
        used.iter().map(of_learner).sum::<f64>() + f64::from(REGULARISATION) * penalty
    }

    #[test]
    fn items_get_factors_as_good_as_those_of_implicit() {
        // As many iterations as the reference had.
        let case = case();
        let learnt = ItemFactors::learn_in(100, &case.used, case.item_factors.len());
        let theirs = ItemFactors::new(case.item_factors.concat(), FACTORS, learnt.alpha, f64::from(REGULARISATION));
        let (own, expected) = (loss(&learnt, &case.used), loss(&theirs, &case.used));
        assert!(own < 1.03 * expected, "{own} {expected}");
        // And they say the same of each learner.
        let mut gaps = Vec::new();
        for used in &case.used {
            gaps.extend(learnt.scores(used).iter().zip(theirs.scores(used)).map(|(a, b)| (a - b).abs()));
        }
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!(mean < 0.02, "{mean}");
    }

    #[test]
    fn nobody_and_nothing_have_no_factors() {
        assert_eq!(ItemFactors::learn(&[], 2).scores(&[]), [0.0, 0.0]);
        assert_eq!(ItemFactors::learn(&[vec![], vec![]], 1).scores(&[]), [0.0]);
        // The second item is used by nobody.
        assert_eq!(ItemFactors::learn(&[vec![0], vec![0]], 2).scores(&[0])[1], 0.0);
    }

    #[test]
    fn equations_are_solved() {
        // Only the lower triangle is given.
        let mut matrix = vec![4.0, f64::NAN, 2.0, 3.0];
        let solution = solve(&mut matrix, vec![10.0, 8.0]);
        assert!((solution[0] - 1.75).abs() < 1e-12 && (solution[1] - 1.5).abs() < 1e-12, "{solution:?}");
    }
}
