//! A section of the page.

use askama::Template;
use askama::filters::HtmlSafe;

/// Holds markup that a template made.
#[derive(Debug)]
pub(super) struct Markup(String);

impl HtmlSafe for Markup {}

impl std::fmt::Display for Markup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says whether a section's figures have a mean over the repeats of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OverRepeats {
    Mean,
    OneRepeat,
}

/// Holds a section: its place in the contents, its title and its rendered body.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) over_repeats: OverRepeats,
    pub(super) body: Markup,
}

impl Section {
    /// Renders a section.
    pub(super) fn new(id: &'static str, title: &'static str, over_repeats: OverRepeats, body: &impl Template) -> Self {
        Self { id, title, over_repeats, body: Markup(body.to_string()) }
    }

    /// Tells whether the section's figures are of one repeat alone where others are means.
    pub(super) fn is_of_one_repeat(&self) -> bool {
        self.over_repeats == OverRepeats::OneRepeat
    }
}
