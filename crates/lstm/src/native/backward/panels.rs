//! Weights, transposed, in the order in which the backward products read them.

use crate::native::Blocks;
use crate::native::buffer::Aligned;

/// Holds a transposed weight matrix: groups of up to four vectors of its columns (units or features), and for each
/// group one row a gate and unit, in the order (block of units, gate, unit of the block).
pub(super) struct Panels {
    pub(super) values: Aligned,
    pub(super) columns: usize,
}

/// Counts the vectors of columns in the group that starts with vector `first` of `vectors`: 4, 2 or 1.
#[inline(always)]
pub(super) fn group(first: usize, vectors: usize) -> usize {
    match vectors - first {
        0 | 1 => 1,
        2 | 3 => 2,
        _ => 4,
    }
}

impl Panels {
    /// Transposes `weights [columns, 4 * hidden]`.
    pub(super) fn transposed(weights: &[f32], columns: usize, blocks: Blocks) -> Self {
        let lanes = blocks.lanes;
        let terms = weights.len() / columns;
        let hidden = terms / 4;
        let order: Vec<usize> = (0..hidden)
            .step_by(lanes)
            .flat_map(|unit| (0..4).map(move |gate| (gate, unit)))
            .flat_map(|(gate, unit)| gate * hidden + unit..gate * hidden + hidden.min(unit + lanes))
            .collect();
        let vectors = columns.div_ceil(lanes);
        let mut packed = Aligned::zeroed(vectors * terms * lanes);
        let values = packed.as_mut_slice();
        let mut first = 0;
        while first < vectors {
            let width = group(first, vectors) * lanes;
            let (base, first_column) = (first * lanes * terms, first * lanes);
            for column in first_column..columns.min(first_column + width) {
                let from = &weights[column * terms..][..terms];
                for (term, &source) in order.iter().enumerate() {
                    values[base + term * width + column - first_column] = from[source];
                }
            }
            first += group(first, vectors);
        }
        Self { values: packed, columns }
    }
}
