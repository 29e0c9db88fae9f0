//! Decision curves and cost curves: is a forecast worth acting on?

use serde::Serialize;

use super::checks::check_probabilities;
use super::error::MetricError;
use super::ranking::Ranking;

/// Holds a point of a decision curve (Vickers & Elkin 2006): the worth of flagging at a threshold probability, in dropouts
/// found per learner, a false alarm costing threshold / (1 − threshold) of a dropout found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NetBenefitPoint {
    /// Threshold probability: the risk from which on contact is thought worth it.
    pub threshold: f64,
    /// tp / n − fp / n · threshold / (1 − threshold), rows with p ≥ threshold being flagged.
    pub net_benefit: f64,
    /// The same for flagging everybody; that of flagging nobody is 0. Below either, the forecast does harm.
    pub flag_all: f64,
}

/// Holds a point of a cost curve (Drummond & Holte 2006): cost by how often, and how dearly, dropouts occur.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CostPoint {
    /// Probability-cost, 0 to 1: share of the cost of positives, p₊ C(−|+) / (p₊ C(−|+) + p₋ C(+|−)). With equal costs,
    /// the base rate.
    pub probability_cost: f64,
    /// Normalised expected cost at the run's threshold: (1 − recall) · probability-cost + false-positive rate · (1 −
    /// probability-cost).
    pub at_threshold: f64,
    /// The least that any threshold could have cost, the lower envelope: known only afterwards.
    pub lower_envelope: f64,
    /// The cheaper of flagging everybody and nobody: min(probability-cost, 1 − probability-cost).
    pub trivial: f64,
}

/// Sets the distance between points of a decision or cost curve.
const STEP: f64 = 0.01;

/// Computes the decision curve at threshold probabilities 0.01, 0.02 … 0.99; empty without rows.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn decision_curve(probabilities: &[f64], labels: &[bool]) -> Result<Vec<NetBenefitPoint>, MetricError> {
    check_probabilities(probabilities, labels)?;
    let ranking = Ranking::from_checked(probabilities, labels);
    let n = labels.len() as f64;
    if labels.is_empty() {
        return Ok(Vec::new());
    }
    let base_rate = ranking.positives() as f64 / n;
    // Thresholds from the highest down, so that the tie groups are walked once.
    let mut groups = ranking.groups().iter().peekable();
    let (mut hits, mut false_alarms) = (0, 0);
    let mut curve = Vec::with_capacity(99);
    for step in (1..100).rev() {
        let threshold = f64::from(step) / 100.0;
        while let Some(group) = groups.next_if(|group| group.score >= threshold) {
            hits += group.positives;
            false_alarms += group.negatives;
        }
        let odds = threshold / (1.0 - threshold);
        curve.push(NetBenefitPoint {
            threshold,
            net_benefit: hits as f64 / n - false_alarms as f64 / n * odds,
            flag_all: base_rate - (1.0 - base_rate) * odds,
        });
    }
    curve.reverse();
    Ok(curve)
}

/// Computes the cost curve at probability-costs 0, 0.01 … 1 of the flags `score >= threshold`; empty without both classes.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NanScore`].
pub fn cost_curve(scores: &[f64], labels: &[bool], threshold: f64) -> Result<Vec<CostPoint>, MetricError> {
    let ranking = Ranking::new(scores, labels)?;
    if ranking.missing_class().is_some() {
        return Ok(Vec::new());
    }
    let chosen = ranking.confusions().take_while(|&(score, _)| score >= threshold).last();
    let rates = |hits: u64, false_alarms: u64| {
        (false_alarms as f64 / ranking.negatives() as f64, hits as f64 / ranking.positives() as f64)
    };
    let chosen = chosen.map_or((0.0, 0.0), |(_, counts)| rates(counts.true_positives, counts.false_positives));
    // Only corners of the convex hull can be cheapest.
    let hull = upper_hull(
        &ranking.roc_curve().iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect::<Vec<_>>(),
    );
    let cost = |(false_positive_rate, recall): (f64, f64), share: f64| {
        (1.0 - recall) * share + false_positive_rate * (1.0 - share)
    };
    let point = |step: u32| {
        let share = f64::from(step) * STEP;
        CostPoint {
            probability_cost: share,
            at_threshold: cost(chosen, share),
            lower_envelope: hull.iter().map(|&corner| cost(corner, share)).fold(f64::INFINITY, f64::min),
            trivial: share.min(1.0 - share),
        }
    };
    Ok((0..=100).map(point).collect())
}

/// Lists the corners of the convex hull above a curve that rises from left to right.
fn upper_hull(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut hull: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        while let [.., a, b] = hull[..] {
            if (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0) < 0.0 {
                break;
            }
            hull.pop();
        }
        hull.push(point);
    }
    hull
}
