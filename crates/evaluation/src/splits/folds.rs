//! K folds by learner, course, institution or enrolment, repeated; and leaving one out.

use super::by_group::dealing_order;
use super::checks::{check_rows, require_part};
use super::describe::describe;
use super::error::SplitError;
use super::group::{Group, check_grouping, groups_of};
use super::hash::Purpose;
use super::kind::SplitKind;
use super::part::{Assignment, Part, SplitExclusion};
use super::request::{Grouping, SplitRow, Validation};
use super::validation::{draw_validation, exclude_learners_of};
use super::{by_course, by_institution};

/// Asks for folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldRequest {
    /// Number of folds, at least 2.
    pub folds: u32,
    /// Repeats, at least 1. Each repeat is another draw.
    pub repeats: u32,
    /// The unit that stays together in a fold.
    pub by: Grouping,
    /// Seed of every draw.
    pub seed: u64,
}

/// Says how units came to their folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Making {
    Assigned,
    OneEach,
}

/// Holds every row's fold in every repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    request: FoldRequest,
    making: Making,
    /// By repeat, then by row.
    fold_of: Vec<Vec<u32>>,
}

impl Folds {
    /// Assigns learners (or courses, institutions, enrolments) to folds in turn, those of equal size and labels together,
    /// so that folds differ by at most one of them in number and in each make-up: stratified as far as whole groups
    /// allow. Depends on identifiers, labels and seed, not on the order of rows.
    ///
    /// # Errors
    /// [`SplitError::NoRows`], [`SplitError::RepeatedEnrolment`], [`SplitError::NoInstitution`],
    /// [`SplitError::FoldCount`] and [`SplitError::NoRepeats`].
    pub fn new(rows: &[SplitRow<'_>], request: FoldRequest) -> Result<Self, SplitError> {
        check_rows(rows)?;
        check_grouping(rows, request.by)?;
        if request.repeats == 0 {
            return Err(SplitError::NoRepeats);
        }
        let groups = groups_of(rows, request.by).len();
        if request.folds < 2 || request.folds as usize > groups {
            return Err(SplitError::FoldCount { folds: request.folds, groups, unit: request.by });
        }
        let fold_of = (0..request.repeats).map(|repeat| deal(rows, request, repeat)).collect();
        Ok(Self { request, making: Making::Assigned, fold_of })
    }

    /// Makes as many folds as there are courses (or learners, institutions, enrolments), each of one of them, in the
    /// bytewise order of their identifiers; one repeat, since there is nothing to draw. `seed` is that of validation parts.
    ///
    /// # Errors
    /// [`SplitError::NoRows`], [`SplitError::RepeatedEnrolment`], [`SplitError::NoInstitution`] and
    /// [`SplitError::NothingToLeaveOut`].
    ///
    /// # Panics
    /// With more than 2³² groups.
    pub fn leave_one_out(rows: &[SplitRow<'_>], by: Grouping, seed: u64) -> Result<Self, SplitError> {
        check_rows(rows)?;
        check_grouping(rows, by)?;
        let groups: Vec<Group<'_>> = groups_of(rows, by).into_iter().collect();
        if groups.len() < 2 {
            return Err(SplitError::NothingToLeaveOut { groups: groups.len(), unit: by });
        }
        let number = |count: usize| u32::try_from(count).expect("fewer groups than 2³²");
        let fold = |row: &SplitRow<'_>| number(groups.partition_point(|group| *group < Group::new(row, by)));
        let request = FoldRequest { folds: number(groups.len()), repeats: 1, by, seed };
        Ok(Self { request, making: Making::OneEach, fold_of: vec![rows.iter().map(fold).collect()] })
    }

    /// Returns the request that these folds were made from; of [`Folds::leave_one_out`], one with the number of folds made.
    #[must_use]
    pub fn request(&self) -> FoldRequest {
        self.request
    }

    /// Returns every row's fold in one repeat; `None` if there is no such repeat.
    #[must_use]
    pub fn fold_of(&self, repeat: u32) -> Option<&[u32]> {
        self.fold_of.get(repeat as usize).map(Vec::as_slice)
    }

    /// Returns the parts when one fold is the test and the others are trained on, with validation drawn from the others.
    /// `rows` must be those the folds were made of, in the same order.
    ///
    /// With folds by course or institution, a test learner's rows elsewhere are excluded from training. **With folds by
    /// enrolment they are not**: see [`Grouping::Enrolment`].
    ///
    /// # Errors
    /// [`SplitError::NoSuchFold`], [`SplitError::OtherRows`], [`SplitError::EmptyPart`], and the errors of drawing
    /// validation.
    pub fn assignment(
        &self,
        rows: &[SplitRow<'_>],
        repeat: u32,
        fold: u32,
        validation: Option<Validation>,
    ) -> Result<Assignment, SplitError> {
        let FoldRequest { folds, repeats, by, seed } = self.request;
        let fold_of = self.fold_of(repeat).filter(|_| fold < folds);
        let fold_of = fold_of.ok_or(SplitError::NoSuchFold { repeat, fold, repeats, folds })?;
        if fold_of.len() != rows.len() {
            return Err(SplitError::OtherRows { expected: fold_of.len(), found: rows.len() });
        }
        let side = |&of_row: &u32| {
            if of_row == fold { Part::Test } else { Part::Train }
        };
        let mut part: Vec<Part> = fold_of.iter().map(side).collect();
        if by != Grouping::Enrolment {
            exclude_learners_of(rows, &mut part, Part::Test, SplitExclusion::LearnerOnTestSide);
        }
        if let Some(validation) = validation {
            // Another draw for every fold, so that no learner validates more often than chance has it.
            let seed = Purpose::Fold { repeat }.key(seed) ^ u64::from(fold);
            draw_validation(rows, &mut part, validation, by_course::Order::Hashed(seed), seed)?;
        }
        require_part(&part, Part::Train)?;
        let kind = match by {
            Grouping::Learner => SplitKind::Learner,
            Grouping::Course => SplitKind::Transfer,
            Grouping::Institution => SplitKind::Institution,
            Grouping::Enrolment => SplitKind::RandomOptimistic,
        };
        let notes = match by {
            Grouping::Institution => by_institution::describe_institutions(rows, &part),
            Grouping::Enrolment => {
                vec!["a learner may be on both sides, since folds by enrolment do not keep learners apart".to_owned()]
            }
            Grouping::Learner | Grouping::Course => Vec::new(),
        };
        let place = match self.making {
            Making::Assigned => format!("fold {} of {folds}, repeat {}", fold + 1, repeat + 1),
            Making::OneEach => format!("one {by} left out, fold {} of {folds}", fold + 1),
        };
        let description = format!("{place}; {}", describe(rows, &part, kind, notes));
        Ok(Assignment { part, kind, description })
    }
}

fn deal(rows: &[SplitRow<'_>], request: FoldRequest, repeat: u32) -> Vec<u32> {
    let key = Purpose::Fold { repeat }.key(request.seed);
    let order = dealing_order(rows, 0..rows.len(), key, request.by);
    let mut fold_of = vec![0; rows.len()];
    for (fold, group) in (0..request.folds).cycle().zip(order) {
        for row in group {
            fold_of[row] = fold;
        }
    }
    fold_of
}
