//! Figures for a team that can contact only so many learners.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rows::{LabelledRow, labels_of, values_of};
use crate::metrics::{AtCapacity, Capacity, MetricError, Ranking};

/// Holds one capacity, for the model and each baseline. All are ranked by the score before calibration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CapacityLine {
    /// The capacity: a share of the cohort, or a count of learners.
    pub capacity: Capacity,
    /// Learners contacted: the capacity, at most the cohort's n.
    pub k: u64,
    /// The model's figures.
    pub model: AtCapacity,
    /// Those of each baseline, by name.
    pub baselines: BTreeMap<&'static str, AtCapacity>,
}

/// Makes a line for each capacity.
pub(super) fn lines(rows: &[LabelledRow<'_>], capacities: &[Capacity]) -> Result<Vec<CapacityLine>, MetricError> {
    let labels = labels_of(rows);
    let model = Ranking::new(&values_of(rows, |row| row.score), &labels)?;
    let mut baselines = Vec::new();
    for (name, scores) in super::baselines::scores(rows) {
        baselines.push((name, Ranking::new(&scores, &labels)?));
    }
    let line = |&capacity: &Capacity| {
        let k = capacity.learners_of(rows.len() as u64);
        let baselines = baselines.iter().map(|(name, ranking)| (*name, ranking.at_capacity(k))).collect();
        CapacityLine { capacity, k, model: model.at_capacity(k), baselines }
    };
    Ok(capacities.iter().map(line).collect())
}
