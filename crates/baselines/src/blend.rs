//! Blends of several forecasters: non-negative weights and an intercept, fitted on held-out logits.

use serde::{Deserialize, Serialize};

use crate::newton::{FewScores, Parameters, minimise};

/// Sets the L2 penalty on the weights, in units of a row's log loss.
///
/// It is negligible beside a hundred rows. It keeps weights finite where a forecaster separates the classes, and it shares
/// weight between forecasters that are alike.
const PENALTY: f64 = 0.01;

/// Sets the penalty on what weights differ by, in units of a row's log loss: it draws them towards equal ones, from which a few
/// hundred rows should not lead far away. Chosen on other courses and later runs (docs/experiments.md, "Blends").
const EQUALITY: f64 = 30.0;

/// Mixes the logits of several forecasters at one cut-off: intercept + Σ weight × logit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blend {
    intercept: f64,
    weights: Vec<BlendPart>,
}

/// Holds the weight of one forecaster in a blend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlendPart {
    /// Name of the forecaster.
    pub name: String,
    /// Factor on its logit, at least 0.
    pub weight: f64,
}

/// Says why logits cannot be blended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlendError {
    /// The numbers of logits and labels, or of forecasters and names, differ.
    #[error("{what}: {found} values where {wanted} are needed")]
    Length {
        /// Name of the slice that is too long or too short.
        what: String,
        /// Its length.
        found: usize,
        /// The length it should have.
        wanted: usize,
    },
    /// A logit is NaN or infinite.
    #[error(
        "the logit of {name} for row {row} is not a finite number; blend only rows that every forecaster has forecast"
    )]
    NotFinite {
        /// Name of the forecaster.
        name: String,
        /// The row, from 0.
        row: usize,
    },
    /// All labels are equal, or there is no forecaster.
    #[error(
        "a blend needs forecasters and rows with both labels; there are {forecasters} forecasters, {positives} dropouts and {negatives} others"
    )]
    NothingToFit {
        /// Number of forecasters.
        forecasters: usize,
        /// Number of rows that dropped out.
        positives: usize,
        /// Number of rows that did not.
        negatives: usize,
    },
    /// The fit failed.
    #[error("the blend cannot be fitted: {reason}")]
    Fit {
        /// The reason.
        reason: String,
    },
}

impl Blend {
    /// Fits a blend by log loss on rows that no forecaster was trained on.
    ///
    /// `logits` holds `[forecaster][row]` in the order of `names`; `labels` holds true for dropout by row. The fit is a
    /// logistic regression with weights of at least 0, with two penalties: λ/2 Σ weight² with λ = 0.01, and
    /// μ/2 Σ (weight - mean weight)² with μ = 30.
    ///
    /// # Errors
    /// [`BlendError`], when slices do not fit together, a logit is not finite, or one label is missing.
    pub fn fit(names: &[&str], logits: &[&[f32]], labels: &[bool]) -> Result<Self, BlendError> {
        check_logits(names, logits, labels.len())?;
        let positives = labels.iter().filter(|&&label| label).count();
        let negatives = labels.len() - positives;
        if names.is_empty() || positives == 0 || negatives == 0 {
            return Err(BlendError::NothingToFit { forecasters: names.len(), positives, negatives });
        }
        let scores: Vec<Vec<f64>> =
            logits.iter().map(|logits| logits.iter().map(|&z| f64::from(z)).collect()).collect();
        let targets: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
        let loss = FewScores { scores: &scores, targets: &targets, penalty: PENALTY, equality: EQUALITY };
        let start = Parameters { weights: vec![1.0 / names.len() as f64; names.len()], intercept: 0.0 };
        let fitted = minimise(&loss, start, |at| at < names.len()).map_err(|reason| BlendError::Fit { reason })?;
        let Parameters { weights, intercept } = fitted;
        let weights =
            names.iter().zip(weights).map(|(name, weight)| BlendPart { name: (*name).to_owned(), weight }).collect();
        Ok(Self { intercept, weights })
    }

    /// Returns the weights, in the order of the fit.
    #[must_use]
    pub fn weights(&self) -> &[BlendPart] {
        &self.weights
    }

    /// Returns what is added to the weighted logits.
    pub(crate) fn intercept(&self) -> f64 {
        self.intercept
    }

    /// Blends `logits`, given as `[forecaster][row]` in the order of the fit; returns one logit per row.
    ///
    /// # Errors
    /// [`BlendError`], when the number of forecasters differs from the fit, the numbers of rows differ, or a logit is not
    /// finite.
    pub fn apply(&self, logits: &[&[f32]]) -> Result<Vec<f32>, BlendError> {
        let names: Vec<&str> = self.weights.iter().map(|part| part.name.as_str()).collect();
        let rows = logits.first().map_or(0, |logits| logits.len());
        check_logits(&names, logits, rows)?;
        let blend = |row: usize| {
            let parts = self.weights.iter().zip(logits).map(|(part, logits)| part.weight * f64::from(logits[row]));
            (self.intercept + parts.sum::<f64>()) as f32
        };
        Ok((0..rows).map(blend).collect())
    }
}

/// Checks that there is one finite logit for every name and row.
fn check_logits(names: &[&str], logits: &[&[f32]], rows: usize) -> Result<(), BlendError> {
    if logits.len() != names.len() {
        return Err(BlendError::Length { what: "logits".to_owned(), found: logits.len(), wanted: names.len() });
    }
    for (&name, logits) in names.iter().zip(logits) {
        if logits.len() != rows {
            return Err(BlendError::Length {
                what: format!("the logits of {name}"),
                found: logits.len(),
                wanted: rows,
            });
        }
        if let Some(row) = logits.iter().position(|logit| !logit.is_finite()) {
            return Err(BlendError::NotFinite { name: name.to_owned(), row });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::newton::log_loss;
    use crate::random::SplitMix;

    /// Returns two noisy views of a hidden logit, and one that points the wrong way.
    fn views() -> ([Vec<f32>; 3], Vec<bool>) {
        let noise = |at: usize, by: u64| SplitMix::new(by, &[at as u64]).next() as f32 / u64::MAX as f32 * 2.0 - 1.0;
        let hidden: Vec<f32> = (0..2000).map(|at| 2.5 * noise(at, 37)).collect();
        let labels = (0..2000).map(|at| hidden[at] + 1.5 * noise(at, 53) + 1.5 * noise(at, 71) > 0.3).collect();
        let first = (0..2000).map(|at| hidden[at] + 2.0 * noise(at, 17)).collect();
        let second = (0..2000).map(|at| 0.5 * hidden[at] + noise(at, 29)).collect();
        let wrong = (0..2000).map(|at| -0.5 * hidden[at] + noise(at, 11)).collect();
        ([first, second, wrong], labels)
    }

    #[test]
    fn a_blend_is_better_than_its_parts_and_weighs_down_what_misleads() {
        let (views, labels) = views();
        let logits: Vec<&[f32]> = views.iter().map(Vec::as_slice).collect();
        let blend = Blend::fit(&["first", "second", "wrong"], &logits, &labels).unwrap();
        let weights: Vec<f64> = blend.weights().iter().map(|part| part.weight).collect();
        assert!(weights[0] > 0.1 && weights[1] > 0.1 && weights[2] == 0.0, "{blend:?}");
        let loss = |logits: &[f32]| {
            let logits: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
            log_loss(&logits, &labels)
        };
        let blended = loss(&blend.apply(&logits).unwrap());
        for alone in 0..2 {
            let one = Blend::fit(&["alone"], &logits[alone..=alone], &labels).unwrap();
            let alone = loss(&one.apply(&logits[alone..=alone]).unwrap());
            assert!(blended < alone - 0.005, "{blended} {alone}");
        }
        let json = serde_json::to_string(&blend).unwrap();
        assert_eq!(serde_json::from_str::<Blend>(&json).unwrap(), blend);
    }

    #[test]
    fn no_better_weights_lie_near() {
        let (views, labels) = views();
        let logits: Vec<&[f32]> = views.iter().map(Vec::as_slice).collect();
        let blend = Blend::fit(&["a", "b", "c"], &logits, &labels).unwrap();
        let loss = |blend: &Blend| {
            let mixed: Vec<f64> = blend.apply(&logits).unwrap().into_iter().map(f64::from).collect();
            let weights: Vec<f64> = blend.weights.iter().map(|part| part.weight).collect();
            let mean = weights.iter().sum::<f64>() / weights.len() as f64;
            let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
            let spread: f64 = weights.iter().map(|weight| (weight - mean).powi(2)).sum();
            log_loss(&mixed, &labels) * labels.len() as f64 + 0.5 * (PENALTY * squares + EQUALITY * spread)
        };
        let least = loss(&blend);
        for at in 0..4 {
            for by in [-0.01, 0.01] {
                let mut moved = blend.clone();
                if at == 3 {
                    moved.intercept += by;
                } else {
                    moved.weights[at].weight = (moved.weights[at].weight + by).max(0.0);
                }
                assert!(loss(&moved) >= least - 1e-3, "{at} {by}: {} {least}", loss(&moved));
            }
        }
    }

    #[test]
    fn forecasters_that_separate_or_are_alike_give_finite_weights() {
        let logits: Vec<f32> = (0..40).map(|at| at as f32 - 19.5).collect();
        let labels: Vec<bool> = (0..40).map(|at| at >= 20).collect();
        let blend = Blend::fit(&["one", "same"], &[&logits, &logits], &labels).unwrap();
        let weights: Vec<f64> = blend.weights().iter().map(|part| part.weight).collect();
        assert!((weights[0] - weights[1]).abs() < 1e-3 && weights[0] < 100.0, "{blend:?}");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let nan = Blend::fit(&["lstm"], &[&[0.0, f32::NAN]], &[true, false]).unwrap_err();
        assert_eq!(nan, BlendError::NotFinite { name: "lstm".to_owned(), row: 1 });
        let short = Blend::fit(&["lstm"], &[&[0.0]], &[true, false]).unwrap_err();
        assert_eq!(short.to_string(), "the logits of lstm: 1 values where 2 are needed");
        let one_class = Blend::fit(&["lstm"], &[&[0.0]], &[true]).unwrap_err();
        assert!(one_class.to_string().contains("1 dropouts and 0 others"), "{one_class}");
        let blend = Blend::fit(&["lstm"], &[&[0.0, 1.0]], &[true, false]).unwrap();
        assert!(matches!(blend.apply(&[]), Err(BlendError::Length { .. })));
    }
}
