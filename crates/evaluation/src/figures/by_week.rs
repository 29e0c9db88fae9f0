//! A figure over weeks.

use staycast_weeks::CutOff;

use super::drawing::Drawing;
use super::plot::{Axis, Key, Numbers, Plot};

/// Holds a figure at the end of one week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeekPoint {
    /// The cut-off.
    pub week: CutOff,
    /// The figure.
    pub value: f64,
    /// Its 95% interval, if known.
    pub interval: Option<(f64, f64)>,
}

/// Holds a named line over weeks.
#[derive(Debug, Clone, PartialEq)]
pub struct WeekSeries<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Weeks at which it has a value, ascending. No line is drawn over weeks that are missing.
    pub points: Vec<WeekPoint>,
}

/// Holds all that is drawn over weeks.
#[derive(Debug, Clone, PartialEq)]
pub struct WeekFigure<'a> {
    /// Title of the drawing.
    pub title: &'a str,
    /// Name of the figure, at the axis.
    pub figure: &'a str,
    /// The model first, then baselines.
    pub series: Vec<WeekSeries<'a>>,
    /// The week that the report is about.
    pub asked_week: CutOff,
    /// The figure that guessing reaches, if that is one number.
    pub guessing: Option<f64>,
    /// Lowest and highest value that the axis shows at least.
    pub range: (f64, f64),
}

/// Draws lines over weeks, the first series with its interval as a band. `None` if the first has no points.
#[must_use]
pub fn by_week(figure: &WeekFigure<'_>) -> Option<Drawing> {
    let model = figure.series.first().filter(|series| !series.points.is_empty())?;
    let points = || figure.series.iter().flat_map(|series| &series.points);
    let first = points().map(|point| point.week).min()?;
    let last = points().map(|point| point.week).max()?;
    let ends = |point: &WeekPoint| point.interval.map_or([point.value; 2], |(low, high)| [low, high]);
    let (low, high) =
        points().flat_map(ends).fold(figure.range, |(low, high), value| (low.min(value), high.max(value)));
    let low = (low * 10.0 + 1e-9).floor() / 10.0;
    let high = (high * 10.0 - 1e-9).ceil() / 10.0;
    let mut keys: Vec<Key<'_>> = figure
        .series
        .iter()
        .enumerate()
        .filter(|(_, series)| !series.points.is_empty())
        .map(|(at, series)| Key::Marked(at, series.name))
        .collect();
    if model.points.iter().any(|point| point.interval.is_some()) {
        keys.push(Key::Area(0, "95% interval"));
    }
    if figure.guessing.is_some() {
        keys.push(Key::Reference("guessing"));
    }
    let across = Axis {
        low: f64::from(first.weeks()) - 0.5,
        high: f64::from(last.weeks()) + 0.5,
        title: "end of week",
        numbers: Numbers::Count,
        ticks: 13,
    };
    let up = Axis { low, high, title: figure.figure, numbers: Numbers::Decimals(1), ticks: 8 };
    let mut plot = Plot::new(&keys, across, up, 220.0);
    if let Some(guessing) = figure.guessing {
        plot.reference((across.low, guessing), (across.high, guessing));
    }
    for stretch in stretches(&model.points) {
        let lows = stretch.iter().filter_map(|point| Some((f64::from(point.week.weeks()), point.interval?.0)));
        let highs = stretch.iter().rev().filter_map(|point| Some((f64::from(point.week.weeks()), point.interval?.1)));
        plot.area(0, &lows.chain(highs).collect::<Vec<_>>());
    }
    for (at, series) in figure.series.iter().enumerate().rev() {
        for stretch in stretches(&series.points) {
            let line: Vec<(f64, f64)> =
                stretch.iter().map(|point| (f64::from(point.week.weeks()), point.value)).collect();
            plot.line(at, &line);
        }
        for point in &series.points {
            let interval = point.interval.map_or_else(String::new, |(low, high)| format!(" ({low:.3} to {high:.3})"));
            let title = format!("{}, week {}: {:.3}{interval}", series.name, point.week, point.value);
            let radius = if point.week == figure.asked_week { 5.0 } else { 3.3 };
            plot.mark(at, (f64::from(point.week.weeks()), point.value), radius, title);
        }
    }
    let (start, end) = (model.points[0], model.points[model.points.len() - 1]);
    Some(plot.finish(
        figure.title,
        format!(
            "{} of {} from {:.3} at the end of week {} to {:.3} at the end of week {}.",
            figure.figure, model.name, start.value, start.week, end.value, end.week
        ),
    ))
}

/// Cuts weeks into runs without a gap.
fn stretches(points: &[WeekPoint]) -> impl Iterator<Item = &[WeekPoint]> {
    points.chunk_by(|a, b| a.week.count() + 1 == b.week.count())
}
