//! The inputs cut into bins, once for all cut-offs: the columns of a cut-off are the first of those of the next.

use rayon::prelude::*;
use staycast_weeks::CutOff;

use crate::weekly::WeeklyInputs;

/// Counts the columns that are stored side by side.
pub(crate) const LANES: usize = 16;

/// Bounds the bins of a column, so that a bin is one byte.
pub(crate) const MOST_BINS: u16 = 256;

/// Bounds the rows whose values place the bins. Of more, every second, third, … is taken.
const MOST_ROWS: usize = 1 << 16;

/// Holds the bins of chosen rows and positions of the inputs; one byte for each number.
pub(crate) struct Binned {
    rows: usize,
    /// `[tile][row]`, where a tile is [`LANES`] columns.
    tiles: Vec<[u8; LANES]>,
    /// By column, increasing: its position in the weeks laid side by side.
    positions: Vec<u32>,
    /// By column and bin, without the last: the greatest value that belongs to it or a bin before.
    cuts: Vec<Vec<f32>>,
}

impl Binned {
    /// Cuts the `positions` (increasing, in the weeks laid side by side) of `rows` into at most `bins` bins. Their ends depend
    /// on the first `training` rows alone.
    pub(crate) fn new(
        inputs: &WeeklyInputs<'_>,
        rows: &[usize],
        training: usize,
        positions: Vec<u32>,
        bins: u16,
    ) -> Self {
        let Some(last) = CutOff::after_weeks(inputs.weeks as u16).filter(|_| !rows.is_empty()) else {
            return Self { rows: 0, tiles: Vec::new(), positions: Vec::new(), cuts: Vec::new() };
        };
        let mut tiles = vec![[0; LANES]; positions.len().div_ceil(LANES) * rows.len()];
        let step = training.div_ceil(MOST_ROWS).max(1);
        let one = |values: &mut Vec<f32>, (tile, positions): (&mut [[u8; LANES]], &[u32])| -> Vec<Vec<f32>> {
            values.resize(rows.len() * positions.len(), 0.0);
            for (at, &row) in rows.iter().enumerate() {
                let seen = inputs.seen(row, last);
                for (lane, &position) in positions.iter().enumerate() {
                    values[lane * rows.len() + at] = seen[position as usize];
                }
            }
            let column = |(lane, values): (usize, &[f32])| {
                let mut sorted: Vec<f32> = values[..training].iter().step_by(step).copied().collect();
                sorted.sort_unstable_by(f32::total_cmp);
                let cuts = ends(&sorted, usize::from(bins.min(MOST_BINS)));
                for (bins, value) in tile.iter_mut().zip(values) {
                    bins[lane] = cuts.partition_point(|cut| cut < value) as u8;
                }
                cuts
            };
            values.chunks_exact(rows.len()).enumerate().map(column).collect()
        };
        let tasks = tiles.par_chunks_mut(rows.len()).zip(positions.par_chunks(LANES));
        let cuts: Vec<Vec<Vec<f32>>> = tasks.map_init(Vec::new, one).collect();
        let cuts = cuts.into_iter().flatten().collect();
        Self { rows: rows.len(), tiles, positions, cuts }
    }

    /// Counts the rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Lists the columns at some `positions`, which are all among its own, in order.
    pub(crate) fn columns(&self, positions: &[u32]) -> Vec<u32> {
        let mut column = 0;
        let next = |position: &u32| {
            while self.positions[column] != *position {
                column += 1;
            }
            column as u32
        };
        positions.iter().map(next).collect()
    }

    /// Returns a column's position in the weeks laid side by side.
    pub(crate) fn position(&self, column: u32) -> u32 {
        self.positions[column as usize]
    }

    /// Counts the bins of a column.
    pub(crate) fn bins(&self, column: u32) -> usize {
        self.cuts[column as usize].len() + 1
    }

    /// Returns the greatest value of a column that belongs to a bin or one before it.
    pub(crate) fn cut(&self, column: u32, bin: u8) -> f32 {
        self.cuts[column as usize][usize::from(bin)]
    }

    /// Returns the bins of the columns beside each other, by row.
    pub(crate) fn tile(&self, tile: usize) -> &[[u8; LANES]] {
        &self.tiles[tile * self.rows..(tile + 1) * self.rows]
    }

    /// Returns a column's bins by row.
    pub(crate) fn column(&self, column: u32) -> impl Fn(u32) -> u8 + '_ {
        let (tile, lane) = (self.tile(column as usize / LANES), column as usize % LANES);
        move |row| tile[row as usize][lane]
    }

    /// Returns the bin of one value.
    pub(crate) fn bin(&self, column: u32, row: u32) -> u8 {
        let column = column as usize;
        self.tiles[column / LANES * self.rows + row as usize][column % LANES]
    }
}

/// Returns the end of each bin but the last, halfway to the next bin's first value.
///
/// Values that are no more than `bins` have one each. Of more, those that fill a bin alone have one, and the others share the
/// rest about equally.
fn ends(sorted: &[f32], bins: usize) -> Vec<f32> {
    let values: Vec<(f32, usize)> = sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
    let between = |at: usize| halfway(values[at - 1].0, values[at].0);
    if values.len() <= bins {
        return (1..values.len()).map(between).collect();
    }
    let fills = |count: usize| count * bins >= sorted.len();
    let (filled, in_filled) = values
        .iter()
        .fold((0, 0), |(bins, rows), &(_, count)| if fills(count) { (bins + 1, rows + count) } else { (bins, rows) });
    // Both are what the bins to come still share.
    let (mut rows, mut shared) = (sorted.len() - in_filled, bins - filled);
    let (mut ends, mut here) = (Vec::with_capacity(bins - 1), 0);
    for at in 1..values.len() {
        let (count, next) = (values[at - 1].1, values[at].1);
        here += count;
        let share = rows as f64 / shared.max(1) as f64;
        if fills(count) || here as f64 >= share || fills(next) && here as f64 >= share / 2.0 {
            ends.push(between(at));
            if !fills(count) {
                shared = shared.saturating_sub(1);
                rows -= here;
            }
            here = 0;
            if ends.len() + 1 == bins {
                break;
            }
        }
    }
    ends
}

/// Returns a number from `low` up to below `high`, in their middle where there is one.
fn halfway(low: f32, high: f32) -> f32 {
    let middle = f64::midpoint(f64::from(low), f64::from(high));
    let near = middle as f32;
    if f64::from(near) > middle { near.next_down() } else { near }
}
