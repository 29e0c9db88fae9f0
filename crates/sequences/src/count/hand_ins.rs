//! Compares when assessments were submitted with when the course's other learners submitted them.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Roster, Submission};

/// Holds when every assessment's submissions were known, each learner's first: 4 bytes a submission.
pub(crate) struct HandIns {
    /// By assessment, ascending.
    by_assessment: Vec<Vec<i32>>,
}

/// Names an assessment that a learner submitted, and the instant from which that was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HandIn {
    pub(super) assessment: u32,
    /// In seconds from the course's start.
    seconds: i32,
}

impl HandIns {
    /// Sorts the submissions of `roster`.
    pub(crate) fn new(roster: &Roster) -> Self {
        let mut by_assessment = vec![Vec::new(); roster.assessments.len()];
        for of_learner in roster.submissions.chunk_by(|one, other| one.enrolment == other.enrolment) {
            for hand_in in first_hand_ins(roster, of_learner) {
                by_assessment[hand_in.assessment as usize].push(hand_in.seconds);
            }
        }
        by_assessment.iter_mut().for_each(|all: &mut Vec<i32>| all.sort_unstable());
        Self { by_assessment }
    }

    /// Computes the share of an assessment's submissions known before `end` that came on a later day, ties counting half.
    /// `None` where it was not known by then itself.
    pub(super) fn share_later(&self, own: HandIn, end: i64) -> Option<f64> {
        let known = self.known(own.assessment, end) as f64;
        (i64::from(own.seconds) < end).then(|| (known - self.ahead(own, end)) / known)
    }

    /// Computes the share of the `learners` of a course that submitted `assessment` later than one of them, who submitted it
    /// as `own` says, or not at all; ties count half. `None` where nobody had submitted it before `end`.
    pub(super) fn share_behind(&self, assessment: u32, own: Option<HandIn>, learners: usize, end: i64) -> Option<f64> {
        let known = self.known(assessment, end);
        let all = learners.max(known) as f64;
        let own = own.filter(|own| i64::from(own.seconds) < end);
        let behind = own.map_or_else(|| 0.5 * (all - known as f64), |own| all - self.ahead(own, end));
        (known > 0).then(|| behind / all)
    }

    /// Counts the submissions known before `end` that came on an earlier day, and half of those of the same day, itself among
    /// them.
    fn ahead(&self, own: HandIn, end: i64) -> f64 {
        let day = i64::from(own.seconds).div_euclid(DAY_SECONDS);
        let before = |day: i64| self.known(own.assessment, end.min(day * DAY_SECONDS)) as f64;
        f64::midpoint(before(day), before(day + 1))
    }

    fn known(&self, assessment: u32, end: i64) -> usize {
        self.by_assessment[assessment as usize].partition_point(|&seconds| i64::from(seconds) < end)
    }
}

/// Lists the assessments that one learner's `submissions` are of, ascending, each with the instant from which the first of
/// them was known: until the learner was enrolled, the course did not know whose it was. Results carried over from an
/// earlier run are left out.
pub(super) fn first_hand_ins(roster: &Roster, submissions: &[Submission]) -> Vec<HandIn> {
    let hand_in = |submission: &Submission| {
        let enrolled = roster.enrolments.enrolled_seconds(submission.enrolment.as_usize());
        let seconds = submission.seconds.max(enrolled.unwrap_or(i32::MIN));
        HandIn { assessment: submission.assessment, seconds }
    };
    let mut all: Vec<HandIn> = submissions.iter().filter(|submission| !submission.banked).map(hand_in).collect();
    all.sort_unstable();
    all.dedup_by_key(|hand_in| hand_in.assessment);
    all
}
