//! Differences between two models on the same rows.

use std::collections::BTreeMap;

use serde::Serialize;
use staycast_evaluation::metrics::{CorrectedT, Metric, Ranking, corrected_t, holm};
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
    /// The p-value of the difference in AUC, corrected for several comparisons (Holm 1979); null without one.
    pub(super) corrected_p: CorrectedP,
}

/// Holds a p-value that is corrected for the number of comparisons among which it stands.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct CorrectedP {
    /// Among the comparisons with the first run, which the table shows; null for other pairs.
    pub(super) among_those_with_the_first: Option<f64>,
    /// Among all pairs.
    pub(super) among_all_pairs: Option<f64>,
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
        Ok(Compared { rows, folds, corrected_p: CorrectedP::default() })
    };
    Ok(Pair {
        first: first.name.clone(),
        second: second.name.clone(),
        cohorts: ByCohort { all: cohort(false)?, active: cohort(true)? },
    })
}

/// Corrects the p-values of each cohort for how many comparisons there are: those with the run called `first`, and all.
pub(super) fn correct(pairs: &mut [Pair], first: &str) {
    let (all, active) = pairs
        .iter_mut()
        .map(|pair| {
            let with_first = pair.first == first;
            ((with_first, &mut pair.cohorts.all), (with_first, &mut pair.cohorts.active))
        })
        .unzip();
    correct_cohort(all);
    correct_cohort(active);
}

fn correct_cohort(compared: Vec<(bool, &mut Compared)>) {
    let mut tested: Vec<(bool, f64, &mut CorrectedP)> = compared
        .into_iter()
        .filter_map(|(with_first, compared)| Some((with_first, compared.auc()[3].value()?, &mut compared.corrected_p)))
        .collect();
    let p_values = |wanted: fn(bool) -> bool, tested: &[(bool, f64, &mut CorrectedP)]| -> Vec<f64> {
        tested.iter().filter(|(with_first, ..)| wanted(*with_first)).map(|&(_, p, _)| p).collect()
    };
    let all = holm(&p_values(|_| true, &tested));
    let mut with_first = holm(&p_values(|with_first| with_first, &tested)).into_iter();
    for ((is_with_first, _, corrected), p) in tested.iter_mut().zip(all) {
        corrected.among_all_pairs = Some(p);
        if *is_with_first {
            corrected.among_those_with_the_first = with_first.next();
        }
    }
}
