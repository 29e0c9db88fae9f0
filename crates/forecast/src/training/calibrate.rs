//! Calibration: blend weights, calibrations, thresholds and hazards, fitted on the rows that a split's members held out; and
//! the out-of-fold predictions that come of them.

use staycast_baselines::BaselineKind;
use staycast_evaluation::calibration::Calibration;

use super::error::{Place, TrainError};
use super::jobs::TrainedSplit;
use super::plan::{OuterSplit, SplitPlan};
use super::request::TrainRequest;
use crate::artifact::out_of_fold::FoldPrediction;
use crate::config::ModelSpec;
use crate::examples::Examples;
use crate::model_kind::SingleModel;
use crate::models::blend::{self, BlendRecord};
use crate::models::survival;
use crate::week_fits::{HeldOut, WeekFits};

/// Holds what is fitted on a split's held-out predictions.
pub(super) struct CalibratedSplit {
    /// The held-out predictions, `[position][week]`, NaN where no member held it out.
    pub(super) logits: Vec<f32>,
    pub(super) fits: WeekFits,
    pub(super) blend: Option<BlendRecord>,
}

/// Fits every split: its blend, where it is one, calibrations and thresholds.
///
/// # Errors
/// When nothing can be fitted at the target week.
pub(super) fn calibrate(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    trained: &[TrainedSplit],
) -> Result<Vec<CalibratedSplit>, TrainError> {
    let splits = plan.splits.iter().zip(trained);
    splits.map(|(split, trained)| calibrate_split(request, examples, split, trained)).collect()
}

/// Fits hazards of leaving by forecast; `None` where the data has no weeks of leaving, or the model has hazards itself.
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
    let place = Place::new(0, 0, plan.folds);
    fitted.map_err(|error| TrainError::Member { place, problem: error.to_string() })
}

fn calibrate_split(
    request: &TrainRequest<'_>,
    examples: &Examples,
    split: &OuterSplit,
    trained: &TrainedSplit,
) -> Result<CalibratedSplit, TrainError> {
    let (config, weeks) = (request.config, examples.weeks());
    let (method, rule) = (config.calibration, config.threshold);
    let fit = |logits: &[f32]| {
        let held_out = HeldOut { enrolments: &split.training, logits };
        WeekFits::fit(request.data, examples, &held_out, method, rule)
    };
    let held_out = |kind: SingleModel| held_out_logits(split, trained, kind, weeks);
    let calibrated = match &config.model {
        ModelSpec::Single(kind) => {
            let logits = held_out(*kind);
            CalibratedSplit { fits: fit(&logits), logits, blend: None }
        }
        ModelSpec::Blend(parts) => {
            // In the order of a blend's record.
            let parts: Vec<SingleModel> = parts.sorted().collect();
            let by_part: Vec<Vec<f32>> = parts.iter().map(|&kind| held_out(kind)).collect();
            let (weights, not_fitted) = blend::fit(examples, &split.training, &parts, &by_part);
            let logits = blend::apply(&weights, &by_part, weeks);
            let mut fits = fit(&logits);
            // Why there is no blend explains more than that there is nothing to calibrate.
            fits.not_fitted.extend(not_fitted);
            let parts = parts.iter().zip(&by_part).map(|(&kind, logits)| (kind, fit(logits))).collect();
            CalibratedSplit { logits, fits, blend: Some(BlendRecord { weights, parts }) }
        }
    };
    let week = config.training.target;
    match calibrated.fits.not_fitted.get(&week) {
        Some(reason) => Err(TrainError::TargetNotFitted { week, reason: reason.clone() }),
        None => Ok(calibrated),
    }
}

/// Averages logits over the members of a model that held a position out, NaN where none did.
fn held_out_logits(split: &OuterSplit, trained: &TrainedSplit, kind: SingleModel, weeks: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; split.training.len() * weeks];
    let mut counts = vec![0_u32; split.training.len()];
    let members = trained.members.iter().filter(|member| member.kind == kind);
    for (member_split, member) in split.members.iter().zip(members) {
        for (row, &position) in member_split.held_out.iter().enumerate() {
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

/// Averages the logits of the test enrolments over the members of a model.
fn test_logits(split: &OuterSplit, trained: &TrainedSplit, kind: SingleModel, weeks: usize) -> Vec<f32> {
    let of_kind: Vec<&Vec<f32>> =
        trained.members.iter().filter(|member| member.kind == kind).map(|member| &member.test).collect();
    (0..split.test.len() * weeks)
        .map(|at| {
            let sum: f64 = of_kind.iter().map(|logits| f64::from(logits[at])).sum();
            (sum / of_kind.len() as f64) as f32
        })
        .collect()
}

/// Lists the predictions of every fold for the enrolments that it tests, in their order.
pub(super) fn fold_predictions(
    plan: &SplitPlan,
    examples: &Examples,
    trained: &[TrainedSplit],
    calibrated: &[CalibratedSplit],
) -> Vec<FoldPrediction> {
    let weeks = examples.weeks();
    let mut predictions = Vec::new();
    for ((split, trained), CalibratedSplit { fits, blend, .. }) in plan.splits.iter().zip(trained).zip(calibrated) {
        let kinds: Vec<SingleModel> = match blend {
            Some(blend) => blend.parts.keys().copied().collect(),
            None => vec![trained.members[0].kind],
        };
        let mut logits: Vec<Vec<f32>> = kinds.iter().map(|&kind| test_logits(split, trained, kind, weeks)).collect();
        if let Some(blend) = blend {
            logits = vec![blend.apply(&logits, weeks)];
        }
        for (row, &enrolment) in split.test.iter().enumerate() {
            for (&week, fit) in &fits.weeks {
                let logit = f64::from(logits[0][row * weeks + week.last_week().position()]);
                let p = fit.calibration.apply(logit);
                let score = match fit.calibration {
                    Calibration::Platt { slope, intercept } => slope * logit + intercept,
                    _ => logit,
                };
                let at_risk = p >= fit.threshold.threshold;
                let (repeat, fold) = (split.repeat, split.fold);
                predictions.push(FoldPrediction { repeat, fold, enrolment, week, score, p, at_risk });
            }
        }
    }
    predictions.sort_by_key(|prediction| (prediction.repeat, prediction.enrolment, prediction.week));
    predictions
}
