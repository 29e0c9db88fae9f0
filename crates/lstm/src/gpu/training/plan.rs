//! How the kernels of a network are cut for a device.

use burn::backend::DType;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::super::grid;
use super::super::tiling::{DeviceLimits, Pass, Tiling};
use super::gradients::Sections;
use super::head::Heads;
use super::tile::{ACROSS, DEPTH, Tile};
use crate::masks::MaskSource;
use crate::sizes::NetworkSizes;

/// Counts the units of a cube that every kernel here needs.
const UNITS: usize = ACROSS * ACROSS;

/// Bounds the rows of a part of the weights' gradients from below.
const LEAST_PART_ROWS: usize = 256;

/// Sets how many cubes a product is split into for each processor of the device.
const CUBES_A_PROCESSOR: usize = 4;

/// Bounds the weights of a layer up to which the second stage puts eight units to a number: there are few numbers then.
const FEW_WEIGHTS: usize = 1 << 16;

/// Holds what the kernels are cut by on a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) sizes: NetworkSizes,
    pub(super) steps: usize,
    pub(super) forward: Tiling,
    pub(super) backward: Tiling,
    shared_bytes: usize,
    /// Cubes that keep the device busy.
    cubes: usize,
}

impl Plan {
    /// Plans for batches of `batch` sequences; `None` where the device has no cube for the layer.
    pub(super) fn new(sizes: NetworkSizes, x: &CubeTensor, batch: usize) -> Option<Self> {
        let hardware = &x.client.properties().hardware;
        let limits = DeviceLimits::from_hardware(hardware);
        let tiling = |pass| Tiling::choose(limits, pass, sizes.hidden, batch);
        let small = Tile::choose(1, 1, 0).shared_bytes();
        let heads = Heads { hidden: sizes.hidden, tasks: sizes.tasks, masked: false }.shared_bytes();
        let fits = limits.units >= UNITS && limits.shared_bytes >= small.max(heads);
        (x.dtype == DType::F32 && fits).then_some(())?;
        Some(Self {
            sizes,
            steps: x.meta.shape()[1],
            forward: tiling(Pass::Forward)?,
            backward: tiling(Pass::Backward)?,
            shared_bytes: limits.shared_bytes,
            cubes: limits.cubes,
        })
    }

    pub(super) fn heads(self, tasks: usize, mask: MaskSource) -> Heads {
        Heads { hidden: self.sizes.hidden, tasks, masked: !mask.is_none() }
    }

    pub(super) fn tile(self, rows: usize, columns: usize) -> Tile {
        Tile::choose(rows, columns, self.shared_bytes)
    }

    /// Cuts the sums of the weights' gradients of a layer over `rows` rows.
    pub(super) fn parts(self, layer: usize, rows: usize) -> Parts {
        let (inputs, columns) = (self.sizes.reads(layer) + self.sizes.hidden, 4 * self.sizes.hidden);
        let tile = self.tile(inputs, columns);
        let (across, down) = (columns.div_ceil(tile.side()), inputs.div_ceil(tile.side()));
        let most = most_parts(self.cubes, across * down, rows);
        let (part_rows, count) = cut(rows, most);
        Parts { tile, across, down, part_rows, count, most }
    }

    /// Returns the sizes of what the second stage adds for a layer.
    pub(super) fn sections(self, layer: usize) -> Sections {
        let NetworkSizes { hidden, layers, tasks, .. } = self.sizes;
        let weights = 4 * hidden * (self.sizes.reads(layer) + hidden);
        Sections {
            weights,
            biases: 4 * hidden,
            heads: if layer + 1 == layers { tasks * (hidden + 1) } else { 0 },
            lanes: if weights <= FEW_WEIGHTS { 8 } else { 2 },
        }
    }
}

/// Holds how the sums of the weights' gradients are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) tile: Tile,
    /// Tiles of the result side by side, and below each other.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Rows of a part.
    pub(super) part_rows: usize,
    /// Parts.
    pub(super) count: usize,
    /// Bounds the parts of as many rows or fewer.
    pub(super) most: usize,
}

/// Bounds the parts of up to `rows` rows, each of which has `tiles` tiles.
fn most_parts(cubes: usize, tiles: usize, rows: usize) -> usize {
    (CUBES_A_PROCESSOR * cubes).div_ceil(tiles).min(rows.div_ceil(LEAST_PART_ROWS))
}

/// Cuts rows into at most `most` parts; returns the rows of a part and the number of parts. Since a part has whole slices of
/// [`DEPTH`] rows, fewer rows can make more parts, but never more than `most`.
fn cut(rows: usize, most: usize) -> (usize, usize) {
    let part_rows = rows.div_ceil(most).next_multiple_of(DEPTH);
    (part_rows, rows.div_ceil(part_rows))
}

/// Arranges the cubes of the second stage.
pub(super) fn adding_cubes(like: &CubeTensor, sections: Sections) -> (CubeCount, usize) {
    grid(like, sections.numbers().div_ceil(sections.a_cube()))
}

pub(super) fn square_units() -> CubeDim {
    CubeDim::new_2d(ACROSS as u32, ACROSS as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory is taken for the largest batch, and kernels don't look.
    #[test]
    fn no_smaller_batch_has_more_parts_than_there_is_room_for() {
        for (cubes, tiles) in [(128, 8), (132, 8), (128, 4), (132, 24), (28, 1), (1, 1), (500, 3)] {
            for full in (1..40_000).step_by(331).chain([18_000, 24_576, 25_200, 21_504]) {
                let room = most_parts(cubes, tiles, full);
                for rows in (1..=full).step_by(7).chain([full]) {
                    let (part_rows, count) = cut(rows, most_parts(cubes, tiles, rows));
                    assert!(count <= room, "{rows} of {full} rows: {count} parts, room for {room}");
                    assert!(part_rows * count >= rows && part_rows * (count - 1) < rows);
                }
            }
        }
    }
}
