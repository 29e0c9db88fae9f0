//! Rows of one week, sorted into the cohorts.

use std::collections::BTreeMap;

use staycast_weeks::{CutOff, Exclusion};

use super::cohort::{Cohort, Forecast};
use super::input::EvaluationRequest;
use super::prediction_row::PredictionRow;
use crate::metrics::MetricError;

/// Pairs a row of a cohort with its label.
pub(super) type LabelledRow<'a> = (&'a PredictionRow, bool);

/// Holds the rows of one week that are in a cohort, and the count of those that are not.
pub(super) struct WeekRows<'a> {
    /// Rows of cohort `all`, each with its label.
    pub(super) all: Vec<LabelledRow<'a>>,
    pub(super) excluded: BTreeMap<Exclusion, u64>,
}

impl<'a> WeekRows<'a> {
    pub(super) fn active(&self) -> Vec<LabelledRow<'a>> {
        still_active(&self.all)
    }
}

pub(super) fn still_active<'a>(rows: &[LabelledRow<'a>]) -> Vec<LabelledRow<'a>> {
    rows.iter().filter(|(row, _)| row.active).copied().collect()
}

pub(super) fn labels_of(rows: &[LabelledRow<'_>]) -> Vec<bool> {
    rows.iter().map(|&(_, label)| label).collect()
}

pub(super) fn values_of(rows: &[LabelledRow<'_>], value: impl Fn(&PredictionRow) -> f64) -> Vec<f64> {
    rows.iter().map(|&(row, _)| value(row)).collect()
}

pub(super) fn rows_of_week<'a>(request: &EvaluationRequest<'a>, week: CutOff) -> WeekRows<'a> {
    let mut sorted = WeekRows { all: Vec::new(), excluded: BTreeMap::new() };
    for row in request.rows.iter().filter(|row| row.week == week) {
        match row.place() {
            Ok(label) => sorted.all.push((row, label)),
            Err(reason) => *sorted.excluded.entry(reason).or_insert(0) += 1,
        }
    }
    sorted
}

pub(super) fn model_cohort(rows: &[LabelledRow<'_>], threshold: f64) -> Result<Cohort, MetricError> {
    let probabilities = values_of(rows, |row| row.p);
    let forecast = Forecast { probabilities: &probabilities, threshold };
    Cohort::measure(&labels_of(rows), &values_of(rows, |row| row.score), Some(forecast))
}
