//! Features of assignments that were submitted, their scores, and what is missing.

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;
use crate::count::WeekView;

pub(super) fn features() -> Vec<Feature> {
    use Storage::{Float, Int};
    vec![
        Feature::new(
            "submissions_on_time",
            "submissions",
            Int,
            Needs::Submissions,
            "submissions of the week, on or before the due date or without one",
            Value::Always(|week, _| count_of_week(week, false)),
        ),
        Feature::new(
            "submissions_late",
            "submissions",
            Int,
            Needs::Submissions,
            "submissions of the week after the due date",
            Value::Always(|week, _| count_of_week(week, true)),
        ),
        Feature::new(
            "score_mean",
            "points, 0 to 100",
            Float,
            Needs::Submissions,
            "mean of the scores that became known in the week; null without one",
            Value::Sometimes(|week, _| {
                week.submissions.mean_score(week.grid.start_seconds(week.week)..week.end_seconds())
            }),
        ),
        Feature::new(
            "total_score_mean",
            "points, 0 to 100",
            Float,
            Needs::Submissions,
            "mean of all scores known by the week's end; null without one",
            Value::Sometimes(|week, _| week.submissions.mean_score(i64::MIN..week.end_seconds())),
        ),
        Feature::new(
            "total_submissions",
            "submissions",
            Int,
            Needs::Submissions,
            "submissions up to the week's end",
            Value::Always(|week, _| week.submissions.made(i64::MIN..week.end_seconds()).count() as f64),
        ),
        Feature::new(
            "assessments_missing",
            "assessments",
            Int,
            Needs::Submissions,
            "assessments due before the week's end and not submitted by then",
            Value::Always(|week, _| week.submissions.missing(week.end_seconds()) as f64),
        ),
        Feature::new(
            "submitted_share",
            "share, 0 to 1",
            Float,
            Needs::Submissions,
            "share of the assessments due before the week's end that were submitted by then; null while none was due",
            Value::Sometimes(|week, _| week.submissions.share_submitted(week.end_seconds())),
        ),
        Feature::new(
            "submission_days_early",
            "days, -30 to 30",
            Float,
            Needs::Submissions,
            "mean days from submission to due day, up to the week's end; null without any",
            Value::Sometimes(|week, _| week.submissions.days_early(week.end_seconds())),
        ),
        Feature::new(
            "score_standing",
            "standard deviations",
            Float,
            Needs::Submissions,
            "mean of (score - m) / (s + 5) over all scores known by the week's end, with the mean m and the standard \
             deviation s of the same assessment's scores that the course knew by then; null without a score",
            Value::Sometimes(|week, _| week.submissions.mean_standing(week.end_seconds())),
        ),
        Feature::new(
            "score_standing_least",
            "standard deviations",
            Float,
            Needs::Submissions,
            "least of the standings of which score_standing is the mean; null without a score",
            Value::Sometimes(|week, _| week.submissions.least_standing(week.end_seconds())),
        ),
        Feature::new(
            "last_due_submitted",
            "share, 0 to 1",
            Float,
            Needs::Submissions,
            "share submitted of the assessments that were due last before the week's end; null while none was due",
            Value::Sometimes(|week, _| week.submissions.share_of_last_submitted(week.end_seconds())),
        ),
        Feature::new(
            "last_due_days_early",
            "days, -30 to 30",
            Float,
            Needs::Submissions,
            "submission_days_early of the assessments that were due last before the week's end; null without any",
            Value::Sometimes(|week, _| week.submissions.days_early_of_last(week.end_seconds())),
        ),
        Feature::new(
            "last_due_standing",
            "standard deviations",
            Float,
            Needs::Submissions,
            "score_standing in the assessments that were due last before the week's end; null without a score in them",
            Value::Sometimes(|week, _| week.submissions.standing_in_last(week.end_seconds())),
        ),
        Feature::new(
            "submission_rank",
            "share, 0 to 1",
            Float,
            Needs::Submissions,
            "mean over the learner's submissions by the week's end of the share of the same assessment's submissions by then \
             that came on a later day, ties counting half; null without one",
            Value::Sometimes(|week, _| week.submissions.share_later(week.end_seconds())),
        ),
        Feature::new(
            "submission_rank_in_course",
            "share, 0 to 1",
            Float,
            Needs::Submissions,
            "mean over the assessments that were due before the week's end, and submitted by anyone, of the share of the \
             course's enrolments known by then that submitted on a later day or not at all, ties counting half; null while \
             there is none",
            Value::Sometimes(|week, _| {
                let frame = week.frame;
                let learners = frame.peers?.known(frame.roster, frame.grids, week.enrolment.as_usize(), week.week)?;
                week.submissions.share_behind(learners, week.end_seconds())
            }),
        ),
    ]
}

/// Counts the submissions of the week that are late, or those that are not.
fn count_of_week(week: &WeekView<'_>, late: bool) -> f64 {
    let made = week.submissions.made(week.grid.start_seconds(week.week)..week.end_seconds());
    made.filter(|submission| week.submissions.is_late(submission) == late).count() as f64
}
