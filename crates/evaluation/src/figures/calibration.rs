//! Reliability diagrams, and histograms of probabilities by outcome.

use super::drawing::Drawing;
use super::plot::{Anchor, Axis, Key, Numbers, Plot, Size};
use crate::numbers::{count, counted};

/// Holds a bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityPoint {
    /// Learners in the bin.
    pub count: u64,
    /// Mean probability forecast, 0 to 1.
    pub mean_probability: f64,
    /// Share that dropped out, 0 to 1.
    pub observed_rate: f64,
    /// 95% interval of that share, if known.
    pub interval: Option<(f64, f64)>,
}

/// Holds a bar of a histogram of probabilities, by outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistogramBar {
    /// Lowest probability of the bar.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Learners who dropped out.
    pub dropped: u64,
    /// Learners who stayed.
    pub stayed: u64,
}

/// Draws a reliability diagram, the forecast across and the outcome up: a point a bin, its size by the number of
/// learners. `None` without bins.
#[must_use]
pub fn reliability(bins: &[ReliabilityPoint], title: &str) -> Option<Drawing> {
    let most = bins.iter().map(|bin| bin.count).max().filter(|&most| most > 0)?;
    let fewest = bins.iter().map(|bin| bin.count).min().unwrap_or(most);
    let keys = [Key::Marked(0, "learners with similar forecasts"), Key::Reference("forecast = outcome")];
    let mut plot = Plot::new(
        &keys,
        Axis::share("forecast probability of dropping out"),
        Axis::share("share that dropped out"),
        240.0,
    );
    plot.reference((0.0, 0.0), (1.0, 1.0));
    for bin in bins {
        if let Some(interval) = bin.interval {
            plot.whisker(0, bin.mean_probability, interval);
        }
    }
    let line: Vec<(f64, f64)> = bins.iter().map(|bin| (bin.mean_probability, bin.observed_rate)).collect();
    plot.line(0, &line);
    for bin in bins {
        let radius = 2.5 + 2.5 * (bin.count as f64 / most as f64).sqrt();
        let title = format!(
            "{}: forecast {:.1}%, dropped out {:.1}%",
            counted(bin.count, "learner"),
            100.0 * bin.mean_probability,
            100.0 * bin.observed_rate
        );
        plot.mark(0, (bin.mean_probability, bin.observed_rate), radius, title);
    }
    let sizes = if fewest == most { count(most) } else { format!("{} to {}", count(fewest), count(most)) };
    plot.note((0.98, 0.05), Anchor::End, &format!("{sizes} learners per point"));
    let furthest = bins.iter().max_by(|a, b| gap(a).total_cmp(&gap(b)))?;
    Some(plot.finish(
        title,
        format!(
            "Reliability diagram of {} points, each of {sizes} learners. The furthest off: forecast {:.1}%, dropped out {:.1}%.",
            bins.len(),
            100.0 * furthest.mean_probability,
            100.0 * furthest.observed_rate
        ),
    ))
}

fn gap(bin: &ReliabilityPoint) -> f64 {
    (bin.mean_probability - bin.observed_rate).abs()
}

/// Draws who was given which probability: those who dropped out upwards, those who stayed downwards, and the threshold.
/// `None` without learners.
#[must_use]
pub fn histogram(bars: &[HistogramBar], threshold: Option<f64>, title: &str) -> Option<Drawing> {
    let dropped = bars.iter().map(|bar| bar.dropped).max()? as f64;
    let stayed = bars.iter().map(|bar| bar.stayed).max()? as f64;
    let tallest = dropped.max(stayed);
    if tallest == 0.0 {
        return None;
    }
    let (low, high) = (-(stayed + 0.05 * tallest), dropped + 0.05 * tallest);
    let across = Axis::share("forecast probability of dropping out");
    let up = Axis { low, high, title: "learners", numbers: Numbers::Count, ticks: 8 };
    let mut plot =
        Plot::new(&[Key::Bar(1, "dropped out (upwards)"), Key::Bar(0, "stayed (downwards)")], across, up, 220.0);
    for bar in bars {
        let (from, to) = (100.0 * bar.low, 100.0 * bar.high);
        let title = |number: u64, what: &str| format!("{} {what} with {from:.0} to {to:.0}%", count(number));
        plot.bar(1, (bar.low, bar.dropped as f64), (bar.high, 0.0), title(bar.dropped, "dropped out"));
        plot.bar(0, (bar.low, -(bar.stayed as f64)), (bar.high, 0.0), title(bar.stayed, "stayed"));
    }
    if let Some(threshold) = threshold.filter(|threshold| (0.0..=1.0).contains(threshold)) {
        plot.reference((threshold, low), (threshold, high));
        let (x, top) = plot.place(threshold, high);
        // Above the plot, clear of the axis's title at the left.
        let (anchor, x) = if threshold > 0.6 { (Anchor::End, x + 4.0) } else { (Anchor::Start, x.max(66.0)) };
        plot.text((x, top - 5.0), anchor, Size::Small, &format!("flagged from {:.0}%", 100.0 * threshold));
    }
    let sum = |of: fn(&HistogramBar) -> u64| bars.iter().map(of).sum::<u64>();
    Some(plot.finish(
        title,
        format!(
            "Histogram of forecast probabilities: upwards {} who dropped out, downwards {} who stayed.",
            counted(sum(|bar| bar.dropped), "learner"),
            counted(sum(|bar| bar.stayed), "learner")
        ),
    ))
}
