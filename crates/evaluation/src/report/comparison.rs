//! Two models on the same rows.
//!
//! On one test set the figures of two models rise and fall together, so their difference is known far better than either.
//! Differences are paired, row by row.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

use super::bootstrap::{Sorted, number_units, range};
use super::resampling::Resampling;
use crate::metrics::resample::draw_with_replacement;
use crate::metrics::{
    AucDifference, Metric, MetricError, Ranking, Undefined, brier, delong_difference, log_loss, log_miss, squared_miss,
};

/// Holds one model's forecast of the rows that are compared.
#[derive(Debug, Clone, Copy)]
pub struct ComparedForecast<'a> {
    /// Scores before calibration, by row.
    pub scores: &'a [f64],
    /// Calibrated probabilities, by row.
    pub probabilities: &'a [f64],
}

/// Compares the first model with the second, on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelComparison {
    /// Rows.
    pub n: u64,
    /// Rows that dropped out.
    pub positives: u64,
    /// Learners, the units that the bootstrap draws.
    pub learners: u64,
    /// Resamples drawn; 0 without bootstrap.
    pub resamples: u32,
    /// DeLong's paired test of the AUCs; null with fewer than two rows of a class.
    pub auc_delong: Option<AucDifference>,
    /// AUC of the scores; more is better.
    pub auc: PairedDifference,
    /// Brier score of the probabilities; less is better.
    pub brier: PairedDifference,
    /// Log loss of the probabilities in nats; less is better.
    pub log_loss: PairedDifference,
}

/// Holds one figure of two models.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedDifference {
    /// The first model's.
    pub first: Metric,
    /// The second model's.
    pub second: Metric,
    /// First less second.
    pub difference: Metric,
    /// 2.5th percentile of the difference over resamples of whole learners; null without bootstrap.
    pub low: Metric,
    /// 97.5th percentile.
    pub high: Metric,
    /// Two-sided p of no difference: twice the smaller share of resamples on one side of 0, those at 0 counting on both,
    /// (1 + count) / (1 + resamples), at most 1. Null without bootstrap.
    pub p_value: Metric,
    /// Resamples in which the figure is defined.
    pub usable: u32,
}

/// Compares two forecasts of the same rows; `learners` numbers the learner of each row.
///
/// Each resample draws as many learners as there are, whole and with replacement, and measures both models on it. Seeded,
/// and the same for any order of rows up to the last digits of a sum.
///
/// # Errors
/// [`MetricError::LengthMismatch`], [`MetricError::NanScore`] and [`MetricError::NotAProbability`], for either forecast.
pub fn compare(
    first: ComparedForecast<'_>,
    second: ComparedForecast<'_>,
    labels: &[bool],
    learners: &[u32],
    resampling: Resampling,
) -> Result<ModelComparison, MetricError> {
    if learners.len() != labels.len() {
        return Err(MetricError::LengthMismatch { scores: learners.len(), labels: labels.len() });
    }
    let both = [first, second];
    let auc = each(both, |forecast| Ok(Ranking::new(forecast.scores, labels)?.auc()))?;
    let briers = each(both, |forecast| brier(forecast.probabilities, labels))?;
    let log_losses = each(both, |forecast| log_loss(forecast.probabilities, labels))?;
    let auc_delong = match delong_difference(first.scores, second.scores, labels) {
        Ok(difference) => Some(difference),
        Err(MetricError::TooFewOfAClass { .. }) => None,
        Err(error) => return Err(error),
    };
    let (unit_of, units) = number_units(learners);
    let mut draws = [const { Vec::new() }; 3];
    let count = match resampling {
        Resampling::Off => 0,
        Resampling::Resamples { count, seed } => {
            draws = differences_of_resamples(both, labels, &unit_of, units, (count, seed));
            count
        }
    };
    let [of_auc, of_brier, of_log_loss] = draws;
    Ok(ModelComparison {
        n: labels.len() as u64,
        positives: labels.iter().filter(|&&label| label).count() as u64,
        learners: units as u64,
        resamples: count,
        auc_delong,
        auc: paired(auc, of_auc),
        brier: paired(briers, of_brier),
        log_loss: paired(log_losses, of_log_loss),
    })
}

fn each(
    both: [ComparedForecast<'_>; 2],
    measure: impl Fn(ComparedForecast<'_>) -> Result<Metric, MetricError>,
) -> Result<[Metric; 2], MetricError> {
    Ok([measure(both[0])?, measure(both[1])?])
}

/// Lists differences of AUC, Brier score and log loss, one a resample in which they are defined.
fn differences_of_resamples(
    both: [ComparedForecast<'_>; 2],
    labels: &[bool],
    unit_of: &[u32],
    units: usize,
    (count, seed): (u32, u64),
) -> [Vec<f64>; 3] {
    let sorted = both.map(|forecast| Sorted::new(forecast.scores, labels, unit_of));
    let squared = losses_by_unit(both, labels, unit_of, units, squared_miss);
    let logarithmic = losses_by_unit(both, labels, unit_of, units, log_miss);
    let mut rows_of_unit = vec![0_u64; units];
    unit_of.iter().for_each(|&unit| rows_of_unit[unit as usize] += 1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = vec![0_u32; units];
    let mut found = [const { Vec::new() }; 3];
    for _ in 0..count {
        if units == 0 {
            break;
        }
        draw_with_replacement(&mut rng, &mut weights);
        if let (Some(first), Some(second)) = (sorted[0].auc(&weights), sorted[1].auc(&weights)) {
            found[0].push(first - second);
        }
        let rows: u64 = rows_of_unit.iter().zip(&weights).map(|(rows, &weight)| rows * u64::from(weight)).sum();
        let mean = |losses: &[f64]| {
            losses.iter().zip(&weights).map(|(loss, &weight)| loss * f64::from(weight)).sum::<f64>() / rows as f64
        };
        found[1].push(mean(&squared));
        found[2].push(mean(&logarithmic));
    }
    found
}

/// Sums, by learner, the first forecast's losses less that of the second's.
fn losses_by_unit(
    [first, second]: [ComparedForecast<'_>; 2],
    labels: &[bool],
    unit_of: &[u32],
    units: usize,
    loss: impl Fn(f64, bool) -> f64,
) -> Vec<f64> {
    let mut sums = vec![0.0; units];
    for (row, (&unit, &label)) in unit_of.iter().zip(labels).enumerate() {
        sums[unit as usize] += loss(first.probabilities[row], label) - loss(second.probabilities[row], label);
    }
    sums
}

fn paired([first, second]: [Metric; 2], mut draws: Vec<f64>) -> PairedDifference {
    let difference = match (first, second) {
        (Metric::Value(first), Metric::Value(second)) => Metric::Value(first - second),
        (Metric::Undefined(why), _) | (_, Metric::Undefined(why)) => Metric::Undefined(why),
    };
    let share = |count: usize| (1.0 + count as f64) / (1.0 + draws.len() as f64);
    let below = share(draws.iter().filter(|&&difference| difference <= 0.0).count());
    let above = share(draws.iter().filter(|&&difference| difference >= 0.0).count());
    let p_value = if draws.is_empty() {
        Metric::Undefined(Undefined::NoUsableResample)
    } else {
        Metric::Value((2.0 * below.min(above)).min(1.0))
    };
    let usable = draws.len() as u32;
    let interval = range(&mut draws);
    PairedDifference { first, second, difference, low: interval.low, high: interval.high, p_value, usable }
}
