//! Curves for those who act on a forecast: by capacity, decision curves, cost curves.

use super::curves::Curve;
use super::drawing::Drawing;
use super::plot::{Axis, Key, Numbers, Plot};

/// Holds what contacting so many of those most at risk reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapacityPoint {
    /// Share of the learners contacted, 0 to 1.
    pub contacted: f64,
    /// Of those contacted, the share that drops out.
    pub precision: f64,
    /// Of those who drop out, the share contacted.
    pub recall: f64,
}

/// Draws precision and recall by the share of learners contacted, beside picking at random. `None` without points.
#[must_use]
pub fn capacity(points: &[CapacityPoint], base_rate: f64, title: &str) -> Option<Drawing> {
    let (Some(_), Some(_)) = (points.first(), points.last()) else {
        return None;
    };
    let keys = [
        Key::Line(0, "precision: of those contacted, drop out"),
        Key::Line(1, "recall: of the dropouts, contacted"),
        Key::Reference("the same, picking at random"),
    ];
    let across = Axis::share("share of the learners contacted, most at risk first");
    let mut plot = Plot::new(&keys, across, Axis::share("share"), 220.0);
    plot.reference((0.0, base_rate), (1.0, base_rate));
    plot.reference((0.0, 0.0), (1.0, 1.0));
    let line = |of: fn(&CapacityPoint) -> f64| points.iter().map(|at| (at.contacted, of(at))).collect::<Vec<_>>();
    plot.line(1, &line(|at| at.recall));
    plot.line(0, &line(|at| at.precision));
    let tenth = points.iter().find(|at| at.contacted >= 0.1).unwrap_or(&points[0]);
    Some(plot.finish(
        title,
        format!(
            "Contacting {:.0}% of the learners, {:.0}% of those contacted drop out and {:.0}% of the dropouts are \
             contacted. Picked at random, {:.0}% of those contacted would drop out.",
            100.0 * tenth.contacted,
            100.0 * tenth.precision,
            100.0 * tenth.recall,
            100.0 * base_rate
        ),
    ))
}

/// Draws decision curves: (threshold probability, net benefit), the model first, then flagging everybody and nobody. Values
/// far below 0 are cut off. `None` if the first has no points.
#[must_use]
pub fn decision(curves: &[Curve<'_>], title: &str) -> Option<Drawing> {
    let first = curves.first().filter(|curve| curve.points.len() > 1)?;
    let values = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let highest = values().fold(0.01, f64::max);
    // Flagging everybody falls without bound; values further below say no more.
    let lowest = values().fold(0.0, f64::min).max(-0.15 * highest);
    let up = Axis {
        low: lowest,
        high: 1.05 * highest,
        title: "net benefit (dropouts found per learner)",
        numbers: Numbers::Decimals(decimals(highest)),
        ticks: 7,
    };
    let across = Axis::share("risk from which on a contact is thought worth it");
    let plot = lines(curves, across, up);
    let best = first.points.iter().filter(|&&(x, y)| curves[1..].iter().all(|other| y > value_at(&other.points, x)));
    let range = best.fold(None, |range: Option<(f64, f64)>, &(x, _)| {
        Some(range.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
    });
    let comparison = range.map_or_else(
        || "The model is nowhere better than flagging everybody or nobody.".to_owned(),
        |(low, high)| {
            format!(
                "The model is better than flagging everybody or nobody between risks of {:.0}% and {:.0}%.",
                100.0 * low,
                100.0 * high
            )
        },
    );
    Some(plot.finish(title, format!("Decision curve. {comparison}")))
}

/// Draws cost curves: (probability-cost, normalised expected cost), the run's flag first. `None` if it has no points.
#[must_use]
pub fn cost(curves: &[Curve<'_>], title: &str) -> Option<Drawing> {
    let first = curves.first().filter(|curve| curve.points.len() > 1)?;
    let highest = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1).fold(0.01, f64::max);
    let up = Axis {
        low: 0.0,
        high: 1.05 * highest,
        title: "expected cost (1 = all wrong)",
        numbers: Numbers::Decimals(decimals(highest)),
        ticks: 7,
    };
    let across = Axis::share("share of the cost due to missed dropouts");
    let plot = lines(curves, across, up);
    let most = first.points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(plot.finish(
        title,
        format!("Cost curve. Mistakes cost {:.3} at most, at {:.0}% across; lower is better.", most.1, 100.0 * most.0),
    ))
}

/// Draws lines, the first on top, each cut where it leaves the plot downwards.
fn lines(curves: &[Curve<'_>], across: Axis<'_>, up: Axis<'_>) -> Plot {
    let keys: Vec<Key<'_>> = curves.iter().enumerate().map(|(at, curve)| Key::Line(at, curve.name)).collect();
    let mut plot = Plot::new(&keys, across, up, 220.0);
    for (series, curve) in curves.iter().enumerate().rev() {
        for stretch in curve.points.chunk_by(|a, b| (a.1 < up.low) == (b.1 < up.low)) {
            if stretch[0].1 >= up.low {
                plot.line(series, stretch);
            }
        }
    }
    plot
}

/// Returns the decimals that tell ticks of this height apart.
fn decimals(highest: f64) -> usize {
    if highest < 0.1 { 2 } else { 1 }
}

/// Returns the value at the point nearest to `x`; curves of one drawing share their points.
fn value_at(points: &[(f64, f64)], x: f64) -> f64 {
    let nearest = points.iter().min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()));
    nearest.map_or(f64::NEG_INFINITY, |point| point.1)
}
