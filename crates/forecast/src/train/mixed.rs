//! What a split's members say together: of the rows that they held out, which calibration, thresholds, the blend's weights
//! and hazards are fitted on, and of the rows that a fold tests.

use staycast_baselines::BaselineKind;
use staycast_evaluation::calibration::Calibration;

use super::jobs::TrainedSplit;
use super::plan::{OuterSplit, SplitPlan};
use super::{TrainError, TrainRequest};
use crate::blend::{self, BlendRecord};
use crate::config::ModelSpec;
use crate::examples::Examples;
use crate::fitted::{Fitted, HeldOut};
use crate::model::SingleModel;
use crate::survival;

/// When those leave of whom the run's model says whether; `None` where the data can't say, or the model says it itself.
pub(super) fn hazards_by_forecast(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    logits: &[f32],
) -> Result<Option<staycast_baselines::BaselineModel>, TrainError> {
    let config = request.config;
    if config.model == ModelSpec::Single(SingleModel::Baseline(BaselineKind::Hazard)) {
        return Ok(None);
    }
    let training = &plan.splits[0].training;
    let fitted = survival::fit(request.data, examples, &config.baselines, training, logits, config.training.seed);
    fitted.map_err(|error| TrainError::Member { repeat: 0, fold: 0, problem: error.to_string() })
}

/// What is fitted on a split's held-out predictions.
pub(super) struct Mixed {
    /// The held-out predictions, `[position][week]`, NaN where no member held it out.
    pub(super) logits: Vec<f32>,
    pub(super) fitted: Fitted,
    pub(super) blend: Option<BlendRecord>,
}

/// Fits a split: its blend, where it is one, calibration and thresholds.
///
/// # Errors
/// When nothing can be fitted at the target week.
pub(super) fn mix(
    request: &TrainRequest<'_>,
    examples: &Examples,
    outer: &OuterSplit,
    split: &TrainedSplit,
) -> Result<Mixed, TrainError> {
    let (config, weeks) = (request.config, examples.weeks());
    let (method, rule) = (config.calibration, config.threshold);
    let fit = |logits: &[f32]| {
        let held_out = HeldOut { enrolments: &outer.training, logits };
        Fitted::fit(request.data, examples, &held_out, method, rule)
    };
    let held_out = |kind: SingleModel| held_out_logits(outer, split, kind, weeks);
    let mixed = match &config.model {
        ModelSpec::Single(kind) => {
            let logits = held_out(*kind);
            Mixed { fitted: fit(&logits), logits, blend: None }
        }
        ModelSpec::Blend(parts) => {
            // In the order of a blend's record.
            let parts: Vec<SingleModel> = parts.sorted().collect();
            let by_part: Vec<Vec<f32>> = parts.iter().map(|&kind| held_out(kind)).collect();
            let (weights, not_fitted) = blend::fit(examples, &outer.training, &parts, &by_part);
            let logits = blend::apply(&weights, &by_part, weeks);
            let mut fitted = fit(&logits);
            // Why there is no blend says more than that there is nothing to calibrate.
            fitted.not_fitted.extend(not_fitted);
            let parts = parts.iter().zip(&by_part).map(|(&kind, logits)| (kind, fit(logits))).collect();
            Mixed { logits, fitted, blend: Some(BlendRecord { weights, parts }) }
        }
    };
    let week = config.training.target.weeks();
    match mixed.fitted.not_fitted.get(&week) {
        Some(reason) => Err(TrainError::TargetNotFitted { week: u32::from(week), reason: reason.clone() }),
        None => Ok(mixed),
    }
}

/// Mean logits over the members of a model that held a position out, NaN where none did.
fn held_out_logits(outer: &OuterSplit, split: &TrainedSplit, kind: SingleModel, weeks: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; outer.training.len() * weeks];
    let mut counts = vec![0_u32; outer.training.len()];
    let members = split.members.iter().filter(|member| member.kind == kind);
    for (split, member) in outer.members.iter().zip(members) {
        for (row, &position) in split.held_out.iter().enumerate() {
            counts[position] += 1;
            for week in 0..weeks {
                sums[position * weeks + week] += f64::from(member.held_out[row * weeks + week]);
            }
        }
    }
    sums.iter()
        .enumerate()
        .map(|(at, sum)| match counts[at / weeks] {
            0 => f32::NAN,
            count => (sum / f64::from(count)) as f32,
        })
        .collect()
}

/// Mean logits of the test enrolments over the members of a model.
fn test_logits(outer: &OuterSplit, split: &TrainedSplit, kind: SingleModel, weeks: usize) -> Vec<f32> {
    let of_kind: Vec<&Vec<f32>> =
        split.members.iter().filter(|member| member.kind == kind).map(|member| &member.test).collect();
    (0..outer.test.len() * weeks)
        .map(|at| {
            let sum: f64 = of_kind.iter().map(|logits| f64::from(logits[at])).sum();
            (sum / of_kind.len() as f64) as f32
        })
        .collect()
}

/// An out-of-fold prediction: of an enrolment, by networks that were not trained on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FoldPrediction {
    /// Repeat of the cross-validation, from 0.
    pub(crate) repeat: u32,
    /// The fold that held the enrolment, from 0.
    pub(crate) fold: u32,
    /// Index of the enrolment in the data set.
    pub(crate) enrolment: usize,
    /// Cut-off: weeks seen.
    pub(crate) week: u16,
    /// What ranks: the mean logit; under Platt scaling the calibrated log odds, which compare between folds.
    pub(crate) score: f64,
    /// Calibrated probability of dropout.
    pub(crate) p: f64,
    /// Whether it reaches the fold's threshold.
    pub(crate) at_risk: bool,
}

/// What every fold says of the enrolments that it held, in their order.
pub(super) fn fold_predictions(
    plan: &SplitPlan,
    examples: &Examples,
    trained: &[TrainedSplit],
    mixed: &[Mixed],
) -> Vec<FoldPrediction> {
    let weeks = examples.weeks();
    let mut predictions = Vec::new();
    for ((outer, split), Mixed { fitted, blend, .. }) in plan.splits.iter().zip(trained).zip(mixed) {
        let kinds: Vec<SingleModel> = match blend {
            Some(blend) => blend.parts.keys().copied().collect(),
            None => vec![split.members[0].kind],
        };
        let mut logits: Vec<Vec<f32>> = kinds.iter().map(|&kind| test_logits(outer, split, kind, weeks)).collect();
        if let Some(blend) = blend {
            logits = vec![blend.apply(&logits, weeks)];
        }
        for (row, &enrolment) in outer.test.iter().enumerate() {
            for (&week, fit) in &fitted.weeks {
                let logit = f64::from(logits[0][row * weeks + usize::from(week) - 1]);
                let p = fit.calibration.apply(logit);
                let score = match fit.calibration {
                    Calibration::Platt { slope, intercept } => slope * logit + intercept,
                    _ => logit,
                };
                let at_risk = p >= fit.threshold.threshold;
                let (repeat, fold) = (outer.repeat, outer.fold);
                predictions.push(FoldPrediction { repeat, fold, enrolment, week, score, p, at_risk });
            }
        }
    }
    predictions.sort_by_key(|prediction| (prediction.repeat, prediction.enrolment, prediction.week));
    predictions
}
