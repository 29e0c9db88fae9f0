//! The plot area that most drawings share: axes with ticks, a legend, and shapes in the values' own coordinates.

use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{BoldPoints, Ranged};
use plotters::coord::types::RangedCoordf64;

use super::style::{SERIES, marker};
use super::thin::thin;
use super::{Drawing, WIDTH};
use crate::markup::{escape, shorten};

/// plotters counts whole pixels: ten of them are one unit of the drawing.
const PIXELS: f64 = 10.0;
/// Half a tenth of a unit can't be seen.
const TOLERANCE: f64 = 0.1;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 340.0;
const LEGEND_LINE: f64 = 18.0;
/// A letter's width on average, with room to spare: fonts differ.
const LETTER: f64 = 7.0;

/// How an axis writes its numbers.
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
            Self::Count => crate::text::count(value.abs().round() as u64),
        }
    }
}

/// An axis: what it covers, what it is called, how many ticks it has at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis<'a> {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) title: &'a str,
    pub(super) numbers: Numbers,
    pub(super) ticks: usize,
}

impl<'a> Axis<'a> {
    /// From 0 % to 100 %.
    pub(super) fn share(title: &'a str) -> Self {
        Self { low: 0.0, high: 1.0, title, numbers: Numbers::Percent, ticks: 6 }
    }

    /// Ticks where plotters puts them; of counts only the whole ones.
    fn tick_values(&self) -> Vec<f64> {
        let ticks = RangedCoordf64::from(self.low..self.high).key_points(BoldPoints(self.ticks));
        ticks.into_iter().filter(|tick| !matches!(self.numbers, Numbers::Count) || tick.fract() == 0.0).collect()
    }
}

/// How a legend names a series.
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

/// A drawing in the making.
pub(super) struct Plot {
    coordinates: Cartesian2d<RangedCoordf64, RangedCoordf64>,
    frame: [f64; 8],
    height: u32,
    body: String,
}

impl Plot {
    /// Draws legend, grid and axes around a plot `plot_height` units high.
    pub(super) fn new(keys: &[Key<'_>], x: Axis<'_>, y: Axis<'_>, plot_height: f64) -> Self {
        let mut body = String::new();
        let top = legend(&mut body, keys) + 30.0;
        let bottom = top + plot_height;
        let pixels = |value: f64| (value * PIXELS).round() as i32;
        let coordinates =
            Cartesian2d::new(x.low..x.high, y.low..y.high, (pixels(LEFT)..pixels(RIGHT), pixels(bottom)..pixels(top)));
        let frame = [LEFT, top, RIGHT, bottom, x.low, x.high, y.low, y.high];
        let mut plot = Self { coordinates, frame, height: (bottom + 40.0).ceil() as u32, body };
        plot.axes(x, y);
        plot
    }

    fn axes(&mut self, x: Axis<'_>, y: Axis<'_>) {
        let [left, top, right, bottom, ..] = self.frame;
        for tick in y.tick_values() {
            let (_, at) = self.place(x.low, tick);
            self.body += &format!("<path class=\"sc-grid\" d=\"M{left:.1} {at:.1}H{right:.1}\"/>");
            self.text((left - 5.0, at + 4.0), "end", "", &y.numbers.write(tick));
        }
        for tick in x.tick_values() {
            let (at, _) = self.place(tick, y.low);
            self.body += &format!("<path class=\"sc-axis\" d=\"M{at:.1} {bottom:.1}v4\"/>");
            self.text((at, bottom + 16.0), "middle", "", &x.numbers.write(tick));
        }
        self.body += &format!("<path class=\"sc-axis\" d=\"M{left:.1} {top:.1}V{bottom:.1}H{right:.1}\"/>");
        self.text((left - 36.0, top - 9.0), "start", "", y.title);
        self.text((right + 15.0, bottom + 33.0), "end", "", x.title);
    }

    /// Where a value lies, in units of the drawing.
    pub(super) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = self.coordinates.translate(&(x, y));
        (f64::from(x) / PIXELS, f64::from(y) / PIXELS)
    }

    /// A text; `class` may be empty.
    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: &str, class: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.body +=
            &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{class}>{}</text>", escape(text));
    }

    /// A small text inside the plot, so far from its left and bottom ends (shares of width and height).
    pub(super) fn note(&mut self, (across, up): (f64, f64), anchor: &str, text: &str) {
        let [left, top, right, bottom, ..] = self.frame;
        let at = (left + across * (right - left), bottom - up * (bottom - top));
        self.text(at, anchor, "sc-small", text);
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let placed: Vec<(f64, f64)> = points.iter().map(|&(x, y)| self.place(x, y)).collect();
        let placed: Vec<String> = thin(&placed, TOLERANCE).iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        placed.join("L")
    }

    /// A line of a series.
    pub(super) fn line(&mut self, series: usize, points: &[(f64, f64)]) {
        if points.len() > 1 {
            let path = self.path(points);
            self.body += &format!("<path class=\"sc-line sc-s{}\" d=\"M{path}\"/>", series % SERIES);
        }
    }

    /// The dotted line of comparison.
    pub(super) fn reference(&mut self, from: (f64, f64), to: (f64, f64)) {
        let path = self.path(&[from, to]);
        self.body += &format!("<path class=\"sc-reference\" d=\"M{path}\"/>");
    }

    /// The area inside an outline, faint.
    pub(super) fn area(&mut self, series: usize, outline: &[(f64, f64)]) {
        if outline.len() > 2 {
            let path = self.path(outline);
            self.body += &format!("<path class=\"sc-band sc-f{}\" d=\"M{path}Z\"/>", series % SERIES);
        }
    }

    /// A vertical interval with its ends.
    pub(super) fn whisker(&mut self, series: usize, x: f64, (low, high): (f64, f64)) {
        let ((at, from), (_, to)) = (self.place(x, low), self.place(x, high));
        self.body += &format!(
            "<path class=\"sc-whisker sc-s{}\" d=\"M{:.1} {from:.1}h6m-3 0V{to:.1}m-3 0h6\"/>",
            series % SERIES,
            at - 3.0
        );
    }

    /// A horizontal interval with its ends.
    pub(super) fn whisker_across(&mut self, series: usize, y: f64, (low, high): (f64, f64)) {
        let ((from, at), (to, _)) = (self.place(low, y), self.place(high, y));
        self.body += &format!(
            "<path class=\"sc-whisker sc-s{}\" d=\"M{from:.1} {:.1}v6m0 -3H{to:.1}m0 -3v6\"/>",
            series % SERIES,
            at - 3.0
        );
    }

    /// A marker that says `title` when pointed at.
    pub(super) fn mark(&mut self, series: usize, (x, y): (f64, f64), radius: f64, title: &str) {
        let (x, y) = self.place(x, y);
        let class = format!("sc-f{}", series % SERIES);
        self.body += &format!("{} class=\"{class}\"><title>{}</title>", marker(series, x, y, radius), escape(title));
        self.body += if series.is_multiple_of(SERIES) { "</circle>" } else { "</polygon>" };
    }

    /// A bar between two corners that says `title` when pointed at.
    pub(super) fn bar(&mut self, series: usize, from: (f64, f64), to: (f64, f64), title: &str) {
        let ((x0, y0), (x1, y1)) = (self.place(from.0, from.1), self.place(to.0, to.1));
        self.body += &format!(
            "<rect class=\"sc-bar sc-f{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            series % SERIES,
            x0.min(x1),
            y0.min(y1),
            (x1 - x0).abs(),
            (y1 - y0).abs(),
            escape(title)
        );
    }

    /// The drawing.
    pub(super) fn finish(self, title: &str, description: &str) -> Drawing {
        Drawing {
            title: title.to_owned(),
            description: description.to_owned(),
            height: self.height,
            frame: self.frame,
            body: self.body,
        }
    }
}

/// Writes the legend and returns where it ends. Names flow into lines.
fn legend(body: &mut String, keys: &[Key<'_>]) -> f64 {
    let (mut x, mut y) = (6.0, 0.0);
    for key in keys {
        let name = shorten(key.name(), 44);
        let width = 45.0 + LETTER * name.chars().count() as f64;
        if y == 0.0 || x + width > f64::from(WIDTH) {
            x = 6.0;
            y += LEGEND_LINE;
        }
        let middle = y - 4.0;
        match *key {
            Key::Line(series, _) | Key::Marked(series, _) => {
                let series = series % SERIES;
                *body += &format!("<path class=\"sc-line sc-s{series}\" d=\"M{x:.1} {middle:.1}h26\"/>");
                if matches!(key, Key::Marked(..)) {
                    *body += &format!("{} class=\"sc-f{series}\"/>", marker(series, x + 13.0, middle, 3.5));
                }
            }
            Key::Area(series, _) | Key::Bar(series, _) => {
                let class = if matches!(key, Key::Bar(..)) { "sc-bar" } else { "sc-band" };
                let series = series % SERIES;
                *body += &format!(
                    "<rect class=\"{class} sc-f{series}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"26\" height=\"10\"/>",
                    middle - 5.0
                );
            }
            Key::Reference(_) => {
                *body += &format!("<path class=\"sc-reference\" d=\"M{x:.1} {middle:.1}h26\"/>");
            }
        }
        *body += &format!("<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>", x + 31.0, escape(&name));
        x += width;
    }
    y
}
