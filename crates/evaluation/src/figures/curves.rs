//! ROC and precision-recall curves.

use super::drawing::Drawing;
use super::plot::{Anchor, Axis, Key, Plot};

/// Holds a named line.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its points, in order.
    pub points: Vec<(f64, f64)>,
}

const HEIGHT: f64 = 240.0;

/// Draws ROC curves: (false positive rate, true positive rate), the model first, then baselines; the diagonal of guessing is
/// drawn with them. `None` if the first has no points, as where a class is missing.
#[must_use]
pub fn roc(curves: &[Curve<'_>], title: &str) -> Option<Drawing> {
    let first = curves.first().filter(|curve| curve.points.len() > 1)?;
    let mut keys = legend_of(curves);
    keys.push(Key::Reference("guessing"));
    let mut plot = Plot::new(
        &keys,
        Axis::share("share of those who stayed that is flagged"),
        Axis::share("share of those who dropped out that is flagged"),
        HEIGHT,
    );
    plot.reference((0.0, 0.0), (1.0, 1.0));
    draw(&mut plot, curves);
    let middle = height_at(&first.points, 0.2);
    Some(plot.finish(
        title,
        format!(
            "ROC curve. Where 20% of those who stayed are flagged, {:.0}% of those who dropped out are; by guessing it would \
             be 20%.",
            100.0 * middle
        ),
    ))
}

/// Draws precision-recall curves: (recall, precision), the model first; the base rate, which guessing reaches, as a line.
/// `None` if the first has no points.
#[must_use]
pub fn precision_recall(curves: &[Curve<'_>], base_rate: f64, title: &str) -> Option<Drawing> {
    let first = curves.first().filter(|curve| !curve.points.is_empty())?;
    let mut keys = legend_of(curves);
    keys.push(Key::Reference("guessing (base rate)"));
    let mut plot = Plot::new(
        &keys,
        Axis::share("recall: share of the dropouts that is flagged"),
        Axis::share("precision: share of the flagged that drops out"),
        HEIGHT,
    );
    plot.reference((0.0, base_rate), (1.0, base_rate));
    draw(&mut plot, curves);
    let at_half = first.points.iter().find(|point| point.0 >= 0.5).map_or(base_rate, |point| point.1);
    Some(plot.finish(
        title,
        format!(
            "Precision-recall curve. Where half of the dropouts are flagged, {:.0}% of those flagged drop out. Of learners \
             picked at random, {:.0}% do.",
            100.0 * at_half,
            100.0 * base_rate
        ),
    ))
}

/// Draws the ROC curves of a group and of the others, each (false positive rate, true positive rate), and the area between
/// them shaded: ABROCA (Gardner, Brooks & Baker 2019), whose value is `gap`. `None` if either has no points.
#[must_use]
pub fn roc_gap(group: &Curve<'_>, others: &Curve<'_>, gap: f64, title: &str) -> Option<Drawing> {
    if group.points.len() < 2 || others.points.len() < 2 {
        return None;
    }
    let keys = [Key::Line(0, group.name), Key::Line(1, others.name), Key::Area(3, "between them")];
    let mut plot = Plot::new(
        &keys,
        Axis::share("share of those who stayed that is flagged"),
        Axis::share("share of those who dropped out that is flagged"),
        HEIGHT,
    );
    let outline: Vec<(f64, f64)> = group.points.iter().chain(others.points.iter().rev()).copied().collect();
    plot.area(3, &outline);
    plot.line(0, &group.points);
    plot.line(1, &others.points);
    plot.note((0.98, 0.05), Anchor::End, &format!("area between: {gap:.3}"));
    Some(plot.finish(
        title,
        format!(
            "ROC curves of {} and of {}; the area between them, ABROCA, is {gap:.3}, where 0 means equally good ranking.",
            group.name, others.name
        ),
    ))
}

fn legend_of<'a>(curves: &'a [Curve<'_>]) -> Vec<Key<'a>> {
    let drawn = curves.iter().enumerate().filter(|(_, curve)| !curve.points.is_empty());
    drawn.map(|(series, curve)| Key::Line(series, curve.name)).collect()
}

/// Draws curves, the first of them last, so that it lies on top.
fn draw(plot: &mut Plot, curves: &[Curve<'_>]) {
    for (series, curve) in curves.iter().enumerate().rev() {
        plot.line(series, &curve.points);
    }
}

/// Returns the height of a rising curve at `x`, between its points on the straight line.
fn height_at(points: &[(f64, f64)], x: f64) -> f64 {
    let after = points.partition_point(|point| point.0 <= x);
    let (Some(&left), right) = (points.get(after.saturating_sub(1)), points.get(after)) else {
        return 0.0;
    };
    let Some(&right) = right else {
        return left.1;
    };
    if right.0 > left.0 { left.1 + (x - left.0) / (right.0 - left.0) * (right.1 - left.1) } else { left.1 }
}
