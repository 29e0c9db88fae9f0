//! Ridge regressions on a few columns: logistic by Newton's method, and linear.

/// Sets the penalty on each weight, in squared units of standardised columns; the intercept has none.
const PENALTY: f64 = 1.0;
/// Bounds Newton's steps.
const STEPS: usize = 50;
/// Sets the largest change of a weight at which the fit is done.
const DONE: f64 = 1e-10;

/// Holds weights, the intercept's first, and their covariance.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    weights: Vec<f64>,
    /// Row by row.
    covariance: Vec<f64>,
    is_logistic: bool,
}

impl Fit {
    /// Fits log-odds of `outcomes` (0 or 1) on `rows`, each of which begins with 1.
    pub(super) fn logistic(rows: &[Vec<f64>], outcomes: &[f64]) -> Option<Self> {
        let width = rows.first()?.len();
        let mut weights = vec![0.0; width];
        let mut inverse = Vec::new();
        for _ in 0..STEPS {
            let mut hessian = penalties(width);
            let mut gradient: Vec<f64> =
                weights.iter().enumerate().map(|(at, weight)| if at == 0 { 0.0 } else { -PENALTY * weight }).collect();
            for (row, outcome) in rows.iter().zip(outcomes) {
                let p = sigmoid(dot(row, &weights));
                add_square(&mut hessian, row, p * (1.0 - p));
                row.iter().zip(&mut gradient).for_each(|(value, sum)| *sum += value * (outcome - p));
            }
            inverse = inverted(&hessian, width)?;
            let step = times(&inverse, &gradient);
            weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight += step);
            if step.iter().all(|step| step.abs() < DONE) {
                break;
            }
        }
        weights.iter().all(|weight| weight.is_finite()).then_some(Self {
            weights,
            covariance: inverse,
            is_logistic: true,
        })
    }

    /// Fits `outcomes` themselves.
    pub(super) fn linear(rows: &[Vec<f64>], outcomes: &[f64]) -> Option<Self> {
        let width = rows.first()?.len();
        let mut hessian = penalties(width);
        let mut right = vec![0.0; width];
        for (row, outcome) in rows.iter().zip(outcomes) {
            add_square(&mut hessian, row, 1.0);
            row.iter().zip(&mut right).for_each(|(value, sum)| *sum += value * outcome);
        }
        let inverse = inverted(&hessian, width)?;
        let weights = times(&inverse, &right);
        let squares: f64 = rows.iter().zip(outcomes).map(|(row, outcome)| (outcome - dot(row, &weights)).powi(2)).sum();
        let variance = squares / (rows.len() as f64 - width as f64).max(1.0);
        let covariance = inverse.iter().map(|value| value * variance).collect();
        weights.iter().all(|weight| weight.is_finite()).then_some(Self { weights, covariance, is_logistic: false })
    }

    /// Returns the forecast for a row, and its standard error (by the delta method for shares).
    pub(super) fn forecast(&self, row: &[f64]) -> (f64, f64) {
        let score = dot(row, &self.weights);
        let variance = dot(row, &times(&self.covariance, row)).max(0.0);
        if !self.is_logistic {
            return (score, variance.sqrt());
        }
        let p = sigmoid(score);
        (p, p * (1.0 - p) * variance.sqrt())
    }
}

fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn penalties(width: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; width * width];
    for at in 1..width {
        matrix[at * width + at] = PENALTY;
    }
    matrix
}

fn add_square(matrix: &mut [f64], row: &[f64], weight: f64) {
    for (line, value) in matrix.chunks_exact_mut(row.len()).zip(row) {
        for (cell, other) in line.iter_mut().zip(row) {
            *cell += weight * value * other;
        }
    }
}

fn times(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len()).map(|line| dot(line, vector)).collect()
}

/// Inverts by Gauss & Jordan with pivots; `None` where the matrix has no inverse.
fn inverted(matrix: &[f64], width: usize) -> Option<Vec<f64>> {
    let mut left = matrix.to_vec();
    let mut right: Vec<f64> = (0..width * width).map(|at| f64::from(u8::from(at / width == at % width))).collect();
    for column in 0..width {
        let pivot = (column..width)
            .max_by(|&a, &b| left[a * width + column].abs().total_cmp(&left[b * width + column].abs()))?;
        if left[pivot * width + column].abs() < 1e-12 {
            return None;
        }
        for at in 0..width {
            left.swap(column * width + at, pivot * width + at);
            right.swap(column * width + at, pivot * width + at);
        }
        let scale = left[column * width + column];
        for at in 0..width {
            left[column * width + at] /= scale;
            right[column * width + at] /= scale;
        }
        for line in (0..width).filter(|line| *line != column) {
            let factor = left[line * width + column];
            for at in 0..width {
                left[line * width + at] -= factor * left[column * width + at];
                right[line * width + at] -= factor * right[column * width + at];
            }
        }
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_is_one() {
        let matrix = [0.0, 2.0, 1.0, 2.0, 1.0, 0.0, 1.0, 0.0, 3.0];
        let inverse = inverted(&matrix, 3).expect("it has one");
        for (line, unit) in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].iter().enumerate() {
            let column: Vec<f64> = (0..3).map(|at| matrix[at * 3 + line]).collect();
            for (found, expected) in times(&inverse, &column).iter().zip(unit) {
                assert!((found - expected).abs() < 1e-12);
            }
        }
        assert!(inverted(&[1.0, 2.0, 2.0, 4.0], 2).is_none());
    }

    #[test]
    fn a_logistic_fit_is_where_its_gradient_ends() {
        let rows: Vec<Vec<f64>> = (0..200).map(|at| vec![1.0, f64::from(at % 7) - 3.0]).collect();
        let outcomes: Vec<f64> = (0..200).map(|at| f64::from(u8::from((at * 13) % 17 < 4 + at % 7))).collect();
        let fit = Fit::logistic(&rows, &outcomes).expect("a fit");
        let error = |at: usize| -> f64 {
            rows.iter().zip(&outcomes).map(|(row, outcome)| row[at] * (outcome - fit.forecast(row).0)).sum()
        };
        assert!(error(0).abs() < 1e-8 && (error(1) - PENALTY * fit.weights[1]).abs() < 1e-8);
        // Without columns the error of a share is that of a binomial.
        let alone = Fit::logistic(&vec![vec![1.0]; 200], &outcomes).expect("a fit");
        let (p, error) = alone.forecast(&[1.0]);
        assert!((p - outcomes.iter().sum::<f64>() / 200.0).abs() < 1e-9);
        assert!((error - (p * (1.0 - p) / 200.0).sqrt()).abs() < 1e-9);
    }
}
