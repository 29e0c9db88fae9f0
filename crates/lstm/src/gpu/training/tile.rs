//! The product of two matrices, tile by tile: a cube of 256 units sums one tile of the result in registers.

use cubecl::prelude::*;

use super::super::device::Four;

/// Counts the units of a cube in either direction.
pub(super) const ACROSS: usize = 16;

/// Counts the terms of the sums that are in shared memory at one time.
pub(super) const DEPTH: usize = 16;

/// Describes a tile of the result: `16 * 4 * quads` rows, and as many columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    /// Groups of four rows, and of four columns, that a unit sums.
    pub(super) quads: usize,
}

impl Tile {
    /// Chooses large tiles where the result is at least as large, and shared memory holds two of them.
    pub(super) fn choose(rows: usize, columns: usize, shared_bytes: usize) -> Self {
        let large = Self { quads: 2 };
        if large.shared_bytes() <= shared_bytes && rows >= large.side() && columns >= large.side() {
            large
        } else {
            Self { quads: 1 }
        }
    }

    /// Counts the bytes of shared memory that both matrices take.
    pub(super) fn shared_bytes(self) -> usize {
        2 * DEPTH * self.side() * size_of::<f32>()
    }

    /// Counts the rows, and the columns, of a tile.
    pub(super) fn side(self) -> usize {
        ACROSS * 4 * self.quads
    }

    /// Counts the groups of four in a row of shared memory.
    pub(super) fn fours(self) -> usize {
        ACROSS * self.quads
    }

    /// Counts the groups of four sums that a unit holds, row by row.
    pub(super) fn sums(self) -> usize {
        4 * self.quads * self.quads
    }

    /// Counts the groups of four that a unit brings to shared memory, of either matrix.
    pub(super) fn loads(self) -> usize {
        DEPTH * self.fours() / (ACROSS * ACROSS)
    }
}

/// Returns zeros for the sums of a unit.
#[cube]
pub(super) fn no_sums(#[comptime] tile: Tile) -> Array<Four> {
    let count = comptime!(tile.sums());
    let mut sums = Array::<Four>::new(count);
    #[unroll]
    for at in 0..count {
        sums[at] = Four::new(0.0);
    }
    sums
}

/// Adds the products of the terms in shared memory, `[DEPTH, fours]` of four rows on the left and four columns on the right.
#[cube]
pub(super) fn add_products(
    left: &Shared<[Four]>,
    right: &Shared<[Four]>,
    sums: &mut Array<Four>,
    #[comptime] tile: Tile,
) {
    let (quads, fours) = comptime!((tile.quads, tile.fours()));
    let (x, y) = (UNIT_POS_X as usize, UNIT_POS_Y as usize);
    let mut columns = Array::<Four>::new(quads);
    for k in 0..DEPTH {
        #[unroll]
        for q in 0..quads {
            columns[q] = right[k * fours + comptime!(q * ACROSS) + x];
        }
        #[unroll]
        for q in 0..quads {
            let rows = left[k * fours + comptime!(q * ACROSS) + y];
            #[unroll]
            for l in 0..4usize {
                let row = Four::new(rows.extract(l));
                #[unroll]
                for p in 0..quads {
                    let at = comptime!((q * 4 + l) * quads + p);
                    sums[at] = fma(row, columns[p], sums[at]);
                }
            }
        }
    }
}

/// Writes the sums to `result`, `[rows, columns]` in groups of four columns, from group `at` on; `top` and `left` are the
/// tile's first row and column.
#[cube]
pub(super) fn put_fours(
    sums: &Array<Four>,
    result: &mut [Four],
    at: usize,
    top: usize,
    left: usize,
    rows: usize,
    columns: usize,
    #[comptime] tile: Tile,
) {
    let across = columns / 4;
    #[unroll]
    for index in 0..comptime!(tile.sums()) {
        let (row, column) = place(index, top, left, tile);
        if row < rows && column < columns {
            result[at + row * across + column / 4] = sums[index];
        }
    }
}

/// Writes the sums to `result`, `[rows, columns]`, where the columns don't make groups of four.
#[cube]
pub(super) fn put_sums(
    sums: &Array<Four>,
    result: &mut [f32],
    top: usize,
    left: usize,
    rows: usize,
    columns: usize,
    #[comptime] tile: Tile,
) {
    #[unroll]
    for index in 0..comptime!(tile.sums()) {
        let (row, column) = place(index, top, left, tile);
        #[unroll]
        for e in 0..4usize {
            if row < rows && column + e < columns {
                result[row * columns + column + e] = sums[index].extract(e);
            }
        }
    }
}

/// Returns the row and the first column of one of a unit's groups of sums.
#[cube]
fn place(#[comptime] index: usize, top: usize, left: usize, #[comptime] tile: Tile) -> (usize, usize) {
    let (across, down) = comptime!((index % tile.quads, index / tile.quads));
    let row = top + (comptime!(down / 4 * ACROSS) + UNIT_POS_Y as usize) * 4 + comptime!(down % 4);
    (row, left + (comptime!(across * ACROSS) + UNIT_POS_X as usize) * 4)
}
