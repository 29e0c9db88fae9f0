//! Enrolments that nobody knows of yet at the instant at which a log is said to be taken, and what an instant hides of the
//! others.

use rustc_hash::FxHashSet;

use crate::enrolment::OutcomeKind;
use crate::roster::Roster;
use crate::time::DAY_SECONDS;

/// Names the enrolments that are known only by what comes after the instant of the log: a table dates them later, or all
/// events of somebody whom the log alone names are later. They are in no roster. Their rows are set aside, and reject nothing.
#[derive(Clone, Debug, Default)]
pub struct NotYetKnown {
    ids: FxHashSet<Box<str>>,
    pairs: FxHashSet<Box<[u8]>>,
}

impl NotYetKnown {
    /// Adds an enrolment of this id, of a learner in a course.
    pub(crate) fn add(&mut self, id: &str, (course, learner): (&str, &str)) {
        self.ids.insert(id.into());
        self.pairs.insert(pair(course.as_bytes(), learner.as_bytes()));
    }

    /// Adds those of an institution, whose ids begin with its name.
    pub(crate) fn append(&mut self, others: &Self, name: &str) {
        self.ids.extend(others.ids.iter().map(|id| format!("{name}:{id}").into()));
    }

    /// Tells whether the enrolment `id` is among them.
    pub(crate) fn has(&self, id: &[u8]) -> bool {
        !self.ids.is_empty() && std::str::from_utf8(id).is_ok_and(|id| self.ids.contains(id))
    }

    /// Tells whether one of `learner` in `course` is among them.
    pub(crate) fn has_pair(&self, course: &[u8], learner: &[u8]) -> bool {
        !self.pairs.is_empty() && self.pairs.contains(&*pair(course, learner))
    }

    /// Returns the number of enrolments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Makes one key of a course and a learner.
fn pair(course: &[u8], learner: &[u8]) -> Box<[u8]> {
    [&(course.len() as u64).to_le_bytes(), course, learner].concat().into()
}

/// Describes rows about an enrolment that is not known yet.
pub(crate) const NOT_YET_KNOWN: &str = "its enrolment is not known yet at the instant of the log";

/// Takes away what was not known at `as_of` of the enrolments of `roster`: later withdrawals, and how enrolments ended in
/// courses that were not over. A withdrawal before stays.
pub(crate) fn hide_later(roster: &mut Roster, as_of: i64) {
    let Roster { enrolments, courses, .. } = roster;
    for place in enrolments.places() {
        let course = &courses[enrolments.course(place).as_usize()];
        let start = course.start_seconds();
        let withdrawn = enrolments.withdrawn_seconds(place);
        let is_later = withdrawn.is_some_and(|seconds| start + i64::from(seconds) > as_of);
        let is_over = as_of >= start + i64::from(course.days) * DAY_SECONDS;
        let hides_outcome = enrolments.outcome(place).is_some_and(|outcome| match outcome.kind {
            OutcomeKind::Withdrew => is_later || !(is_over || withdrawn.is_some()),
            OutcomeKind::Completed | OutcomeKind::Failed => !is_over,
        });
        if is_later {
            enrolments.take_withdrawal(place, false);
        }
        if hides_outcome {
            enrolments.take_outcome(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::enrolment::{Enrolment, Outcome};
    use crate::index::CourseIndex;
    use crate::roster::Course;

    #[test]
    fn an_enrolment_is_found_by_its_id_or_by_its_learner_and_course() {
        let mut known = NotYetKnown::default();
        assert!(!known.has(b"") && !known.has_pair(b"", b""));
        known.add("7", ("C", "ann"));
        assert!(known.has(b"7") && known.has_pair(b"C", b"ann"));
        assert!(!known.has(b"ann") && !known.has_pair(b"Ca", b"nn"));
        let mut all = NotYetKnown::default();
        all.append(&known, "north");
        assert!(all.has(b"north:7") && !all.has(b"7"));
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn what_comes_after_the_instant_is_hidden() {
        let ended = |kind| Some(Arc::new(Outcome { recorded: "x".to_owned(), kind }));
        let one = |withdrawn_seconds, outcome| Enrolment {
            course: CourseIndex(0),
            withdrawn_seconds,
            outcome,
            ..Enrolment::default()
        };
        let enrolments = [
            one(Some(100), ended(OutcomeKind::Withdrew)),
            one(Some(101), ended(OutcomeKind::Withdrew)),
            one(None, ended(OutcomeKind::Completed)),
            one(Some(3 * DAY_SECONDS as i32), ended(OutcomeKind::Withdrew)),
        ];
        let courses = vec![Course { id: "c".to_owned(), start_day: 0, days: 2, inferred: false }];
        let seen_at = |as_of| {
            let mut roster = Roster {
                courses: courses.clone(),
                enrolments: enrolments.iter().cloned().collect(),
                ..Roster::default()
            };
            hide_later(&mut roster, as_of);
            roster.enrolments.iter().map(|one| (one.withdrawn_seconds, one.outcome.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(seen_at(100), [(Some(100), true), (None, false), (None, false), (None, false)]);
        assert_eq!(seen_at(2 * DAY_SECONDS), [(Some(100), true), (Some(101), true), (None, true), (None, false)]);
    }
}
