//! A corrected t-test for repeated cross-validation: the plain one finds differences too often, as folds share training rows.

use serde::Serialize;

use super::metric::{Metric, Undefined};
use super::student::{critical_95, two_sided_p};

/// Holds a t-test of paired differences, corrected for training rows that they share or plain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CorrectedT {
    /// Differences given: folds times repeats.
    pub differences: u64,
    /// Their mean.
    pub mean: Metric,
    /// Square root of (1 / differences + test share / training share) · their sample variance; without the second term in
    /// a plain test.
    pub standard_error: Metric,
    /// Mean less the 97.5th percentile of t, in standard errors.
    pub low: Metric,
    /// Mean plus the same.
    pub high: Metric,
    /// mean / standard error.
    pub t: Metric,
    /// Two-sided p at differences − 1 degrees of freedom. 1 where every difference is 0, 0 where all are equal otherwise.
    pub p_value: Metric,
}

/// Runs Nadeau & Bengio's (2003) test for k-fold cross-validation with any number of repeats (Bouckaert & Frank 2004), one
/// difference a fold and repeat. `folds` fixes the ratio of test to training rows, 1 / (folds − 1), by which the variance
/// is raised: the plain t-test takes overlapping training sets for independent. Undefined with fewer than two differences
/// or folds.
#[must_use]
pub fn corrected_t(differences: &[f64], folds: u32) -> CorrectedT {
    t_test(differences, (folds >= 2).then(|| 1.0 / f64::from(folds - 1)))
}

/// Runs the plain paired t-test on differences that share no training rows, as those of different data sets. Undefined with
/// fewer than two.
#[must_use]
pub fn paired_t(differences: &[f64]) -> CorrectedT {
    t_test(differences, Some(0.0))
}

/// Runs a t-test with the variance of the mean raised by `overlap` times the sample variance; undefined without `overlap`.
fn t_test(differences: &[f64], overlap: Option<f64>) -> CorrectedT {
    let count = differences.len();
    let undefined = Metric::Undefined(Undefined::TooFewDifferences);
    let (Some(overlap), 2..) = (overlap, count) else {
        let (differences, all) = (count as u64, undefined);
        return CorrectedT { differences, mean: all, standard_error: all, low: all, high: all, t: all, p_value: all };
    };
    let n = count as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let standard_error = ((1.0 / n + overlap) * variance).sqrt();
    let half_width = critical_95(n - 1.0) * standard_error;
    let (t, p_value) = match (standard_error > 0.0, mean == 0.0) {
        (true, _) => (Metric::Value(mean / standard_error), two_sided_p(mean / standard_error, n - 1.0)),
        (false, true) => (Metric::Undefined(Undefined::NoVariance), 1.0),
        (false, false) => (Metric::Undefined(Undefined::NoVariance), 0.0),
    };
    CorrectedT {
        differences: count as u64,
        mean: Metric::Value(mean),
        standard_error: Metric::Value(standard_error),
        low: Metric::Value(mean - half_width),
        high: Metric::Value(mean + half_width),
        t,
        p_value: Metric::Value(p_value),
    }
}
