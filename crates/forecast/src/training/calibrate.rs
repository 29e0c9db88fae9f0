//! Calibration: blend weights, calibrations, thresholds and hazards, fitted on the rows that a split's members held out; and
//! the out-of-fold predictions that come of them.

use staycast_baselines::BaselineKind;

use super::candidates::Candidates;
use super::choose::{ChoiceInput, choose};
use super::error::{Place, TrainError};
use super::jobs::TrainedSplit;
use super::plan::{OuterSplit, SplitPlan};
use super::request::TrainRequest;
use crate::artifact::out_of_fold::FoldPrediction;
use crate::artifact::{FoldHazards, ModelChoice};
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
    /// The models that it forecasts with, in the order of their kinds.
    pub(super) parts: Vec<SingleModel>,
    /// How these were chosen, where that was left to the data.
    pub(super) choice: Option<ModelChoice>,
}

/// Fits every split: its choice of a model, where it has one, its blend, calibrations and thresholds.
///
/// # Errors
/// When nothing can be fitted at the target week.
pub(super) fn calibrate(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    candidates: &Candidates,
    trained: &[TrainedSplit],
) -> Result<Vec<CalibratedSplit>, TrainError> {
    let calibration = SplitCalibration { request, plan, examples, candidates };
    plan.splits.iter().zip(trained).map(|(split, trained)| calibration.calibrate(split, trained)).collect()
}

/// Fits hazards of leaving by forecast; `None` where the data has no weeks of leaving, or the model has hazards itself.
pub(super) fn hazards_by_forecast(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    CalibratedSplit { logits, parts, .. }: &CalibratedSplit,
) -> Result<Option<staycast_baselines::BaselineModel>, TrainError> {
    let config = request.config;
    if *parts == [SingleModel::Baseline(BaselineKind::Hazard)] {
        return Ok(None);
    }
    let training = &plan.splits[0].training;
    let fitted = survival::fit(request.data, examples, &config.baselines, training, logits, config.training.seed);
    let place = Place::new(0, 0, plan.folds);
    fitted.map_err(|error| TrainError::Member { place, problem: error.to_string() })
}

/// Fits hazards of leaving for every fold, by the scores of the rows that its members held out; none where the data has no weeks
/// of leaving.
pub(super) fn hazards_of_folds(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    calibrated: &[CalibratedSplit],
) -> Result<Vec<FoldHazards>, TrainError> {
    let (config, weeks) = (request.config, examples.weeks());
    let mut found = Vec::new();
    for (split, CalibratedSplit { logits, fits, .. }) in plan.splits.iter().zip(calibrated) {
        let mut scores = vec![f32::NAN; logits.len()];
        for (cut_off, fit) in &fits.weeks {
            let week = cut_off.last_week().position();
            for (score, &logit) in scores.iter_mut().zip(logits).skip(week).step_by(weeks) {
                *score = fit.score(f64::from(logit)) as f32;
            }
        }
        let (repeat, fold) = (split.repeat, split.fold);
        let fitted =
            survival::fit(request.data, examples, &config.baselines, &split.training, &scores, config.training.seed);
        let fitted = fitted.map_err(|error| TrainError::Member {
            place: Place::new(repeat, fold, plan.folds),
            problem: error.to_string(),
        })?;
        found.extend(fitted.map(|hazards| FoldHazards { repeat, fold, hazards }));
    }
    Ok(found)
}

/// Lends what the calibration of every split reads.
struct SplitCalibration<'a> {
    request: &'a TrainRequest<'a>,
    plan: &'a SplitPlan,
    examples: &'a Examples,
    candidates: &'a Candidates,
}

impl SplitCalibration<'_> {
    fn calibrate(&self, split: &OuterSplit, trained: &TrainedSplit) -> Result<CalibratedSplit, TrainError> {
        let config = self.request.config;
        // In the order of a blend's record.
        let mut parts = self.candidates.models.clone();
        parts.sort_unstable();
        let mut by_part: Vec<Vec<f32>> =
            parts.iter().map(|&kind| held_out_logits(split, trained, kind, self.examples.weeks())).collect();
        let choice = match config.model {
            ModelSpec::Auto => Some(self.choose(split, &parts, &by_part)?),
            ModelSpec::Single(_) | ModelSpec::Blend(_) => None,
        };
        if let Some(chosen) = &choice {
            let chosen = chosen.parts();
            by_part = parts.iter().zip(by_part).filter(|(part, _)| chosen.contains(part)).map(|(_, own)| own).collect();
            parts = chosen;
        }
        let mut calibrated = match <[Vec<f32>; 1]>::try_from(by_part) {
            Ok([logits]) => {
                CalibratedSplit { fits: self.fit(split, &logits), logits, blend: None, parts, choice: None }
            }
            Err(by_part) => self.blend(split, parts, &by_part),
        };
        calibrated.choice = choice;
        let week = config.training.target;
        match calibrated.fits.not_fitted.get(&week) {
            Some(reason) => Err(TrainError::TargetNotFitted { week, reason: reason.clone() }),
            None => Ok(calibrated),
        }
    }

    fn choose(
        &self,
        split: &OuterSplit,
        parts: &[SingleModel],
        logits: &[Vec<f32>],
    ) -> Result<ModelChoice, TrainError> {
        let Self { request, plan, examples, candidates } = *self;
        let week = request.config.training.target;
        let input = ChoiceInput { data: request.data, examples, plan, split, candidates, parts, logits, week };
        choose(&input).map_err(|reason| TrainError::TargetNotFitted { week, reason })
    }

    fn blend(&self, split: &OuterSplit, parts: Vec<SingleModel>, by_part: &[Vec<f32>]) -> CalibratedSplit {
        let (weights, not_fitted) = blend::fit(self.examples, &split.training, &parts, by_part);
        let logits = blend::apply(&weights, by_part, self.examples.weeks());
        let mut fits = self.fit(split, &logits);
        // Why there is no blend explains more than that there is nothing to calibrate.
        fits.not_fitted.extend(not_fitted);
        let of_parts = parts.iter().zip(by_part).map(|(&kind, logits)| (kind, self.fit(split, logits))).collect();
        CalibratedSplit { logits, fits, blend: Some(BlendRecord { weights, parts: of_parts }), parts, choice: None }
    }

    fn fit(&self, split: &OuterSplit, logits: &[f32]) -> WeekFits {
        let held_out = HeldOut { enrolments: &split.training, logits };
        let config = self.request.config;
        WeekFits::fit(self.request.data, self.examples, &held_out, config.calibration, config.threshold)
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
    for ((split, trained), CalibratedSplit { fits, blend, parts, .. }) in
        plan.splits.iter().zip(trained).zip(calibrated)
    {
        let mut logits: Vec<Vec<f32>> = parts.iter().map(|&kind| test_logits(split, trained, kind, weeks)).collect();
        if let Some(blend) = blend {
            logits = vec![blend.apply(&logits, weeks)];
        }
        for (row, &enrolment) in split.test.iter().enumerate() {
            for (&week, fit) in &fits.weeks {
                let logit = f64::from(logits[0][row * weeks + week.last_week().position()]);
                let p = fit.calibration.apply(logit);
                let score = fit.score(logit);
                let at_risk = p >= fit.threshold.threshold;
                let (repeat, fold) = (split.repeat, split.fold);
                predictions.push(FoldPrediction { repeat, fold, enrolment, week, score, p, at_risk });
            }
        }
    }
    predictions.sort_by_key(|prediction| (prediction.repeat, prediction.enrolment, prediction.week));
    predictions
}
