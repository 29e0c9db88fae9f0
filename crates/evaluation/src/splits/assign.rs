//! Splits as asked for, made.

use super::checks::{check_rows, require_part};
use super::describe::describe;
use super::error::SplitError;
use super::kind::SplitKind;
use super::part::{Assignment, Part, SplitExclusion};
use super::request::{Split, SplitRequest, SplitRow};
use super::validation::{draw_validation, exclude_learners_of};
use super::{by_course, by_family, by_group, by_institution};

/// Gives every row its part.
///
/// # Errors
/// [`SplitError`] if the request can't be met by these rows; nothing is quietly made smaller.
pub fn assign(rows: &[SplitRow<'_>], request: &SplitRequest) -> Result<Assignment, SplitError> {
    check_rows(rows)?;
    let chosen = match &request.split {
        Split::Course { test, train } => by_course::courses(rows, test, train.as_ref(), request.seed)?,
        Split::Time { test } => by_course::later_courses(rows, test, request.cut_off)?,
        Split::LaterRun { test } => by_family::later_runs(rows, test, request.cut_off, request.seed)?,
        Split::Learner { test_share } => by_group::learners(rows, *test_share, request.seed)?,
        Split::Institution { test } => by_institution::institutions(rows, test, request.seed)?,
        Split::Random { test_share } => by_group::enrolments(rows, *test_share, request.seed)?,
    };
    let mut part = chosen;
    exclude_learners_of(rows, &mut part, Part::Test, SplitExclusion::LearnerOnTestSide);
    if let Some(validation) = request.validation {
        let in_time = matches!(request.split, Split::Time { .. } | Split::LaterRun { .. });
        let order = if in_time { by_course::Order::LatestFirst } else { by_course::Order::Hashed(request.seed) };
        draw_validation(rows, &mut part, validation, order, request.seed)?;
    }
    require_part(&part, Part::Train)?;
    require_part(&part, Part::Test)?;
    let kind = match request.split {
        Split::Learner { .. } => SplitKind::Learner,
        Split::Random { .. } => SplitKind::RandomOptimistic,
        Split::Institution { .. } => SplitKind::Institution,
        Split::Course { .. } | Split::Time { .. } | Split::LaterRun { .. } => {
            by_course::kind(rows, &part, request.cut_off)
        }
    };
    let notes = match request.split {
        Split::LaterRun { .. } => by_family::describe_families(rows, &part),
        Split::Institution { .. } => by_institution::describe_institutions(rows, &part),
        _ => Vec::new(),
    };
    let description = describe(rows, &part, kind, notes);
    Ok(Assignment { part, kind, description })
}
