//! Withdrawals whose days contradict those of the enrolment or the course.

use crate::notice::Notice;
use crate::roster::{Enrolment, OutcomeKind, Roster};
use crate::source::{Source, SourceLabels};
use crate::time::DAY_SECONDS;

/// Takes away withdrawals on a day before that of their own enrolment, and notes how many these are and how many come after
/// the last day of their course.
///
/// The former are of an enrolment before, of which the source has kept nothing else. Logs of statements have none: there who
/// withdrew has no date of enrolling later.
pub(crate) fn settle(source: &mut Source) {
    let words_outcomes = source.labels == SourceLabels::Outcomes;
    let early = take_early(&mut source.roster, words_outcomes);
    let late = source.roster.enrolments.iter().filter(|one| is_late(one, &source.roster)).count() as u64;
    let early = (early > 0).then_some(Notice::WithdrawnBeforeEnrolled { enrolments: early });
    let late = (late > 0).then_some(Notice::WithdrawnAfterCourse { enrolments: late });
    source.notices.extend(early.into_iter().chain(late));
}

/// Takes away early withdrawals and counts them. Where the source words no outcomes, one that says so comes from the day.
fn take_early(roster: &mut Roster, words_outcomes: bool) -> u64 {
    let day = |seconds: i32| i64::from(seconds).div_euclid(DAY_SECONDS);
    let mut early = 0;
    for one in &mut roster.enrolments {
        let (Some(enrolled), Some(withdrawn)) = (one.enrolled_seconds, one.withdrawn_seconds) else { continue };
        if day(withdrawn) < day(enrolled) {
            early += 1;
            one.withdrawn_seconds = None;
            one.outcome.take_if(|outcome| !words_outcomes && outcome.kind == OutcomeKind::Withdrew);
        }
    }
    early
}

fn is_late(one: &Enrolment, roster: &Roster) -> bool {
    let days = i64::from(roster.courses[one.course.as_usize()].days);
    one.withdrawn_seconds.is_some_and(|seconds| i64::from(seconds) >= days * DAY_SECONDS)
}
