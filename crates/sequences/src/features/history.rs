//! Features of the course so far: running totals, changes, and comparisons with others.

use super::feature::{Feature, Storage, Value};
use super::needs::Needs;
use crate::count::WeekView;
use crate::earlier::Earlier;

pub(super) fn features() -> Vec<Feature> {
    use Storage::{Float, Int};
    vec![
        Feature::new(
            "other_courses",
            "courses",
            Int,
            Needs::Learners,
            "the learner's other courses, enrolled in by then, with an event in the days of this week",
            Value::Sometimes(|week, _| {
                let frame = week.frame;
                let peers = frame.peers?;
                Some(peers.other_courses(frame.roster, frame.grids, week.enrolment.as_usize(), week.week).into())
            }),
        ),
        Feature::new(
            "earlier_courses",
            "courses",
            Int,
            Needs::Learners,
            "the learner's other courses that were over by the week's end, or that the learner had withdrawn from by then; \
             inferred ends do not count, nor does a course of inferred dates before its first event",
            Value::Sometimes(|week, _| earlier(week).map(|earlier| earlier.courses.into())),
        ),
        Feature::new(
            "earlier_dropouts",
            "courses",
            Int,
            Needs::Learners,
            "of the earlier_courses, those that are known by the week's end to be dropouts",
            Value::Sometimes(|week, _| earlier(week).map(|earlier| earlier.dropouts.into())),
        ),
        Feature::new(
            "total_events",
            "events",
            Int,
            Needs::Days,
            "events from the course's start to the week's end",
            Value::Always(|week, _| week.totals.events as f64),
        ),
        Feature::new(
            "total_active_days",
            "days",
            Int,
            Needs::Days,
            "active days from the course's start to the week's end",
            Value::Always(|week, _| week.totals.active_days.into()),
        ),
        Feature::new(
            "total_sessions",
            "sessions",
            Int,
            Needs::TimeOfDay,
            "sessions from the course's start to the week's end",
            Value::Always(|week, _| week.totals.sessions as f64),
        ),
        Feature::new(
            "total_seconds",
            "seconds",
            Int,
            Needs::TimeOfDay,
            "time on task from the course's start to the week's end",
            Value::Always(|week, _| week.totals.seconds as f64),
        ),
        Feature::new(
            "change_events",
            "events",
            Int,
            Needs::Days,
            "n_events less the week before's; null in week 0",
            Value::Sometimes(|week, _| {
                let before = week.totals.events_of_week_before?;
                Some(f64::from(week.counts.events) - f64::from(before))
            }),
        ),
        Feature::new(
            "silent_weeks",
            "weeks",
            Int,
            Needs::Days,
            "weeks without an event up to and including this one, in a row",
            Value::Always(|week, _| week.totals.inactive_weeks.into()),
        ),
        Feature::new(
            "rank_events",
            "share, 0 to 1",
            Float,
            Needs::Days,
            "share of the course's enrolments known by the week's end with fewer events this week, ties counting half",
            Value::Sometimes(|week, _| {
                let frame = week.frame;
                frame.peers?.rank(frame.roster, frame.grids, week.enrolment.as_usize(), week.week)
            }),
        ),
        Feature::new(
            "withdrawn",
            "0 or 1",
            Int,
            Needs::Withdrawals,
            "1 when the learner had withdrawn before the week's end",
            Value::Always(|week, _| {
                let withdrawn = week.frame.roster.enrolments.withdrawn_seconds(week.enrolment.as_usize());
                let gone = withdrawn.is_some_and(|seconds| i64::from(seconds) < week.end_seconds());
                u32::from(gone).into()
            }),
        ),
    ]
}

/// Counts the courses that the learner has behind them.
fn earlier(week: &WeekView<'_>) -> Option<Earlier> {
    let frame = week.frame;
    frame.peers?.earlier_courses(frame.grids, week.enrolment.as_usize(), week.week)
}
