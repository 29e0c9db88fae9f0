//! Linear and logistic regression on the weeks laid side by side.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::config::Penalties;
use crate::design::{Design, dot};
use crate::newton::{Convex, Parameters, log_loss, minimise, sigmoid, softplus, solve};
use crate::weekly::WeeklyInputs;

/// Holds an intercept and one weight per column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Weights {
    /// Penalty that was chosen.
    pub(crate) penalty: f64,
    pub(crate) intercept: f64,
    /// Positions of the columns in the weeks laid side by side.
    pub(crate) columns: Vec<u32>,
    /// By column.
    pub(crate) weights: Vec<f64>,
}

impl Weights {
    /// Computes a + x·b for every row of `inputs`.
    pub(crate) fn scores(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Vec<f64> {
        let score = |row: usize| {
            let seen = inputs.seen(row, cut_off);
            self.intercept + dot(self.columns.iter().map(|&column| seen[column as usize]), &self.weights)
        };
        (0..inputs.rows).into_par_iter().map(score).collect()
    }
}

/// Borrows the inputs and labels of one cut-off: the training set, and the held-out rows that choose a penalty.
pub(crate) struct FitData<'a> {
    /// Positions of the columns in the weeks laid side by side.
    pub(crate) columns: &'a [u32],
    pub(crate) training: &'a Design,
    pub(crate) labels: &'a [bool],
    pub(crate) held_out: &'a Design,
    pub(crate) held_out_labels: &'a [bool],
}

/// Fits with each of `penalties`, strongest first, and returns the fit with the least `loss`.
///
/// With one penalty no loss is computed. `fit` receives the fit before, to start from.
pub(crate) fn best_of<T>(
    penalties: &Penalties,
    mut fit: impl FnMut(f64, Option<&T>) -> Result<T, String>,
    loss: impl Fn(&T) -> f64,
) -> Result<T, String> {
    let order = penalties.strongest_first();
    let mut losses = Vec::with_capacity(order.len());
    let mut fits: Vec<T> = Vec::with_capacity(order.len());
    for &penalty in &order {
        let fitted = fit(penalty, fits.last())?;
        if order.len() > 1 {
            losses.push(loss(&fitted));
        }
        fits.push(fitted);
    }
    Ok(fits.swap_remove(least(&losses)))
}

/// Returns the place of the least of `losses`, the first of equal ones; 0 if there are none.
pub(crate) fn least(losses: &[f64]) -> usize {
    let mut best = 0;
    for (at, loss) in losses.iter().enumerate() {
        if *loss < losses[best] {
            best = at;
        }
    }
    best
}

/// Computes the mean squared error of scores.
pub(crate) fn mean_squared_error(scores: &[f64], labels: &[bool]) -> f64 {
    let errors = scores.iter().zip(labels).map(|(score, &label)| (score - f64::from(u8::from(label))).powi(2));
    errors.sum::<f64>() / scores.len() as f64
}

/// Fits ridge regression on targets 0 and 1. The penalty with the least squared error on held-out rows is chosen.
pub(crate) fn ridge(data: &FitData<'_>, penalties: &Penalties) -> Result<Weights, String> {
    let design = data.training;
    let (rows, width) = (design.rows as f64, design.width);
    let ones = vec![1.0; design.rows];
    let targets: Vec<f64> = data.labels.iter().map(|&label| f64::from(u8::from(label))).collect();
    let mean_target = targets.iter().sum::<f64>() / rows;
    let means: Vec<f64> = design.transposed_times(&ones).into_iter().map(|sum| sum / rows).collect();
    let mut gram = design.gram(&ones);
    for i in 0..width {
        for j in 0..width {
            gram[i * width + j] -= rows * means[i] * means[j];
        }
    }
    let centred: Vec<f64> = targets.iter().map(|target| target - mean_target).collect();
    let right = design.transposed_times(&centred);
    let fit = |penalty: f64, _: Option<&Weights>| {
        let mut matrix = gram.clone();
        (0..width).for_each(|i| matrix[i * width + i] += penalty);
        let weights = solve(matrix, right.clone())?;
        let intercept = mean_target - means.iter().zip(&weights).map(|(mean, weight)| mean * weight).sum::<f64>();
        Ok(Weights { penalty, intercept, columns: data.columns.to_vec(), weights })
    };
    let held_out_error = |fitted: &Weights| {
        let mut scores = data.held_out.times(&fitted.weights);
        scores.iter_mut().for_each(|score| *score += fitted.intercept);
        mean_squared_error(&scores, data.held_out_labels)
    };
    best_of(penalties, fit, held_out_error)
}

/// Fits logistic regression. The penalty with the least log loss on held-out rows is chosen.
pub(crate) fn logistic(data: &FitData<'_>, penalties: &Penalties) -> Result<Weights, String> {
    let width = data.training.width;
    let fit = |penalty: f64, before: Option<&Weights>| {
        let start = before.map_or_else(
            || Parameters::zeros(width),
            |before| Parameters { weights: before.weights.clone(), intercept: before.intercept },
        );
        let loss = PenalisedLoss { design: data.training, labels: data.labels, penalty };
        let Parameters { weights, intercept } = minimise(&loss, start, |_| false)?;
        Ok(Weights { penalty, intercept, columns: data.columns.to_vec(), weights })
    };
    let held_out_loss = |fitted: &Weights| {
        let mut logits = data.held_out.times(&fitted.weights);
        logits.iter_mut().for_each(|logit| *logit += fitted.intercept);
        log_loss(&logits, data.held_out_labels)
    };
    best_of(penalties, fit, held_out_loss)
}

/// Computes Σ log loss + λ/2 Σ b², as a function of weights and intercept.
struct PenalisedLoss<'a> {
    design: &'a Design,
    labels: &'a [bool],
    penalty: f64,
}

impl Convex for PenalisedLoss<'_> {
    /// Holds the logits by row.
    type Point = Vec<f64>;

    fn value(&self, at: &Parameters) -> (f64, Vec<f64>) {
        let Parameters { weights, intercept } = at;
        let mut logits = self.design.times(weights);
        logits.iter_mut().for_each(|logit| *logit += intercept);
        let penalty = 0.5 * self.penalty * weights.iter().map(|weight| weight * weight).sum::<f64>();
        (log_loss(&logits, self.labels) * self.rows() as f64 + penalty, logits)
    }

    fn derivatives(&self, at: &Parameters, logits: &Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let chances: Vec<f64> = logits.iter().map(|&logit| sigmoid(logit)).collect();
        let residuals: Vec<f64> =
            chances.iter().zip(self.labels).map(|(p, &label)| p - f64::from(u8::from(label))).collect();
        let curvature: Vec<f64> = chances.iter().map(|p| p * (1.0 - p)).collect();
        let mut gradient = self.design.transposed_times(&residuals);
        for (slope, weight) in gradient.iter_mut().zip(&at.weights) {
            *slope += self.penalty * weight;
        }
        gradient.push(residuals.iter().sum());

        let width = self.design.width;
        let size = width + 1;
        let gram = self.design.gram(&curvature);
        let mut border = self.design.transposed_times(&curvature);
        border.push(curvature.iter().sum());
        let mut hessian = vec![0.0; size * size];
        for i in 0..width {
            hessian[i * size..i * size + width].copy_from_slice(&gram[i * width..(i + 1) * width]);
            hessian[i * size + i] += self.penalty;
        }
        for (i, &value) in border.iter().enumerate() {
            hessian[i * size + width] = value;
            hessian[width * size + i] = value;
        }
        (gradient, hessian)
    }

    fn rows(&self) -> usize {
        self.design.rows
    }
}

/// Computes the log odds that at least one of several events happens, from the logit of each.
pub(crate) fn logit_of_any(week_logits: impl Iterator<Item = f64>) -> f64 {
    // 1 - Π (1 - h) has the odds e^H - 1 with H = -Σ ln(1 - h) = Σ ln(1 + e^logit).
    let cumulated: f64 = week_logits.map(softplus).sum::<f64>().max(f64::MIN_POSITIVE);
    if cumulated > 30.0 { cumulated } else { cumulated.exp_m1().ln() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odds_of_any_are_those_of_the_product() {
        let hazards = [0.1_f64, 0.02, 0.3];
        let stays: f64 = hazards.iter().map(|hazard| 1.0 - hazard).product();
        let found = logit_of_any(hazards.iter().map(|hazard| (hazard / (1.0 - hazard)).ln()));
        assert!((found - ((1.0 - stays) / stays).ln()).abs() < 1e-12, "{found}");
        assert!(logit_of_any([-800.0].into_iter()).is_finite() && logit_of_any([800.0, 5.0].into_iter()).is_finite());
    }

    #[test]
    fn the_least_loss_is_taken_and_one_penalty_is_no_choice() {
        let fit = |penalty: f64, _: Option<&f64>| Ok(penalty);
        let penalties = |list: &[f64]| Penalties::new("penalties", list).unwrap();
        assert_eq!(best_of(&penalties(&[1.0, 100.0, 10.0]), fit, |penalty| (penalty - 10.0).abs()), Ok(10.0));
        assert_eq!(best_of(&penalties(&[5.0]), fit, |_| panic!("no loss is needed")), Ok(5.0));
    }
}
