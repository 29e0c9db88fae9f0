//! The shapes that drawings are made of.

use askama::Template;

/// Counts the series that have a look of their own; more would have to share.
pub(super) const SERIES: usize = 6;

/// Holds one shape, placed in units of the drawing. `path` is a path's data.
#[derive(Debug, Clone, PartialEq, Template)]
#[template(path = "shape.svg", escape = "html")]
pub(super) enum Shape {
    /// A faint line behind the values.
    Grid { path: String },
    /// A line of an axis.
    Axis { path: String },
    /// The dotted line of comparison.
    Reference { path: String },
    /// A line of a series.
    Line { series: usize, path: String },
    /// A faint area of a series.
    Band { series: usize, path: String },
    /// An interval with its ends.
    Whisker { series: usize, path: String },
    /// A marker, with the text that it shows when pointed at.
    Mark { series: usize, marker: Marker, title: Option<String> },
    /// A bar, with the text that it shows when pointed at.
    Bar { series: usize, corner: (f64, f64), size: (f64, f64), title: Option<String> },
    /// A faint rectangle, as legends have it.
    Swatch { series: usize, corner: (f64, f64), size: (f64, f64) },
    /// A text; `anchor` is `start`, `middle` or `end`.
    Text { at: (f64, f64), anchor: &'static str, small: bool, text: String },
}

/// Holds the outline of a marker.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Marker {
    Circle { centre: (f64, f64), radius: f64 },
    Polygon { points: String },
}

impl Marker {
    /// Makes the marker of a series around a point: each series has an outline of its own.
    pub(super) fn new(series: usize, centre: (f64, f64), radius: f64) -> Self {
        let corners: &[(f64, f64)] = match series % SERIES {
            0 => return Self::Circle { centre, radius },
            1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            2 => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            3 => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            4 => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
            _ => &[
                (-0.4, -1.2),
                (0.4, -1.2),
                (0.4, -0.4),
                (1.2, -0.4),
                (1.2, 0.4),
                (0.4, 0.4),
                (0.4, 1.2),
                (-0.4, 1.2),
                (-0.4, 0.4),
                (-1.2, 0.4),
                (-1.2, -0.4),
                (-0.4, -0.4),
            ],
        };
        let place = |(dx, dy): &(f64, f64)| format!("{:.1},{:.1}", centre.0 + dx * radius, centre.1 + dy * radius);
        Self::Polygon { points: corners.iter().map(place).collect::<Vec<_>>().join(" ") }
    }
}
