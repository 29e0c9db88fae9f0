//! Inputs and outputs of a page.

use super::about::About;
use crate::figures::Drawing;
use crate::report::{Evaluation, Plots};
use crate::splits::SplitKind;

/// Holds all that a page is made from.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The figures.
    pub evaluation: &'a Evaluation,
    /// Curves at the asked week; without them the page has no curves and no slider, and says so. Of a mean over repeats,
    /// those of the repeat that [`Evaluation::sections_of_repeat`] names.
    pub plots: Option<&'a Plots>,
    /// The run, its data and its model, in the caller's words.
    pub about: &'a About,
}

/// Holds a page and its drawings, each of them drawn once.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedPage {
    /// A UTF-8 HTML document that needs no other file.
    pub html: String,
    /// The drawings in the order of the page, to be written as `NAME.svg` each.
    pub drawings: Vec<NamedDrawing>,
}

/// Holds a drawing and the name of its file, without the ending.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedDrawing {
    /// Letters, digits and hyphens: safe as a file name everywhere.
    pub name: String,
    /// The drawing.
    pub drawing: Drawing,
}

impl Page<'_> {
    /// Tells whether the figures must not be read as what new learners would give.
    pub(super) fn flatters(&self) -> bool {
        matches!(self.evaluation.kind, SplitKind::RandomOptimistic | SplitKind::InSample)
    }
}
