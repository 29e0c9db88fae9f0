//! When learners leave, for models that forecast only whether: discrete-time hazards of each coming week, whose log odds are a
//! baseline of the week and a weighted sum of the forecasts so far (Cox 1972, section 6; Singer and Willett 1993). A second
//! model on held-out forecasts, which changes none of them.

use staycast_baselines::{
    BaselineKind, BaselineModel, CheckedBaselines, FitError, ForecastError, Penalty, TrainingData, WeeklyInputs,
};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex};

use super::baseline_targets::BaselineTargets;
use crate::examples::Examples;
use crate::random::member_seed;

/// Names the one column that the hazards read.
const COLUMN: &str = "log odds of dropout";
/// Cuts log odds to ± this: a forecast that is sure should not decide on the weights alone.
const CLIP: f32 = 8.0;
/// Penalises the weights (L2): as many columns as weeks have passed, all much alike.
const PENALTY: Penalty = Penalty::new(1.0).expect("above 0");

/// Holds forecasts as the hazards read them.
struct ForecastColumns {
    names: Vec<String>,
    values: Vec<f32>,
    course_weeks: Vec<u32>,
    weeks: usize,
}

impl ForecastColumns {
    /// Takes `logits`, `[row][week]` of `enrolments`. NaN, where there is no forecast, becomes 0.
    fn new(data: &Dataset, enrolments: &[EnrolmentIndex], logits: impl Iterator<Item = f32>, weeks: usize) -> Self {
        let clean = |logit: f32| if logit.is_nan() { 0.0 } else { logit.clamp(-CLIP, CLIP) };
        Self {
            names: vec![COLUMN.to_owned()],
            values: logits.map(clean).collect(),
            course_weeks: enrolments.iter().map(|&row| data.course_of(row).weeks).collect(),
            weeks,
        }
    }

    fn lend(&self) -> WeeklyInputs<'_> {
        WeeklyInputs {
            rows: self.course_weeks.len(),
            weeks: self.weeks,
            columns: &self.names,
            values: &self.values,
            raw: &[],
            course_weeks: &self.course_weeks,
        }
    }
}

/// Fits hazards on held-out forecasts, `[enrolment][week]`, NaN where there is none; `None` where the data has no weeks of
/// leaving, or too few at every cut-off.
///
/// # Errors
/// When a forecast is no number.
pub(crate) fn fit(
    data: &Dataset,
    examples: &Examples,
    config: &CheckedBaselines,
    enrolments: &[EnrolmentIndex],
    logits: &[f32],
    seed: u64,
) -> Result<Option<BaselineModel>, FitError> {
    let weeks = examples.weeks();
    let forecast = |&position: &usize| logits[position * weeks..][..weeks].iter().any(|logit| !logit.is_nan());
    let rows: Vec<usize> = (0..enrolments.len()).filter(forecast).collect();
    let columns = ForecastColumns::new(data, enrolments, logits.iter().copied(), weeks);
    let targets = BaselineTargets::new(data, examples, enrolments);
    let inputs = columns.lend();
    let training: TrainingData<'_> = targets.training(&inputs, &rows, &[], member_seed(seed, 0));
    match BaselineKind::Hazard.fit(&config.with_hazard_penalty(PENALTY), &training) {
        Ok(model) => Ok(Some(model)),
        Err(FitError::NoExitWeeks { .. } | FitError::NothingFitted { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tells whether hazards that were read from a file are those by the forecasts of a run of so many weeks.
pub(crate) fn belongs_to(model: &BaselineModel, weeks: usize) -> bool {
    model.kind() == BaselineKind::Hazard && model.columns() == [COLUMN] && model.weeks() == weeks
}

/// Returns the chance of not having left by 1, 2, … weeks after the cut-off, by row of `enrolments`. `logits` as for [`fit`].
///
/// # Errors
/// When the week was not fitted.
pub(crate) fn curves(
    model: &BaselineModel,
    data: &Dataset,
    enrolments: &[EnrolmentIndex],
    logits: impl Iterator<Item = f32>,
    weeks: usize,
    cut_off: CutOff,
) -> Result<Vec<Vec<f64>>, ForecastError> {
    let columns = ForecastColumns::new(data, enrolments, logits, weeks);
    let hazards = model.hazards(&columns.lend(), cut_off)?;
    Ok(hazards.iter().map(|hazards| survival(hazards)).collect())
}

/// Returns the product of 1 - hazard, week by week.
pub(crate) fn survival(hazards: &[f32]) -> Vec<f64> {
    let next = |survival: &mut f64, hazard: &f32| {
        *survival *= 1.0 - f64::from(*hazard);
        Some(*survival)
    };
    hazards.iter().scan(1.0, next).collect()
}
