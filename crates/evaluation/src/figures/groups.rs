//! A figure by group or course: a line each, with a dot and its interval.

use super::drawing::{Drawing, WIDTH};
use super::plot::{Anchor, Axis, Key, Numbers, Plot, Size};
use crate::markup::shorten;
use crate::numbers::{count, counted};

/// Holds a value and its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The value.
    pub value: f64,
    /// Its 95% interval, if known.
    pub interval: Option<(f64, f64)>,
}

/// Holds one line of the drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalRow<'a> {
    /// Name of the group or course; shown as far as there is room, wholly when pointed at.
    pub name: &'a str,
    /// Learners in it; `None` for what is to be expected, which is no group of learners and is drawn apart.
    pub n: Option<u64>,
    /// The figure, or why there is none.
    pub figure: Result<Interval, String>,
}

/// Draws dots with intervals, one below the other, each under its name, so that names of any length have room; the figure of
/// everybody as a line of comparison. `None` if no row has a figure.
#[must_use]
pub fn intervals(rows: &[IntervalRow<'_>], figure: &str, everybody: Option<f64>, title: &str) -> Option<Drawing> {
    let known = || rows.iter().filter_map(|row| row.figure.as_ref().ok());
    known().next()?;
    let ends = known().flat_map(|row| row.interval.map_or([row.value; 2], |(low, high)| [low, high]));
    let (low, high) = ends.chain(everybody).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let low = (low * 20.0 - 0.2).floor() / 20.0;
    let high = (high * 20.0 + 0.2).ceil() / 20.0;
    let mut keys = vec![Key::Marked(0, figure)];
    keys.extend(rows.iter().filter(|row| row.n.is_none()).map(|_| Key::Marked(1, "to be expected")).take(1));
    if everybody.is_some() {
        keys.push(Key::Reference("everybody"));
    }
    let across = Axis { low, high, title: figure, numbers: Numbers::Decimals(2), ticks: 7 };
    // Rows are counted from above; the axis upwards has no ticks.
    let lines = rows.len() as f64;
    let up = Axis { low: 0.0, high: lines, title: "", numbers: Numbers::Decimals(0), ticks: 0 };
    let mut plot = Plot::new(&keys, across, up, 36.0 * lines);
    if let Some(everybody) = everybody {
        plot.reference((everybody, 0.0), (everybody, lines));
    }
    for (row, down) in rows.iter().zip(0_u32..) {
        let y = lines - f64::from(down) - 0.72;
        let (_, name_y) = plot.place(low, lines - f64::from(down) - 0.36);
        let named = shorten(row.name, 30);
        let series = usize::from(row.n.is_none());
        let learners = row.n.map_or_else(String::new, |n| format!(", {}", counted(n, "learner")));
        let beside = row.n.map_or_else(String::new, |n| format!(" · n {}", count(n)));
        plot.text((48.0, name_y), Anchor::Start, Size::Normal, &named);
        match &row.figure {
            Ok(Interval { value, interval }) => {
                let range = interval.map_or_else(String::new, |(low, high)| format!(" ({low:.3} to {high:.3})"));
                if let Some(interval) = interval {
                    plot.whisker_across(series, y, *interval);
                }
                plot.mark(series, (*value, y), 4.5, format!("{}{learners}: {value:.3}{range}", row.name));
                // Of what is to be expected the interval says more than its middle.
                let figure = row.n.map_or_else(|| range.trim().to_owned(), |_| format!("{value:.3}{beside}"));
                plot.text((f64::from(WIDTH) - 18.0, name_y), Anchor::End, Size::Small, &figure);
            }
            Err(reason) => {
                let (_, reason_y) = plot.place(low, y);
                plot.text((48.0, reason_y + 4.0), Anchor::Start, Size::Small, &format!("– {}", shorten(reason, 50)));
                plot.text((f64::from(WIDTH) - 18.0, name_y), Anchor::End, Size::Small, &format!("–{beside}"));
            }
        }
    }
    let figures: Vec<String> = rows
        .iter()
        .take(12)
        .map(|row| match &row.figure {
            Ok(figure) => format!("{} {:.3}", row.name, figure.value),
            Err(reason) => format!("{} none ({reason})", row.name),
        })
        .collect();
    let more = if rows.len() > 12 { format!(" and {} more", rows.len() - 12) } else { String::new() };
    Some(plot.finish(title, format!("{figure}: {}{more}.", figures.join(", "))))
}
