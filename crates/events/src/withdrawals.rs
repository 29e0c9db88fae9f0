//! Withdrawals whose days contradict those of the enrolment or the course.

use crate::enrolment::OutcomeKind;
use crate::notice::Notice;
use crate::roster::Roster;
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
    let late = (0..source.roster.enrolments.len()).filter(|&place| is_late(&source.roster, place)).count() as u64;
    let early = (early > 0).then_some(Notice::WithdrawnBeforeEnrolled { enrolments: early });
    let late = (late > 0).then_some(Notice::WithdrawnAfterCourse { enrolments: late });
    source.notices.extend(early.into_iter().chain(late));
}

/// Takes away early withdrawals and counts them. Where the source words no outcomes, one that says so comes from the day.
fn take_early(roster: &mut Roster, words_outcomes: bool) -> u64 {
    let day = |seconds: i32| i64::from(seconds).div_euclid(DAY_SECONDS);
    let mut early = 0;
    let all = &mut roster.enrolments;
    for place in 0..all.len() {
        let (Some(enrolled), Some(withdrawn)) = (all.enrolled_seconds(place), all.withdrawn_seconds(place)) else {
            continue;
        };
        if day(withdrawn) < day(enrolled) {
            early += 1;
            let says_so = all.outcome(place).is_some_and(|outcome| outcome.kind == OutcomeKind::Withdrew);
            all.take_withdrawal(place, !words_outcomes && says_so);
        }
    }
    early
}

fn is_late(roster: &Roster, place: usize) -> bool {
    let days = i64::from(roster.courses[roster.enrolments.course(place).as_usize()].days);
    roster.enrolments.withdrawn_seconds(place).is_some_and(|seconds| i64::from(seconds) >= days * DAY_SECONDS)
}
