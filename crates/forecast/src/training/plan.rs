//! The plan of a run: which enrolments each member is trained on, stopped by, and tested with.

use std::collections::BTreeSet;

use staycast_evaluation::splits::{
    Assignment, FoldRequest, Folds, Grouping, Part, Split, SplitError, SplitExclusion, SplitKind, SplitRequest,
    SplitRow, assign, course_family,
};
use staycast_sequences::{CourseRow, Dataset, DropoutRule, EnrolmentIndex};

use super::error::TrainError;
use crate::artifact::FoldsRecord;
use crate::config::{CheckedConfig, CheckedEnsemble, CheckedSplit, LeftOut, SplitSpec};

/// Names the static column that names the institution of an enrolment, in sequences of several institutions.
const INSTITUTION: &str = "institution";

/// Divides the enrolments of a run.
#[derive(Clone, Debug)]
pub(crate) struct SplitPlan {
    /// One split, or one a fold and repeat; never empty.
    pub(crate) splits: Vec<OuterSplit>,
    /// Property that the test measures: transfer, a forecast, …
    pub(crate) kind: SplitKind,
    /// Describes the first split.
    pub(crate) description: String,
    /// The folds that were made, in a cross-validation.
    pub(crate) folds: Option<FoldsRecord>,
    /// The unit that stays together in the held-out parts of the training sets.
    pub(crate) held_out_by: Grouping,
}

/// Holds a training set and its test part.
#[derive(Clone, Debug)]
pub(crate) struct OuterSplit {
    /// Repeat of the cross-validation, from 0; 0 without one.
    pub(crate) repeat: u32,
    /// Fold, from 0; 0 without a cross-validation.
    pub(crate) fold: u32,
    pub(crate) training: Vec<EnrolmentIndex>,
    pub(crate) test: Vec<EnrolmentIndex>,
    /// Enrolments in neither, with the reason.
    pub(crate) excluded: Vec<(EnrolmentIndex, SplitExclusion)>,
    /// One a member of the ensemble.
    pub(crate) members: Vec<MemberSplit>,
}

/// Divides a training set for one member of the ensemble, by positions in [`OuterSplit::training`].
#[derive(Clone, Debug)]
pub(crate) struct MemberSplit {
    /// Positions that the member is trained on.
    pub(crate) training: Vec<usize>,
    /// Positions that stop its training, and that calibration and thresholds are fitted on.
    pub(crate) held_out: Vec<usize>,
}

impl SplitPlan {
    /// Divides the enrolments of `data` as the configuration asks for.
    ///
    /// # Errors
    /// When these enrolments can't be divided so.
    pub(crate) fn new(data: &Dataset, config: &CheckedConfig) -> Result<Self, TrainError> {
        let offered = offered(data, &config.split);
        let rows = rows(data, &offered, &config.split.run_separator);
        let divided = match &config.split.spec {
            SplitSpec::OneTest(split) => Divided::once(&rows, split, config)?,
            SplitSpec::Folds { by, folds, repeats } => {
                let request = FoldRequest { folds: *folds, repeats: *repeats, by: *by, seed: config.training.seed };
                Divided::in_folds(&rows, &Folds::new(&rows, request)?)?
            }
            SplitSpec::LeaveOneOut(unit) => {
                Divided::in_folds(&rows, &Folds::leave_one_out(&rows, (*unit).into(), config.training.seed)?)?
            }
        };
        let Assignment { kind, description, .. } = divided.first.clone();
        let mut held_out_by = Grouping::Learner;
        let mut splits = Vec::new();
        for (repeat, fold, assignment) in divided.assignments() {
            let mut outer = OuterSplit::new(assignment, &offered, repeat, fold);
            (held_out_by, outer.members) = hold_out(data, config, &outer.training)?;
            splits.push(outer);
        }
        Ok(Self { splits, kind, description, folds: divided.folds, held_out_by })
    }
}

/// Returns the enrolments whose rows the split may use.
fn offered(data: &Dataset, split: &CheckedSplit) -> Vec<EnrolmentIndex> {
    let is_offered = |&enrolment: &EnrolmentIndex| match &split.offered_courses {
        Some(courses) => courses.contains(&data.course_of(enrolment).id),
        None => true,
    };
    data.enrolment_indices().filter(is_offered).collect()
}

/// Holds the rows offered, divided once or in folds.
struct Divided {
    first: Assignment,
    /// The others, by repeat and fold.
    others: Vec<(u32, u32, Assignment)>,
    folds: Option<FoldsRecord>,
}

impl Divided {
    fn once(rows: &[SplitRow<'_>], split: &Split, config: &CheckedConfig) -> Result<Self, SplitError> {
        let request = SplitRequest {
            split: split.clone(),
            validation: None,
            cut_off: config.training.target,
            seed: config.training.seed,
        };
        Ok(Self { first: assign(rows, &request)?, others: Vec::new(), folds: None })
    }

    fn in_folds(rows: &[SplitRow<'_>], made: &Folds) -> Result<Self, SplitError> {
        let FoldRequest { folds, repeats, .. } = made.request();
        let places = (0..repeats).flat_map(|repeat| (0..folds).map(move |fold| (repeat, fold)));
        let others =
            places.skip(1).map(|(repeat, fold)| Ok((repeat, fold, made.assignment(rows, repeat, fold, None)?)));
        Ok(Self {
            first: made.assignment(rows, 0, 0, None)?,
            others: others.collect::<Result<_, SplitError>>()?,
            folds: Some(FoldsRecord { folds, repeats }),
        })
    }

    /// Lists the assignments with their repeat and fold.
    fn assignments(&self) -> impl Iterator<Item = (u32, u32, &Assignment)> {
        let others = self.others.iter().map(|(repeat, fold, assignment)| (*repeat, *fold, assignment));
        [(0, 0, &self.first)].into_iter().chain(others)
    }
}

impl OuterSplit {
    /// Sorts the enrolments `offered`, whose parts are given, into training set and test; without members yet.
    fn new(assignment: &Assignment, offered: &[EnrolmentIndex], repeat: u32, fold: u32) -> Self {
        let (mut training, mut test, mut excluded) = (Vec::new(), Vec::new(), Vec::new());
        for (&part, &enrolment) in assignment.part.iter().zip(offered) {
            match part {
                Part::Train | Part::Validation => training.push(enrolment),
                Part::Test => test.push(enrolment),
                Part::Excluded(reason) => excluded.push((enrolment, reason)),
            }
        }
        Self { repeat, fold, training, test, excluded, members: Vec::new() }
    }
}

/// Divides a training set for each member: what is held out is the test's unit (whole courses, institutions) where there
/// is enough of it, courses where there are too few institutions, and else learners.
fn hold_out(
    data: &Dataset,
    config: &CheckedConfig,
    training: &[EnrolmentIndex],
) -> Result<(Grouping, Vec<MemberSplit>), TrainError> {
    let CheckedEnsemble { members, validation_folds: folds } = config.ensemble;
    let rows = rows(data, training, &config.split.run_separator);
    let courses = rows.iter().map(|row| row.course).collect::<BTreeSet<_>>().len();
    let institutions = rows.iter().map(|row| row.institution).collect::<BTreeSet<_>>().len();
    let enough = |groups: usize| groups >= folds as usize;
    let by = match tested_by(&config.split.spec) {
        Grouping::Institution if enough(institutions) => Grouping::Institution,
        Grouping::Institution | Grouping::Course if enough(courses) => Grouping::Course,
        _ => Grouping::Learner,
    };
    let request = FoldRequest { folds, repeats: members.div_ceil(folds), by, seed: config.training.seed };
    let made = Folds::new(&rows, request).map_err(|error| match error {
        // Nobody has asked for these folds.
        SplitError::FoldCount { folds, groups, unit } => TrainError::TooFewToHoldOut { parts: folds, unit, groups },
        other => other.into(),
    })?;
    let for_member = |member: u32| {
        let assignment = made.assignment(&rows, member / folds, member % folds, None)?;
        Ok(MemberSplit { training: assignment.rows_of(Part::Train), held_out: assignment.rows_of(Part::Test) })
    };
    Ok((by, (0..members).map(for_member).collect::<Result<_, SplitError>>()?))
}

/// Returns the unit that the test is made of.
fn tested_by(spec: &SplitSpec) -> Grouping {
    match spec {
        SplitSpec::OneTest(split) => match split {
            Split::Course { .. } | Split::Time { .. } | Split::LaterRun { .. } => Grouping::Course,
            Split::Institution { .. } => Grouping::Institution,
            Split::Learner { .. } => Grouping::Learner,
            Split::Random { .. } => Grouping::Enrolment,
        },
        SplitSpec::Folds { by, .. } => *by,
        SplitSpec::LeaveOneOut(LeftOut::Course) => Grouping::Course,
        SplitSpec::LeaveOneOut(LeftOut::Institution) => Grouping::Institution,
    }
}

/// Describes enrolments as splitting needs to know them.
fn rows<'a>(data: &'a Dataset, enrolments: &[EnrolmentIndex], run_separator: &str) -> Vec<SplitRow<'a>> {
    enrolments
        .iter()
        .map(|&enrolment| {
            let (row, course) = (data.enrolment(enrolment), data.course_of(enrolment));
            // Cut-offs are whole weeks from the start: of a course whose first week is short, from where it would begin
            // were it whole.
            let lacking = 7_u32.saturating_sub(course.first_week_days);
            SplitRow {
                enrolment: &row.id,
                learner: &row.learner,
                course: &course.id,
                family: course_family(&course.id, run_separator),
                institution: row.statics.get(INSTITUTION).and_then(Option::as_deref),
                course_start_day: (!course.nominal_dates).then(|| i64::from(course.start_day) - i64::from(lacking)),
                labels_known_day: labels_known_day(data.manifest.labels.rule, course),
                label: row.dropout,
            }
        })
        .collect()
}

/// Returns the first day, since 1970-01-01, at whose start a course's labels are known; `None` without calendar dates.
pub(crate) fn labels_known_day(rule: DropoutRule, course: &CourseRow) -> Option<i64> {
    let lag = i64::from(rule.days_until_known());
    (!course.nominal_dates).then(|| i64::from(course.start_day) + i64::from(course.days) + lag)
}
