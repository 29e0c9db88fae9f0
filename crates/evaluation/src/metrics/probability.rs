//! Metrics of probabilities: Brier score, log loss, reliability and calibration error.

use serde::Serialize;

use super::checks::check_probabilities;
use super::error::MetricError;
use super::metric::{Metric, Undefined};
use super::ranking::Ranking;

/// Counts the bins of the expected calibration error, of equal count.
pub(super) const ECE_BINS: usize = 15;

/// Computes the Brier score: the mean of (p − y)². 0 is perfect; undefined without rows.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn brier(probabilities: &[f64], labels: &[bool]) -> Result<Metric, MetricError> {
    check_probabilities(probabilities, labels)?;
    Ok(mean_over(probabilities, labels, squared_miss))
}

/// Computes the log loss in nats: the mean of −ln(probability given to the outcome). As in scikit-learn, that probability is
/// clipped to [ε, 1 − ε] with ε = 2⁻⁵², so a certain forecast that is wrong costs 36.04 and not infinity.
/// Undefined without rows; one class is enough.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> Result<Metric, MetricError> {
    check_probabilities(probabilities, labels)?;
    Ok(mean_over(probabilities, labels, log_miss))
}

/// Computes one row's part of the Brier score.
pub(crate) fn squared_miss(p: f64, label: bool) -> f64 {
    let miss = if label { 1.0 - p } else { p };
    miss * miss
}

/// Computes one row's part of the log loss.
pub(crate) fn log_miss(p: f64, label: bool) -> f64 {
    let of_truth = if label { p } else { 1.0 - p };
    -of_truth.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// Holds one bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Rows in the bin.
    pub count: usize,
    /// Mean probability forecast.
    pub mean_probability: f64,
    /// Share that dropped out; see [`reliability_bins`] on ties.
    pub observed_rate: f64,
}

/// Cuts rows, sorted by probability, into `bins` bins of equal count, the lowest probabilities first.
///
/// When `n` is no multiple of `bins`, the first `n mod bins` bins hold one row more (as `numpy.array_split`
/// cuts); with fewer rows than bins there is one bin a row. Rows with equal probabilities can't be ordered,
/// so where a cut falls among them each counts with the mean label of all of them: the expected value over every
/// order of the tied rows, and therefore the same for any order of the input.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn reliability_bins(
    probabilities: &[f64],
    labels: &[bool],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, MetricError> {
    check_probabilities(probabilities, labels)?;
    Ok(bins_of(&tied_rows(&Ranking::from_checked(probabilities, labels)), bins))
}

fn bins_of(rows: &[TiedRow], bins: usize) -> Vec<ReliabilityBin> {
    let bin = |inside: &[TiedRow]| ReliabilityBin {
        count: inside.len(),
        mean_probability: inside.iter().map(|row| row.probability).sum::<f64>() / inside.len() as f64,
        observed_rate: inside.iter().map(|row| row.rate).sum::<f64>() / inside.len() as f64,
    };
    equal_count_bins(rows, bins).map(bin).collect()
}

/// Computes the expected calibration error: Σ over [`reliability_bins`] of (share of rows) · |mean probability − observed
/// rate|, with 15 bins. Undefined without rows.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn expected_calibration_error(probabilities: &[f64], labels: &[bool]) -> Result<Metric, MetricError> {
    check_probabilities(probabilities, labels)?;
    Ok(expected_calibration_error_of(&tied_rows(&Ranking::from_checked(probabilities, labels))))
}

pub(super) fn expected_calibration_error_of(rows: &[TiedRow]) -> Metric {
    if rows.is_empty() {
        return Metric::Undefined(Undefined::NoRows);
    }
    let gap = |bin: &ReliabilityBin| bin.count as f64 * (bin.mean_probability - bin.observed_rate).abs();
    Metric::Value(bins_of(rows, ECE_BINS).iter().map(gap).sum::<f64>() / rows.len() as f64)
}

/// Holds a row sorted by probability, its label replaced by the mean label of its tie group.
#[derive(Debug, Clone, Copy)]
pub(super) struct TiedRow {
    pub(super) probability: f64,
    pub(super) rate: f64,
}

/// Lists the rows of a ranking by probability, the lowest first.
pub(super) fn tied_rows(ranking: &Ranking) -> Vec<TiedRow> {
    let rows = ranking.groups().iter().rev().flat_map(|group| {
        let count = group.positives + group.negatives;
        let row = TiedRow { probability: group.score, rate: group.positives as f64 / count as f64 };
        std::iter::repeat_n(row, count as usize)
    });
    rows.collect()
}

/// Cuts rows as [`reliability_bins`] describes.
pub(super) fn equal_count_bins(rows: &[TiedRow], bins: usize) -> impl Iterator<Item = &[TiedRow]> {
    let bins = bins.min(rows.len());
    let mut rest = rows;
    (0..bins).map(move |bin| {
        let (inside, after) = rest.split_at(rows.len() / bins + usize::from(bin < rows.len() % bins));
        rest = after;
        inside
    })
}

fn mean_over(probabilities: &[f64], labels: &[bool], cost: impl Fn(f64, bool) -> f64) -> Metric {
    if labels.is_empty() {
        return Metric::Undefined(Undefined::NoRows);
    }
    let sum: f64 = probabilities.iter().zip(labels).map(|(&p, &label)| cost(p, label)).sum();
    Metric::Value(sum / labels.len() as f64)
}
