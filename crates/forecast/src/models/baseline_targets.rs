//! The outcomes that baselines learn from, lent to `staycast-baselines`.

use staycast_baselines::{TrainingData, WeeklyInputs};
use staycast_sequences::{Dataset, EnrolmentIndex};

use crate::examples::Examples;

/// Holds the outcomes that baselines learn, by position in a training set.
pub(crate) struct BaselineTargets {
    labels: Vec<Option<bool>>,
    learnable: Vec<bool>,
    exit_week: Vec<Option<i32>>,
    observed_weeks: Vec<u32>,
}

impl BaselineTargets {
    /// Collects the outcomes of the training set `enrolments`.
    pub(crate) fn new(data: &Dataset, examples: &Examples, enrolments: &[EnrolmentIndex]) -> Self {
        let learnable = enrolments
            .iter()
            .flat_map(|&row| examples.week_indices().map(move |week| examples.is_trainable(row, week)));
        Self {
            labels: enrolments.iter().map(|&row| examples.training_label(row)).collect(),
            learnable: learnable.collect(),
            exit_week: enrolments.iter().map(|&row| data.enrolment(row).left_week).collect(),
            observed_weeks: enrolments
                .iter()
                .map(|&row| data.course_of(row))
                .map(|course| course.observed_weeks.min(course.weeks))
                .collect(),
        }
    }

    /// Takes labels that are known of everyone, to be learnt at one week, without weeks of leaving.
    pub(crate) fn from_labels(labels: &[bool]) -> Self {
        Self {
            labels: labels.iter().copied().map(Some).collect(),
            learnable: vec![true; labels.len()],
            exit_week: vec![None; labels.len()],
            observed_weeks: vec![1; labels.len()],
        }
    }

    /// Describes one member's training: `rows` it learns from and `held_out` it is judged by, as positions in the training
    /// set.
    pub(crate) fn training<'a>(
        &'a self,
        inputs: &WeeklyInputs<'a>,
        rows: &'a [usize],
        held_out: &'a [usize],
        seed: u64,
    ) -> TrainingData<'a> {
        TrainingData {
            inputs: *inputs,
            rows,
            held_out,
            labels: &self.labels,
            learnable: &self.learnable,
            exit_week: &self.exit_week,
            observed_weeks: &self.observed_weeks,
            seed,
        }
    }
}
