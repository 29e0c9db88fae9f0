//! Inverses of symmetric, positive definite matrices, whole and without some columns.

use crate::error::SelectionError;

/// Inverts a symmetric, positive definite matrix of `size` rows in place, given as `[row][column]` (Gauss–Jordan elimination
/// without pivoting, which such matrices do not need).
///
/// # Errors
/// When a pivot is not above 0: the matrix is not positive definite.
pub(super) fn invert(matrix: &mut [f64], size: usize) -> Result<(), SelectionError> {
    let mut pivot_row = vec![0.0; size];
    for k in 0..size {
        let pivot = matrix[k * size + k];
        if !(pivot > 0.0 && pivot.is_finite()) {
            return Err(SelectionError::Dependent);
        }
        let row = &mut matrix[k * size..(k + 1) * size];
        row.iter_mut().for_each(|value| *value /= pivot);
        row[k] = 1.0 / pivot;
        pivot_row.copy_from_slice(row);
        for (i, row) in matrix.chunks_exact_mut(size).enumerate() {
            if i == k {
                continue;
            }
            let factor = row[k];
            row[k] = 0.0;
            row.iter_mut().zip(&pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    Ok(())
}

/// Holds a ridge regression: the inverse of its normal equations, and its weights.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    inverse: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Solution {
    /// Solves the normal equations `matrix` · weights = `right`.
    pub(super) fn new(mut matrix: Vec<f64>, right: &[f64]) -> Result<Self, SelectionError> {
        let size = right.len();
        invert(&mut matrix, size)?;
        let product = |row: &[f64]| row.iter().zip(right).map(|(a, b)| a * b).sum();
        let weights = matrix.chunks_exact(size).map(product).collect();
        Ok(Self { inverse: matrix, weights })
    }

    /// Returns the weights of the columns `left` in the solution without the columns `removed`.
    ///
    /// With A the inverse, R the columns left and S those removed: w_R − A_RS A_SS⁻¹ w_S.
    pub(super) fn weights_without(&self, removed: &[usize], left: &[usize]) -> Result<Vec<f64>, SelectionError> {
        let size = self.weights.len();
        let at = |row: usize, column: usize| self.inverse[row * size + column];
        let mut block: Vec<f64> = removed.iter().flat_map(|&i| removed.iter().map(move |&j| at(i, j))).collect();
        invert(&mut block, removed.len())?;
        let moved: Vec<f64> = block
            .chunks_exact(removed.len())
            .map(|row| row.iter().zip(removed).map(|(value, &j)| value * self.weights[j]).sum())
            .collect();
        let weight =
            |&i: &usize| self.weights[i] - removed.iter().zip(&moved).map(|(&j, moved)| at(i, j) * moved).sum::<f64>();
        Ok(left.iter().map(weight).collect())
    }

    /// Returns the solution without the columns `removed`; `left` are the others.
    pub(super) fn without(&self, removed: &[usize], left: &[usize]) -> Result<Self, SelectionError> {
        let size = self.weights.len();
        let mut inverse = self.inverse.clone();
        let mut column = vec![0.0; size];
        for &k in removed {
            column.iter_mut().enumerate().for_each(|(i, value)| *value = inverse[i * size + k]);
            let pivot = column[k];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return Err(SelectionError::Dependent);
            }
            for &i in left.iter().chain(removed) {
                let factor = column[i] / pivot;
                inverse[i * size..(i + 1) * size]
                    .iter_mut()
                    .zip(&column)
                    .for_each(|(value, column)| *value -= factor * column);
            }
            // What is left of the row and column of a removed one is 0 but for rounding.
            inverse[k * size + k] = 1.0;
        }
        let inverse = left.iter().flat_map(|&i| left.iter().map(move |&j| (i, j))).map(|(i, j)| inverse[i * size + j]);
        Ok(Self { inverse: inverse.collect(), weights: self.weights_without(removed, left)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix Bᵀ B + I, with fixed odd numbers in B.
    fn positive_definite(size: usize) -> Vec<f64> {
        let value = |i: usize, j: usize| ((i * 7 + j * 13) % 11) as f64 / 5.0 - 1.0;
        let mut matrix = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..size {
                let product: f64 = (0..size).map(|k| value(k, i) * value(k, j)).sum();
                matrix[i * size + j] = product + f64::from(u8::from(i == j));
            }
        }
        matrix
    }

    fn pick(matrix: &[f64], size: usize, kept: &[usize]) -> Vec<f64> {
        kept.iter().flat_map(|&i| kept.iter().map(move |&j| matrix[i * size + j])).collect()
    }

    #[test]
    fn an_inverse_times_the_matrix_is_the_identity() {
        let (size, matrix) = (9, positive_definite(9));
        let mut inverse = matrix.clone();
        invert(&mut inverse, size).unwrap();
        for i in 0..size {
            for j in 0..size {
                let product: f64 = (0..size).map(|k| matrix[i * size + k] * inverse[k * size + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-10, "{i} {j} {product}");
            }
        }
        assert_eq!(invert(&mut [1.0, 2.0, 2.0, 1.0], 2), Err(SelectionError::Dependent));
    }

    #[test]
    fn a_solution_without_columns_is_that_of_the_smaller_equations() {
        let (size, matrix) = (9, positive_definite(9));
        let right: Vec<f64> = (0..size).map(|i| i as f64 - 3.5).collect();
        let whole = Solution::new(matrix.clone(), &right).unwrap();
        let (removed, left) = ([1, 4, 8], [0, 2, 3, 5, 6, 7]);
        let smaller = whole.without(&removed, &left).unwrap();
        let right_left: Vec<f64> = left.iter().map(|&i| right[i]).collect();
        let anew = Solution::new(pick(&matrix, size, &left), &right_left).unwrap();
        for (found, expected) in
            smaller.weights.iter().zip(&anew.weights).chain(smaller.inverse.iter().zip(&anew.inverse))
        {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        // And once more, from what is left.
        let again = smaller.weights_without(&[0, 5], &[1, 2, 3, 4]).unwrap();
        let kept = [2, 3, 5, 6];
        let right_kept: Vec<f64> = kept.iter().map(|&i| right[i]).collect();
        let anew = Solution::new(pick(&matrix, size, &kept), &right_kept).unwrap();
        for (found, expected) in again.iter().zip(&anew.weights) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}
