//! Products of the columns of a shared design with each other, and their Cholesky factor, which grow with the columns: those
//! of a cut-off are the first rows of those of the next.
//!
//! They precondition conjugate gradients, so 32 bits are enough.

use rayon::prelude::*;

use crate::shared::SharedDesign;
use crate::simd::{LANES, TILE, add_rows, dots, padded, tile};

/// Counts the rows of a design that the products are summed over at a time, so that they stay in the processor's cache.
const BAND: usize = 1024;

/// Counts the columns of the factor that are solved for at a time.
const BLOCK: usize = 32;

/// Bounds what is added to the diagonal from below, in units of the mean diagonal.
const LEAST_RIDGE: f64 = 1e-5;

/// Holds the lower half of a symmetric matrix, or a lower triangle: row i has i + 1 numbers, padded with zeros.
#[derive(Clone, Default)]
struct Triangle {
    rows: usize,
    values: Vec<f32>,
}

impl Triangle {
    /// Returns where row `row` begins.
    fn start(row: usize) -> usize {
        let (groups, rest) = (row / LANES, row % LANES);
        LANES * LANES * groups * (groups + 1) / 2 + rest * LANES * (groups + 1)
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[Self::start(row)..Self::start(row + 1)]
    }

    /// Adds rows of zeros, up to `rows`.
    fn grow(&mut self, rows: usize) {
        self.values.resize(Self::start(rows), 0.0);
        self.rows = rows;
    }
}

/// Holds the centred products of the leading columns with each other, over chosen rows.
pub(crate) struct Gram {
    /// Rows of the design.
    rows: Vec<u32>,
    /// `[column][row]`, padded with zeros; centred.
    columns: Vec<f32>,
    height: usize,
    products: Triangle,
}

impl Gram {
    /// Begins with no columns, over at most `most` of `rows`, evenly drawn.
    pub(crate) fn new(rows: &[u32], most: usize) -> Self {
        let taken = rows.len().min(most);
        let rows: Vec<u32> = (0..taken).map(|at| rows[at * rows.len() / taken]).collect();
        let height = padded(rows.len());
        Self { rows, columns: Vec::new(), height, products: Triangle::default() }
    }

    /// Counts the rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Takes in the columns before number `width`.
    pub(crate) fn extend(&mut self, design: &SharedDesign, width: usize) {
        let before = self.products.rows;
        if width <= before {
            return;
        }
        let height = self.height;
        let mut added = vec![0.0_f32; (width - before) * height];
        added.par_chunks_mut(height).enumerate().for_each(|(at, column)| {
            for (value, &row) in column.iter_mut().zip(&self.rows) {
                *value = design.row(row as usize)[before + at];
            }
            let column = &mut column[..self.rows.len()];
            let mean = column.iter().copied().map(f64::from).sum::<f64>() / column.len() as f64;
            column.iter_mut().for_each(|value| *value = (f64::from(*value) - mean) as f32);
        });
        self.columns.extend(added);
        self.products.grow(width);
        let start = Triangle::start(before);
        let groups: Vec<usize> = (before..width).step_by(TILE).collect();
        let mut strips = Vec::with_capacity(groups.len());
        let mut rest = &mut self.products.values[start..];
        for &first in &groups {
            let length = Triangle::start((first + TILE).min(width)) - Triangle::start(first);
            let (strip, others) = rest.split_at_mut(length);
            strips.push((first, strip));
            rest = others;
        }
        let columns = &self.columns;
        strips.into_par_iter().for_each(|(first, strip)| {
            let mut sums = vec![[[0.0; TILE]; TILE]; (first + TILE).div_ceil(TILE)];
            // Past the end the last column stands in, and what comes of it is not stored.
            let column = |at: usize| &columns[at.min(width - 1) * height..][..height];
            for band in (0..height).step_by(BAND) {
                let end = (band + BAND).min(height);
                let four =
                    |first: usize| -> [&[f32]; TILE] { std::array::from_fn(|at| &column(first + at)[band..end]) };
                let left = four(first);
                for (group, sums) in sums.iter_mut().enumerate() {
                    let found = tile(left, four(group * TILE));
                    sums.iter_mut().flatten().zip(found.iter().flatten()).for_each(|(sum, by)| *sum += by);
                }
            }
            let origin = Triangle::start(first);
            for at in first..(first + TILE).min(width) {
                let stored = &mut strip[Triangle::start(at) - origin..];
                for other in 0..=at {
                    stored[other] = sums[other / TILE][at - first][other % TILE] as f32;
                }
            }
        });
    }

    /// Returns the mean of the squares' sums.
    fn mean_diagonal(&self) -> f64 {
        let rows = self.products.rows;
        (0..rows).map(|row| f64::from(self.products.row(row)[row])).sum::<f64>() / rows.max(1) as f64
    }
}

/// Holds the Cholesky factor of a [`Gram`] plus a multiple of the identity, of as many columns as were asked for.
pub(crate) struct Factor {
    /// The penalty, added to the diagonal.
    ridge: f64,
    lower: Triangle,
}

impl Factor {
    /// Begins with no columns.
    pub(crate) fn new(ridge: f64) -> Self {
        Self { ridge, lower: Triangle::default() }
    }

    /// Takes in the columns of `gram` that are new.
    pub(crate) fn extend(&mut self, gram: &Gram) {
        // Less could not be told from the rounding errors of 32 bits.
        let ridge = self.ridge.max(LEAST_RIDGE * gram.mean_diagonal()).max(f64::from(f32::MIN_POSITIVE));
        while self.lower.rows < gram.products.rows {
            let first = self.lower.rows;
            let end = gram.products.rows.min((first / BLOCK + 1) * BLOCK);
            self.extend_block(gram, first, end, ridge);
        }
    }

    /// Takes in the columns from `first` to before `end`, which lie in one block.
    fn extend_block(&mut self, gram: &Gram, first: usize, end: usize, ridge: f64) {
        let block = first / BLOCK * BLOCK;
        let lower = &self.lower;
        let mut rows: Vec<Vec<f32>> = (first..end).map(|row| gram.products.row(row).to_vec()).collect();
        // Rows do not depend on each other in the columns that were there before.
        rows.par_chunks_mut(TILE).for_each(|rows| {
            for start in (0..first).step_by(BLOCK) {
                solve_block(rows, lower, start, (start + BLOCK).min(first));
            }
        });
        let mut sums = vec![0.0; (end - first) * (end - first)];
        for left in (0..rows.len()).step_by(TILE) {
            for right in (0..=left).step_by(TILE) {
                let found = tile(four(&rows, left, block), four(&rows, right, block));
                for (at, to) in (0..TILE).flat_map(|at| (0..TILE).map(move |to| (at, to))) {
                    if left + at < rows.len() && right + to < rows.len() {
                        sums[(left + at) * rows.len() + right + to] = found[at][to];
                    }
                }
            }
        }
        for at in 0..rows.len() {
            for to in 0..=at {
                let near: f64 = (block..first + to).map(|k| f64::from(rows[at][k]) * f64::from(rows[to][k])).sum();
                let rest = f64::from(rows[at][first + to]) - sums[at * rows.len() + to] - near;
                rows[at][first + to] = if at == to {
                    // A positive definite matrix leaves at least the ridge; what is less is a rounding error.
                    (rest + ridge).max(0.5 * ridge).sqrt() as f32
                } else {
                    (rest / f64::from(rows[to][first + to])) as f32
                };
            }
        }
        self.lower.grow(end);
        self.lower.values.truncate(Triangle::start(first));
        rows.iter().for_each(|row| self.lower.values.extend(row));
    }

    /// Solves L Lᵀ z = r; `values` holds r for every column of the factor, padded with zeros, and then z.
    pub(crate) fn solve(&self, values: &mut [f64]) {
        let width = self.lower.rows;
        debug_assert_eq!(values.len(), padded(width));
        let group = |first: usize| (first..(first + LANES).min(width)).map(|row| self.lower.row(row));
        for first in (0..width).step_by(LANES) {
            let (solved, rest) = values.split_at_mut(first);
            let rows: Vec<&[f32]> = group(first).collect();
            let sums: [f64; LANES] = match <[&[f32]; LANES]>::try_from(&rows[..]) {
                Ok([a, b, c, d, e, f, g, h]) => {
                    let [near, far] = [dots([a, b, c, d], solved), dots([e, f, g, h], solved)];
                    [near[0], near[1], near[2], near[3], far[0], far[1], far[2], far[3]]
                }
                Err(_) => std::array::from_fn(|at| rows.get(at).map_or(0.0, |row| dots([row], solved)[0])),
            };
            for (at, row) in rows.iter().enumerate() {
                let near: f64 = (0..at).map(|k| f64::from(row[first + k]) * rest[k]).sum();
                rest[at] = (rest[at] - sums[at] - near) / f64::from(row[first + at]);
            }
        }
        for first in (0..width).step_by(LANES).rev() {
            let (before, rest) = values.split_at_mut(first);
            let rows: Vec<&[f32]> = group(first).collect();
            for at in (0..rows.len()).rev() {
                let below: f64 = (at + 1..rows.len()).map(|k| f64::from(rows[k][first + at]) * rest[k]).sum();
                rest[at] = (rest[at] - below) / f64::from(rows[at][first + at]);
            }
            match <[&[f32]; LANES]>::try_from(&rows[..]) {
                Ok([a, b, c, d, e, f, g, h]) => {
                    add_rows(before, [a, b, c, d], [-rest[0], -rest[1], -rest[2], -rest[3]]);
                    add_rows(before, [e, f, g, h], [-rest[4], -rest[5], -rest[6], -rest[7]]);
                }
                Err(_) => rows.iter().zip(&*rest).for_each(|(row, &solved)| add_rows(before, [row], [-solved])),
            }
        }
    }
}

/// Picks four of `rows` from number `first` up to `length`; past the end the last row stands in.
fn four(rows: &[Vec<f32>], first: usize, length: usize) -> [&[f32]; TILE] {
    std::array::from_fn(|at| &rows[(first + at).min(rows.len() - 1)][..length])
}

/// Divides up to four rows of a matrix by the columns `start` to `end` of Lᵀ, of which those before `start` are done.
fn solve_block(rows: &mut [Vec<f32>], lower: &Triangle, start: usize, end: usize) {
    for first in (start..end).step_by(TILE) {
        let right: [&[f32]; TILE] = std::array::from_fn(|at| &lower.row((first + at).min(end - 1))[..start]);
        let sums = tile(four(rows, 0, start), right);
        for (row, sums) in rows.iter_mut().zip(sums) {
            for (column, sum) in (first..end.min(first + TILE)).zip(sums) {
                let factor = lower.row(column);
                let near: f64 = (start..column).map(|k| f64::from(row[k]) * f64::from(factor[k])).sum();
                row[column] = ((f64::from(row[column]) - sum - near) / f64::from(factor[column])) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_triangle_lie_one_after_the_other() {
        let mut triangle = Triangle::default();
        triangle.grow(37);
        let lengths: Vec<usize> = (0..37).map(|row| triangle.row(row).len()).collect();
        assert!(lengths.iter().enumerate().all(|(row, &length)| length == padded(row + 1)), "{lengths:?}");
        assert_eq!(triangle.values.len(), lengths.iter().sum::<usize>());
    }

    /// Numbers without a pattern, from -1 to 1.
    fn matrix(rows: usize, width: usize) -> Vec<f32> {
        (0..rows * width).map(|at| ((at * 7919 + at / width * 104_729 + 13) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    #[test]
    fn a_factor_that_grew_solves_like_the_whole_matrix() {
        let (rows, width, ridge) = (BAND + 77, 3 * BLOCK + 11, 3.0);
        let values = matrix(rows, width);
        let design = SharedDesign::from_matrix(&values, width);
        let all: Vec<u32> = (0..rows as u32).collect();
        let mut gram = Gram::new(&all, usize::MAX);
        let mut factor = Factor::new(ridge);
        for columns in [5, 5, BLOCK + 3, 2 * BLOCK, width] {
            gram.extend(&design, columns);
            factor.extend(&gram);
            let mean =
                |column: usize| (0..rows).map(|row| f64::from(values[row * width + column])).sum::<f64>() / rows as f64;
            let means: Vec<f64> = (0..columns).map(mean).collect();
            let centred = |row: usize, column: usize| f64::from(values[row * width + column]) - means[column];
            let wanted: Vec<f64> = (0..columns).map(|at| ((at * 5) % 7) as f64 - 3.0).collect();
            // (G + ridge) wanted, without the matrix.
            let by_row: Vec<f64> =
                (0..rows).map(|row| (0..columns).map(|at| centred(row, at) * wanted[at]).sum()).collect();
            let mut found: Vec<f64> = (0..columns)
                .map(|at| (0..rows).map(|row| centred(row, at) * by_row[row]).sum::<f64>() + ridge * wanted[at])
                .collect();
            found.resize(padded(columns), 0.0);
            factor.solve(&mut found);
            for (at, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                assert!((found - wanted).abs() < 1e-3, "{columns} {at}: {found} {wanted}");
            }
            assert!(found[columns..].iter().all(|&padding| padding == 0.0));
        }
    }

    #[test]
    fn equal_columns_leave_a_factor_of_finite_numbers() {
        let values: Vec<f32> = matrix(200, 3).chunks(3).flat_map(|row| [row[0], row[0], row[1], row[0]]).collect();
        let design = SharedDesign::from_matrix(&values, 4);
        let rows: Vec<u32> = (0..200).collect();
        let mut gram = Gram::new(&rows, usize::MAX);
        gram.extend(&design, 4);
        let mut factor = Factor::new(0.0);
        factor.extend(&gram);
        let mut solved = vec![1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0];
        factor.solve(&mut solved);
        assert!(solved.iter().all(|value| value.is_finite()), "{solved:?}");
    }
}
