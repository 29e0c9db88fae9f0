//! Isotonic regression: the best non-decreasing curve, by pooling adjacent violators.

use serde::{Deserialize, Serialize};

use super::class_counts::ClassCounts;
use super::error::CalibrationError;
use crate::metrics::{Ranking, TieGroup};

/// Holds a non-decreasing curve through knots: linear between them, flat beyond the first and the last.
///
/// Each pooled block of scores has one probability and gives two knots (one if it is a single score), at its
/// lowest and its highest score. Probabilities are kept inside Platt's targets [1 / (N₋ + 2), (N₊ + 1) / (N₊ + 2)],
/// since a pure block at either end would otherwise promise certainty from a handful of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Knots", into = "Knots")]
pub struct IsotonicCurve {
    knots: Knots,
}

/// Holds the curve as stored: as many probabilities as scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Knots {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

/// Holds neighbouring scores that share a probability.
struct Block {
    lowest: f64,
    highest: f64,
    positives: u64,
    rows: u64,
}

impl Block {
    fn new(group: &TieGroup) -> Self {
        let rows = group.positives + group.negatives;
        Self { lowest: group.score, highest: group.score, positives: group.positives, rows }
    }

    /// Tells whether this block's rate is at or above the rate of the block after it. In integers, so that no
    /// rounding decides; equal rates are pooled, which changes no value and keeps the knots few.
    fn violates(&self, next: &Self) -> bool {
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        product(self.positives, next.rows) >= product(next.positives, self.rows)
    }
}

impl IsotonicCurve {
    pub(super) fn fit(scores: &[f64], labels: &[bool], counts: ClassCounts) -> Self {
        let ranking = Ranking::from_checked(scores, labels);
        let mut blocks: Vec<Block> = Vec::new();
        for group in ranking.groups().iter().rev() {
            let mut block = Block::new(group);
            while let Some(before) = blocks.pop_if(|before| before.violates(&block)) {
                block.lowest = before.lowest;
                block.positives += before.positives;
                block.rows += before.rows;
            }
            blocks.push(block);
        }
        let mut knots = Knots { scores: Vec::new(), probabilities: Vec::new() };
        for block in blocks {
            let rate = block.positives as f64 / block.rows as f64;
            let probability = rate.clamp(counts.negative_target(), counts.positive_target());
            knots.scores.push(block.lowest);
            knots.probabilities.push(probability);
            if block.highest > block.lowest {
                knots.scores.push(block.highest);
                knots.probabilities.push(probability);
            }
        }
        Self { knots }
    }

    /// Returns the curve's value at a score; NaN at NaN.
    #[must_use]
    pub fn apply(&self, score: f64) -> f64 {
        if score.is_nan() {
            return score;
        }
        let Knots { scores, probabilities } = &self.knots;
        let above = scores.partition_point(|&knot| knot <= score);
        if above == 0 {
            return probabilities[0];
        }
        if above == scores.len() {
            return probabilities[above - 1];
        }
        let (left, right) = (above - 1, above);
        let way = (score - scores[left]) / (scores[right] - scores[left]);
        let rise = probabilities[right] - probabilities[left];
        // Rounding may carry the sum past the knot ahead, and the curve must not fall there.
        (probabilities[left] + way * rise).min(probabilities[right])
    }
}

impl From<IsotonicCurve> for Knots {
    fn from(curve: IsotonicCurve) -> Self {
        curve.knots
    }
}

impl TryFrom<Knots> for IsotonicCurve {
    type Error = CalibrationError;

    fn try_from(knots: Knots) -> Result<Self, Self::Error> {
        let damaged = |problem| Err(CalibrationError::DamagedCurve { problem });
        if knots.scores.is_empty() || knots.scores.len() != knots.probabilities.len() {
            return damaged("it needs as many probabilities as scores, and at least one");
        }
        // Written so that a NaN fails too.
        if !knots.scores.is_sorted_by(|a, b| a < b) || knots.scores.iter().any(|score| !score.is_finite()) {
            return damaged("its scores do not rise");
        }
        if !knots.probabilities.is_sorted() || knots.probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return damaged("its probabilities do not rise from 0 to 1");
        }
        Ok(Self { knots })
    }
}
