//! Platt's sigmoid (Platt 1999), fitted by the Newton method with backtracking of Lin, Lin & Weng (2007).

use super::class_counts::ClassCounts;
use super::error::CalibrationError;
use crate::log_odds::sigmoid;

const MOST_ITERATIONS: usize = 100;
/// Newton stops when no component of the mean gradient exceeds this.
const GRADIENT_GOAL: f64 = 1e-12;
/// A mean gradient the fit is still accepted with when rounding keeps the line search from going on.
const GRADIENT_ACCEPTED: f64 = 1e-7;
/// Below this expected gain the loss's last digits no longer tell a better step from a worse one, and Newton's whole
/// step is taken: so near the optimum it squares the error.
const GAIN_IN_THE_NOISE: f64 = 1e-9;
/// Added to the Hessian's diagonal, so that it can be inverted when all scores are equal.
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
        let bend = Curvature::at(rows, slope, intercept);
        gradient_left = bend.gradient.0.abs().max(bend.gradient.1.abs());
        if gradient_left < GRADIENT_GOAL {
            return Ok((slope, intercept));
        }
        let step = bend.newton_step();
        let descent = bend.gradient.0 * step.0 + bend.gradient.1 * step.1;
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

/// Computes the mean cross entropy, written (Lin et al., section 3) so that neither exponential overflows.
fn mean_loss(rows: &[(f64, f64)], slope: f64, intercept: f64) -> f64 {
    let of_row = |&(score, target): &(f64, f64)| {
        let logit = slope * score + intercept;
        (-logit.abs()).exp().ln_1p() + logit.max(0.0) - target * logit
    };
    rows.iter().map(of_row).sum::<f64>() / rows.len() as f64
}

/// Holds gradient and Hessian of the mean loss.
struct Curvature {
    gradient: (f64, f64),
    hessian: (f64, f64, f64),
}

impl Curvature {
    fn at(rows: &[(f64, f64)], slope: f64, intercept: f64) -> Self {
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
        Self {
            gradient: (gradient.0 / n, gradient.1 / n),
            hessian: (hessian.0 / n + RIDGE, hessian.1 / n, hessian.2 / n + RIDGE),
        }
    }

    fn newton_step(&self) -> (f64, f64) {
        let (a, b, c) = self.hessian;
        let determinant = a * c - b * b;
        let (g, h) = self.gradient;
        (-(c * g - b * h) / determinant, -(a * h - b * g) / determinant)
    }
}

fn centre_and_scale(scores: &[f64]) -> (f64, f64) {
    let n = scores.len() as f64;
    let centre = scores.iter().sum::<f64>() / n;
    let variance = scores.iter().map(|score| (score - centre).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    (centre, if deviation > 0.0 { deviation } else { 1.0 })
}
