//! Newton's method with conjugate gradients, for losses over many columns.
//!
//! Each step solves for Newton's direction only as well as it pays (Dembo, Eisenstat and Steihaug 1982, "Inexact Newton
//! methods"). A Cholesky factor of the inputs' products, weighted alike for all rows, preconditions the solution.

use crate::gram::Factor;
use crate::pooled::{Point, Pooled, PooledLoss};

/// Bounds the Newton steps of a fit.
const MAX_STEPS: usize = 100;

/// Bounds the conjugate gradients of one step.
const MAX_GRADIENTS: usize = 300;

/// Says how near to the minimum a fit must come.
#[derive(Clone, Copy)]
pub(crate) struct Tolerance(f64);

impl Tolerance {
    /// Ends when a step could lower the mean loss of a row by less than 1e-15, as [`crate::newton::minimise`] does.
    pub(crate) const TIGHT: Self = Self(1e-15);
    /// Ends at 1e-10: enough to tell which of several penalties is best.
    pub(crate) const LOOSE: Self = Self(1e-10);
    /// Ends at 1e-6 or 1e-4: enough to tell which penalties are far from the best.
    pub(crate) const ROUGH: Self = Self(1e-6);
    /// See [`Self::ROUGH`].
    pub(crate) const ROUGHEST: Self = Self(1e-4);
}

/// Minimises `loss` from `start`. `factor` holds the columns of the loss's view; its products times `scale` stand for the
/// second derivatives.
///
/// # Errors
/// The reason: no convergence, or a loss without a value.
pub(crate) fn minimise(
    loss: &PooledLoss<'_>,
    start: Pooled,
    factor: &Factor,
    scale: f64,
    tolerance: Tolerance,
) -> Result<Pooled, String> {
    let terms = loss.terms() as f64;
    let mut at = start;
    let mut precision = 0.1;
    for _ in 0..MAX_STEPS {
        let point = loss.point(&at);
        if !point.value.is_finite() {
            return Err("the fit has come to a loss that is no number".to_owned());
        }
        let preconditioner = Preconditioner::new(loss, &point, factor, scale);
        let (step, moves) = newton_step(loss, &point, &preconditioner, precision, 0.01 * tolerance.0 * terms);
        let promised = -point.gradient.dot(&step);
        if promised.is_nan() || promised < 0.0 {
            return Err("the fit found no step that lowers its loss".to_owned());
        }
        let small = promised <= tolerance.0 * terms;
        let mut share = 1.0;
        loop {
            let mut candidate = at.clone();
            candidate.add(share, &step);
            let found = loss.value_after(&point, &candidate, &moves, share);
            // The last term allows for the rounding error of a sum of losses.
            if found <= point.value - 1e-4 * share * promised + 1e-13 * point.value.abs() {
                at = candidate;
                break;
            }
            share *= 0.5;
            if share < 1e-10 {
                // Near the minimum the rest of the gain is below the rounding error.
                return if promised <= 1e-9 * terms {
                    Ok(at)
                } else {
                    Err("the fit found no step that lowers its loss".to_owned())
                };
            }
        }
        if small {
            return Ok(at);
        }
        precision = (promised / terms).sqrt().clamp(1e-3, 0.1);
    }
    Err(format!("the fit did not converge in {MAX_STEPS} steps"))
}

/// Solves for Newton's direction until the preconditioned residual has fallen to the share `precision`, or its square to
/// `enough`. Returns the direction, and the change of each row's score.
fn newton_step(
    loss: &PooledLoss<'_>,
    point: &Point,
    preconditioner: &Preconditioner<'_>,
    precision: f64,
    enough: f64,
) -> (Pooled, Vec<f64>) {
    let mut residual = point.gradient.clone();
    residual.scale(-1.0);
    let mut towards = preconditioner.apply(&residual);
    let mut size = residual.dot(&towards);
    let wanted = (size * precision * precision).max(enough);
    let mut direction = towards.clone();
    let mut step = Pooled::zeros(residual.weights.len(), residual.effects.len());
    let mut moves = vec![0.0; loss.view.rows()];
    for _ in 0..MAX_GRADIENTS {
        if size <= 0.0 {
            break;
        }
        let (by_row, product) = loss.curvature_times(point, &direction);
        let length = size / direction.dot(&product);
        if !length.is_finite() {
            break;
        }
        step.add(length, &direction);
        moves.iter_mut().zip(&by_row).for_each(|(sum, by)| *sum += length * by);
        residual.add(-length, &product);
        towards = preconditioner.apply(&residual);
        let next = residual.dot(&towards);
        if next <= wanted {
            break;
        }
        direction.scale(next / size);
        direction.add(1.0, &towards);
        size = next;
    }
    (step, moves)
}

/// Approximates the inverse of the second derivatives at a point.
///
/// With the intercept counted at the mean of the inputs, the weights' part is nearly independent of the intercept and the
/// effects. It is taken as `scale` times the factored matrix; the other part is solved exactly.
struct Preconditioner<'a> {
    loss: &'a PooledLoss<'a>,
    factor: &'a Factor,
    scale: f64,
    /// Mean inputs, weighted by the second derivatives.
    means: Vec<f64>,
    /// By coming week: second derivatives, and these with the penalty.
    weeks: Vec<(f64, f64)>,
    /// Second derivative by the intercept when the effects follow it.
    intercept: f64,
}

impl<'a> Preconditioner<'a> {
    fn new(loss: &'a PooledLoss<'a>, point: &Point, factor: &'a Factor, scale: f64) -> Self {
        let total = point.total_curvature().max(f64::MIN_POSITIVE);
        let weeks: Vec<(f64, f64)> =
            loss.week_curvature(point).into_iter().map(|sum| (sum, sum + loss.effect_penalty)).collect();
        let follow: f64 = weeks.iter().map(|(sum, with)| sum * sum / with).sum();
        Self {
            loss,
            factor,
            scale,
            means: point.border.iter().map(|sum| sum / total).collect(),
            weeks,
            intercept: (total - follow).max(1e-12 * total),
        }
    }

    fn apply(&self, residual: &Pooled) -> Pooled {
        let mut weights: Vec<f64> = residual
            .weights
            .iter()
            .zip(&self.means)
            .map(|(value, mean)| (value - mean * residual.intercept) / self.scale)
            .collect();
        self.loss.view.restrict(&mut weights);
        self.factor.solve(&mut weights);
        self.loss.view.restrict(&mut weights);
        let shares = residual.effects.iter().zip(&self.weeks);
        let own = residual.intercept - shares.clone().map(|(value, (sum, with))| value * sum / with).sum::<f64>();
        let intercept = own / self.intercept;
        let effects = shares.map(|(value, (sum, with))| (value - sum * intercept) / with).collect();
        let shift: f64 = self.means.iter().zip(&weights).map(|(mean, weight)| mean * weight).sum();
        Pooled { weights, intercept: intercept - shift, effects }
    }
}
