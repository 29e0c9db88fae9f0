//! Sums of slopes and curvatures by bin, and the best place to cut a column.
//!
//! Both are whole numbers, so that sums are exact: they do not depend on the order of rows, and what a node's rows add up to
//! less one child's is the other child's to the bit.

use std::ops::Range;
use std::sync::OnceLock;

use crate::binned::{Binned, LANES, MOST_BINS};

/// Packs a sum of slopes (signed, above) and one of curvatures (not negative, below) into one number, so that one addition adds
/// both. Each stays below 2³¹.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(u64);

impl Sums {
    /// Packs the slope and curvature of a row, or of several.
    pub(crate) fn new(slope: i32, curvature: i32) -> Self {
        debug_assert!(curvature >= 0);
        Self(u64::from(slope.cast_unsigned()) << 32 | u64::from(curvature.cast_unsigned()))
    }

    /// Returns the sum of slopes.
    pub(crate) fn slope(self) -> i32 {
        (self.0 >> 32) as i32
    }

    /// Returns the sum of curvatures.
    pub(crate) fn curvature(self) -> i32 {
        self.0 as i32
    }

    /// Adds other rows.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// Takes some of the rows out.
    pub(crate) fn minus(self, part: Self) -> Self {
        Self(self.0.wrapping_sub(part.0))
    }
}

/// Says what a cut must leave on both sides, in units of the sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Least {
    /// Is added to the curvature of each side.
    pub(crate) penalty: f32,
    /// Curvature of each side, at least; above 0.
    pub(crate) curvature: i32,
}

/// Holds a cut: the bins up to it are separated from those after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    /// Σ slope² / (curvature + penalty) of both sides.
    pub(crate) gain: f32,
    pub(crate) bin: u8,
}

/// Lays the sums by bin of some columns behind each other.
pub(crate) struct Layout {
    columns: Vec<u32>,
    /// By column: where its bins begin; and where the last one's end.
    starts: Vec<usize>,
    /// By column: its place in its tile.
    lanes: Vec<Lane>,
    /// Tiles that hold columns, and which.
    tiles: Vec<(usize, Range<usize>)>,
}

/// Says where a column of a tile is, and where its bins begin among those of the tile's columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    lane: usize,
    start: usize,
}

impl Layout {
    /// Lays out `columns`, which increase.
    pub(crate) fn new(binned: &Binned, columns: Vec<u32>) -> Self {
        let (mut starts, mut lanes) = (Vec::with_capacity(columns.len() + 1), Vec::with_capacity(columns.len()));
        let mut tiles: Vec<(usize, Range<usize>)> = Vec::new();
        let (mut end, mut first) = (0, 0);
        for (at, &column) in columns.iter().enumerate() {
            let (tile, lane) = (column as usize / LANES, column as usize % LANES);
            match tiles.last_mut() {
                Some((last, range)) if *last == tile => range.end = at + 1,
                _ => {
                    tiles.push((tile, at..at + 1));
                    first = end;
                }
            }
            starts.push(end);
            lanes.push(Lane { lane, start: end - first });
            end += binned.bins(column);
        }
        starts.push(end);
        Self { columns, starts, lanes, tiles }
    }

    /// Counts the columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Counts the bins of all columns.
    pub(crate) fn bins(&self) -> usize {
        self.starts[self.columns.len()]
    }

    /// Returns the column at a place.
    pub(crate) fn column(&self, at: usize) -> u32 {
        self.columns[at]
    }

    /// Returns where the bins of the column at a place begin.
    pub(crate) fn start(&self, at: usize) -> usize {
        self.starts[at]
    }

    /// Returns where the columns at some places of one tile are.
    pub(crate) fn lanes(&self, at: Range<usize>) -> &[Lane] {
        &self.lanes[at]
    }

    /// Lists the tiles that hold columns, with the places of these.
    pub(crate) fn tiles(&self) -> &[(usize, Range<usize>)] {
        &self.tiles
    }
}

/// Bounds the columns that are added up at once.
const MOST_AT_ONCE: usize = 8;

/// Counts the rows after which a row's bins are needed that are fetched now.
const AHEAD: usize = 24;

/// Adds each row's sums to the bins that it has in the columns `lanes` of a tile.
///
/// # Safety
/// `tile` holds all `rows`, and `bins` all bins that these have in the columns.
pub(crate) unsafe fn add(tile: &[[u8; LANES]], (rows, sums): (&[u32], &[Sums]), lanes: &[Lane], bins: &mut [Sums]) {
    // Several columns at once, so that no addition waits for the one before.
    let passes = lanes.len().div_ceil(MOST_AT_ONCE).max(1);
    for lanes in lanes.chunks(lanes.len().div_ceil(passes).max(1)) {
        // SAFETY: as the caller says.
        unsafe {
            match *lanes {
                [a] => add_lanes(tile, rows, sums, [a], bins),
                [a, b] => add_lanes(tile, rows, sums, [a, b], bins),
                [a, b, c] => add_lanes(tile, rows, sums, [a, b, c], bins),
                [a, b, c, d] => add_lanes(tile, rows, sums, [a, b, c, d], bins),
                [a, b, c, d, e] => add_lanes(tile, rows, sums, [a, b, c, d, e], bins),
                [a, b, c, d, e, f] => add_lanes(tile, rows, sums, [a, b, c, d, e, f], bins),
                [a, b, c, d, e, f, g] => add_lanes(tile, rows, sums, [a, b, c, d, e, f, g], bins),
                [a, b, c, d, e, f, g, h] => add_lanes(tile, rows, sums, [a, b, c, d, e, f, g, h], bins),
                _ => unreachable!("at most {MOST_AT_ONCE}"),
            }
        }
    }
}

/// # Safety
/// As for [`add`].
unsafe fn add_lanes<const N: usize>(
    tile: &[[u8; LANES]],
    rows: &[u32],
    sums: &[Sums],
    lanes: [Lane; N],
    bins: &mut [Sums],
) {
    let from = lanes.map(|lane| tile.as_ptr().cast::<u8>().wrapping_add(lane.lane));
    let to = lanes.map(|lane| bins.as_mut_ptr().wrapping_add(lane.start));
    for (at, (&row, &sum)) in rows.iter().zip(sums).enumerate() {
        fetch(tile, rows[(at + AHEAD).min(rows.len() - 1)]);
        for (from, to) in from.into_iter().zip(to) {
            // SAFETY: the row is of the tile, and its bin among those of the column.
            unsafe {
                let bin = to.add(usize::from(*from.add(row as usize * LANES)));
                *bin = (*bin).plus(sum);
            }
        }
    }
}

/// Has the bins of a row brought near, as the processor cannot know which row comes next.
#[inline(always)]
fn fetch(tile: &[[u8; LANES]], row: u32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: nothing is read, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(tile.as_ptr().wrapping_add(row as usize).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (tile, row);
}

/// Holds what the search for a cut writes down on the way.
pub(crate) struct Scan {
    left: [u64; MOST_BINS as usize],
    gains: [f32; MOST_BINS as usize],
}

impl Scan {
    /// Begins with nothing written down.
    pub(crate) const fn new() -> Self {
        Self { left: [0; MOST_BINS as usize], gains: [0.0; MOST_BINS as usize] }
    }

    /// Finds the cut of a column with the greatest gain, if it is above `than`; the first of equal ones. `bins` holds the sums of
    /// the column's bins, which together are `total`.
    pub(crate) fn best(&mut self, bins: &[Sums], total: Sums, least: Least, than: f32) -> Option<Cut> {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
            fn avx512(scan: &mut Scan, bins: &[Sums], total: Sums, least: Least, than: f32) -> Option<Cut> {
                scan.best_body(bins, total, least, than)
            }
            #[target_feature(enable = "avx2")]
            fn avx2(scan: &mut Scan, bins: &[Sums], total: Sums, least: Least, than: f32) -> Option<Cut> {
                scan.best_body(bins, total, least, than)
            }
            static FOUND: OnceLock<u8> = OnceLock::new();
            let found = *FOUND.get_or_init(|| {
                let avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw");
                if avx512 { 2 } else { u8::from(is_x86_feature_detected!("avx2")) }
            });
            // SAFETY: the processor was found to have the instruction set.
            match found {
                2 => return unsafe { avx512(self, bins, total, least, than) },
                1 => return unsafe { avx2(self, bins, total, least, than) },
                _ => {}
            }
        }
        self.best_body(bins, total, least, than)
    }

    #[inline(always)]
    fn best_body(&mut self, bins: &[Sums], total: Sums, least: Least, than: f32) -> Option<Cut> {
        const AT_ONCE: usize = 16;
        let cuts = bins.len() - 1;
        let mut sum = Sums::default();
        for (left, &bin) in self.left.iter_mut().zip(&bins[..cuts]) {
            sum = sum.plus(bin);
            *left = sum.0;
        }
        // Nothing on the left is no cut.
        let padded = cuts.next_multiple_of(AT_ONCE);
        self.left[cuts..padded].fill(0);
        let lefts = self.left[..padded].as_chunks::<AT_ONCE>().0;
        let gains = self.gains[..padded].as_chunks_mut::<AT_ONCE>().0;
        for (lefts, gains) in lefts.iter().zip(&mut *gains) {
            for at in 0..AT_ONCE {
                let left = Sums(lefts[at]);
                let right = total.minus(left);
                let gain = square(left.slope()) / (left.curvature() as f32 + least.penalty)
                    + square(right.slope()) / (right.curvature() as f32 + least.penalty);
                let enough = (left.curvature() >= least.curvature) & (right.curvature() >= least.curvature);
                gains[at] = if enough { gain } else { f32::NEG_INFINITY };
            }
        }
        let mut most = [f32::NEG_INFINITY; AT_ONCE];
        for gains in gains {
            for at in 0..AT_ONCE {
                most[at] = if gains[at] > most[at] { gains[at] } else { most[at] };
            }
        }
        let gain = most.into_iter().fold(than, f32::max);
        if gain > than {
            let bin = self.gains[..cuts].iter().position(|&found| found == gain)? as u8;
            return Some(Cut { gain, bin });
        }
        None
    }
}

#[inline(always)]
fn square(slope: i32) -> f32 {
    slope as f32 * slope as f32
}
