//! Finds an enrolment's submissions, and what was due.

use std::ops::Range;

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Assessment, EnrolmentIndex, Submission};

use super::frame::Frame;
use super::hand_ins::{HandIn, HandIns, first_hand_ins};
use super::standings::AssessmentScores;

/// Bounds the days that a submission is counted early or late.
const MOST_DAYS_EARLY: i64 = 30;

/// Holds an enrolment's submissions, and the assessments that its course wants submitted.
pub(crate) struct Submissions<'a> {
    submissions: &'a [Submission],
    due: &'a [(u32, &'a Assessment)],
    assessments: &'a [Assessment],
    scores: &'a AssessmentScores,
    hand_ins: &'a HandIns,
    /// The first submission of each assessment.
    first: Vec<HandIn>,
    score_lag_seconds: i64,
}

impl<'a> Submissions<'a> {
    /// Finds those of `enrolment`.
    pub(crate) fn for_enrolment(frame: &'a Frame<'_>, enrolment: EnrolmentIndex) -> Self {
        let all = &frame.roster.submissions;
        let start = all.partition_point(|submission| submission.enrolment < enrolment);
        let end = all.partition_point(|submission| submission.enrolment <= enrolment);
        let course = frame.roster.enrolments.course(enrolment.as_usize()).as_usize();
        Self {
            submissions: &all[start..end],
            due: frame.due.get(course).map_or(&[], Vec::as_slice),
            assessments: &frame.roster.assessments,
            scores: &frame.scores,
            hand_ins: &frame.hand_ins,
            first: first_hand_ins(frame.roster, &all[start..end]),
            score_lag_seconds: i64::from(frame.score_lag_days) * DAY_SECONDS,
        }
    }

    /// Lists the enrolment's own submissions made in `seconds`, not those carried over from an earlier course.
    pub(crate) fn made(&self, seconds: Range<i64>) -> impl Iterator<Item = &'a Submission> {
        self.own().filter(move |submission| seconds.contains(&i64::from(submission.seconds)))
    }

    /// Tells whether a submission came after its assessment's due day.
    pub(crate) fn is_late(&self, submission: &Submission) -> bool {
        let due = self.assessments[submission.assessment as usize].due_day;
        due.is_some_and(|due| i64::from(submission.seconds).div_euclid(DAY_SECONDS) > i64::from(due))
    }

    /// Returns the mean of the scores that became known in `seconds`; `None` without one.
    pub(crate) fn mean_score(&self, seconds: Range<i64>) -> Option<f64> {
        let lag = self.score_lag_seconds;
        let known = self.own().filter(|submission| seconds.contains(&(i64::from(submission.seconds) + lag)));
        mean(known.filter_map(|submission| submission.score).map(f64::from))
    }

    /// Counts the assessments that were due before `end` and not submitted by then.
    pub(crate) fn missing(&self, end: i64) -> usize {
        self.due_before(end).filter(|&(number, _)| !self.is_submitted(number, end)).count()
    }

    /// Returns the share of the assessments due before `end` that were submitted by then; `None` while none was due.
    pub(crate) fn share_submitted(&self, end: i64) -> Option<f64> {
        self.share_of(self.due_before(end).map(|(number, _)| number), end)
    }

    /// Returns the share of the assessments due last before `end` that were submitted by then; `None` while none was due.
    pub(crate) fn share_of_last_submitted(&self, end: i64) -> Option<f64> {
        self.share_of(self.due_last(end), end)
    }

    /// Returns the mean days by which submissions before `end` were early, late ones below 0, each within 30 days; `None`
    /// without one that has a due day.
    pub(crate) fn days_early(&self, end: i64) -> Option<f64> {
        mean(self.made(i64::MIN..end).filter_map(|submission| self.days_before_due(submission)))
    }

    /// Returns the [days](Submissions::days_early) of the assessments due last before `end`.
    pub(crate) fn days_early_of_last(&self, end: i64) -> Option<f64> {
        let of_last = self.made(i64::MIN..end).filter(|submission| self.is_due_last(submission, end));
        mean(of_last.filter_map(|submission| self.days_before_due(submission)))
    }

    /// Returns the mean of the shares of submissions that came [later](HandIns::share_later) than the enrolment's own ones
    /// before `end`; `None` without one.
    pub(crate) fn share_later(&self, end: i64) -> Option<f64> {
        mean(self.first.iter().filter_map(|&own| self.hand_ins.share_later(own, end)))
    }

    /// Returns the mean, over the assessments due before `end`, of the shares of `learners` that are
    /// [behind](HandIns::share_behind) in them; `None` while none was due that anybody submitted. Results carried over from
    /// an earlier run compare with nothing.
    pub(crate) fn share_behind(&self, learners: usize, end: i64) -> Option<f64> {
        let banked: Vec<u32> =
            self.submissions.iter().filter(|submission| submission.banked).map(|banked| banked.assessment).collect();
        let due = self.due_before(end).map(|(number, _)| number).filter(|number| !banked.contains(number));
        let own = |number: u32| {
            let place = self.first.binary_search_by_key(&number, |own| own.assessment);
            place.ok().map(|place| self.first[place])
        };
        mean(due.filter_map(|number| self.hand_ins.share_behind(number, own(number), learners, end)))
    }

    /// Returns the mean [standing](AssessmentScores::standing) of the scores that are known before `end`; `None` without one.
    pub(crate) fn mean_standing(&self, end: i64) -> Option<f64> {
        mean(self.standings(end))
    }

    /// Returns the least standing of the scores that are known before `end`; `None` without one.
    pub(crate) fn least_standing(&self, end: i64) -> Option<f64> {
        self.standings(end).reduce(f64::min)
    }

    fn standings(&self, end: i64) -> impl Iterator<Item = f64> {
        self.known_before(end).filter_map(move |submission| self.scores.standing(submission, end))
    }

    /// Returns the mean standing in the assessments due last before `end`; `None` without a score in them.
    pub(crate) fn standing_in_last(&self, end: i64) -> Option<f64> {
        let of_last = self.known_before(end).filter(|submission| self.is_due_last(submission, end));
        mean(of_last.filter_map(|submission| self.scores.standing(submission, end)))
    }

    fn known_before(&self, end: i64) -> impl Iterator<Item = &'a Submission> {
        let lag = self.score_lag_seconds;
        self.own().filter(move |submission| i64::from(submission.seconds) + lag < end)
    }

    /// Lists the assessments that were due before `end`, with their numbers and due days.
    fn due_before(&self, end: i64) -> impl Iterator<Item = (u32, i32)> {
        let with_days = self.due.iter().filter_map(|&(number, assessment)| Some((number, assessment.due_day?)));
        with_days.filter(move |&(_, due)| is_over(due, end))
    }

    /// Lists the numbers of the assessments due last before `end`: on the latest of their due days.
    fn due_last(&self, end: i64) -> impl Iterator<Item = u32> {
        let last = self.due_before(end).map(|(_, due)| due).max();
        self.due_before(end).filter(move |&(_, due)| Some(due) == last).map(|(number, _)| number)
    }

    fn is_due_last(&self, submission: &Submission, end: i64) -> bool {
        self.due_last(end).any(|number| number == submission.assessment)
    }

    fn is_submitted(&self, assessment: u32, end: i64) -> bool {
        let mut of_it = self.submissions.iter().filter(|submission| submission.assessment == assessment);
        of_it.any(|submission| submission.banked || i64::from(submission.seconds) < end)
    }

    fn share_of(&self, assessments: impl Iterator<Item = u32>, end: i64) -> Option<f64> {
        mean(assessments.map(|number| f64::from(u8::from(self.is_submitted(number, end)))))
    }

    fn days_before_due(&self, submission: &Submission) -> Option<f64> {
        let due = i64::from(self.assessments[submission.assessment as usize].due_day?);
        let early = due - i64::from(submission.seconds).div_euclid(DAY_SECONDS);
        Some(early.clamp(-MOST_DAYS_EARLY, MOST_DAYS_EARLY) as f64)
    }

    fn own(&self) -> impl Iterator<Item = &'a Submission> {
        self.submissions.iter().filter(|submission| !submission.banked)
    }
}

/// Tells whether a due day is over by `end`.
fn is_over(due_day: i32, end: i64) -> bool {
    (i64::from(due_day) + 1) * DAY_SECONDS <= end
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
