//! Finds the best question about some rows.

use std::ops::Range;

use rayon::prelude::*;

use crate::binned::Binned;
use crate::bounds::Bounds;
use crate::histogram::{self, Cut, Layout, Least, Scan, Sums};
use crate::tree_data::TreeData;

/// Counts the additions from which threads share a search.
const SHARED_FROM: usize = 1 << 17;

/// Holds a question about a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) column: u32,
    pub(crate) cut: Cut,
    /// Sums of the rows up to the cut.
    pub(crate) left: Sums,
}

/// Lends what a search looks through.
#[derive(Clone, Copy)]
pub(crate) struct Searched<'a> {
    pub(crate) binned: &'a Binned,
    pub(crate) layout: &'a Layout,
    pub(crate) data: &'a TreeData<'a>,
    pub(crate) least: Least,
    pub(crate) on_all_threads: bool,
}

/// Holds what the rows of a node add up to, and what the values of its leaves must keep to.
type Node = (Sums, Bounds);

/// Asks for the sums by bin of some rows, and for the best question about them.
pub(crate) struct Job<'a> {
    pub(crate) rows: &'a [u32],
    /// Gets the rows' sums by bin.
    pub(crate) bins: &'a mut [Sums],
    /// Node of the rows, where a question is wanted.
    pub(crate) one: Option<Node>,
    /// Sums by bin of the rows' parent, which become those of its other rows, and their node, where a question is wanted.
    pub(crate) rest: Option<(&'a mut [Sums], Option<Node>)>,
}

/// Holds the part of a job that is about the columns of one tile.
struct Piece<'a> {
    tile: usize,
    columns: Range<usize>,
    bins: &'a mut [Sums],
    rest: Option<&'a mut [Sums]>,
}

impl Searched<'_> {
    /// Computes what rows bring without a question, in the units of a cut's gain.
    pub(crate) fn gain_of_none(&self, total: Sums, bounds: Bounds) -> f64 {
        match self.data.bounding {
            Some(bounding) => bounding.gain(total, bounds),
            None => {
                let slope = f64::from(total.slope());
                slope * slope / (f64::from(total.curvature()) + f64::from(self.least.penalty))
            }
        }
    }

    /// Adds up the sums, and finds the best question about the rows and about the rest; of equal ones the first column's.
    pub(crate) fn run(&self, job: Job<'_>) -> [Option<Found>; 2] {
        let Job { rows, bins, one, rest } = job;
        let sums: Vec<Sums> = rows.iter().map(|&row| self.data.sums[row as usize]).collect();
        let (rest, other) = match rest {
            Some((bins, node)) => (Some(bins), node),
            None => (None, None),
        };
        let pieces = self.pieces(bins, rest);
        let work = |piece: Piece<'_>| self.search(piece, rows, &sums, [one, other]);
        let better = |a: [Option<Found>; 2], b: [Option<Found>; 2]| {
            let [one, other] = [0, 1].map(|at| match (a[at], b[at]) {
                (Some(a), Some(b)) if b.cut.gain > a.cut.gain => Some(b),
                (None, b) => b,
                (a, _) => a,
            });
            [one, other]
        };
        if self.on_all_threads && rows.len() * self.layout.columns() >= SHARED_FROM {
            let found: Vec<_> = pieces.into_par_iter().map(work).collect();
            return found.into_iter().fold([None, None], better);
        }
        pieces.into_iter().map(work).fold([None, None], better)
    }

    /// Divides the sums by bin among the tiles.
    fn pieces<'a>(&self, mut bins: &'a mut [Sums], mut rest: Option<&'a mut [Sums]>) -> Vec<Piece<'a>> {
        let mut pieces = Vec::with_capacity(self.layout.tiles().len());
        for (tile, columns) in self.layout.tiles() {
            let length = self.layout.start(columns.end) - self.layout.start(columns.start);
            let (here, after) = bins.split_at_mut(length);
            bins = after;
            let here_of_rest = rest.take().map(|all| {
                let (here, after) = all.split_at_mut(length);
                rest = Some(after);
                here
            });
            pieces.push(Piece { tile: *tile, columns: columns.clone(), bins: here, rest: here_of_rest });
        }
        pieces
    }

    /// Adds up the sums of one tile's columns, and searches these.
    fn search(&self, piece: Piece<'_>, rows: &[u32], sums: &[Sums], nodes: [Option<Node>; 2]) -> [Option<Found>; 2] {
        let Piece { tile, columns, bins, rest } = piece;
        bins.fill(Sums::default());
        // SAFETY: the rows are of the binned inputs, where no bin is above those that the layout counts.
        unsafe { histogram::add(self.binned.tile(tile), (rows, sums), self.layout.lanes(columns.clone()), bins) };
        let bins = &*bins;
        let rest = rest.map(|rest| {
            rest.iter_mut().zip(bins).for_each(|(rest, &part)| *rest = rest.minus(part));
            &*rest
        });
        let mut scan = Scan::new();
        let mut best = |bins: &[Sums], (total, bounds): Node| {
            let mut best: Option<Found> = None;
            let first = self.layout.start(columns.start);
            for at in columns.clone() {
                let bins = &bins[self.layout.start(at) - first..self.layout.start(at + 1) - first];
                let (column, than) = (self.layout.column(at), best.map_or(f32::NEG_INFINITY, |best| best.cut.gain));
                let cut = match self.data.bounding {
                    None => scan.best(bins, total, self.least, than),
                    Some(bounding) => {
                        let direction = bounding.direction(self.binned.position(column));
                        bounding.best(bins, total, direction, bounds, than)
                    }
                };
                if let Some(cut) = cut {
                    let left = bins[..=usize::from(cut.bin)].iter().fold(Sums::default(), |left, &bin| left.plus(bin));
                    best = Some(Found { column, cut, left });
                }
            }
            best
        };
        let one = nodes[0].and_then(|node| best(bins, node));
        let other = rest.zip(nodes[1]).and_then(|(bins, node)| best(bins, node));
        [one, other]
    }
}
