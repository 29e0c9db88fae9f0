//! The share still there, forecast against what happened.

use super::drawing::Drawing;
use super::plot::{Axis, Key, Numbers, Plot};

/// Holds the share still there at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurvivalPoint {
    /// Weeks after the instant that all are followed from, such as a cut-off.
    pub week: f64,
    /// Share still there, 0 to 1.
    pub share: f64,
    /// 95% interval of that share, if known.
    pub interval: Option<(f64, f64)>,
}

/// Draws the Kaplan-Meier estimate as steps with its interval, and the mean of the forecasts as a line.
/// `None` if nothing was observed; without forecasts there is no line of them.
#[must_use]
pub fn survival(observed: &[SurvivalPoint], predicted: &[SurvivalPoint], title: &str) -> Option<Drawing> {
    let last_observed = observed.last()?;
    let weeks = || observed.iter().chain(predicted).map(|point| point.week);
    let (first, last) = (weeks().fold(f64::INFINITY, f64::min), weeks().fold(0.0, f64::max));
    let (low, high) = (first, if last > first { last } else { first + 1.0 });
    let mut keys = vec![Key::Line(1, "observed (Kaplan–Meier)")];
    if !predicted.is_empty() {
        keys.insert(0, Key::Line(0, "forecast (mean)"));
    }
    if observed.iter().any(|point| point.interval.is_some()) {
        keys.push(Key::Area(1, "95% interval"));
    }
    let across = Axis { low, high, title: "weeks after the cut-off", numbers: Numbers::Count, ticks: 10 };
    let mut plot = Plot::new(&keys, across, Axis::share("share still there"), 220.0);
    let lows: Vec<(f64, f64)> = observed.iter().filter_map(|at| Some((at.week, at.interval?.0))).collect();
    let highs: Vec<(f64, f64)> = observed.iter().filter_map(|at| Some((at.week, at.interval?.1))).collect();
    let mut outline = steps(&lows);
    outline.extend(steps(&highs).into_iter().rev());
    plot.area(1, &outline);
    let forecast: Vec<(f64, f64)> = predicted.iter().map(|at| (at.week, at.share)).collect();
    plot.line(0, &forecast);
    for at in predicted {
        plot.mark(0, (at.week, at.share), 2.2, format!("forecast, week {:.0}: {:.1}%", at.week, 100.0 * at.share));
    }
    // On top, as a good forecast hides it.
    let observed_line: Vec<(f64, f64)> = observed.iter().map(|at| (at.week, at.share)).collect();
    plot.line(1, &steps(&observed_line));
    Some(plot.finish(
        title,
        format!(
            "Survival curve. After {:.0} weeks {:.0}% were still there{}.",
            last_observed.week,
            100.0 * last_observed.share,
            predicted.last().map_or_else(String::new, |last| format!(
                "; the forecast was {:.0}% after {:.0}",
                100.0 * last.share,
                last.week
            ))
        ),
    ))
}

/// Makes a line that keeps its height until the next point.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut line = Vec::with_capacity(2 * points.len());
    for &(x, y) in points {
        if let Some(&(_, before)) = line.last() {
            line.push((x, before));
        }
        line.push((x, y));
    }
    line
}
