//! Figures: drawn once, for the page and for files of their own.

use askama::Template;
use askama::filters::HtmlSafe;

use super::page::NamedDrawing;
use crate::figures::Drawing;

/// Stems of the names of drawings, before a number and the cohort.
const STEMS: [&str; 13] = [
    "abroca",
    "auc-by-week",
    "capacity",
    "cost",
    "courses",
    "decision",
    "flags-by-week",
    "groups",
    "histogram",
    "precision-recall",
    "reliability",
    "roc",
    "survival",
];

/// Tells whether a drawing of a report can have this name, as `roc-all` or `groups-2-active`.
#[must_use]
pub fn is_drawing_name(name: &str) -> bool {
    let Some(name) = name.strip_suffix("-all").or_else(|| name.strip_suffix("-active")) else { return false };
    let stem = match name.rsplit_once('-') {
        Some((stem, number)) if number.parse::<u32>().is_ok() => stem,
        _ => name,
    };
    STEMS.contains(&stem)
}

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
        debug_assert!(is_drawing_name(&name), "a report with `{name}` would not be taken for one");
        let svg = drawing.inline();
        self.0.push(NamedDrawing { name: name.clone(), drawing });
        Figure::Drawn { name, svg, caption: caption.into() }
    }

    /// Returns the drawings, in the order of the page.
    pub(super) fn into_named(self) -> Vec<NamedDrawing> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_are_told_from_other_files_by_name() {
        for name in ["roc-all", "auc-by-week-active", "groups-2-all", "abroca-11-active", "precision-recall-all"] {
            assert!(is_drawing_name(name), "{name}");
        }
        for name in ["roc", "my-all", "roc-all-2", "groups-x-all", "", "-all", "roc-ALL"] {
            assert!(!is_drawing_name(name), "{name}");
        }
    }
}
