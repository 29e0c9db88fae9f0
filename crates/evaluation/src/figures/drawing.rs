//! A finished drawing, for a page or for a file of its own.

use askama::Template;

use super::shape::Shape;
use super::style::file_style;
use crate::markup::without_control_characters;

/// Sets the width of every drawing in its own units.
pub(super) const WIDTH: u32 = 360;

/// Tells where a plot lies in a drawing, and the values that its edges stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    /// Lowest and highest value across.
    pub(super) x: (f64, f64),
    /// Lowest and highest value upwards.
    pub(super) y: (f64, f64),
}

/// Holds a drawing, to be put into a page or written to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) height: u32,
    pub(super) frame: Frame,
    pub(super) shapes: Vec<Shape>,
}

/// Renders a drawing as an `<svg>` element.
#[derive(Template)]
#[template(path = "drawing.svg", escape = "html")]
struct Svg<'a> {
    drawing: &'a Drawing,
    /// Style sheet of a file of its own; `None` inside a page, which has one.
    style: Option<String>,
}

impl Drawing {
    /// Returns the drawing's title, a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Renders an `<svg>` element for a page that has the tokens and the rules of drawings in its own style sheet.
    #[must_use]
    pub fn inline(&self) -> String {
        without_control_characters(&Svg { drawing: self, style: None }.to_string())
    }

    /// Renders a whole SVG file, its style sheet and background within it.
    #[must_use]
    pub fn to_svg(&self) -> String {
        without_control_characters(&Svg { drawing: self, style: Some(file_style()) }.to_string())
    }
}

impl Svg<'_> {
    /// Returns the size of a file in pixels, width and height: twice the drawing's units.
    fn pixels(&self) -> (u32, u32) {
        (2 * WIDTH, 2 * self.drawing.height)
    }
}
