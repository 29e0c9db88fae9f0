//! Rankings: one sort of the scores, from which every metric of order follows.

use serde::Serialize;

use super::checks::check_scores;
use super::confusion::Confusion;
use super::error::MetricError;
use super::metric::{Metric, Undefined};

/// Counts the rows that share one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TieGroup {
    /// The score shared.
    pub score: f64,
    /// Positive rows of this score.
    pub positives: u64,
    /// Negative rows of this score.
    pub negatives: u64,
}

/// Holds scores with their labels, sorted once: tie groups from the highest score to the lowest.
///
/// Holds 24 bytes a distinct score. −0 and 0 are one score.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    groups: Vec<TieGroup>,
    positives: u64,
    negatives: u64,
}

/// Holds a point of the ROC curve: the share of each class that is flagged from this score on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// Lowest flagged score; +∞ at the first point, where nothing is flagged.
    pub threshold: f64,
    /// False positives over negatives.
    pub false_positive_rate: f64,
    /// True positives over positives (recall).
    pub true_positive_rate: f64,
}

/// Holds a point of the precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PrPoint {
    /// Lowest flagged score.
    pub threshold: f64,
    /// True positives over flagged rows.
    pub precision: f64,
    /// True positives over positives.
    pub recall: f64,
}

impl Ranking {
    /// Sorts rows by score, O(n log n).
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] and [`MetricError::NanScore`].
    pub fn new(scores: &[f64], labels: &[bool]) -> Result<Self, MetricError> {
        check_scores(scores, labels)?;
        Ok(Self::from_checked(scores, labels))
    }

    /// Sorts rows as [`Ranking::new`] does, for a caller that has checked lengths and NaN.
    pub(crate) fn from_checked(scores: &[f64], labels: &[bool]) -> Self {
        let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
        // total_cmp puts -0 right after 0, so that the equality below still joins them.
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut groups: Vec<TieGroup> = Vec::new();
        for (score, label) in rows {
            if groups.last().is_none_or(|group| group.score != score) {
                groups.push(TieGroup { score, positives: 0, negatives: 0 });
            }
            if let Some(group) = groups.last_mut() {
                group.positives += u64::from(label);
                group.negatives += u64::from(!label);
            }
        }
        let positives = groups.iter().map(|group| group.positives).sum();
        let negatives = groups.iter().map(|group| group.negatives).sum();
        Self { groups, positives, negatives }
    }

    /// Returns the tie groups, the highest score first.
    #[must_use]
    pub fn groups(&self) -> &[TieGroup] {
        &self.groups
    }

    /// Counts the positive rows.
    #[must_use]
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// Counts the negative rows.
    #[must_use]
    pub fn negatives(&self) -> u64 {
        self.negatives
    }

    /// Tells why a metric that needs both classes has no value, if it has none.
    pub(crate) fn missing_class(&self) -> Option<Undefined> {
        match (self.positives, self.negatives) {
            (0, 0) => Some(Undefined::NoRows),
            (0, _) => Some(Undefined::NoPositives),
            (_, 0) => Some(Undefined::NoNegatives),
            _ => None,
        }
    }

    /// Computes the area under the ROC curve: the probability that a positive row scores above a negative one, ties
    /// counting half (the Mann-Whitney statistic). Counted in integers and divided once, so it is exact and the
    /// same for any order of rows. Undefined without both classes.
    #[must_use]
    pub fn auc(&self) -> Metric {
        if let Some(undefined) = self.missing_class() {
            return Metric::Undefined(undefined);
        }
        let mut wins_twice: u128 = 0;
        let mut negatives_below = self.negatives;
        for group in &self.groups {
            negatives_below -= group.negatives;
            wins_twice += u128::from(group.positives) * u128::from(2 * negatives_below + group.negatives);
        }
        let pairs = u128::from(self.positives) * u128::from(self.negatives);
        Metric::Value(wins_twice as f64 / (2 * pairs) as f64)
    }

    /// Computes average precision as scikit-learn defines it: Σ (Rₙ − Rₙ₋₁) Pₙ over distinct thresholds from the
    /// highest down, without interpolation; rows of one score enter together. Undefined without both classes
    /// (with positives alone it would be 1 whatever the forecast).
    #[must_use]
    pub fn average_precision(&self) -> Metric {
        if let Some(undefined) = self.missing_class() {
            return Metric::Undefined(undefined);
        }
        let (mut flagged, mut hits, mut sum) = (0_u64, 0_u64, 0.0);
        for group in &self.groups {
            hits += group.positives;
            flagged += group.positives + group.negatives;
            sum += group.positives as f64 * (hits as f64 / flagged as f64);
        }
        Metric::Value(sum / self.positives as f64)
    }

    /// Lists the confusion that every distinct score makes as a threshold, the highest first.
    pub fn confusions(&self) -> impl Iterator<Item = (f64, Confusion)> + '_ {
        let (mut hits, mut false_alarms) = (0, 0);
        self.groups.iter().map(move |group| {
            hits += group.positives;
            false_alarms += group.negatives;
            let confusion = Confusion {
                true_positives: hits,
                false_positives: false_alarms,
                true_negatives: self.negatives - false_alarms,
                false_negatives: self.positives - hits,
            };
            (group.score, confusion)
        })
    }

    /// Lists the ROC curve from (0, 0) to (1, 1), one point a distinct score; empty without both classes.
    #[must_use]
    pub fn roc_curve(&self) -> Vec<RocPoint> {
        if self.missing_class().is_some() {
            return Vec::new();
        }
        let origin = RocPoint { threshold: f64::INFINITY, false_positive_rate: 0.0, true_positive_rate: 0.0 };
        let points = self.confusions().map(|(threshold, confusion)| RocPoint {
            threshold,
            false_positive_rate: confusion.false_positives as f64 / self.negatives as f64,
            true_positive_rate: confusion.true_positives as f64 / self.positives as f64,
        });
        std::iter::once(origin).chain(points).collect()
    }

    /// Lists the precision-recall curve, one point a distinct score, the highest first; empty without positives.
    #[must_use]
    pub fn pr_curve(&self) -> Vec<PrPoint> {
        if self.positives == 0 {
            return Vec::new();
        }
        let points = self.confusions().map(|(threshold, confusion)| PrPoint {
            threshold,
            precision: confusion.true_positives as f64 / confusion.flagged() as f64,
            recall: confusion.true_positives as f64 / self.positives as f64,
        });
        points.collect()
    }
}
