//! Drawings of the report, as SVG for the page.

use std::fmt::Write;

use super::amounts::{interval, points};
use super::report::Report;

/// Sets the width of a drawing, and of its plot's edges.
const WIDTH: f64 = 360.0;
const LEFT: f64 = 16.0;
const RIGHT: f64 = WIDTH - 16.0;
/// Sets the height of a line.
const LINE: f64 = 40.0;

/// Draws each effect with its interval, below one another. `None` where there is no interval.
pub(super) fn forest(report: &Report) -> Option<String> {
    let rows: Vec<(String, f64, f64, f64)> = report
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.effects.iter().map(move |effect| (outcome, effect)))
        .filter_map(|(outcome, effect)| {
            let (low, high) = effect.low.zip(effect.high)?;
            Some((format!("{}: {}", effect.arm, outcome.outcome.describe()), effect.effect, low, high))
        })
        .collect();
    let widest = rows.iter().fold(None, |widest: Option<f64>, (_, _, low, high)| {
        Some(widest.unwrap_or(0.0).max(low.abs()).max(high.abs()))
    })?;
    let edge = (widest * 1.1).max(0.001);
    let place = |value: f64| LEFT + (value + edge) / (2.0 * edge) * (RIGHT - LEFT);
    let height = LINE * rows.len() as f64 + 30.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Effects with intervals\" fill=\"currentColor\" \
         font-size=\"12\">"
    );
    let zero = place(0.0);
    let mut draw = |part: std::fmt::Arguments<'_>| svg.write_fmt(part).expect("a string takes everything");
    for (number, (name, effect, low, high)) in rows.iter().enumerate() {
        let (text, y) = (LINE * number as f64 + 16.0, LINE * number as f64 + 30.0);
        let (from, to, at) = (place(*low), place(*high), place(*effect));
        let (above, below) = (y - 9.0, y + 9.0);
        draw(format_args!(
            "<line x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"{above:.1}\" y2=\"{below:.1}\" stroke=\"currentColor\"/>"
        ));
        let said = interval(Some(*low), Some(*high));
        // Names of arms are letters, digits, hyphens and underscores.
        draw(format_args!("<text x=\"{LEFT}\" y=\"{text:.1}\">{name}</text>"));
        draw(format_args!(
            "<g style=\"color:var(--series-0)\"><title>{name}: {} points ({said})</title><line x1=\"{from:.1}\" x2=\"{to:.1}\" \
             y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"currentColor\" stroke-width=\"2\"/><circle cx=\"{at:.1}\" cy=\"{y:.1}\" \
             r=\"4.5\"/></g>",
            points(*effect)
        ));
    }
    let axis = height - 8.0;
    let [low, high] = [-edge, edge].map(points);
    draw(format_args!(
        "<text x=\"{LEFT}\" y=\"{axis:.1}\">{low}</text><text x=\"{zero:.1}\" y=\"{axis:.1}\" text-anchor=\"middle\">0 \
         points</text><text x=\"{RIGHT}\" y=\"{axis:.1}\" text-anchor=\"end\">{high}</text></svg>"
    ));
    Some(svg)
}

/// Draws the Qini curve of the two models over the line of a random order. `None` where there is none.
pub(super) fn qini(report: &Report) -> Option<String> {
    let curve = &report.uplift.two_models.as_ref()?.curve;
    let end = curve.last()?[1];
    let gains = || curve.iter().map(|[_, gain]| *gain);
    let (low, high) = (gains().fold(0.0, f64::min), gains().fold(0.0, f64::max));
    if high - low <= 0.0 {
        return None;
    }
    let (top, bottom) = (12.0, 170.0);
    let across = |share: f64| LEFT + 34.0 + share * (RIGHT - LEFT - 34.0);
    let up = |gain: f64| bottom - (gain - low) / (high - low) * (bottom - top);
    let line: Vec<String> =
        curve.iter().map(|&[share, gain]| format!("{:.1},{:.1}", across(share), up(gain))).collect();
    let [zero, one] = [across(0.0), across(1.0)];
    let middle = across(0.5);
    let zero_up = up(0.0);
    Some(format!(
        "<svg viewBox=\"0 0 {WIDTH} 210\" role=\"img\" aria-label=\"Qini curve\" fill=\"currentColor\" font-size=\"12\">\
         <line x1=\"{zero:.1}\" x2=\"{one:.1}\" y1=\"{zero_up:.1}\" y2=\"{zero_up:.1}\" stroke=\"currentColor\" \
         stroke-width=\"0.5\"/><line x1=\"{zero:.1}\" y1=\"{zero_up:.1}\" x2=\"{one:.1}\" y2=\"{end:.1}\" \
         stroke=\"currentColor\" stroke-dasharray=\"4 3\"/><g style=\"color:var(--series-0)\"><polyline points=\"{line}\" \
         fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></g><text x=\"{LEFT}\" y=\"{high_at:.1}\">{high}</text>\
         <text x=\"{LEFT}\" y=\"{zero_at:.1}\">0.0</text><text x=\"{zero:.1}\" y=\"188\">0%</text><text x=\"{one:.1}\" \
         y=\"188\" text-anchor=\"end\">100%</text><text x=\"{middle:.1}\" y=\"204\" text-anchor=\"middle\">share of learners \
         treated, best first</text></svg>",
        end = up(end),
        line = line.join(" "),
        high_at = up(high) + 4.0,
        high = points(high),
        zero_at = zero_up + 4.0,
    ))
}
