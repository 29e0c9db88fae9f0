//! DeLong's variance of an AUC and of the difference between two.
//!
//! DeLong, DeLong & Clarke-Pearson (1988) write the AUC as the mean of placement values: for a positive row the
//! share of negatives it beats, for a negative row the share of positives that beat it, ties counting half.
//! Sun & Xu (2014) get all of them from midranks of one sort instead of m × n comparisons; a pass over the tie
//! groups of one sort gives the same midranks, and so the same values, in O((m + n) log(m + n)).

use serde::Serialize;

use super::checks::check_scores;
use super::error::MetricError;
use super::metric::{Metric, Undefined};
use super::normal::{Z_95, two_sided_p};
use super::ranking::Ranking;

/// Holds an AUC with DeLong's standard error and 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeLongInterval {
    /// The AUC itself.
    pub auc: Metric,
    /// Variance of the AUC; needs two rows of each class.
    pub variance: Metric,
    /// AUC − 1.96 standard errors, not below 0.
    pub low: Metric,
    /// AUC + 1.96 standard errors, not above 1.
    pub high: Metric,
}

/// Holds the paired difference of two forecasts' AUCs on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AucDifference {
    /// AUC of the first minus AUC of the second.
    pub difference: f64,
    /// Standard error of the difference; smaller than that of either AUC when the forecasts agree much.
    pub standard_error: f64,
    /// Difference − 1.96 standard errors.
    pub low: f64,
    /// Difference + 1.96 standard errors.
    pub high: f64,
    /// Two-sided p of no difference. 1 where both forecasts rank every row alike.
    pub p_value: f64,
}

/// Computes AUC, variance and 95% interval on the plain scale, clipped to [0, 1]. A perfect forecast has variance 0 and
/// so the interval [1, 1]: DeLong's method says nothing there about small samples.
#[must_use]
pub fn delong_interval(ranking: &Ranking) -> DeLongInterval {
    let auc = ranking.auc();
    let Metric::Value(value) = auc else {
        return DeLongInterval { auc, variance: auc, low: auc, high: auc };
    };
    let (m, n) = (ranking.positives(), ranking.negatives());
    if m < 2 || n < 2 {
        let undefined = Metric::Undefined(Undefined::TooFewOfAClass);
        return DeLongInterval { auc, variance: undefined, low: undefined, high: undefined };
    }
    let (mut squares_positive, mut squares_negative) = (0.0, 0.0);
    let (mut positives_above, mut negatives_below) = (0, n);
    for group in ranking.groups() {
        negatives_below -= group.negatives;
        let beats = placement(negatives_below, group.negatives, n) - value;
        let beaten = placement(positives_above, group.positives, m) - value;
        squares_positive += group.positives as f64 * beats * beats;
        squares_negative += group.negatives as f64 * beaten * beaten;
        positives_above += group.positives;
    }
    let (m, n) = (m as f64, n as f64);
    let variance = squares_positive / (m - 1.0) / m + squares_negative / (n - 1.0) / n;
    let half_width = Z_95 * variance.sqrt();
    DeLongInterval {
        auc,
        variance: Metric::Value(variance),
        low: Metric::Value((value - half_width).max(0.0)),
        high: Metric::Value((value + half_width).min(1.0)),
    }
}

/// Runs DeLong's paired test of two forecasts on the same rows.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NanScore`], for either of the forecasts, and
/// [`MetricError::TooFewOfAClass`] with fewer than two rows of a class.
pub fn delong_difference(first: &[f64], second: &[f64], labels: &[bool]) -> Result<AucDifference, MetricError> {
    let a = Placements::new(first, labels)?;
    let b = Placements::new(second, labels)?;
    let (positives, negatives) = (a.of_positives.len(), a.of_negatives.len());
    if positives < 2 || negatives < 2 {
        return Err(MetricError::TooFewOfAClass { positives, negatives });
    }
    let variance = variance_of_mean_difference(&a.of_positives, &b.of_positives)
        + variance_of_mean_difference(&a.of_negatives, &b.of_negatives);
    let difference = mean(&a.of_positives) - mean(&b.of_positives);
    let standard_error = variance.sqrt();
    // Without any variance the forecasts place every row alike, or differ by a constant that is then certain.
    let p_value = match (standard_error > 0.0, difference == 0.0) {
        (true, _) => two_sided_p(difference / standard_error),
        (false, true) => 1.0,
        (false, false) => 0.0,
    };
    Ok(AucDifference {
        difference,
        standard_error,
        low: difference - Z_95 * standard_error,
        high: difference + Z_95 * standard_error,
        p_value,
    })
}

/// Holds placement values by class, each in row order.
struct Placements {
    of_positives: Vec<f64>,
    of_negatives: Vec<f64>,
}

impl Placements {
    fn new(scores: &[f64], labels: &[bool]) -> Result<Self, MetricError> {
        check_scores(scores, labels)?;
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let m = labels.iter().filter(|&&label| label).count() as u64;
        let n = labels.len() as u64 - m;
        let mut by_row = vec![0.0; scores.len()];
        let (mut positives_above, mut negatives_below) = (0, n);
        for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
            let positives = tied.iter().filter(|&&row| labels[row]).count() as u64;
            let negatives = tied.len() as u64 - positives;
            negatives_below -= negatives;
            for &row in tied {
                by_row[row] = if labels[row] {
                    placement(negatives_below, negatives, n)
                } else {
                    placement(positives_above, positives, m)
                };
            }
            positives_above += positives;
        }
        let of_class = |class: bool| {
            let rows = by_row.iter().zip(labels).filter(|&(_, &label)| label == class);
            rows.map(|(&value, _)| value).collect()
        };
        Ok(Self { of_positives: of_class(true), of_negatives: of_class(false) })
    }
}

/// Returns the share of the other class on the right side of a row, ties counting half.
fn placement(beyond: u64, tied: u64, of: u64) -> f64 {
    (2 * beyond + tied) as f64 / (2 * of) as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Computes the variance of mean(a − b): the sum of DeLong's variances less twice their covariance, in one pass.
fn variance_of_mean_difference(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let centre = mean(a) - mean(b);
    let squares: f64 = a.iter().zip(b).map(|(x, y)| (x - y - centre).powi(2)).sum();
    squares / (count - 1.0) / count
}
