//! The columns that the model of one cut-off reads, and their values as a dense matrix.

use rayon::prelude::*;
use staycast_weeks::CutOff;

use crate::weekly::WeeklyInputs;

/// Counts the rows of one parallel task. It is fixed, so that sums do not depend on the number of threads.
pub(crate) const CHUNK: usize = 1024;

/// Counts the values of which stored rows of a [`Design`] have a multiple.
pub(crate) const BLOCK: usize = 32;

/// Selects the positions that carry information, in the weeks that `cut_off` sees laid side by side.
///
/// Left out are positions that are equal in all `rows`, and those that repeat the week before in all rows, as properties
/// of the enrolment do.
///
/// # Errors
/// The reason, when no position is left.
pub(crate) fn informative(inputs: &WeeklyInputs<'_>, rows: &[usize], cut_off: CutOff) -> Result<Vec<u32>, String> {
    let width = inputs.columns.len();
    let positions = cut_off.count() * width;
    let mut varies = vec![false; positions];
    let mut moves = vec![false; positions];
    moves[..width].fill(true);
    if let Some(&first) = rows.first() {
        let first = inputs.seen(first, cut_off);
        for &row in rows {
            let seen = inputs.seen(row, cut_off);
            for at in 0..seen.len() {
                varies[at] |= seen[at] != first[at];
                if at >= width {
                    moves[at] |= seen[at] != seen[at - width];
                }
            }
        }
    }
    let kept: Vec<u32> = (0..positions).filter(|&at| varies[at] && moves[at]).map(|at| at as u32).collect();
    if kept.is_empty() { Err("every input is the same in all training rows".to_owned()) } else { Ok(kept) }
}

/// Names a position in the weeks laid side by side, as in `n_events@week 2`.
pub(crate) fn position_name(columns: &[String], position: u32) -> String {
    let position = position as usize;
    format!("{}@week {}", columns[position % columns.len()], position / columns.len() + 1)
}

/// Holds the values of chosen columns as `[row][column]`, each row padded with zeros to whole blocks; 4 bytes a number.
pub(crate) struct Design {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    stride: usize,
    values: Vec<f32>,
}

impl Design {
    /// Copies the chosen `columns` (positions in the weeks laid side by side) of the chosen `rows`.
    pub(crate) fn new(inputs: &WeeklyInputs<'_>, rows: &[usize], cut_off: CutOff, columns: &[u32]) -> Self {
        let stride = columns.len().div_ceil(BLOCK) * BLOCK;
        let mut values = vec![0.0; rows.len() * stride];
        for (stored, &row) in values.chunks_exact_mut(stride).zip(rows) {
            let seen = inputs.seen(row, cut_off);
            for (value, &column) in stored.iter_mut().zip(columns) {
                *value = seen[column as usize];
            }
        }
        Self { rows: rows.len(), width: columns.len(), stride, values }
    }

    /// Copies `rows` of `width` values each.
    pub(crate) fn of_rows<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>, width: usize) -> Self {
        let (count, stride) = (rows.len(), width.div_ceil(BLOCK) * BLOCK);
        let mut values = vec![0.0; count * stride];
        values.chunks_exact_mut(stride).zip(rows).for_each(|(stored, row)| stored[..width].copy_from_slice(row));
        Self { rows: count, width, stride, values }
    }

    /// Returns the values of a row with the padding behind them.
    fn stored(&self, row: usize) -> &[f32] {
        &self.values[row * self.stride..(row + 1) * self.stride]
    }

    /// Returns the values of a row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.stored(row)[..self.width]
    }

    /// Computes X w, by row.
    pub(crate) fn times(&self, weights: &[f64]) -> Vec<f64> {
        let mut products = vec![0.0; self.rows];
        products.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, products)| {
            for (at, product) in products.iter_mut().enumerate() {
                *product = dot(self.row(chunk * CHUNK + at).iter().copied(), weights);
            }
        });
        products
    }

    /// Computes Xᵀ r, by column.
    pub(crate) fn transposed_times(&self, residuals: &[f64]) -> Vec<f64> {
        let parts: Vec<Vec<f64>> = residuals
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(chunk, residuals)| {
                let mut sums = vec![0.0; self.width];
                for (at, &residual) in residuals.iter().enumerate() {
                    for (sum, &x) in sums.iter_mut().zip(self.row(chunk * CHUNK + at)) {
                        *sum += residual * f64::from(x);
                    }
                }
                sums
            })
            .collect();
        let mut sums = vec![0.0; self.width];
        for part in parts {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        sums
    }

    /// Computes Xᵀ diag(w) X as `[column][column]`. Each task computes one block of the result over all rows in order.
    pub(crate) fn gram(&self, weights: &[f64]) -> Vec<f64> {
        let blocks = self.stride / BLOCK;
        let pairs: Vec<(usize, usize)> = (0..blocks).flat_map(|i| (i..blocks).map(move |j| (i, j))).collect();
        let computed: Vec<Vec<f64>> = pairs.par_iter().map(|&(i, j)| self.gram_block(weights, i, j)).collect();
        let width = self.width;
        let mut gram = vec![0.0; width * width];
        for (&(i, j), block) in pairs.iter().zip(&computed) {
            for (a, sums) in block.chunks_exact(BLOCK).enumerate().take(width - i * BLOCK) {
                for (b, &sum) in sums.iter().enumerate().take(width - j * BLOCK) {
                    let (row, column) = (i * BLOCK + a, j * BLOCK + b);
                    gram[row * width + column] = sum;
                    gram[column * width + row] = sum;
                }
            }
        }
        gram
    }

    fn gram_block(&self, weights: &[f64], i: usize, j: usize) -> Vec<f64> {
        // With four rows at a time, a sum is loaded and stored once for four products.
        const LANES: usize = 4;
        let mut sums = vec![0.0; BLOCK * BLOCK];
        let mut left = [[0.0; BLOCK]; LANES];
        let mut right = [[0.0; BLOCK]; LANES];
        for first in (0..self.rows).step_by(LANES) {
            for lane in 0..LANES {
                let row = first + lane;
                if row == self.rows {
                    left[lane..].fill([0.0; BLOCK]);
                    break;
                }
                let stored = self.stored(row);
                for at in 0..BLOCK {
                    left[lane][at] = weights[row] * f64::from(stored[i * BLOCK + at]);
                    right[lane][at] = f64::from(stored[j * BLOCK + at]);
                }
            }
            for (at, sums) in sums.chunks_exact_mut(BLOCK).enumerate() {
                let factors = [left[0][at], left[1][at], left[2][at], left[3][at]];
                for (to, sum) in sums.iter_mut().enumerate() {
                    *sum += factors[0] * right[0][to]
                        + factors[1] * right[1][to]
                        + factors[2] * right[2][to]
                        + factors[3] * right[3][to];
                }
            }
        }
        sums
    }
}

/// Computes Σ x w in double precision.
pub(crate) fn dot(x: impl Iterator<Item = f32>, weights: &[f64]) -> f64 {
    x.zip(weights).map(|(x, weight)| f64::from(x) * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs<'a>(
        columns: &'a [String],
        rows: usize,
        weeks: usize,
        values: &'a [f32],
        ends: &'a [u32],
    ) -> WeeklyInputs<'a> {
        WeeklyInputs { rows, weeks, columns, values, raw: &[], course_weeks: ends }
    }

    #[test]
    fn constant_and_repeated_columns_are_left_out() {
        let columns = ["clicks", "age", "constant"].map(String::from);
        // [row][week][column]
        let values = [1.0, 30.0, 5.0, 2.0, 30.0, 5.0, 3.0, 40.0, 5.0, 4.0, 40.0, 5.0];
        let inputs = inputs(&columns, 2, 2, &values, &[2, 2]);
        let kept = informative(&inputs, &[0, 1], CutOff::after_weeks(2).unwrap()).unwrap();
        let names: Vec<String> = kept.iter().map(|&at| position_name(&columns, at)).collect();
        assert_eq!(names, ["clicks@week 1", "age@week 1", "clicks@week 2"]);
        let reason = informative(&inputs, &[0], CutOff::after_weeks(2).unwrap()).unwrap_err();
        assert_eq!(reason, "every input is the same in all training rows");
    }

    #[test]
    fn products_are_those_of_plain_loops() {
        // Odd numbers of rows and columns, more than a block and more than a chunk.
        let (rows, width) = (CHUNK + 3, BLOCK + 5);
        let columns: Vec<String> = (0..width).map(|column| format!("c{column}")).collect();
        let values: Vec<f32> = (0..rows * width).map(|at| ((at * 7919 + 13) % 97) as f32 / 31.0 - 1.5).collect();
        let ends = vec![1; rows];
        let inputs = inputs(&columns, rows, 1, &values, &ends);
        let order: Vec<usize> = (0..rows).rev().collect();
        let all: Vec<u32> = (0..width as u32).collect();
        let design = Design::new(&inputs, &order, CutOff::after_weeks(1).unwrap(), &all);
        let x = |row: usize, column: usize| f64::from(values[order[row] * width + column]);
        let weights: Vec<f64> = (0..rows).map(|row| 0.1 + (row % 11) as f64).collect();
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());

        let gram = design.gram(&weights);
        let transposed = design.transposed_times(&weights);
        for i in 0..width {
            let sum: f64 = (0..rows).map(|row| weights[row] * x(row, i)).sum();
            assert!(close(transposed[i], sum), "{} {sum}", transposed[i]);
            for j in 0..width {
                let sum: f64 = (0..rows).map(|row| weights[row] * x(row, i) * x(row, j)).sum();
                assert!(close(gram[i * width + j], sum), "{i} {j} {} {sum}", gram[i * width + j]);
            }
        }
        let betas: Vec<f64> = (0..width).map(|column| column as f64 - 4.0).collect();
        for (row, product) in design.times(&betas).into_iter().enumerate() {
            let sum: f64 = (0..width).map(|column| x(row, column) * betas[column]).sum();
            assert!(close(product, sum), "{product} {sum}");
        }
    }
}
