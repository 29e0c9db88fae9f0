//! Features of what was handed in.

use staycast_events::time::DAY_SECONDS;
use staycast_events::{Assessment, Submission};
use staycast_weeks::WeekIndex;

use super::Frame;
use super::values::{or_null, when};
use crate::grid::CourseGrid;

/// An enrolment's submissions, and what its course wants handed in.
pub(super) struct Work<'a> {
    submissions: &'a [Submission],
    due: &'a [(u32, &'a Assessment)],
    assessments: &'a [Assessment],
}

impl<'a> Work<'a> {
    pub(super) fn of(frame: &'a Frame<'_>, place: u32) -> Self {
        let all = &frame.roster.submissions;
        let start = all.partition_point(|submission| submission.enrolment.0 < place);
        let end = all.partition_point(|submission| submission.enrolment.0 <= place);
        let course = frame.roster.enrolments[place as usize].course.as_usize();
        Self {
            submissions: &all[start..end],
            due: frame.due.get(course).map_or(&[], Vec::as_slice),
            assessments: &frame.roster.assessments,
        }
    }
}

/// Submissions, scores, and what is missing, as of the end of `week`.
pub(super) fn work_values(
    frame: &Frame<'_>,
    grid: &CourseGrid,
    work: &Work<'_>,
    week: WeekIndex,
    values: &mut Vec<f64>,
) {
    let capabilities = &frame.capabilities;
    let (from, end) = (grid.start_seconds(week), grid.end_seconds(week));
    let own = || work.submissions.iter().filter(|submission| !submission.banked);
    let late = |submission: &Submission| {
        let due = work.assessments[submission.assessment as usize].due_day;
        due.is_some_and(|due| i64::from(submission.seconds).div_euclid(DAY_SECONDS) > i64::from(due))
    };
    let here = || own().filter(|submission| (from..end).contains(&i64::from(submission.seconds)));
    let lates = here().filter(|&submission| late(submission)).count();
    values.push(when(capabilities.submissions, (here().count() - lates) as f64));
    values.push(when(capabilities.submissions, lates as f64));
    let lag = i64::from(frame.score_lag_days) * DAY_SECONDS;
    let scores = |from: i64| {
        let known = own().filter(move |submission| (from..end).contains(&(i64::from(submission.seconds) + lag)));
        mean(known.filter_map(|submission| submission.score))
    };
    values.push(when(capabilities.submissions, or_null(scores(from))));
    values.push(when(capabilities.submissions, or_null(scores(i64::MIN))));
    let so_far = own().filter(|submission| i64::from(submission.seconds) < end).count();
    values.push(when(capabilities.submissions, so_far as f64));
    let handed_in = |assessment: u32| {
        let same = |submission: &&Submission| submission.assessment == assessment;
        work.submissions.iter().filter(same).any(|submission| submission.banked || i64::from(submission.seconds) < end)
    };
    let due_by_now = |due: i32| i64::from(due + 1) * DAY_SECONDS <= end;
    let missing =
        work.due.iter().filter(|(place, assessment)| assessment.due_day.is_some_and(due_by_now) && !handed_in(*place));
    values.push(when(capabilities.submissions, missing.count() as f64));
}

fn mean(scores: impl Iterator<Item = f32>) -> Option<f64> {
    let (sum, count) = scores.fold((0.0, 0_u32), |(sum, count), score| (sum + f64::from(score), count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
