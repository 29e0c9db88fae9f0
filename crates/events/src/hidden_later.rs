//! Hides what came after the instant at which a log is said to be taken, of enrolments that are known by then.

use crate::enrolment::OutcomeKind;
use crate::roster::Roster;
use crate::time::DAY_SECONDS;

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
