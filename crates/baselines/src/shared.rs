//! One copy of the inputs that all cut-offs read: the columns of a cut-off are the first of those of the next.

use rayon::prelude::*;
use staycast_weeks::CutOff;

use crate::simd::{LANES, TILE, add_rows, dots, padded};
use crate::weekly::WeeklyInputs;

/// Counts the rows of one parallel task. It is fixed, so that sums do not depend on the number of threads.
pub(crate) const TASK: usize = 256;

/// Holds chosen rows and positions of the inputs as `[row][column]`, each row padded with zeros; 4 bytes a number.
pub(crate) struct SharedDesign {
    stride: usize,
    values: Vec<f32>,
    /// By column, increasing: its position in the weeks laid side by side.
    positions: Vec<u32>,
}

impl SharedDesign {
    /// Copies the `positions` (increasing, in the weeks laid side by side) of `rows`.
    pub(crate) fn new(inputs: &WeeklyInputs<'_>, rows: &[usize], positions: Vec<u32>) -> Self {
        let Some(last) = CutOff::after_weeks(inputs.weeks as u16) else {
            return Self { stride: 0, values: Vec::new(), positions };
        };
        let copy = |row: usize, stored: &mut [f32]| {
            let seen = inputs.seen(row, last);
            stored.iter_mut().zip(&positions).for_each(|(value, &at)| *value = seen[at as usize]);
        };
        let stride = padded(positions.len().max(1));
        let mut values = vec![0.0; rows.len() * stride];
        values.par_chunks_mut(stride).zip(rows).for_each(|(stored, &row)| copy(row, stored));
        Self { stride, values, positions }
    }

    /// Copies a matrix `[row][column]`, whose columns are their own positions.
    #[cfg(test)]
    pub(crate) fn from_matrix(values: &[f32], width: usize) -> Self {
        let stride = padded(width);
        let mut copied = vec![0.0; values.len() / width * stride];
        copied.chunks_exact_mut(stride).zip(values.chunks_exact(width)).for_each(|(to, from)| {
            to[..width].copy_from_slice(from);
        });
        Self { stride, values: copied, positions: (0..width as u32).collect() }
    }

    /// Counts the columns.
    pub(crate) fn width(&self) -> usize {
        self.positions.len()
    }

    /// Returns a row with its padding.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.stride..(row + 1) * self.stride]
    }

    /// Looks at some rows and, of the leading columns, those at `positions`.
    pub(crate) fn view(&self, rows: Vec<u32>, positions: &[u32]) -> View<'_> {
        let width = positions.last().map_or(0, |last| self.positions.partition_point(|at| at <= last));
        let mut read = vec![false; padded(width)];
        let mut places = Vec::with_capacity(positions.len());
        let mut place = 0;
        for at in positions {
            while self.positions[place] != *at {
                place += 1;
            }
            read[place] = true;
            places.push(place as u32);
        }
        View { design: self, rows, read, places }
    }
}

/// Lends some rows and columns of a [`SharedDesign`]. Vectors by column have the padded width of the leading columns, and are
/// 0 where a column is not read.
pub(crate) struct View<'a> {
    design: &'a SharedDesign,
    /// Rows of the design.
    rows: Vec<u32>,
    /// By leading column, padded: whether it is read.
    read: Vec<bool>,
    /// Columns that are read, increasing.
    places: Vec<u32>,
}

impl View<'_> {
    /// Returns the padded number of leading columns.
    pub(crate) fn width(&self) -> usize {
        self.read.len()
    }

    /// Counts the rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Counts the columns up to the last that is read.
    pub(crate) fn leading(&self) -> usize {
        self.places.last().map_or(0, |&last| last as usize + 1)
    }

    /// Sets what does not belong to a column that is read to 0.
    pub(crate) fn restrict(&self, by_column: &mut [f64]) {
        by_column.iter_mut().zip(&self.read).for_each(|(value, &read)| {
            if !read {
                *value = 0.0;
            }
        });
    }

    /// Picks the values of the columns that are read.
    pub(crate) fn gather(&self, by_column: &[f64]) -> Vec<f64> {
        self.places.iter().map(|&place| by_column[place as usize]).collect()
    }

    /// Calls `task` for each task's rows, in parallel, with their number; returns the results in order.
    fn tasks<T: Send>(&self, task: impl Fn(usize, &[u32]) -> T + Sync) -> Vec<T> {
        self.rows.par_chunks(TASK).enumerate().map(|(number, rows)| task(number * TASK, rows)).collect()
    }

    /// Computes X v, by row.
    pub(crate) fn times(&self, by_column: &[f64]) -> Vec<f64> {
        self.tasks(|_, rows| {
            let mut products = vec![0.0; rows.len()];
            self.products(rows, by_column, &mut products);
            products
        })
        .concat()
    }

    /// Computes x·v for `rows` of the design.
    fn products(&self, rows: &[u32], by_column: &[f64], products: &mut [f64]) {
        debug_assert_eq!(by_column.len() % LANES, 0);
        let row = |number: u32| self.design.row(number as usize);
        let (fours, rest) = rows.as_chunks::<TILE>();
        let (products, last) = products.split_at_mut(fours.len() * TILE);
        for (rows, products) in fours.iter().zip(products.chunks_exact_mut(TILE)) {
            products.copy_from_slice(&dots(rows.map(row), by_column));
        }
        for (&number, product) in rest.iter().zip(last) {
            [*product] = dots([row(number)], by_column);
        }
    }

    /// Adds Σ factor × x over `rows` of the design to `sums`.
    fn add(&self, rows: &[u32], factors: &[f64], sums: &mut [f64]) {
        let row = |number: u32| self.design.row(number as usize);
        let (fours, rest) = rows.as_chunks::<TILE>();
        let (by_four, last) = factors.as_chunks::<TILE>();
        for (rows, factors) in fours.iter().zip(by_four) {
            add_rows(sums, rows.map(row), *factors);
        }
        for (&number, &factor) in rest.iter().zip(last) {
            add_rows(sums, [row(number)], [factor]);
        }
    }

    /// Computes X v, hands each task's products to `factors`, and computes Xᵀ of the `N` factors that it returns for each row.
    ///
    /// The rows of a task are still in the processor's cache when they are read again. Returns what `factors` returned beside
    /// them, in order, and Xᵀ of each of the factors, by column.
    pub(crate) fn pass<T: Send, const N: usize>(
        &self,
        by_column: &[f64],
        factors: impl Fn(usize, &[f64]) -> (T, [Vec<f64>; N]) + Sync,
    ) -> (Vec<T>, [Vec<f64>; N]) {
        // Few rows fit into the cache at a time.
        const BAND: usize = 32;
        let parts = self.tasks(|first, rows| {
            let mut sums: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; self.width()]);
            let mut others = Vec::with_capacity(rows.len().div_ceil(BAND));
            let mut products = [0.0; BAND];
            for (band, rows) in rows.chunks(BAND).enumerate() {
                let products = &mut products[..rows.len()];
                self.products(rows, by_column, products);
                let (other, factors) = factors(first + band * BAND, products);
                others.push(other);
                sums.iter_mut().zip(&factors).for_each(|(sums, factors)| self.add(rows, factors, sums));
            }
            (others, sums)
        });
        let mut totals: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; self.width()]);
        let mut others = Vec::with_capacity(self.rows.len().div_ceil(BAND));
        for (other, sums) in parts {
            others.extend(other);
            for (total, sum) in totals.iter_mut().flatten().zip(sums.iter().flatten()) {
                *total += sum;
            }
        }
        totals.iter_mut().for_each(|total| self.restrict(total));
        (others, totals)
    }
}
