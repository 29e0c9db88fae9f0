//! Figures: drawn once, for the page and for files of their own.

use askama::Template;
use askama::filters::HtmlSafe;

use super::page::NamedDrawing;
use crate::figures::Drawing;

/// Holds a figure of the page, or the sentence that says why there is none.
#[derive(Debug, Clone, PartialEq, Template)]
#[template(path = "figure.html")]
pub(super) enum Figure {
    Drawn { name: String, svg: String, caption: String },
    Missing(&'static str),
}

impl HtmlSafe for Figure {}

/// Collects the drawings of a page in its order.
#[derive(Debug, Default)]
pub(super) struct Drawings(Vec<NamedDrawing>);

impl Drawings {
    /// Adds a drawing under the name of its file and returns the figure that shows it; `missing` says why there is none.
    ///
    /// The slider's place is shown in figures called `roc-…`, `precision-recall-…` and `capacity-…`.
    pub(super) fn add(
        &mut self,
        name: String,
        drawing: Option<Drawing>,
        caption: impl Into<String>,
        missing: &'static str,
    ) -> Figure {
        let Some(drawing) = drawing else {
            return Figure::Missing(missing);
        };
        let svg = drawing.inline();
        self.0.push(NamedDrawing { name: name.clone(), drawing });
        Figure::Drawn { name, svg, caption: caption.into() }
    }

    /// Returns the drawings, in the order of the page.
    pub(super) fn into_named(self) -> Vec<NamedDrawing> {
        self.0
    }
}
