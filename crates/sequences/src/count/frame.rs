//! Holds what is the same for every enrolment.

use staycast_events::{Assessment, Capabilities, EventKind, Roster};

use super::hand_ins::HandIns;
use super::marks::Marks;
use super::standings::AssessmentScores;
use crate::grid::CourseGrid;
use crate::peers::Peers;

/// Holds the facts that are the same for every enrolment.
pub(crate) struct Frame<'a> {
    pub(crate) roster: &'a Roster,
    /// By course.
    pub(crate) grids: &'a [CourseGrid],
    pub(crate) kinds: &'a [EventKind],
    /// Of these kinds.
    pub(crate) marks: Marks,
    pub(crate) capabilities: Capabilities,
    /// Days from a submission to the day its score is known.
    pub(crate) score_lag_days: u32,
    /// Gathered when every feature is asked for. Without, only what the core features need is counted: they compare with
    /// no one.
    pub(crate) peers: Option<&'a Peers>,
    /// Assessments with a due day and their numbers, by course.
    pub(crate) due: Vec<Vec<(u32, &'a Assessment)>>,
    /// What each assessment's scores were, as they became known.
    pub(crate) scores: AssessmentScores,
    /// When each assessment's submissions came.
    pub(crate) hand_ins: HandIns,
}

/// Lists the assessments of `roster` that have a due day, with their numbers, by course.
pub(crate) fn dated_assessments(roster: &Roster) -> Vec<Vec<(u32, &Assessment)>> {
    let mut due = vec![Vec::new(); roster.courses.len()];
    for (assessment, number) in roster.assessments.iter().zip(0..) {
        if assessment.due_day.is_some() {
            due[assessment.course.as_usize()].push((number, assessment));
        }
    }
    due
}
