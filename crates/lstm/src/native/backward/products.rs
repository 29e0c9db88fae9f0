//! The matrix products of the backward pass over one shard's `dz`, the gradient of the gates' sums in one step.

use super::panels::{Panels, group};
use crate::native::Blocks;
use crate::native::simd::Simd;
use crate::native::tile::{Scalars, accumulate};

/// Holds the `dz` of one step, `[blocks, rows, 4 gates, lanes]`: a block's rows lie side by side, whatever the number
/// of units. (Rows a large power of two apart would push each other out of the cache.)
#[derive(Clone, Copy)]
pub(super) struct GateGradients {
    pub(super) values: *mut f32,
    pub(super) rows: usize,
    pub(super) hidden: usize,
    pub(super) blocks: Blocks,
}

impl GateGradients {
    /// Returns the start of block `block` of row `row`.
    #[inline(always)]
    pub(super) fn at(self, block: usize, row: usize) -> *mut f32 {
        self.values.wrapping_add((block * self.rows + row) * 4 * self.blocks.lanes)
    }
}

/// Describes a product `to = dz · panelsᵀ`, rows of `to` `stride` values apart.
#[derive(Clone, Copy)]
pub(super) struct BackProduct<'a> {
    pub(super) panels: &'a Panels,
    pub(super) to: *mut f32,
    pub(super) stride: usize,
}

/// Computes a product for all rows and columns.
///
/// # Safety
///
/// The instruction set must exist; the panels must have four times `hidden` terms, and `to` be good for all rows.
#[inline(always)]
pub(super) unsafe fn back_product<S: Simd, const ROWS: usize>(dz: GateGradients, product: BackProduct<'_>) {
    let vectors = product.panels.columns.div_ceil(S::LANES);
    let mut first = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while first < vectors {
            match group(first, vectors) {
                4 => back_rows::<S, ROWS, 4>(dz, product, first),
                2 => back_rows::<S, ROWS, 2>(dz, product, first),
                _ => back_rows::<S, ROWS, 1>(dz, product, first),
            }
            first += group(first, vectors);
        }
    }
}

#[inline(always)]
unsafe fn back_rows<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    dz: GateGradients,
    product: BackProduct<'_>,
    first: usize,
) {
    let mut row = 0;
    // SAFETY: as for `back_product`; rows stay inside.
    unsafe {
        while row + ROWS <= dz.rows {
            back_tile::<S, ROWS, COLUMNS>(dz, product, first, row);
            row += ROWS;
        }
        while row < dz.rows {
            back_tile::<S, 1, COLUMNS>(dz, product, first, row);
            row += 1;
        }
    }
}

/// Computes `ROWS` rows and `COLUMNS` vectors of columns from vector `first`.
#[inline(always)]
unsafe fn back_tile<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    dz: GateGradients,
    product: BackProduct<'_>,
    first: usize,
    row: usize,
) {
    let lanes = S::LANES;
    let width = COLUMNS * lanes;
    // SAFETY: the group's panel has 4 * hidden rows of `width` values, in the order of `dz` without its filling.
    unsafe {
        let mut panel = product.panels.values.as_ptr().add(first * lanes * 4 * dz.hidden);
        let mut acc = [[S::splat(0.0); COLUMNS]; ROWS];
        for block in 0..dz.blocks.blocks {
            let start = dz.at(block, row).cast_const();
            let units = lanes.min(dz.hidden - block * lanes);
            let (runs, terms) = if units == lanes { (1, 4 * lanes) } else { (4, units) };
            for run in 0..runs {
                let start = start.add(run * lanes);
                let a = Scalars { start, row_stride: 4 * lanes, term_stride: 1 };
                accumulate::<S, ROWS, COLUMNS>(&mut acc, terms, a, panel, width);
                panel = panel.add(terms * width);
            }
        }
        for (index, vectors) in acc.iter().enumerate() {
            for (column, &vector) in vectors.iter().enumerate() {
                let at = (first + column) * S::LANES;
                let count = S::LANES.min(product.panels.columns - at);
                S::store_first(product.to.add((row + index) * product.stride + at), vector, count);
            }
        }
    }
}

/// Describes a sum `sum += aᵀ · dz` over sequences, where `a` gives `count` values a sequence: term is sequence, row is
/// value.
#[derive(Clone, Copy)]
pub(super) struct OuterSum {
    pub(super) a: Scalars,
    pub(super) count: usize,
    /// `[blocks, sum_rows, 4, lanes]`
    pub(super) sum: *mut f32,
    /// Rows of the sum, of which the first `count` are added to.
    pub(super) sum_rows: usize,
}

/// Adds a step's part to a sum.
///
/// # Safety
///
/// The instruction set must exist; `a` and `sum` must be good for `count` values and `sum_rows` rows.
#[inline(always)]
pub(super) unsafe fn add_outer<S: Simd, const ROWS: usize>(dz: GateGradients, outer: OuterSum) {
    // SAFETY: the caller's promise.
    unsafe {
        for block in 0..dz.blocks.blocks {
            let mut row = 0;
            while row + ROWS <= outer.count {
                outer_tile::<S, ROWS>(dz, outer, row, block);
                row += ROWS;
            }
            while row < outer.count {
                outer_tile::<S, 1>(dz, outer, row, block);
                row += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn outer_tile<S: Simd, const ROWS: usize>(dz: GateGradients, outer: OuterSum, row: usize, block: usize) {
    let width = 4 * S::LANES;
    // SAFETY: as for `add_outer`.
    unsafe {
        let a = Scalars { start: outer.a.start.add(row * outer.a.row_stride), ..outer.a };
        let sum = outer.sum.add((block * outer.sum_rows + row) * width);
        let mut acc = [[S::splat(0.0); 4]; ROWS];
        for (index, vectors) in acc.iter_mut().enumerate() {
            for (gate, vector) in vectors.iter_mut().enumerate() {
                *vector = S::load(sum.add(index * width + gate * S::LANES));
            }
        }
        accumulate::<S, ROWS, 4>(&mut acc, dz.rows, a, dz.at(block, 0), width);
        for (index, vectors) in acc.iter().enumerate() {
            for (gate, &vector) in vectors.iter().enumerate() {
                S::store(sum.add(index * width + gate * S::LANES), vector);
            }
        }
    }
}
