//! What a team that can contact only so many learners gets from the ranking.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{LabelledRow, baselines, labels_of, values_of};
use crate::metrics::{AtCapacity, Capacity, MetricError, Ranking};

/// One capacity, for the model and each trivial baseline. All are ranked by the score before calibration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CapacityLine {
    /// What was asked: a share of the cohort, or a count of learners.
    pub capacity: Capacity,
    /// Learners contacted: the capacity, at most the cohort's n.
    pub k: u64,
    /// The model's figures.
    pub model: AtCapacity,
    /// Those of each trivial baseline, by name.
    pub baselines: BTreeMap<&'static str, AtCapacity>,
}

/// A line for each capacity.
pub(super) fn lines(rows: &[LabelledRow<'_>], capacities: &[Capacity]) -> Result<Vec<CapacityLine>, MetricError> {
    let labels = labels_of(rows);
    let model = Ranking::new(&values_of(rows, |row| row.score), &labels)?;
    let mut trivial = Vec::new();
    for (name, scores) in baselines::scores(rows) {
        trivial.push((name, Ranking::new(&scores, &labels)?));
    }
    let line = |&capacity: &Capacity| {
        let k = capacity.learners_of(rows.len() as u64);
        let baselines = trivial.iter().map(|(name, ranking)| (*name, ranking.at_capacity(k))).collect();
        CapacityLine { capacity, k, model: model.at_capacity(k), baselines }
    };
    Ok(capacities.iter().map(line).collect())
}
