//! Rows of enrolments and cut-off weeks, as the evaluation report takes them.

use std::collections::{BTreeMap, HashMap};

use staycast_evaluation::calibration::Calibration;
use staycast_evaluation::report::PredictionRow;
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, Exclusion, standing};

use super::error::PredictionError;
use super::forecasts::Forecasts;
use crate::artifact::Run;
use crate::device::ChosenDevice;
use crate::reach::{NoOutcomeKnown, all_too_late};
use crate::week_fits::days_since_last;

/// Numbers the courses and learners of some enrolments, as the report wants them, and makes its rows.
pub(super) struct RowTable<'a> {
    data: &'a Dataset,
    pub(super) course_names: Vec<String>,
    learner: HashMap<EnrolmentIndex, u32>,
    /// By course.
    last_cut_off: Vec<Option<CutOff>>,
}

impl<'a> RowTable<'a> {
    pub(super) fn new(data: &'a Dataset, enrolments: &[EnrolmentIndex]) -> Self {
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        for &enrolment in enrolments {
            numbers.insert(&data.enrolment(enrolment).learner, 0);
        }
        for (number, learner_number) in numbers.values_mut().enumerate() {
            *learner_number = number as u32;
        }
        let learner = enrolments.iter().map(|&row| (row, numbers[data.enrolment(row).learner.as_str()])).collect();
        let rule = data.manifest.labels.rule;
        let last_cut_off = data.courses.iter().map(|course| course.last_cut_off(rule)).collect();
        let course_names = data.courses.iter().map(|course| course.id.clone()).collect();
        Self { data, course_names, learner, last_cut_off }
    }

    /// Returns the latest cut-off of the enrolment's course that is whole, observed, and before the label window.
    pub(super) fn last_cut_off(&self, enrolment: EnrolmentIndex) -> Option<CutOff> {
        self.last_cut_off[self.data.enrolment(enrolment).course.as_usize()]
    }

    /// Refuses a week that is too late to be judged for all of `enrolments`, and enrolments of which no outcome is known.
    pub(super) fn require_judgeable(
        &self,
        enrolments: impl Iterator<Item = EnrolmentIndex> + Clone,
        week: CutOff,
    ) -> Result<(), PredictionError> {
        let rule = self.data.manifest.labels.rule;
        if enrolments.clone().all(|enrolment| self.data.enrolment(enrolment).dropout.is_none()) {
            return Err(PredictionError::NoOutcomeKnown(NoOutcomeKnown::of(self.data, enrolments)));
        }
        match all_too_late(enrolments.clone().map(|enrolment| self.data.course_of(enrolment)), rule, week) {
            None => Ok(()),
            Some(why) => {
                let last = enrolments.filter_map(|enrolment| self.last_cut_off(enrolment)).max();
                Err(PredictionError::WeekTooLate { week, why, last })
            }
        }
    }

    /// Makes the row of an enrolment at a cut-off. `score` ranks, `p` is the calibrated probability of dropout.
    pub(super) fn row(&self, enrolment: EnrolmentIndex, cut_off: CutOff, score: f64, p: f64) -> PredictionRow {
        let standing = standing(self.data, enrolment, cut_off);
        let withdrawn = standing.exclusion() == Some(Exclusion::Withdrawn);
        // Those who have withdrawn are in the cohort `all`.
        let exclusion = standing.exclusion().filter(|_| !withdrawn);
        let about = self.data.enrolment(enrolment);
        // Where withdrawing is the outcome itself, it is known of those who have, not forecast: no forecast ranks
        // above it. The probability stays the network's.
        let is_known_outcome = withdrawn && self.data.manifest.labels.rule.rests_on_outcomes();
        let score = if is_known_outcome { f64::MAX } else { score };
        PredictionRow {
            enrolment: enrolment.0,
            course: about.course.0,
            learner: self.learner[&enrolment],
            week: cut_off,
            score,
            p,
            label: about.dropout,
            known: standing.is_known(),
            active: standing.is_active(),
            days_since_last: days_since_last(self.data, enrolment, cut_off.last_week()),
            exclusion,
        }
    }
}

/// Forecasts `enrolments` at every week that can be judged.
///
/// # Errors
/// As [`Forecasts::compute`].
pub(super) fn predict_rows(
    run: &Run,
    data: &Dataset,
    enrolments: &[EnrolmentIndex],
    device: &ChosenDevice,
) -> Result<Vec<PredictionRow>, PredictionError> {
    let rows = evaluable_rows(run, &RowTable::new(data, enrolments), enrolments, device)?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Places a row: its enrolment, and its cut-off.
pub(super) type RowPlace = (EnrolmentIndex, CutOff);

/// Lists a row for each enrolment and cut-off that can be judged.
pub(super) fn evaluable_rows(
    run: &Run,
    table: &RowTable<'_>,
    enrolments: &[EnrolmentIndex],
    device: &ChosenDevice,
) -> Result<Vec<(RowPlace, PredictionRow)>, PredictionError> {
    let fits = &run.model()?.fits;
    let forecasts = Forecasts::compute(run, table.data, enrolments, device)?;
    let uncalibrated = Calibration::Logistic {};
    let mut rows = Vec::new();
    for (row, &enrolment) in enrolments.iter().enumerate() {
        let last = table.last_cut_off(enrolment).map(|last| last.min(forecasts.last_cut_off()));
        for cut_off in last.into_iter().flat_map(CutOff::up_to) {
            let logit = forecasts.logit(row, cut_off);
            // Where the model has no forecast, the week has no fit either, and these values are not looked at.
            let logit = if logit.is_nan() { 0.0 } else { logit };
            // A week without a fit is marked as such on the report's curve; its p is the network's own.
            let calibration = fits.weeks.get(&cut_off).map_or(&uncalibrated, |fit| &fit.calibration);
            rows.push(((enrolment, cut_off), table.row(enrolment, cut_off, logit, calibration.apply(logit))));
        }
    }
    Ok(rows)
}
