//! Percentile bootstrap of whole learners, or whole courses.
//!
//! DeLong's interval assumes that rows are independent. A learner's courses, and a course's learners, are not; drawing
//! them whole shows by how much that widens the interval.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

use super::prediction_row::PredictionRow;
use super::resampling::ResampledUnit;
use super::rows::{LabelledRow, labels_of, values_of};
use crate::metrics::resample::{draw_with_replacement, percentile};
use crate::metrics::{Metric, Undefined};

/// Counts the courses needed for a bootstrap by course: fewer say too little about other courses, and get figures one
/// by one instead.
pub(super) const FEWEST_COURSES: usize = 10;

/// Holds a 95% percentile interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BootstrapRange {
    /// 2.5th percentile.
    pub low: Metric,
    /// 97.5th percentile.
    pub high: Metric,
}

/// Holds bootstrap intervals of one cohort.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BootstrapIntervals {
    /// The unit drawn.
    pub unit: ResampledUnit,
    /// Number of units.
    pub units: u64,
    /// Resamples drawn.
    pub resamples: u32,
    /// Resamples that held both classes; the others are left out.
    pub usable: u32,
    /// Interval of the AUC.
    pub auc: BootstrapRange,
    /// Interval of the average precision.
    pub average_precision: BootstrapRange,
    /// Interval of the Brier score.
    pub brier: BootstrapRange,
}

/// Bootstraps rows whose scores and probabilities have been checked.
pub(super) fn bootstrap(rows: &[LabelledRow<'_>], unit: ResampledUnit, count: u32, seed: u64) -> BootstrapIntervals {
    let labels = labels_of(rows);
    let scores = values_of(rows, |row| row.score);
    let probabilities = values_of(rows, |row| row.p);
    let identifier = |row: &PredictionRow| match unit {
        ResampledUnit::Learner => row.learner,
        ResampledUnit::Course => row.course,
    };
    let identifiers: Vec<u32> = rows.iter().map(|(row, _)| identifier(row)).collect();
    let (unit_of, units) = number_units(&identifiers);
    let by_score = Sorted::new(&scores, &labels, &unit_of);
    let by_probability = Sorted::new(&probabilities, &labels, &unit_of);
    let mut draws = Draws::default();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = vec![0_u32; units];
    for _ in 0..count {
        draw_with_replacement(&mut rng, &mut weights);
        if let Some(auc) = by_score.auc(&weights) {
            draws.auc.push(auc);
            draws.average_precision.push(by_probability.average_precision(&weights));
            draws.brier.push(by_probability.brier(&weights));
        }
    }
    BootstrapIntervals {
        unit,
        units: units as u64,
        resamples: count,
        usable: draws.auc.len() as u32,
        auc: range(&mut draws.auc),
        average_precision: range(&mut draws.average_precision),
        brier: range(&mut draws.brier),
    }
}

#[derive(Default)]
struct Draws {
    auc: Vec<f64>,
    average_precision: Vec<f64>,
    brier: Vec<f64>,
}

/// Numbers the units from 0 in ascending order of their identifier, so that the order of rows draws nothing else; returns
/// each row's number, and how many there are.
pub(super) fn number_units(identifiers: &[u32]) -> (Vec<u32>, usize) {
    let mut numbers: BTreeMap<u32, u32> = identifiers.iter().map(|&id| (id, 0)).collect();
    for (number, of_unit) in numbers.values_mut().zip(0..) {
        *number = of_unit;
    }
    (identifiers.iter().map(|id| numbers[id]).collect(), numbers.len())
}

/// Holds rows sorted once by value, the highest first, to be weighed anew for every resample.
pub(super) struct Sorted {
    rows: Vec<SortedRow>,
}

#[derive(Clone, Copy)]
struct SortedRow {
    value: f64,
    unit: u32,
    label: bool,
}

impl Sorted {
    pub(super) fn new(values: &[f64], labels: &[bool], unit_of: &[u32]) -> Self {
        let rows = values.iter().zip(labels).zip(unit_of);
        let mut rows: Vec<SortedRow> = rows.map(|((&value, &label), &unit)| SortedRow { value, unit, label }).collect();
        rows.sort_unstable_by(|a, b| b.value.total_cmp(&a.value).then((a.unit, a.label).cmp(&(b.unit, b.label))));
        Self { rows }
    }

    /// Lists (positives, negatives) of every tie group under these weights, the highest value first.
    fn weighed<'a>(&'a self, weights: &'a [u32]) -> impl Iterator<Item = (u64, u64)> + 'a {
        self.rows.chunk_by(|a, b| a.value == b.value).map(|tied| {
            tied.iter().fold((0, 0), |(positives, negatives), row| {
                let weight = u64::from(weights[row.unit as usize]);
                if row.label { (positives + weight, negatives) } else { (positives, negatives + weight) }
            })
        })
    }

    /// Computes the AUC; `None` if the resample lacks a class.
    pub(super) fn auc(&self, weights: &[u32]) -> Option<f64> {
        let (mut positives_above, mut negatives, mut wins_twice) = (0_u64, 0_u64, 0_u128);
        for (tied_positives, tied_negatives) in self.weighed(weights) {
            wins_twice += u128::from(tied_negatives) * u128::from(2 * positives_above + tied_positives);
            positives_above += tied_positives;
            negatives += tied_negatives;
        }
        let pairs = u128::from(positives_above) * u128::from(negatives);
        (pairs > 0).then(|| wins_twice as f64 / (2 * pairs) as f64)
    }

    fn average_precision(&self, weights: &[u32]) -> f64 {
        let (mut hits, mut flagged, mut sum) = (0_u64, 0_u64, 0.0);
        for (positives, negatives) in self.weighed(weights).filter(|&(positives, negatives)| positives + negatives > 0)
        {
            hits += positives;
            flagged += positives + negatives;
            sum += positives as f64 * (hits as f64 / flagged as f64);
        }
        sum / hits as f64
    }

    fn brier(&self, weights: &[u32]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for row in &self.rows {
            let weight = f64::from(weights[row.unit as usize]);
            let miss = if row.label { 1.0 - row.value } else { row.value };
            sum += weight * miss * miss;
            total += weight;
        }
        sum / total
    }
}

pub(super) fn range(values: &mut [f64]) -> BootstrapRange {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share| percentile(values, share, Undefined::NoUsableResample);
    BootstrapRange { low: at(0.025), high: at(0.975) }
}
