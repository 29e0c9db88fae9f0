//! Splits forecasts among groups of inputs, by two methods: what each input adds, and what the forecast would be without a
//! group.
//!
//! Both compare a learner with a *reference*: the mean inputs of those still active in the course at the same cut-off or, where
//! these are fewer than [`FEWEST_FOR_REFERENCE`], of the run's training set.

mod gradients;
mod importance;
mod models;
mod quadrature;

use std::collections::BTreeMap;

use staycast_baselines::WeeklyInputs;
use staycast_sequences::{CourseIndex, CutOff, Dataset, EnrolmentIndex, standing};

use self::models::{Mixture, Models};
use super::error::PredictionError;
use super::score::{Verdict, verdict};
use crate::artifact::Run;
use crate::device::ChosenDevice;
use crate::models::enrolment_inputs::{EnrolmentInputs, RawFeatures};

pub use importance::{CourseImportance, Importance, ImportanceRequest, importance};

/// Counts the active learners of a course from which on their mean is the reference.
pub const FEWEST_FOR_REFERENCE: usize = 30;

/// Bounds the rows whose inputs are in memory at a time.
const CHUNK: usize = 1024;

/// Asks for explanations.
#[derive(Clone, Copy, Debug)]
pub struct ExplainRequest<'a> {
    /// The cut-off of the forecasts.
    pub week: CutOff,
    /// By column of the run's inputs: the group that it is in, from 0.
    pub groups: &'a [usize],
    /// How much to compute.
    pub detail: Detail,
    /// Where to compute.
    pub device: &'a ChosenDevice,
}

impl ExplainRequest<'_> {
    fn group_count(&self) -> usize {
        self.groups.iter().max().map_or(0, |last| last + 1)
    }
}

/// Says how much is computed and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Sums that groups add.
    Sums,
    /// And what the forecast is without each group.
    BothMethods,
    /// And what each single input adds: `weeks × inputs × 4` bytes a row.
    SingleInputs,
}

/// Names the inputs that learners are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The mean of those still active in the course.
    Course,
    /// The mean of the run's training set.
    Training,
}

/// Explains the forecast of one enrolment.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The enrolment.
    pub enrolment: EnrolmentIndex,
    /// The weeks that the forecast rests on.
    pub seen: CutOff,
    /// Calibrated probability of dropout.
    pub p_dropout: f64,
    /// The same for the reference.
    pub reference_p: f64,
    /// Inputs that the learner is compared with.
    pub reference: Reference,
    /// By group.
    pub groups: Vec<GroupEffect>,
    /// Log odds by which the sum of all that inputs add is off the difference from the reference.
    pub completeness_error: f64,
    /// `[week][column]`: what each input adds, in log odds; empty unless it was asked for.
    pub inputs: Vec<f32>,
}

/// Holds how a group of inputs bears on a forecast, by two methods.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupEffect {
    /// By week of the inputs: log odds that they add.
    pub by_week: Vec<f32>,
    /// The forecast with the reference's inputs in this group; `None` unless it was asked for.
    pub without: Option<Without>,
}

/// Holds a forecast with the reference's inputs in one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Without {
    /// Log odds by which the forecast is higher than this one.
    pub occlusion: f64,
    /// The probability.
    pub p_dropout: f64,
}

impl GroupEffect {
    /// Returns the log odds that the group adds over all weeks.
    #[must_use]
    pub fn contribution(&self) -> f64 {
        self.by_week.iter().map(|&added| f64::from(added)).sum()
    }
}

/// Says that an enrolment is forecast, and after which weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecastable {
    /// The enrolment.
    pub enrolment: EnrolmentIndex,
    /// The weeks that the forecast rests on: those asked for, or fewer where fewer were over when the log was taken.
    pub seen: CutOff,
    /// Whether the learner is in the cohort `active`.
    pub active: bool,
}

/// Lists the enrolments of `data` that the run forecasts at `week`, in order.
///
/// # Errors
/// When the run is a cross-validation.
pub fn forecastable(run: &Run, data: &Dataset, week: CutOff) -> Result<Vec<Forecastable>, PredictionError> {
    let model = run.model()?;
    let one = |enrolment: EnrolmentIndex| match verdict(run, model, data, enrolment, week) {
        Verdict::Scored { seen, .. } => {
            Some(Forecastable { enrolment, seen, active: standing(data, enrolment, seen).is_active() })
        }
        Verdict::Excluded { .. } => None,
    };
    Ok(data.enrolment_indices().filter_map(one).collect())
}

/// Explains those of `enrolments` that are forecast, in their order. The reference is of all in `data`, which holds whole courses.
/// Log odds are those of the calibrated probability, where the calibration is a line in them; else the model's own.
///
/// # Errors
/// When the run can't forecast at that week, a model can't be explained, or the data lacks what it reads.
///
/// # Panics
/// When the request has not a group for every column of the run's inputs.
pub fn explain(
    run: &Run,
    data: &Dataset,
    enrolments: &[EnrolmentIndex],
    request: &ExplainRequest<'_>,
) -> Result<Vec<Explanation>, PredictionError> {
    let model = run.model()?;
    assert_eq!(request.groups.len(), model.inputs.width(), "one group a column");
    let models = Models::new(run, model, request.device)?;
    let forecast = forecastable(run, data, request.week)?;
    let mut asked: BTreeMap<CourseIndex, Vec<usize>> = BTreeMap::new();
    for (place, &enrolment) in enrolments.iter().enumerate() {
        if forecast.binary_search_by_key(&enrolment, |one| one.enrolment).is_ok() {
            asked.entry(data.enrolment(enrolment).course).or_default().push(place);
        }
    }
    let mut found: Vec<Option<Explanation>> = vec![None; enrolments.len()];
    for (course, places) in asked {
        let of_course: Vec<&Forecastable> =
            forecast.iter().filter(|one| data.enrolment(one.enrolment).course == course).collect();
        // Of a course all are forecast after the same weeks.
        let Some(seen) = of_course.first().map(|one| one.seen) else { continue };
        let active: Vec<EnrolmentIndex> = of_course.iter().filter(|one| one.active).map(|one| one.enrolment).collect();
        let (kind, reference) = reference(model, data, &active, seen)?;
        let course = CourseModels { models: &models, mixture: models.mixture(seen)?, kind, reference, request };
        for places in places.chunks(CHUNK) {
            let rows: Vec<EnrolmentIndex> = places.iter().map(|&place| enrolments[place]).collect();
            let inputs = EnrolmentInputs::new(data, &model.inputs, &rows, seen.count(), RawFeatures::LeftOut)?;
            let explained = inputs.lend(|inputs| course.explain(seen, &rows, inputs))?;
            places.iter().zip(explained).for_each(|(&place, explained)| found[place] = Some(explained));
        }
    }
    Ok(found.into_iter().flatten().collect())
}

/// Returns the reference of a course, `[week][column]`.
fn reference(
    model: &crate::artifact::RunModel,
    data: &Dataset,
    active: &[EnrolmentIndex],
    seen: CutOff,
) -> Result<(Reference, Vec<f32>), PredictionError> {
    let width = seen.count() * model.inputs.width();
    if active.len() < FEWEST_FOR_REFERENCE {
        // Inputs are standardised by the training set's means.
        return Ok((Reference::Training, vec![0.0; width]));
    }
    let mut sums = vec![0.0_f64; width];
    for rows in active.chunks(CHUNK) {
        let inputs = EnrolmentInputs::new(data, &model.inputs, rows, seen.count(), RawFeatures::LeftOut)?;
        for row in inputs.values().chunks_exact(width) {
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    }
    let mean = |sum: f64| (sum / active.len() as f64) as f32;
    Ok((Reference::Course, sums.into_iter().map(mean).collect()))
}

/// Explains rows of one course at one cut-off.
struct CourseModels<'a> {
    models: &'a Models<'a>,
    mixture: Mixture,
    kind: Reference,
    reference: Vec<f32>,
    request: &'a ExplainRequest<'a>,
}

impl CourseModels<'_> {
    fn explain(
        &self,
        seen: CutOff,
        rows: &[EnrolmentIndex],
        inputs: &WeeklyInputs<'_>,
    ) -> Result<Vec<Explanation>, PredictionError> {
        let Self { models, mixture, request, .. } = self;
        let (width, columns, groups) = (self.reference.len(), inputs.columns.len(), request.group_count());
        let slope = mixture.slope();
        let logits = models.logits(mixture, inputs)?;
        let repeated = self.reference.repeat(inputs.rows);
        let reference_logits = models.logits(mixture, &WeeklyInputs { values: &repeated, ..*inputs })?;
        let added = models.contributions(mixture, inputs, &self.reference)?;
        let mut without = Vec::with_capacity(groups);
        for group in (0..groups).filter(|_| request.detail >= Detail::BothMethods) {
            let replaced = self.replace(inputs.values, |column| request.groups[column] == group);
            without.push(models.logits(mixture, &WeeklyInputs { values: &replaced, ..*inputs })?);
        }
        let one = |row: usize| {
            let added = &added[row * width..(row + 1) * width];
            let group = |group: usize| {
                let in_week = |week: &[f64]| {
                    let values = week.iter().zip(request.groups).filter(|&(_, &of)| of == group);
                    (slope * values.map(|(value, _)| value).sum::<f64>()) as f32
                };
                GroupEffect {
                    by_week: added.chunks_exact(columns).map(in_week).collect(),
                    without: without.get(group).map(|logits_without: &Vec<f64>| Without {
                        occlusion: slope * (logits[row] - logits_without[row]),
                        p_dropout: mixture.probability(logits_without[row]),
                    }),
                }
            };
            let whole = logits[row] - reference_logits[row];
            Explanation {
                enrolment: rows[row],
                seen,
                p_dropout: mixture.probability(logits[row]),
                reference_p: mixture.probability(reference_logits[row]),
                reference: self.kind,
                groups: (0..groups).map(group).collect(),
                completeness_error: slope * (added.iter().sum::<f64>() - whole),
                inputs: match request.detail {
                    Detail::SingleInputs => added.iter().map(|value| (slope * value) as f32).collect(),
                    Detail::Sums | Detail::BothMethods => Vec::new(),
                },
            }
        };
        Ok((0..inputs.rows).map(one).collect())
    }

    /// Replaces the columns that `is_replaced` picks by the reference's, in all weeks.
    fn replace(&self, values: &[f32], is_replaced: impl Fn(usize) -> bool) -> Vec<f32> {
        let columns = self.request.groups.len();
        let picked: Vec<usize> = (0..self.reference.len()).filter(|at| is_replaced(at % columns)).collect();
        let mut values = values.to_vec();
        for row in values.chunks_exact_mut(self.reference.len()) {
            picked.iter().for_each(|&at| row[at] = self.reference[at]);
        }
        values
    }
}
