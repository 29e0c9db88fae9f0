//! Platt's sigmoid (Platt 1999), fitted by the Newton method with backtracking of Lin, Lin & Weng (2007).

use super::class_counts::ClassCounts;
use super::error::CalibrationError;
use crate::log_odds::{sigmoid, softplus};
use crate::two_parameters::Derivatives;

const MOST_ITERATIONS: usize = 100;
/// Bounds the components of the mean gradient at which Newton stops.
const GRADIENT_GOAL: f64 = 1e-12;
/// Bounds the mean gradient with which the fit is still accepted when rounding keeps the line search from going on.
const GRADIENT_ACCEPTED: f64 = 1e-7;
/// Sets the expected gain below which the loss's last digits no longer tell a better step from a worse one, and Newton's whole
/// step is taken: so near the optimum it squares the error.
const GAIN_IN_THE_NOISE: f64 = 1e-9;
/// Is added to the Hessian's diagonal, so that it can be inverted when all scores are equal.
const RIDGE: f64 = 1e-12;
const SMALLEST_STEP: f64 = 1e-10;

/// Fits slope and intercept of p = sigmoid(slope · score + intercept) that minimise the cross entropy against Platt's
/// smoothed targets. The scores are standardised inside, so that their unit (log odds, days) does not matter.
pub(super) fn fit(scores: &[f64], labels: &[bool], counts: ClassCounts) -> Result<(f64, f64), CalibrationError> {
    let (centre, scale) = centre_and_scale(scores);
    let rows: Vec<(f64, f64)> = scores
        .iter()
        .zip(labels)
        .map(|(score, &label)| {
            let target = if label { counts.positive_target() } else { counts.negative_target() };
            ((score - centre) / scale, target)
        })
        .collect();
    let base = (counts.positives as f64 + 1.0) / (counts.negatives as f64 + 1.0);
    let (slope, intercept) = newton(&rows, (0.0, base.ln()))?;
    Ok((slope / scale, intercept - slope * centre / scale))
}

fn newton(rows: &[(f64, f64)], start: (f64, f64)) -> Result<(f64, f64), CalibrationError> {
    let (mut slope, mut intercept) = start;
    let mut loss = mean_loss(rows, slope, intercept);
    let mut gradient_left = f64::INFINITY;
    for _ in 0..MOST_ITERATIONS {
        let derivatives = derivatives(rows, slope, intercept);
        gradient_left = derivatives.gradient_size();
        if gradient_left < GRADIENT_GOAL {
            return Ok((slope, intercept));
        }
        let step = derivatives.newton_step();
        let descent = derivatives.gradient.0 * step.0 + derivatives.gradient.1 * step.1;
        let mut size = 1.0;
        loop {
            let tried = (slope + size * step.0, intercept + size * step.1);
            let tried_loss = mean_loss(rows, tried.0, tried.1);
            if tried_loss < loss + 1e-4 * size * descent || -descent < GAIN_IN_THE_NOISE {
                (slope, intercept) = tried;
                loss = tried_loss;
                break;
            }
            size /= 2.0;
            if size < SMALLEST_STEP {
                return accept(slope, intercept, gradient_left);
            }
        }
    }
    accept(slope, intercept, gradient_left)
}

fn accept(slope: f64, intercept: f64, gradient: f64) -> Result<(f64, f64), CalibrationError> {
    if gradient < GRADIENT_ACCEPTED {
        Ok((slope, intercept))
    } else {
        Err(CalibrationError::NotConverged { iterations: MOST_ITERATIONS, gradient })
    }
}

/// Computes the mean cross entropy (Lin et al., section 3).
fn mean_loss(rows: &[(f64, f64)], slope: f64, intercept: f64) -> f64 {
    let of_row = |&(score, target): &(f64, f64)| {
        let logit = slope * score + intercept;
        softplus(logit) - target * logit
    };
    rows.iter().map(of_row).sum::<f64>() / rows.len() as f64
}

/// Returns the derivatives of the mean loss.
fn derivatives(rows: &[(f64, f64)], slope: f64, intercept: f64) -> Derivatives {
    let (mut gradient, mut hessian) = ((0.0, 0.0), (0.0, 0.0, 0.0));
    for &(score, target) in rows {
        let p = sigmoid(slope * score + intercept);
        let miss = p - target;
        let weight = p * (1.0 - p);
        gradient.0 += score * miss;
        gradient.1 += miss;
        hessian.0 += score * score * weight;
        hessian.1 += score * weight;
        hessian.2 += weight;
    }
    let n = rows.len() as f64;
    Derivatives {
        gradient: (gradient.0 / n, gradient.1 / n),
        hessian: (hessian.0 / n + RIDGE, hessian.1 / n, hessian.2 / n + RIDGE),
    }
}

fn centre_and_scale(scores: &[f64]) -> (f64, f64) {
    let n = scores.len() as f64;
    let centre = scores.iter().sum::<f64>() / n;
    let variance = scores.iter().map(|score| (score - centre).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    (centre, if deviation > 0.0 { deviation } else { 1.0 })
}
