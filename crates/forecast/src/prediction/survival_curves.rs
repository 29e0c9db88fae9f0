//! When learners leave: predicted survival after the cut-off.

use std::collections::BTreeMap;

use staycast_baselines::{BaselineKind, ForecastError};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex};

use super::error::PredictionError;
use super::forecasts::{CHUNK, Forecasts, last_cut_off};
use crate::artifact::Run;
use crate::artifact::out_of_fold::FoldPrediction;
use crate::device::ChosenDevice;
use crate::model_kind::SingleModel;
use crate::models::enrolment_inputs::{EnrolmentInputs, RawFeatures};
use crate::models::survival;
use crate::models::trained::MemberModel;

/// Predicts, by enrolment of `data`, the chance of not having left by 1, 2, … weeks after the cut-off, for those of
/// `enrolments`; empty for the others, and altogether for models without hazards.
///
/// # Errors
/// When the run is a cross-validation, or the data lacks what it reads.
pub fn survival_curves(
    run: &Run,
    data: &Dataset,
    enrolments: &[EnrolmentIndex],
    cut_off: CutOff,
    device: &ChosenDevice,
) -> Result<Vec<Vec<f64>>, PredictionError> {
    let model = run.model()?;
    let weeks = last_cut_off(run, data).count();
    let mut curves = vec![Vec::new(); data.enrolments.len()];
    let hazards = model.parts.get(&SingleModel::Baseline(BaselineKind::Hazard));
    let Some(members) = hazards.filter(|_| model.blend.is_none()) else {
        let Some(by_forecast) = &model.survival else { return Ok(Vec::new()) };
        let forecasts = Forecasts::compute(run, data, enrolments, device)?;
        let logits = forecasts.logits().iter().map(|&logit| logit as f32);
        let found = survival::curves(by_forecast, data, enrolments, logits, weeks, cut_off);
        let Some(found) = where_fitted(found)? else { return Ok(Vec::new()) };
        for (&enrolment, curve) in enrolments.iter().zip(found) {
            curves[enrolment.as_usize()] = curve;
        }
        return Ok(curves);
    };
    for chunk in enrolments.chunks(CHUNK) {
        let inputs = EnrolmentInputs::new(data, &model.inputs, chunk, weeks, RawFeatures::Included)?;
        for member in members {
            let MemberModel::Baseline(member) = member else { continue };
            let hazards = inputs.lend(|inputs| member.hazards(inputs, cut_off));
            let Some(hazards) = where_fitted(hazards)? else { return Ok(Vec::new()) };
            for (&enrolment, hazards) in chunk.iter().zip(hazards) {
                let curve: &mut Vec<f64> = &mut curves[enrolment.as_usize()];
                curve.resize(hazards.len(), 0.0);
                for (mean, survival) in curve.iter_mut().zip(survival::survival(&hazards)) {
                    *mean += survival / members.len() as f64;
                }
            }
        }
    }
    // Sums of members may be a rounding error above 1.
    curves.iter_mut().flatten().for_each(|survival| *survival = survival.clamp(0.0, 1.0));
    Ok(curves)
}

/// Predicts the same from a cross-validation's predictions of one repeat, each enrolment by the hazards of its fold; empty
/// altogether where a fold has none.
pub(super) fn fold_survival_curves(
    run: &Run,
    data: &Dataset,
    predictions: &[&FoldPrediction],
    repeat: u32,
    cut_off: CutOff,
) -> Result<Vec<Vec<f64>>, PredictionError> {
    let weeks = usize::from(run.manifest().weeks);
    let mut curves = vec![Vec::new(); data.enrolments.len()];
    let mut by_fold: BTreeMap<u32, BTreeMap<EnrolmentIndex, Vec<f32>>> = BTreeMap::new();
    for one in predictions {
        let scores = by_fold.entry(one.fold).or_default().entry(one.enrolment);
        scores.or_insert_with(|| vec![f32::NAN; weeks])[one.week.last_week().position()] = one.score as f32;
    }
    for (fold, scores) in by_fold {
        let own = run.fold_hazards().iter().find(|hazards| (hazards.repeat, hazards.fold) == (repeat, fold));
        let Some(own) = own else { return Ok(Vec::new()) };
        let (enrolments, scores): (Vec<EnrolmentIndex>, Vec<Vec<f32>>) = scores.into_iter().unzip();
        let found = survival::curves(&own.hazards, data, &enrolments, scores.into_iter().flatten(), weeks, cut_off);
        let Some(found) = where_fitted(found)? else { return Ok(Vec::new()) };
        enrolments.iter().zip(found).for_each(|(enrolment, curve)| curves[enrolment.as_usize()] = curve);
    }
    Ok(curves)
}

/// Turns a week whose hazards could not be fitted, as too few had left, into `None`: it has no figures in the report either.
fn where_fitted<T>(found: Result<T, ForecastError>) -> Result<Option<T>, ForecastError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(ForecastError::NoHazards { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
