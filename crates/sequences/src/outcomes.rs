//! Says how enrolments ended, and when that was known (docs/definitions.md, "Labels").

use staycast_events::time::DAY_SECONDS;
use staycast_events::{OutcomeKind, Source, SourceLabels};

use crate::grid::CourseGrid;
use crate::labels::DropoutRule;

const NO_OUTCOME: &str = "the source records no outcome";
const WITHDRAWN_LATE: &str = "withdrawn after the course was over, with no word on its result";
pub(crate) const NOT_OVER: &str = "the course was not over when the log was taken";
const ENROLLED_LATE: &str = "enrolled after the course was over";
const NO_EVENT_USED: &str = "enrolled by the log alone, of which no event is used";
pub(crate) const DAYS_AFTER_NOT_OVER: &str = "the days after the course were not over when the log was taken";

/// Holds what says how enrolments ended, when the log was read.
#[derive(Clone, Copy)]
pub(crate) struct Outcomes<'a> {
    pub(crate) source: &'a Source,
    pub(crate) grids: &'a [CourseGrid],
    pub(crate) active_in_window: &'a [bool],
    pub(crate) rule: DropoutRule,
    pub(crate) as_of_given: bool,
}

/// Says how an enrolment ended, as far as the source records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// With this outcome.
    With(OutcomeKind),
    /// With a withdrawal after the course, which is none.
    AfterCourse,
    /// The source does not say.
    Unknown,
}

impl Outcomes<'_> {
    /// Tells whether the source words how each enrolment ended, and does not only date what did happen.
    fn words_outcomes(&self) -> bool {
        self.source.labels == SourceLabels::Outcomes
    }

    /// Returns when the learner withdrew from the course, in seconds from its start. Who leaves a course that is over does not
    /// withdraw from it.
    pub(crate) fn withdrawn_seconds(&self, place: usize) -> Option<i32> {
        let all = &self.source.roster.enrolments;
        let grid = &self.grids[all.course(place).as_usize()];
        all.withdrawn_seconds(place).filter(|&seconds| i64::from(seconds) < grid.calendar_end_seconds())
    }

    fn ended(&self, place: usize) -> Ended {
        let all = &self.source.roster.enrolments;
        let too_late = all.withdrawn_seconds(place).is_some() && self.withdrawn_seconds(place).is_none();
        match all.outcome(place).map(|outcome| outcome.kind) {
            Some(OutcomeKind::Withdrew) if too_late => Ended::AfterCourse,
            Some(kind) => Ended::With(kind),
            None => Ended::Unknown,
        }
    }

    /// Finds an enrolment's label, or why it has none. `was_seen` says whether an event of the learner's own is used.
    pub(crate) fn label(&self, place: usize, was_seen: bool) -> Result<bool, &'static str> {
        let all = &self.source.roster.enrolments;
        let grid = &self.grids[all.course(place).as_usize()];
        let enrolled = all.enrolled_seconds(place);
        let over_by = |days: u32| grid.as_of_seconds >= grid.calendar_end_seconds() + i64::from(days) * DAY_SECONDS;
        // A log said to be taken while the course ran can't know how it ended. When nothing is said, an outcome that is there
        // is known.
        // Whoever comes when all is over can neither stay nor leave; a file of labels may say otherwise.
        let came_late = enrolled.is_some_and(|seconds| i64::from(seconds) >= grid.calendar_end_seconds());
        if came_late && self.rule != DropoutRule::LabelsFile {
            return Err(ENROLLED_LATE);
        }
        // Whom the log alone makes a learner is one by an event, and here none is used.
        let says_more = enrolled.or(all.withdrawn_seconds(place)).is_some() || all.outcome(place).is_some();
        let never_seen = all.is_by_log_alone(place) && !says_more && !was_seen;
        if never_seen && self.rule != DropoutRule::LabelsFile {
            return Err(NO_EVENT_USED);
        }
        let not_over = if self.as_of_given && !over_by(0) { Err(NOT_OVER) } else { Ok(()) };
        // Where withdrawals are recorded, one who has none has not withdrawn: which is known when the course is over.
        let records = self.source.capabilities.withdrawals;
        match self.rule {
            DropoutRule::InactiveLast { .. } if !over_by(0) => Err(NOT_OVER),
            DropoutRule::NoActivityAfter { days } if !over_by(days) => Err(DAYS_AFTER_NOT_OVER),
            DropoutRule::InactiveLast { .. } | DropoutRule::NoActivityAfter { .. } => Ok(!self.active_in_window[place]),
            DropoutRule::Withdrawn | DropoutRule::WithdrawnOrFailed => {
                not_over?;
                // Those who withdrew are not labelled before those who did not: all would be dropouts.
                if records && !self.words_outcomes() && !over_by(0) {
                    return Err(NOT_OVER);
                }
                match (self.ended(place), self.rule) {
                    (Ended::With(kind), DropoutRule::Withdrawn) => Ok(kind == OutcomeKind::Withdrew),
                    (Ended::With(kind), _) => Ok(kind != OutcomeKind::Completed),
                    (Ended::AfterCourse, DropoutRule::Withdrawn) => Ok(false),
                    // Without a word on the outcome nobody knows whether the learner failed.
                    (Ended::AfterCourse, _) if self.words_outcomes() => Err(WITHDRAWN_LATE),
                    (Ended::Unknown, DropoutRule::WithdrawnOrFailed) if self.words_outcomes() => Err(NO_OUTCOME),
                    _ if records && over_by(0) => Ok(false),
                    _ if records => Err(NOT_OVER),
                    _ => Err(NO_OUTCOME),
                }
            }
            DropoutRule::NotCompleted => {
                not_over?;
                Ok(all.outcome(place).is_none_or(|outcome| outcome.kind != OutcomeKind::Completed))
            }
            DropoutRule::LabelsFile => {
                not_over?;
                all.dropout(place).ok_or("the labels do not name the enrolment")
            }
        }
    }

    /// Returns the first day on which everything is over that the label of an enrolment looks at.
    pub(crate) fn over_on(&self, place: usize) -> i32 {
        let days_after = match self.rule {
            DropoutRule::NoActivityAfter { days } => days,
            _ => 0,
        };
        self.ends_on(place).saturating_add_unsigned(days_after)
    }

    /// Returns the first day after the course of an enrolment.
    pub(crate) fn ends_on(&self, place: usize) -> i32 {
        let grid = &self.grids[self.source.roster.enrolments.course(place).as_usize()];
        grid.start_day.saturating_add_unsigned(grid.calendar_days)
    }
}
