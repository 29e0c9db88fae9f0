//! Validation parts, and learners kept out of other parts.

use std::collections::BTreeSet;

use super::checks::require_part;
use super::error::SplitError;
use super::part::{Part, SplitExclusion};
use super::request::{Grouping, SplitRow, Validation};
use super::{by_course, by_group, by_institution};

/// Moves a share of the training rows to validation, and excludes from training whoever has a row there.
pub(super) fn draw_validation(
    rows: &[SplitRow<'_>],
    part: &mut [Part],
    validation: Validation,
    order: by_course::Order,
    seed: u64,
) -> Result<(), SplitError> {
    match validation.by {
        Grouping::Learner => by_group::validation_learners(rows, part, validation.share, seed)?,
        Grouping::Course => by_course::validation_courses(rows, part, validation.share, order)?,
        Grouping::Institution => by_institution::validation_institutions(rows, part, validation.share, seed)?,
        Grouping::Enrolment => return Err(SplitError::ValidationByEnrolment),
    }
    exclude_learners_of(rows, part, Part::Validation, SplitExclusion::LearnerInValidation);
    require_part(part, Part::Validation)?;
    require_part(part, Part::Train)
}

/// Takes out of training (and, for the test, of validation) the rows of learners who have one in `excluding`.
pub(super) fn exclude_learners_of(rows: &[SplitRow<'_>], part: &mut [Part], excluding: Part, reason: SplitExclusion) {
    let inside = |part: &[Part], row: usize| part[row] == excluding;
    let learners: BTreeSet<&str> =
        rows.iter().enumerate().filter(|&(row, _)| inside(part, row)).map(|(_, row)| row.learner).collect();
    for (row, of_row) in rows.iter().zip(part.iter_mut()) {
        let trained_on = *of_row == Part::Train || (*of_row == Part::Validation && excluding == Part::Test);
        if trained_on && learners.contains(row.learner) {
            *of_row = Part::Excluded(reason);
        }
    }
}
