//! The choice of groups of inputs that help on courses other than those that a model learns from.

use std::collections::{BTreeMap, BTreeSet};

use staycast_baselines::{Selection, SelectionRows};
use staycast_evaluation::splits::{FoldRequest, Folds, Grouping, SplitRow};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, FeatureGroup, standing};

use super::choice_record::{ChosenGroups, GroupLeftOut, InputChoice, InputGroup};
use super::column::{Column, Source};
use super::error::InputsError;
use super::fit::Inputs;
use crate::examples::Examples;

/// Bounds the enrolments that the choice is made on; of more, every second, third … is taken.
const MOST_ROWS: usize = 20_000;
/// Bounds the columns of all weeks together; the earliest weeks of more are left out.
const MOST_COLUMNS: usize = 600;
/// Bounds the folds of whole courses.
const MOST_COURSE_FOLDS: usize = 10;
/// Counts the folds by learner, and how often they are drawn, where there is one course.
const LEARNER_FOLDS: (u32, u32) = (5, 3);
/// Bounds from below the enrolments, and those of either outcome, that a choice can rest on.
const LEAST_ROWS: usize = 500;
const LEAST_OF_AN_OUTCOME: usize = 50;
/// Stays whatever the choice: a forecast that does not know when somebody was last seen is not one that people trust.
const ALWAYS: InputGroup = InputGroup::Weekly(FeatureGroup::Presence);
/// Stay too, and the others are chosen as if these were not there. Few learners have courses behind them, too few for a choice
/// to see what that tells of them. And a rank within the course would push out what it is made from, which also tells how
/// courses differ (docs/experiments.md).
const BESIDE: [InputGroup; 2] =
    [InputGroup::Weekly(FeatureGroup::SubmissionPlace), InputGroup::Weekly(FeatureGroup::EarlierCourses)];

/// Describes the enrolments that a choice is made on.
pub(crate) struct ChoiceRequest<'a> {
    pub(crate) data: &'a Dataset,
    pub(crate) examples: &'a Examples,
    /// The training set.
    pub(crate) training: &'a [EnrolmentIndex],
    /// The cut-off that the run is made for.
    pub(crate) week: CutOff,
    pub(crate) seed: u64,
}

impl Inputs {
    /// Leaves out the groups of columns that do not help on held-out courses (or learners, in a single course).
    ///
    /// # Errors
    /// When the columns can't be computed, or the choice fails for another reason than too little data.
    pub(crate) fn choose_groups(self, request: &ChoiceRequest<'_>) -> Result<Self, InputsError> {
        let groups: BTreeSet<InputGroup> = self.columns.iter().filter_map(|column| column.source.group()).collect();
        let (beside, groups): (Vec<InputGroup>, Vec<InputGroup>) =
            groups.into_iter().partition(|group| BESIDE.contains(group));
        if groups.len() < 2 {
            return Ok(self.with_all("there is no more than one group of inputs".to_owned()));
        }
        let rows = match ChoiceRows::new(request) {
            Ok(rows) => rows,
            Err(reason) => return Ok(self.with_all(reason)),
        };
        let design = ChoiceDesign::new(&self, request, &rows.enrolments, &groups)?;
        let required: Vec<usize> = groups.binary_search(&ALWAYS).into_iter().collect();
        let selection = SelectionRows {
            groups: &design.groups,
            required: &required,
            values: &design.values,
            labels: &rows.labels,
            active: &rows.active,
            courses: &rows.courses,
            folds: &rows.folds,
        }
        .select();
        match selection {
            Ok(selection) => Ok(self.keep(&selection, &groups, &beside, request, &rows, design.weeks)),
            Err(error @ staycast_baselines::SelectionError::TooFewFolds { .. }) => Ok(self.with_all(error.to_string())),
            Err(error) => Err(InputsError::Choice(error)),
        }
    }

    fn with_all(self, reason: String) -> Self {
        Self { choice: Some(InputChoice::AllKept { reason }), ..self }
    }

    fn keep(
        mut self,
        selection: &Selection,
        groups: &[InputGroup],
        beside: &[InputGroup],
        request: &ChoiceRequest<'_>,
        rows: &ChoiceRows,
        weeks: usize,
    ) -> Self {
        let chosen = selection.kept.iter().map(|&number| groups[number]);
        let kept: Vec<InputGroup> = chosen.chain(beside.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect();
        let left_out = selection
            .left_out
            .iter()
            .map(|left| GroupLeftOut { group: groups[left.group], gain: left.gain, error: left.error })
            .collect();
        let stays = |column: &Column| column.source.group().is_none_or(|group| kept.contains(&group));
        self.columns.retain(stays);
        self.choice = Some(InputChoice::Chosen(ChosenGroups {
            held_out: rows.held_out,
            courses: rows.courses.iter().collect::<BTreeSet<_>>().len() as u64,
            enrolments: rows.enrolments.len() as u64,
            week: request.week,
            weeks: weeks as u64,
            auc: selection.auc,
            auc_of_all: selection.auc_of_all,
            kept,
            left_out,
        }));
        self
    }
}

/// Holds the enrolments that a choice is made on, and their folds.
struct ChoiceRows {
    enrolments: Vec<EnrolmentIndex>,
    labels: Vec<bool>,
    active: Vec<bool>,
    /// By enrolment: the number of its course.
    courses: Vec<u32>,
    held_out: Grouping,
    folds: Vec<Vec<u32>>,
}

impl ChoiceRows {
    /// Collects them, or says why they are too few.
    fn new(request: &ChoiceRequest<'_>) -> Result<Self, String> {
        let ChoiceRequest { data, examples, training, week, seed } = *request;
        let learnable: Vec<(EnrolmentIndex, bool)> = training
            .iter()
            .filter(|&&enrolment| examples.is_trainable(enrolment, week.last_week()))
            .filter_map(|&enrolment| Some((enrolment, examples.training_label(enrolment)?)))
            .collect();
        let each = learnable.len().div_ceil(MOST_ROWS).max(1);
        let (enrolments, labels): (Vec<EnrolmentIndex>, Vec<bool>) = learnable.into_iter().step_by(each).unzip();
        let dropouts = labels.iter().filter(|&&label| label).count();
        let least = dropouts.min(labels.len() - dropouts);
        if labels.len() < LEAST_ROWS || least < LEAST_OF_AN_OUTCOME {
            return Err(format!(
                "{} enrolments with a known outcome at week {week}, {dropouts} of them dropouts, are too few",
                labels.len()
            ));
        }
        let mut numbers = BTreeMap::new();
        for &enrolment in &enrolments {
            let next = numbers.len() as u32;
            numbers.entry(data.course_of(enrolment).id.as_str()).or_insert(next);
        }
        let courses = enrolments.iter().map(|&enrolment| numbers[data.course_of(enrolment).id.as_str()]).collect();
        let held_out = if numbers.len() >= 2 { Grouping::Course } else { Grouping::Learner };
        let (folds, repeats) = match held_out {
            Grouping::Course => (numbers.len().min(MOST_COURSE_FOLDS) as u32, 1),
            _ => LEARNER_FOLDS,
        };
        let rows: Vec<SplitRow<'_>> = enrolments
            .iter()
            .zip(&labels)
            .map(|(&enrolment, &label)| {
                let (row, course) = (data.enrolment(enrolment), data.course_of(enrolment));
                SplitRow {
                    enrolment: &row.id,
                    learner: &row.learner,
                    course: &course.id,
                    family: &course.id,
                    institution: None,
                    course_start_day: None,
                    labels_known_day: None,
                    label: Some(label),
                }
            })
            .collect();
        let made = Folds::new(&rows, FoldRequest { folds, repeats, by: held_out, seed });
        let made = made.map_err(|error| error.to_string())?;
        let folds = (0..repeats).filter_map(|repeat| made.fold_of(repeat).map(<[u32]>::to_vec)).collect();
        let active = enrolments.iter().map(|&enrolment| standing(data, enrolment, week).is_active()).collect();
        Ok(Self { enrolments, labels, active, courses, held_out, folds })
    }
}

/// Holds the inputs of the enrolments in the weeks up to the cut-off, side by side.
struct ChoiceDesign {
    values: Vec<f32>,
    /// By column: the number of its group.
    groups: Vec<usize>,
    /// Weeks that are looked at.
    weeks: usize,
}

impl ChoiceDesign {
    fn new(
        inputs: &Inputs,
        request: &ChoiceRequest<'_>,
        enrolments: &[EnrolmentIndex],
        groups: &[InputGroup],
    ) -> Result<Self, InputsError> {
        let (seen, width) = (request.week.count(), inputs.width());
        let weeks = seen.min((MOST_COLUMNS / width).max(1));
        let all = inputs.for_data(request.data)?.fill(enrolments, seen);
        let number = |column: usize| groups.binary_search(&inputs.columns[column].source.group()?).ok();
        // What stays the same over the weeks is read once.
        let places = (seen - weeks..seen).flat_map(|week| (0..width).map(move |column| (week, column)));
        let places: Vec<(usize, usize)> = places
            .filter(|&(week, column)| {
                let source = &inputs.columns[column].source;
                number(column).is_some() && (week + 1 == seen || !matches!(source, Source::Fixed { .. }))
            })
            .collect();
        let groups = places.iter().filter_map(|&(_, column)| number(column)).collect();
        let values = all
            .chunks_exact(seen * width)
            .flat_map(|row| places.iter().map(move |&(week, column)| row[week * width + column]))
            .collect();
        Ok(Self { values, groups, weeks })
    }
}
