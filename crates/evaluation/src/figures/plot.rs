//! The plot area that drawings share: axes with ticks, a legend, and shapes in the values' own coordinates.

use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{BoldPoints, Ranged};
use plotters::coord::types::RangedCoordf64;

use super::drawing::{Drawing, Frame, WIDTH};
use super::shape::{Marker, SERIES, Shape};
use super::thin::thin;
use crate::markup::shorten;
use crate::numbers::count;

/// Sets the pixels of one unit of the drawing, as plotters counts whole pixels.
const PIXELS: f64 = 10.0;
/// Sets the distance, in units of the drawing, of which half can't be seen.
const TOLERANCE: f64 = 0.1;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 340.0;
const LEGEND_LINE: f64 = 18.0;
/// Sets a letter's width on average, with room to spare: fonts differ.
const LETTER: f64 = 7.0;

/// Says how an axis writes its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers {
    /// A share as a percentage.
    Percent,
    /// So many decimals.
    Decimals(usize),
    /// Without its sign, thousands separated.
    Count,
}

impl Numbers {
    fn write(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{:.0}%", 100.0 * value),
            // Without the minus of a rounded zero.
            Self::Decimals(decimals) => format!("{:.decimals$}", if value.abs() < 1e-9 { 0.0 } else { value }),
            Self::Count => count(value.abs().round() as u64),
        }
    }
}

/// Describes an axis: the values it covers, its title, and how many ticks it has at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis<'a> {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) title: &'a str,
    pub(super) numbers: Numbers,
    pub(super) ticks: usize,
}

impl<'a> Axis<'a> {
    /// Makes an axis from 0% to 100%.
    pub(super) fn share(title: &'a str) -> Self {
        Self { low: 0.0, high: 1.0, title, numbers: Numbers::Percent, ticks: 6 }
    }

    /// Lists the ticks where plotters puts them; of counts only the whole ones.
    fn tick_values(&self) -> Vec<f64> {
        let ticks = RangedCoordf64::from(self.low..self.high).key_points(BoldPoints(self.ticks));
        ticks.into_iter().filter(|tick| !matches!(self.numbers, Numbers::Count) || tick.fract() == 0.0).collect()
    }
}

/// Holds a line of a legend: how a series looks, and its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    /// A line of this series.
    Line(usize, &'a str),
    /// A line with markers.
    Marked(usize, &'a str),
    /// A faint area.
    Area(usize, &'a str),
    /// Bars.
    Bar(usize, &'a str),
    /// The dotted line of comparison.
    Reference(&'a str),
}

impl Key<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Line(_, name)
            | Self::Marked(_, name)
            | Self::Area(_, name)
            | Self::Bar(_, name)
            | Self::Reference(name) => name,
        }
    }
}

/// Collects the shapes of a drawing.
pub(super) struct Plot {
    coordinates: Cartesian2d<RangedCoordf64, RangedCoordf64>,
    frame: Frame,
    height: u32,
    shapes: Vec<Shape>,
}

impl Plot {
    /// Draws legend, grid and axes around a plot `plot_height` units high.
    pub(super) fn new(keys: &[Key<'_>], x: Axis<'_>, y: Axis<'_>, plot_height: f64) -> Self {
        let mut shapes = Vec::new();
        let top = legend(&mut shapes, keys) + 30.0;
        let bottom = top + plot_height;
        let pixels = |value: f64| (value * PIXELS).round() as i32;
        let coordinates =
            Cartesian2d::new(x.low..x.high, y.low..y.high, (pixels(LEFT)..pixels(RIGHT), pixels(bottom)..pixels(top)));
        let frame = Frame { left: LEFT, top, right: RIGHT, bottom, x: (x.low, x.high), y: (y.low, y.high) };
        let mut plot = Self { coordinates, frame, height: (bottom + 40.0).ceil() as u32, shapes };
        plot.axes(x, y);
        plot
    }

    fn axes(&mut self, x: Axis<'_>, y: Axis<'_>) {
        let Frame { left, top, right, bottom, .. } = self.frame;
        for tick in y.tick_values() {
            let (_, at) = self.place(x.low, tick);
            self.shapes.push(Shape::Grid { path: format!("M{left:.1} {at:.1}H{right:.1}") });
            self.text((left - 5.0, at + 4.0), Anchor::End, Size::Normal, &y.numbers.write(tick));
        }
        for tick in x.tick_values() {
            let (at, _) = self.place(tick, y.low);
            self.shapes.push(Shape::Axis { path: format!("M{at:.1} {bottom:.1}v4") });
            self.text((at, bottom + 16.0), Anchor::Middle, Size::Normal, &x.numbers.write(tick));
        }
        self.shapes.push(Shape::Axis { path: format!("M{left:.1} {top:.1}V{bottom:.1}H{right:.1}") });
        self.text((left - 36.0, top - 9.0), Anchor::Start, Size::Normal, y.title);
        self.text((right + 15.0, bottom + 33.0), Anchor::End, Size::Normal, x.title);
    }

    /// Returns where a value lies, in units of the drawing.
    pub(super) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = self.coordinates.translate(&(x, y));
        (f64::from(x) / PIXELS, f64::from(y) / PIXELS)
    }

    /// Writes a text.
    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, size: Size, text: &str) {
        let small = matches!(size, Size::Small);
        self.shapes.push(Shape::Text { at, anchor: anchor.name(), small, text: text.to_owned() });
    }

    /// Writes a small text inside the plot, so far from its left and bottom ends (shares of width and height).
    pub(super) fn note(&mut self, (across, up): (f64, f64), anchor: Anchor, text: &str) {
        let Frame { left, top, right, bottom, .. } = self.frame;
        let at = (left + across * (right - left), bottom - up * (bottom - top));
        self.text(at, anchor, Size::Small, text);
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let placed: Vec<(f64, f64)> = points.iter().map(|&(x, y)| self.place(x, y)).collect();
        let placed: Vec<String> = thin(&placed, TOLERANCE).iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        format!("M{}", placed.join("L"))
    }

    /// Draws a line of a series.
    pub(super) fn line(&mut self, series: usize, points: &[(f64, f64)]) {
        if points.len() > 1 {
            let path = self.path(points);
            self.shapes.push(Shape::Line { series: series % SERIES, path });
        }
    }

    /// Draws the dotted line of comparison.
    pub(super) fn reference(&mut self, from: (f64, f64), to: (f64, f64)) {
        let path = self.path(&[from, to]);
        self.shapes.push(Shape::Reference { path });
    }

    /// Fills the area inside an outline, faintly.
    pub(super) fn area(&mut self, series: usize, outline: &[(f64, f64)]) {
        if outline.len() > 2 {
            let path = self.path(outline) + "Z";
            self.shapes.push(Shape::Band { series: series % SERIES, path });
        }
    }

    /// Draws a vertical interval with its ends.
    pub(super) fn whisker(&mut self, series: usize, x: f64, (low, high): (f64, f64)) {
        let ((at, from), (_, to)) = (self.place(x, low), self.place(x, high));
        let path = format!("M{:.1} {from:.1}h6m-3 0V{to:.1}m-3 0h6", at - 3.0);
        self.shapes.push(Shape::Whisker { series: series % SERIES, path });
    }

    /// Draws a horizontal interval with its ends.
    pub(super) fn whisker_across(&mut self, series: usize, y: f64, (low, high): (f64, f64)) {
        let ((from, at), (to, _)) = (self.place(low, y), self.place(high, y));
        let path = format!("M{from:.1} {:.1}v6m0 -3H{to:.1}m0 -3v6", at - 3.0);
        self.shapes.push(Shape::Whisker { series: series % SERIES, path });
    }

    /// Draws a marker that shows `title` when pointed at.
    pub(super) fn mark(&mut self, series: usize, (x, y): (f64, f64), radius: f64, title: String) {
        let marker = Marker::new(series, self.place(x, y), radius);
        self.shapes.push(Shape::Mark { series: series % SERIES, marker, title: Some(title) });
    }

    /// Draws a bar between two corners that shows `title` when pointed at.
    pub(super) fn bar(&mut self, series: usize, from: (f64, f64), to: (f64, f64), title: String) {
        let ((x0, y0), (x1, y1)) = (self.place(from.0, from.1), self.place(to.0, to.1));
        self.shapes.push(Shape::Bar {
            series: series % SERIES,
            corner: (x0.min(x1), y0.min(y1)),
            size: ((x1 - x0).abs(), (y1 - y0).abs()),
            title: Some(title),
        });
    }

    /// Finishes the drawing.
    pub(super) fn finish(self, title: &str, description: String) -> Drawing {
        Drawing { title: title.to_owned(), description, height: self.height, frame: self.frame, shapes: self.shapes }
    }
}

/// Names the end of a text that its place refers to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// Names the size of a text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    Normal,
    Small,
}

/// Draws the legend and returns where it ends. Names flow into lines.
fn legend(shapes: &mut Vec<Shape>, keys: &[Key<'_>]) -> f64 {
    let (mut x, mut y) = (6.0, 0.0);
    for key in keys {
        let name = shorten(key.name(), 44);
        let width = 45.0 + LETTER * name.chars().count() as f64;
        if y == 0.0 || x + width > f64::from(WIDTH) {
            x = 6.0;
            y += LEGEND_LINE;
        }
        let middle = y - 4.0;
        let path = format!("M{x:.1} {middle:.1}h26");
        let (corner, size) = ((x, middle - 5.0), (26.0, 10.0));
        match *key {
            Key::Line(series, _) => shapes.push(Shape::Line { series: series % SERIES, path }),
            Key::Marked(series, _) => {
                let marker = Marker::new(series, (x + 13.0, middle), 3.5);
                shapes.push(Shape::Line { series: series % SERIES, path });
                shapes.push(Shape::Mark { series: series % SERIES, marker, title: None });
            }
            Key::Area(series, _) => shapes.push(Shape::Swatch { series: series % SERIES, corner, size }),
            Key::Bar(series, _) => {
                shapes.push(Shape::Bar { series: series % SERIES, corner, size, title: None });
            }
            Key::Reference(_) => shapes.push(Shape::Reference { path }),
        }
        shapes.push(Shape::Text { at: (x + 31.0, y), anchor: "start", small: false, text: name });
        x += width;
    }
    y
}
