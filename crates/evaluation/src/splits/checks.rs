//! Checks of rows and parts.

use std::collections::BTreeSet;

use super::error::SplitError;
use super::part::Part;
use super::request::SplitRow;

/// Checks that a part has rows.
pub(super) fn require_part(part: &[Part], wanted: Part) -> Result<(), SplitError> {
    if part.contains(&wanted) { Ok(()) } else { Err(SplitError::EmptyPart { part: wanted }) }
}

/// Checks that there are rows, each of an enrolment of its own.
pub(super) fn check_rows(rows: &[SplitRow<'_>]) -> Result<(), SplitError> {
    if rows.is_empty() {
        return Err(SplitError::NoRows);
    }
    let mut seen = BTreeSet::new();
    match rows.iter().find(|row| !seen.insert((row.course, row.enrolment))) {
        Some(row) => Err(SplitError::RepeatedEnrolment { course: row.course.to_owned() }),
        None => Ok(()),
    }
}

/// Checks that a share lies between 0 and 1.
pub(super) fn check_share(what: &'static str, share: f64) -> Result<(), SplitError> {
    if share > 0.0 && share < 1.0 { Ok(()) } else { Err(SplitError::ShareOutOfRange { what, share }) }
}
