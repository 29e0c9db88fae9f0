//! K folds by learner (or course), repeated.

use std::collections::BTreeSet;

use super::by_group::{dealing_order, hash_text};
use super::hash::Purpose;
use super::{
    Assignment, Grouping, Part, SplitError, SplitExclusion, SplitKind, SplitRow, Validation, by_course, check_rows,
    describe, draw_validation, exclude_learners_of, require_part,
};

/// What folds to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldRequest {
    /// Number of folds, at least 2.
    pub folds: u32,
    /// How often to fold anew, at least 1. Each repeat is another draw.
    pub repeats: u32,
    /// What stays together in a fold.
    pub by: Grouping,
    /// Seed of every draw.
    pub seed: u64,
}

/// Every row's fold in every repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    request: FoldRequest,
    /// By repeat, then by row.
    fold_of: Vec<Vec<u32>>,
}

impl Folds {
    /// Deals learners (or courses) to folds in turn, those of equal size and labels together, so that folds differ
    /// by at most one of them in number and in each make-up: stratified as far as whole groups allow. Depends on
    /// identifiers, labels and seed, not on the order of rows.
    ///
    /// # Errors
    /// [`SplitError::NoRows`], [`SplitError::RepeatedEnrolment`], [`SplitError::FoldCount`] and
    /// [`SplitError::NoRepeats`].
    pub fn new(rows: &[SplitRow<'_>], request: FoldRequest) -> Result<Self, SplitError> {
        check_rows(rows)?;
        if request.repeats == 0 {
            return Err(SplitError::NoRepeats);
        }
        let groups = rows.iter().map(|row| group_of(row, request.by)).collect::<BTreeSet<_>>().len();
        if request.folds < 2 || request.folds as usize > groups {
            return Err(SplitError::FoldCount { folds: request.folds, groups, unit: request.by });
        }
        let fold_of = (0..request.repeats).map(|repeat| deal(rows, request, repeat)).collect();
        Ok(Self { request, fold_of })
    }

    /// What these folds were made from.
    #[must_use]
    pub fn request(&self) -> FoldRequest {
        self.request
    }

    /// Every row's fold in one repeat; `None` if there is no such repeat.
    #[must_use]
    pub fn fold_of(&self, repeat: u32) -> Option<&[u32]> {
        self.fold_of.get(repeat as usize).map(Vec::as_slice)
    }

    /// The parts when one fold is the test and the others are trained on, with validation drawn from the others.
    /// `rows` must be those the folds were made of, in the same order.
    ///
    /// With folds by course, a test learner's rows in other courses are excluded from training.
    ///
    /// # Errors
    /// [`SplitError::NoSuchFold`], [`SplitError::OtherRows`], and what drawing validation may fail with.
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
        exclude_learners_of(rows, &mut part, Part::Test, SplitExclusion::LearnerOnTestSide);
        if let Some(validation) = validation {
            // Another draw for every fold, so that no learner validates more often than chance has it.
            let seed = Purpose::Fold { repeat }.key(seed) ^ u64::from(fold);
            draw_validation(rows, &mut part, validation, by_course::Order::Hashed(seed), seed)?;
        }
        require_part(&part, Part::Train)?;
        let kind = match by {
            Grouping::Learner => SplitKind::Learner,
            Grouping::Course => SplitKind::Transfer,
        };
        let description = format!("fold {fold} of {folds}, repeat {repeat}; {}", describe(rows, &part, kind));
        Ok(Assignment { part, kind, description })
    }
}

fn group_of<'a>(row: &SplitRow<'a>, by: Grouping) -> &'a str {
    match by {
        Grouping::Learner => row.learner,
        Grouping::Course => row.course,
    }
}

fn deal(rows: &[SplitRow<'_>], request: FoldRequest, repeat: u32) -> Vec<u32> {
    let key = Purpose::Fold { repeat }.key(request.seed);
    let order = dealing_order(rows, 0..rows.len(), key, |row| group_of(row, request.by), hash_text);
    let mut fold_of = vec![0; rows.len()];
    for (fold, group) in (0..request.folds).cycle().zip(order) {
        for row in group {
            fold_of[row] = fold;
        }
    }
    fold_of
}
