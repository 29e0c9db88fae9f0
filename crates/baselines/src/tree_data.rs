//! Lends what one tree is grown on.

use crate::bounds::Bounding;
use crate::histogram::Sums;

/// Lends what a tree is grown on.
pub(crate) struct TreeData<'a> {
    /// By row of the binned inputs: its slope and curvature.
    pub(crate) sums: &'a [Sums],
    /// Columns that the tree may ask about, increasing.
    pub(crate) columns: Vec<u32>,
    /// Directions that forecasts keep to, if any do.
    pub(crate) bounding: Option<&'a Bounding<'a>>,
}
