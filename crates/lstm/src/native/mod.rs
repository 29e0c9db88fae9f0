//! The layer's forward and backward pass on CPUs, over plain `f32` slices: no tensors, no graph.
//!
//! Work is cut by shape alone: shards of [`SHARD_ROWS`] sequences, each one task of the current rayon pool, which
//! runs a shard's whole sequence with the shard's state in the processor's own caches. A sequence's result does
//! not depend on which others share its batch, and sums over sequences (the weights' gradients) are taken in one
//! fixed order, so results are the same bytes for any number of threads.
//!
//! Who calls it: [`crate::ops`], and [`crate::Trainer`] through `training`. What it doesn't do: other element types, layouts
//! that are not contiguous.

mod backward;
mod buffer;
mod forward;
mod simd;
mod tile;
mod training;

#[cfg(test)]
mod tests;

pub(crate) use backward::{Given, Work, backward};
pub(crate) use forward::{Tape, forward};
pub(crate) use training::{HostTrainer, Inputs, logits};

use crate::walk::Walk;
use simd::Isa;

/// Counts the sequences in one task. A multiple of every tile's rows; small enough that a shard's step stays in a 1 MB
/// cache.
const SHARD_ROWS: usize = 32;

/// Holds the sizes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) features: usize,
    pub(crate) hidden: usize,
}

/// Borrows one layer's parameters, row-major: `w_ih [features, 4 * hidden]`, `w_hh [hidden, 4 * hidden]`, `bias [4 *
/// hidden]`.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub(crate) w_ih: &'a [f32],
    pub(crate) w_hh: &'a [f32],
    pub(crate) bias: &'a [f32],
}

/// Borrows the state before the first step, `[batch, hidden]` each.
#[derive(Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) hidden: &'a [f32],
    pub(crate) cell: &'a [f32],
}

/// Lays hidden units out in vectors: `blocks` of `lanes` units, the last one filled up with units whose weights, state
/// and gradients are all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Blocks {
    isa: Isa,
    lanes: usize,
    blocks: usize,
}

impl Blocks {
    fn new(isa: Isa, hidden: usize) -> Self {
        let lanes = isa.lanes();
        Self { isa, lanes, blocks: hidden.div_ceil(lanes) }
    }

    /// Counts the hidden units, with the filling.
    fn padded(self) -> usize {
        self.lanes * self.blocks
    }
}

impl Sizes {
    /// Checks that the slices are as long as the sizes say; everything unchecked below relies on it.
    fn check(self, x: &[f32], weights: Weights<'_>, start: Option<Start<'_>>, walk: &Walk) {
        let Self { batch, steps, features, hidden } = self;
        if let Some(lengths) = &walk.lengths {
            assert_eq!(lengths.len(), batch, "there must be a length for each sequence");
            assert!(lengths.iter().all(|&length| length <= steps), "no sequence may be longer than {steps} steps");
        }
        assert_eq!(x.len(), batch * steps * features, "x must hold [batch, steps, features]");
        assert_eq!(weights.w_ih.len(), features * 4 * hidden, "w_ih must hold [features, 4 * hidden]");
        assert_eq!(weights.w_hh.len(), hidden * 4 * hidden, "w_hh must hold [hidden, 4 * hidden]");
        assert_eq!(weights.bias.len(), 4 * hidden, "bias must hold [4 * hidden]");
        if let Some(start) = start {
            assert_eq!(start.hidden.len(), batch * hidden, "the first output must hold [batch, hidden]");
            assert_eq!(start.cell.len(), batch * hidden, "the first cell must hold [batch, hidden]");
        }
    }
}
