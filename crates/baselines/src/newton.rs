//! Newton's method for convex losses, and the functions that several models share.

use std::ops::{Index, IndexMut};

use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;

/// Bounds the Newton steps of a fit.
const MAX_STEPS: usize = 100;

/// Solves A x = b for a symmetric, positive definite A, given as `[row][column]`.
///
/// # Errors
/// The reason why A cannot be decomposed.
pub(crate) fn solve(matrix: Vec<f64>, right: Vec<f64>) -> Result<Vec<f64>, String> {
    let size = right.len();
    let fail = |error: smartcore::error::Failed| format!("the normal equations cannot be solved: {error}");
    let matrix = DenseMatrix::new(size, size, matrix, false).map_err(fail)?;
    let right = DenseMatrix::new(size, 1, right, false).map_err(fail)?;
    let solution = matrix.cholesky_solve_mut(right).map_err(fail)?;
    let solution: Vec<f64> = solution.iterator(0).copied().collect();
    // smartcore's decomposition accepts a pivot of 0.
    if solution.iter().all(|value| value.is_finite()) {
        Ok(solution)
    } else {
        Err("the normal equations cannot be solved: columns depend on each other".to_owned())
    }
}

/// Computes ln(1 + e^z) without overflow.
pub(crate) fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// Computes 1 / (1 + e^-z) without overflow.
pub(crate) fn sigmoid(z: f64) -> f64 {
    let small = (-z.abs()).exp();
    if z >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

/// Computes the log odds ln(p / (1 - p)).
pub(crate) fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// Computes the mean log loss of logits.
pub(crate) fn log_loss(logits: &[f64], labels: &[bool]) -> f64 {
    let losses = logits.iter().zip(labels).map(|(&z, &label)| softplus(if label { -z } else { z }));
    losses.sum::<f64>() / logits.len() as f64
}

/// Holds the parameters of a loss, numbered in one sequence: the weights, then the intercept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameters {
    pub(crate) weights: Vec<f64>,
    pub(crate) intercept: f64,
}

impl Parameters {
    /// Makes `weights` weights and an intercept, all 0.
    pub(crate) fn zeros(weights: usize) -> Self {
        Self { weights: vec![0.0; weights], intercept: 0.0 }
    }

    /// Returns the number of parameters, at least 1.
    fn count(&self) -> usize {
        self.weights.len() + 1
    }
}

impl Index<usize> for Parameters {
    type Output = f64;

    fn index(&self, place: usize) -> &f64 {
        if place == self.weights.len() { &self.intercept } else { &self.weights[place] }
    }
}

impl IndexMut<usize> for Parameters {
    fn index_mut(&mut self, place: usize) -> &mut f64 {
        if place == self.weights.len() { &mut self.intercept } else { &mut self.weights[place] }
    }
}

/// Averages `values`; 0 if there are none.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Describes a convex function of [`Parameters`], in whose order derivatives are given.
pub(crate) trait Convex {
    /// Holds the intermediate results of the value that [`Convex::derivatives`] can use again.
    type Point;
    /// Returns the function's value; NaN or infinity where it has none.
    fn value(&self, at: &Parameters) -> (f64, Self::Point);
    /// Returns the gradient and the second derivatives, `[row][column]`.
    fn derivatives(&self, at: &Parameters, point: &Self::Point) -> (Vec<f64>, Vec<f64>);
    /// Returns the number of rows that the value sums over, which sets the tolerance.
    fn rows(&self) -> usize;
}

/// Minimises `function` from `start` by Newton steps, halved until the value falls (Armijo's rule).
///
/// Parameters whose number `bounded` accepts stay at 0 or above, by projection (Bertsekas 1982, "Projected Newton methods
/// for optimization problems with simple constraints"). Ends when a step could lower the mean loss of a row by less than
/// 1e-15.
///
/// # Errors
/// The reason: no convergence within 100 steps, or a function without a value.
pub(crate) fn minimise<F: Convex>(
    function: &F,
    start: Parameters,
    bounded: impl Fn(usize) -> bool,
) -> Result<Parameters, String> {
    let mut at = start;
    let (mut value, mut point) = function.value(&at);
    for _ in 0..MAX_STEPS {
        let (gradient, hessian) = function.derivatives(&at, &point);
        let free: Vec<usize> =
            (0..at.count()).filter(|&i| !(bounded(i) && at[i] <= 0.0 && gradient[i] >= 0.0)).collect();
        let step = newton_step(&free, &gradient, &hessian)?;
        let promised: f64 = -free.iter().zip(&step).map(|(&i, step)| gradient[i] * step).sum::<f64>();
        let small = promised <= 1e-15 * function.rows() as f64;
        let mut share = 1.0;
        let next = loop {
            let mut candidate = at.clone();
            for (&i, step) in free.iter().zip(&step) {
                candidate[i] += share * step;
                if bounded(i) {
                    candidate[i] = candidate[i].max(0.0);
                }
            }
            let fall: f64 = (0..at.count()).map(|i| gradient[i] * (at[i] - candidate[i])).sum();
            let (found, found_point) = function.value(&candidate);
            // The last term allows for the rounding error of a sum of losses.
            if found <= value - 1e-4 * fall + 1e-13 * value.abs() {
                break Some((candidate, found, found_point));
            }
            share *= 0.5;
            if share < 1e-10 {
                break None;
            }
        };
        match next {
            Some((candidate, found, found_point)) => (at, value, point) = (candidate, found, found_point),
            // Near the minimum the rest of the gain is below the rounding error.
            None if promised <= 1e-9 * function.rows() as f64 => return Ok(at),
            None => return Err("the fit found no step that lowers its loss".to_owned()),
        }
        if small {
            return Ok(at);
        }
    }
    Err(format!("the fit did not converge in {MAX_STEPS} steps"))
}

fn newton_step(free: &[usize], gradient: &[f64], hessian: &[f64]) -> Result<Vec<f64>, String> {
    let size = gradient.len();
    let matrix = free.iter().flat_map(|&i| free.iter().map(move |&j| hessian[i * size + j])).collect();
    solve(matrix, free.iter().map(|&i| -gradient[i]).collect())
}

/// Computes the log loss of a weighted sum of a few scores, with an L2 penalty on the weights.
pub(crate) struct FewScores<'a> {
    /// Scores as `[score][row]`.
    pub(crate) scores: &'a [Vec<f64>],
    /// By row: target from 0 to 1.
    pub(crate) targets: &'a [f64],
    /// λ in Σ log loss + λ/2 Σ b².
    pub(crate) penalty: f64,
    /// μ in μ/2 Σ (b - mean of b)², which is added.
    pub(crate) equality: f64,
}

impl Convex for FewScores<'_> {
    type Point = Vec<f64>;

    fn value(&self, at: &Parameters) -> (f64, Vec<f64>) {
        let Parameters { weights, intercept } = at;
        let logits: Vec<f64> = (0..self.targets.len())
            .map(|row| {
                intercept + weights.iter().zip(self.scores).map(|(weight, scores)| weight * scores[row]).sum::<f64>()
            })
            .collect();
        let loss: f64 = logits.iter().zip(self.targets).map(|(&z, target)| softplus(z) - target * z).sum();
        let mean = mean(weights);
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let spread: f64 = weights.iter().map(|weight| (weight - mean).powi(2)).sum();
        (loss + 0.5 * (self.penalty * squares + self.equality * spread), logits)
    }

    fn derivatives(&self, at: &Parameters, logits: &Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let size = at.count();
        let (mut gradient, mut hessian) = (vec![0.0; size], vec![0.0; size * size]);
        let mut x = vec![1.0; size];
        for (row, &z) in logits.iter().enumerate() {
            x.iter_mut().zip(self.scores).for_each(|(x, scores)| *x = scores[row]);
            let p = sigmoid(z);
            let weight = p * (1.0 - p);
            for i in 0..size {
                gradient[i] += (p - self.targets[row]) * x[i];
                for j in 0..size {
                    hessian[i * size + j] += weight * x[i] * x[j];
                }
            }
        }
        let mean = mean(&at.weights);
        let share = self.equality / (size - 1).max(1) as f64;
        for i in 0..size - 1 {
            gradient[i] += self.penalty * at[i] + self.equality * (at[i] - mean);
            hessian[i * size + i] += self.penalty + self.equality;
            for j in 0..size - 1 {
                hessian[i * size + j] -= share;
            }
        }
        (gradient, hessian)
    }

    fn rows(&self) -> usize {
        self.targets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_solved_and_dependent_columns_are_refused() {
        let solution = solve(vec![4.0, 2.0, 2.0, 3.0], vec![2.0, -1.0]).unwrap();
        assert!((solution[0] - 1.0).abs() < 1e-12 && (solution[1] + 1.0).abs() < 1e-12, "{solution:?}");
        let reason = solve(vec![1.0, 1.0, 1.0, 1.0], vec![1.0, 1.0]).unwrap_err();
        assert!(reason.contains("cannot be solved"), "{reason}");
    }

    #[test]
    fn nothing_overflows() {
        assert_eq!(softplus(1000.0), 1000.0);
        assert_eq!(softplus(-1000.0), 0.0);
        assert_eq!((sigmoid(-1000.0), sigmoid(1000.0), sigmoid(0.0)), (0.0, 1.0, 0.5));
    }

    #[test]
    fn an_intercept_alone_is_the_log_odds() {
        let targets = [1.0, 1.0, 1.0, 0.0];
        let fitted = minimise(
            &FewScores { scores: &[], targets: &targets, penalty: 0.0, equality: 0.0 },
            Parameters::zeros(0),
            |_| false,
        )
        .unwrap();
        assert!((fitted[0] - 3.0_f64.ln()).abs() < 1e-9, "{fitted:?}");
    }

    #[test]
    fn a_bounded_weight_stays_at_zero_where_the_free_one_is_negative() {
        let scores = vec![vec![2.0, 1.0, -1.0, -2.0, 0.5, -0.5]];
        let targets = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
        let function = FewScores { scores: &scores, targets: &targets, penalty: 0.01, equality: 0.0 };
        let free = minimise(&function, Parameters::zeros(1), |_| false).unwrap();
        assert!(free[0] < -0.1, "{free:?}");
        let start = Parameters { weights: vec![1.0], intercept: 0.0 };
        let bounded = minimise(&function, start, |at| at == 0).unwrap();
        assert_eq!(bounded[0], 0.0);
        assert!(bounded[1].abs() < 1e-9, "{bounded:?}");
    }
}
