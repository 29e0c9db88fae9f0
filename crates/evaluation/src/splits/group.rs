//! Identifiers that rows are grouped by.

use std::collections::BTreeSet;

use super::error::SplitError;
use super::hash::keyed_hash;
use super::request::{Grouping, SplitRow};

/// Holds an identifier: a learner's, a course's, an institution's, or a course's with that of an enrolment in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group<'a> {
    id: &'a str,
    inside: Option<&'a str>,
}

impl<'a> Group<'a> {
    pub(super) fn new(row: &SplitRow<'a>, by: Grouping) -> Self {
        let whole = |id| Self { id, inside: None };
        match by {
            Grouping::Learner => whole(row.learner),
            Grouping::Course => whole(row.course),
            // Callers that group by institution have checked that every row has one.
            Grouping::Institution => whole(row.institution.unwrap_or_default()),
            Grouping::Enrolment => Self { id: row.course, inside: Some(row.enrolment) },
        }
    }

    /// Hashes the identifier: a course's hash keys the enrolment's, so that no joining of the two identifiers can be ambiguous.
    pub(super) fn hash(self, key: u64) -> u64 {
        let outer = keyed_hash(key, self.id.as_bytes());
        self.inside.map_or(outer, |inside| keyed_hash(outer, inside.as_bytes()))
    }
}

/// Lists the groups, in the order of their identifiers.
pub(super) fn groups_of<'a>(rows: &[SplitRow<'a>], by: Grouping) -> BTreeSet<Group<'a>> {
    rows.iter().map(|row| Group::new(row, by)).collect()
}

/// Checks that every row has the identifier that it is grouped by.
pub(super) fn check_grouping(rows: &[SplitRow<'_>], by: Grouping) -> Result<(), SplitError> {
    let without = rows.iter().filter(|row| row.institution.is_none()).count();
    if by == Grouping::Institution && without > 0 {
        return Err(SplitError::NoInstitution { without, of: rows.len() });
    }
    Ok(())
}
