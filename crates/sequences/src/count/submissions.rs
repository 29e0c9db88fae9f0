//! Finds an enrolment's submissions, and what was due.

use std::ops::Range;

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Assessment, EnrolmentIndex, Submission};

use super::frame::Frame;

/// Holds an enrolment's submissions, and the assessments that its course wants submitted.
pub(crate) struct Submissions<'a> {
    submissions: &'a [Submission],
    due: &'a [(u32, &'a Assessment)],
    assessments: &'a [Assessment],
    score_lag_seconds: i64,
}

impl<'a> Submissions<'a> {
    /// Finds those of `enrolment`.
    pub(crate) fn for_enrolment(frame: &'a Frame<'_>, enrolment: EnrolmentIndex) -> Self {
        let all = &frame.roster.submissions;
        let start = all.partition_point(|submission| submission.enrolment < enrolment);
        let end = all.partition_point(|submission| submission.enrolment <= enrolment);
        let course = frame.roster.enrolments[enrolment.as_usize()].course.as_usize();
        Self {
            submissions: &all[start..end],
            due: frame.due.get(course).map_or(&[], Vec::as_slice),
            assessments: &frame.roster.assessments,
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
        let scores = known.filter_map(|submission| submission.score);
        let (sum, count) = scores.fold((0.0, 0_u32), |(sum, count), score| (sum + f64::from(score), count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// Counts the assessments that were due before `end` and not submitted by then.
    pub(crate) fn missing(&self, end: i64) -> usize {
        let is_due = |due: i32| i64::from(due + 1) * DAY_SECONDS <= end;
        let is_submitted = |assessment: u32| {
            let same = |submission: &&Submission| submission.assessment == assessment;
            let mut of_it = self.submissions.iter().filter(same);
            of_it.any(|submission| submission.banked || i64::from(submission.seconds) < end)
        };
        let missing = |(number, assessment): &&(u32, &Assessment)| {
            assessment.due_day.is_some_and(is_due) && !is_submitted(*number)
        };
        self.due.iter().filter(missing).count()
    }

    fn own(&self) -> impl Iterator<Item = &'a Submission> {
        self.submissions.iter().filter(|submission| !submission.banked)
    }
}
