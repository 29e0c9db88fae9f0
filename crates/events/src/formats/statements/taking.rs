//! Hands a statement, read or kept, to the intake.

use super::statement::unknown_learner;
use crate::intake::{Admission, EventRow, Intake, RowRole, UnenrolledRow};
use crate::tally::Reason;

/// Takes a statement: as the event `done` of the learner, where they are enrolled, and those of `others`. What is not an
/// enrolment's is `unenrolled`.
pub(super) fn take_statement(
    intake: &mut Intake<'_>,
    unenrolled: UnenrolledRow,
    done: Option<EventRow>,
    mut others: impl Iterator<Item = EventRow>,
) {
    let Some(done) = done else {
        let line = unenrolled.line;
        return match (intake.admit_unenrolled(unenrolled), unenrolled.role) {
            (Admission::Refused, _) => {}
            // Somebody did it about others, or it says who is enrolled, and the roster has that.
            (Admission::Open, RowRole::Fact | RowRole::Record) => intake.use_row(),
            // Whoever does something in the course's time is enrolled.
            (Admission::Open, RowRole::Act) => intake.refuse(Reason::UnknownEnrolment, line, unknown_learner),
        };
    };
    if unenrolled.role == RowRole::Record {
        return intake.take_record(done);
    }
    match others.next() {
        None => intake.take_row(done),
        Some(other) => intake.take_rows(done.line, [done, other].into_iter().chain(others)),
    }
}
