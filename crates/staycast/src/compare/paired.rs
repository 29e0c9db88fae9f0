//! Differences between two models on the same rows.

use std::collections::BTreeMap;

use serde::Serialize;
use staycast_evaluation::metrics::{CorrectedT, Metric, Ranking, corrected_t};
use staycast_evaluation::report::{
    ByCohort, Cohort, ComparedForecast, ModelComparison, PredictionRow, Resampling, compare,
};
use staycast_forecast::Predictions;
use staycast_sequences::EnrolmentIndex;

use crate::evaluate::BOOTSTRAP_SEED;

/// Holds a run that is compared, with its predictions.
pub(super) struct Contender {
    pub(super) name: String,
    /// Seconds that its training took, where the run says so.
    pub(super) training_seconds: Option<f64>,
    pub(super) predictions: Vec<Predictions>,
    pub(super) cohorts: ByCohort<Cohort>,
}

/// Holds the differences between two runs, by cohort.
#[derive(Debug, Serialize)]
pub(super) struct Pair {
    pub(super) first: String,
    pub(super) second: String,
    pub(super) cohorts: ByCohort<Compared>,
}

/// Holds the differences between two runs in one cohort.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    /// On all rows of the test part, or of the first repeat of a cross-validation.
    pub(super) rows: ModelComparison,
    /// Over folds and repeats, of a cross-validation: differences in AUC.
    pub(super) folds: Option<CorrectedT>,
}

impl Compared {
    /// Returns the difference in AUC (the first less the second), its 95 % interval, and p: over folds where there are folds.
    pub(super) fn auc(&self) -> [Metric; 4] {
        match &self.folds {
            Some(folds) => [folds.mean, folds.low, folds.high, folds.p_value],
            None => {
                let auc = &self.rows.auc;
                [auc.difference, auc.low, auc.high, auc.p_value]
            }
        }
    }
}

/// Holds the rows at the asked week that all of several predictions have and place in a cohort.
pub(super) struct CommonRows<'a> {
    /// By enrolment: the row of each.
    rows: BTreeMap<EnrolmentIndex, Vec<&'a PredictionRow>>,
    /// By enrolment: the fold of the first's row.
    folds: BTreeMap<EnrolmentIndex, u32>,
}

impl<'a> CommonRows<'a> {
    pub(super) fn new(predictions: &[&'a Predictions]) -> Self {
        let mut rows: BTreeMap<EnrolmentIndex, Vec<&PredictionRow>> = BTreeMap::new();
        let mut folds = BTreeMap::new();
        for (number, of) in predictions.iter().enumerate() {
            for (at, (&enrolment, row)) in of.enrolments.iter().zip(&of.rows).enumerate() {
                if row.week != of.week || row.place().is_err() {
                    continue;
                }
                let found = rows.entry(enrolment).or_default();
                if found.len() == number {
                    found.push(row);
                }
                if number == 0 {
                    folds.extend(of.folds.get(at).map(|&fold| (enrolment, fold)));
                }
            }
        }
        rows.retain(|_, found| found.len() == predictions.len());
        Self { rows, folds }
    }

    /// Counts the rows in a cohort.
    pub(super) fn count(&self, active: bool) -> u64 {
        self.rows.values().filter(|rows| !active || rows[0].active).count() as u64
    }
}

/// Holds the forecasts of two models for the rows of a cohort.
struct PairedForecasts {
    labels: Vec<bool>,
    learners: Vec<u32>,
    folds: Vec<Option<u32>>,
    scores: [Vec<f64>; 2],
    probabilities: [Vec<f64>; 2],
}

impl PairedForecasts {
    fn new(common: &CommonRows<'_>, active: bool) -> Self {
        let mut both = Self {
            labels: Vec::new(),
            learners: Vec::new(),
            folds: Vec::new(),
            scores: [Vec::new(), Vec::new()],
            probabilities: [Vec::new(), Vec::new()],
        };
        for (enrolment, rows) in common.rows.iter().filter(|(_, rows)| !active || rows[0].active) {
            both.labels.push(rows[0].label == Some(true));
            both.learners.push(rows[0].learner);
            both.folds.push(common.folds.get(enrolment).copied());
            for (model, row) in rows.iter().enumerate() {
                both.scores[model].push(row.score);
                both.probabilities[model].push(row.p);
            }
        }
        both
    }

    fn forecast(&self, model: usize) -> ComparedForecast<'_> {
        ComparedForecast { scores: &self.scores[model], probabilities: &self.probabilities[model] }
    }

    /// Returns the differences in AUC, the first model less the second, fold by fold; folds with one class only have none.
    fn by_fold(&self) -> Vec<f64> {
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (row, fold) in self.folds.iter().enumerate() {
            members.entry(fold.unwrap_or(0)).or_default().push(row);
        }
        let auc = |model: usize, rows: &[usize]| {
            let scores: Vec<f64> = rows.iter().map(|&row| self.scores[model][row]).collect();
            let labels: Vec<bool> = rows.iter().map(|&row| self.labels[row]).collect();
            Ranking::new(&scores, &labels).ok()?.auc().value()
        };
        members.values().filter_map(|rows| Some(auc(0, rows)? - auc(1, rows)?)).collect()
    }
}

pub(super) fn pair(first: &Contender, second: &Contender, resamples: u32) -> anyhow::Result<Pair> {
    let repeats: Vec<CommonRows<'_>> = first
        .predictions
        .iter()
        .zip(&second.predictions)
        .map(|(first, second)| CommonRows::new(&[first, second]))
        .collect();
    let cohort = |active: bool| -> anyhow::Result<Compared> {
        let both = PairedForecasts::new(&repeats[0], active);
        let resampling = Resampling::Resamples { count: resamples, seed: BOOTSTRAP_SEED };
        let rows = compare(both.forecast(0), both.forecast(1), &both.labels, &both.learners, resampling)?;
        let folds = repeats[0].folds.values().copied().max().map(|last| last + 1);
        let folds = folds.map(|folds| {
            let differences: Vec<f64> =
                repeats.iter().flat_map(|common| PairedForecasts::new(common, active).by_fold()).collect();
            corrected_t(&differences, folds)
        });
        Ok(Compared { rows, folds })
    };
    Ok(Pair {
        first: first.name.clone(),
        second: second.name.clone(),
        cohorts: ByCohort { all: cohort(false)?, active: cohort(true)? },
    })
}
