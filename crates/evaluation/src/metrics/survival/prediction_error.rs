//! Brier scores of predicted survival, with inverse-probability-of-censoring weights.

use super::error::SurvivalError;
use super::exit::{End, ExitTime, check_times};
use super::kaplan_meier::KaplanMeier;
use crate::metrics::{Metric, Undefined};

/// Holds the Brier score of predicted survival at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictionError {
    /// Weeks from the origin.
    pub weeks: f64,
    /// Mean weighted squared difference between prediction and outcome; 0 is best.
    pub brier: f64,
}

/// Computes Graf, Schmoor, Sauerbrei & Schumacher's (1999) Brier score at each of `times`, as scikit-survival does:
///
/// BS(t) = 1/n Σ \[T ≤ t, ended\] · (S(t) − o)² / G(T) + \[T > t\] · (1 − S(t))² / G(t),
///
/// o being 0 for a dropout and 1 for a competing end, and G the Kaplan–Meier curve of censoring on the same rows. Rows
/// censored by t count in G alone. A weight whose G is 0 is left out, as in scikit-survival: nobody is observed so long.
///
/// `survival(row, at)` is the predicted probability of not having dropped out by `times[at]`.
///
/// # Errors
/// [`SurvivalError::NotANumber`] and [`SurvivalError::NotAProbability`].
pub fn brier_curve(
    exits: &[ExitTime],
    times: &[f64],
    survival: impl Fn(usize, usize) -> f64,
) -> Result<Vec<PredictionError>, SurvivalError> {
    check_times(exits)?;
    let uncensored = KaplanMeier::for_censoring(exits);
    let weight = |weeks: f64| {
        let probability = uncensored.survival_at(weeks);
        if probability > 0.0 { 1.0 / probability } else { 0.0 }
    };
    let at_end: Vec<f64> = exits.iter().map(|exit| weight(exit.weeks)).collect();
    let mut curve = Vec::with_capacity(times.len());
    for (at, &weeks) in times.iter().enumerate() {
        let at_time = weight(weeks);
        let mut sum = 0.0;
        for (row, exit) in exits.iter().enumerate() {
            let predicted = survival(row, at);
            if !(0.0..=1.0).contains(&predicted) {
                return Err(SurvivalError::NotAProbability { row, value: predicted });
            }
            sum += match (exit.weeks > weeks, exit.end) {
                (true, _) => at_time * (1.0 - predicted).powi(2),
                (false, End::Dropout) => at_end[row] * predicted.powi(2),
                (false, End::CompetingEnd) => at_end[row] * (1.0 - predicted).powi(2),
                (false, End::Censored) => 0.0,
            };
        }
        curve.push(PredictionError { weeks, brier: sum / exits.len() as f64 });
    }
    Ok(curve)
}

/// Computes the curve's mean over its times, by the trapezoidal rule. Undefined with fewer than two times.
#[must_use]
pub fn integrated_brier(curve: &[PredictionError]) -> Metric {
    let [first, .., last] = curve else {
        return Metric::Undefined(Undefined::TooFewTimes);
    };
    let pieces = curve.windows(2).map(|pair| (pair[1].weeks - pair[0].weeks) * (pair[0].brier + pair[1].brier) / 2.0);
    Metric::Value(pieces.sum::<f64>() / (last.weeks - first.weeks))
}
