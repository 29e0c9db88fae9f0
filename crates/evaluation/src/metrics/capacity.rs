//! Precision, recall and lift for a team that can contact only k learners.

use std::fmt;

use serde::Serialize;

use super::metric::{Metric, Undefined};
use super::ranking::Ranking;

/// Limits how many learners can be contacted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// This share of the cohort, above 0 and up to 1, rounded to the nearest whole learner and at least one.
    Share(f64),
    /// This many learners, at least one.
    Count(u64),
}

impl Capacity {
    /// Tells whether the number is in range.
    #[must_use]
    pub fn is_possible(self) -> bool {
        match self {
            Self::Share(share) => share > 0.0 && share <= 1.0,
            Self::Count(count) => count > 0,
        }
    }

    /// Returns how many of `n` learners are contacted: never more than there are.
    #[must_use]
    pub fn learners_of(self, n: u64) -> u64 {
        match self {
            Self::Share(share) => ((share * n as f64).round() as u64).max(1).min(n),
            Self::Count(count) => count.min(n),
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{}%", 100.0 * share),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

/// Holds figures of the k highest scores.
///
/// Where the k-th score is shared by more rows than there is room for, who of them is contacted is chance: the figures
/// are the expected values over every order of the tied rows, and `tied` and `room` say how much was left to chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AtCapacity {
    /// Rows contacted.
    pub k: u64,
    /// Expected dropouts among them.
    pub dropouts_reached: f64,
    /// Of those contacted, the share that drop out. Undefined without rows.
    pub precision: Metric,
    /// Of those who drop out, the share contacted. Undefined without positives.
    pub recall: Metric,
    /// Precision over base rate: how many times as many dropouts as by picking at random. Undefined without positives.
    pub lift: Metric,
    /// Rows that share the k-th score.
    pub tied: u64,
    /// Number of these that there was room for.
    pub room: u64,
}

impl Ranking {
    /// Computes figures of the `k` highest scores, `k` cut to the number of rows.
    #[must_use]
    pub fn at_capacity(&self, k: u64) -> AtCapacity {
        let n = self.positives() + self.negatives();
        let k = k.min(n);
        let (mut above, mut hits, mut tied, mut room) = (0, 0.0, 0, 0);
        for group in self.groups() {
            if above >= k {
                break;
            }
            tied = group.positives + group.negatives;
            room = tied.min(k - above);
            // Exact where the whole group fits, and the mean of the hypergeometric distribution where it does not.
            hits +=
                if room == tied { group.positives as f64 } else { room as f64 * group.positives as f64 / tied as f64 };
            above += room;
        }
        let over = |denominator: f64, missing: Undefined| match (n, denominator) {
            (0, _) => Metric::Undefined(Undefined::NoRows),
            (_, 0.0) => Metric::Undefined(missing),
            _ => Metric::Value(hits / denominator),
        };
        let expected_at_random = k as f64 * self.positives() as f64 / n as f64;
        AtCapacity {
            k,
            dropouts_reached: hits,
            precision: over(k as f64, Undefined::NoRows),
            recall: over(self.positives() as f64, Undefined::NoPositives),
            lift: over(expected_at_random, Undefined::NoPositives),
            tied,
            room,
        }
    }
}
