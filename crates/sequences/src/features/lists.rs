//! The features in the order of their columns, each with its definition.

use staycast_events::Activity;

use super::{CONTENT, DAY_QUARTERS, Feature, Needs, Storage, WEEKDAYS, feature};

pub(super) fn core() -> Vec<Feature> {
    use Storage::{Float, Int};
    let mut list: Vec<Feature> = Activity::ALL
        .into_iter()
        .map(|activity| Feature {
            name: format!("n_{activity}"),
            unit: "events",
            meaning: format!("events of the week that are {}", activity.meaning()),
            storage: Int,
            needs: Needs::Days,
        })
        .collect();
    list.extend([
        feature("n_events", "events", Int, Needs::Days, "events of the week, of every activity"),
        feature("active_days", "days", Int, Needs::Days, "days of the week with an event"),
        feature("objects", "objects", Int, Needs::Objects, "distinct objects acted on in the week"),
        feature(
            "sessions",
            "sessions",
            Int,
            Needs::TimeOfDay,
            "sessions that began in the week; a gap over 30 minutes ends a session",
        ),
        feature(
            "seconds",
            "seconds",
            Int,
            Needs::TimeOfDay,
            "time on task: gaps of up to 30 minutes between events, counted in the week of the later event",
        ),
        feature(
            "days_since_last",
            "days",
            Float,
            Needs::Days,
            "from the last event before the week's end to the week's end; null before the first event",
        ),
    ]);
    list
}

pub(super) fn rhythm() -> Vec<Feature> {
    use Storage::Int;
    let mut list = vec![
        feature(
            "longest_session_seconds",
            "seconds",
            Int,
            Needs::TimeOfDay,
            "time on task in the longest session that began in the week, up to the week's end",
        ),
        feature(
            "first_active_day",
            "day of the course week, 0 to 6",
            Int,
            Needs::Days,
            "first day of the week with an event; null without one",
        ),
        feature(
            "last_active_day",
            "day of the course week, 0 to 6",
            Int,
            Needs::Days,
            "last day of the week with an event; null without one",
        ),
    ];
    list.extend((0..7).map(|day| {
        feature(&format!("n_day_{day}"), "events", Int, Needs::Days, &format!("events on day {day} of the course week"))
    }));
    list.extend(WEEKDAYS.iter().map(|day| {
        feature(&format!("n_weekday_{day}"), "events", Int, Needs::Dates, &format!("events on a {day} of the calendar"))
    }));
    list.extend(DAY_QUARTERS.iter().enumerate().map(|(quarter, name)| {
        let meaning = format!("events from {:02}:00 to {:02}:59", quarter * 6, quarter * 6 + 5);
        feature(&format!("n_{name}"), "events", Int, Needs::TimeOfDay, &meaning)
    }));
    list.extend([("cos", "midnight 1, noon -1"), ("sin", "six in the morning 1, six in the evening -1")].map(
        |(function, reading)| {
            let meaning = format!(
                "mean of {function}(2π h / 24) over the week's events, h the hour of day: {reading}; null in a week \
                 without events"
            );
            feature(&format!("hour_{function}"), "-1 to 1", Storage::Float, Needs::TimeOfDay, &meaning)
        },
    ));
    list
}

pub(super) fn shares() -> Vec<Feature> {
    Activity::ALL
        .into_iter()
        .map(|activity| Feature {
            name: format!("share_{activity}"),
            unit: "share, 0 to 1",
            meaning: format!("n_{activity} / n_events; null in a week without events"),
            storage: Storage::Float,
            needs: Needs::Days,
        })
        .collect()
}

pub(super) fn objects_and_work() -> Vec<Feature> {
    use Storage::{Float, Int};
    vec![
        feature(
            "release_delay_mean",
            "days",
            Float,
            Needs::Releases,
            "from an object's release to the learner's first access, mean over the objects first accessed in the week and \
             released by then; null without one",
        ),
        feature("release_delay_min", "days", Float, Needs::Releases, "the same, the least"),
        feature("release_delay_max", "days", Float, Needs::Releases, "the same, the greatest"),
        feature(
            "problems_attempted",
            "problems",
            Int,
            Needs::Objects,
            "distinct objects with a checked answer in the week or, where the source does not tell those, with any problem \
             event",
        ),
        feature(
            "problem_attempts",
            "events",
            Int,
            Needs::Attempts,
            "answers to problems that were checked in the week",
        ),
        feature(
            "problems_correct",
            "problems",
            Int,
            Needs::Correctness,
            "distinct problems with an answer in the week that was right",
        ),
        feature(
            "submissions_on_time",
            "submissions",
            Int,
            Needs::Submissions,
            "submissions of the week, on or before the due date or without one",
        ),
        feature(
            "submissions_late",
            "submissions",
            Int,
            Needs::Submissions,
            "submissions of the week after the due date",
        ),
        feature(
            "score_mean",
            "points, 0 to 100",
            Float,
            Needs::Submissions,
            "mean of the scores that became known in the week; null without one",
        ),
        feature(
            "total_score_mean",
            "points, 0 to 100",
            Float,
            Needs::Submissions,
            "mean of all scores known by the week's end; null without one",
        ),
        feature("total_submissions", "submissions", Int, Needs::Submissions, "submissions up to the week's end"),
        feature(
            "assessments_missing",
            "assessments",
            Int,
            Needs::Submissions,
            "assessments due before the week's end and not submitted by then",
        ),
    ]
}

pub(super) fn course_of_things() -> Vec<Feature> {
    use Storage::{Float, Int};
    vec![
        feature(
            "other_courses",
            "courses",
            Int,
            Needs::Learners,
            "the learner's other courses, enrolled in by then, with an event in the days of this week",
        ),
        feature("total_events", "events", Int, Needs::Days, "events from the course's start to the week's end"),
        feature("total_active_days", "days", Int, Needs::Days, "active days from the course's start to the week's end"),
        feature(
            "total_sessions",
            "sessions",
            Int,
            Needs::TimeOfDay,
            "sessions from the course's start to the week's end",
        ),
        feature(
            "total_seconds",
            "seconds",
            Int,
            Needs::TimeOfDay,
            "time on task from the course's start to the week's end",
        ),
        feature("change_events", "events", Int, Needs::Days, "n_events less the week before's; null in week 0"),
        feature(
            "silent_weeks",
            "weeks",
            Int,
            Needs::Days,
            "weeks without an event up to and including this one, in a row",
        ),
        feature(
            "rank_events",
            "share, 0 to 1",
            Float,
            Needs::Days,
            "share of the course's enrolments known by the week's end with fewer events this week, ties counting half",
        ),
        feature(
            "withdrawn",
            "0 or 1",
            Int,
            Needs::Withdrawals,
            "1 when the learner had withdrawn before the week's end",
        ),
    ]
}

/// What the learner turned to so far. Weekly shares jump about in weeks of few events; these settle.
pub(super) fn preference() -> Vec<Feature> {
    let names = CONTENT.map(Activity::name).join(", ");
    let mut list: Vec<Feature> = CONTENT
        .into_iter()
        .map(|activity| Feature {
            name: format!("preference_{activity}"),
            unit: "share, 0 to 1",
            meaning: format!(
                "share of {activity} in the learner's content events ({names}) from the course's start to the week's \
                 end; null before the first one"
            ),
            storage: Storage::Float,
            needs: Needs::Days,
        })
        .collect();
    list.push(feature(
        "preference_greatest",
        "share, 0 to 1",
        Storage::Float,
        Needs::Days,
        "the greatest of the preferences: 1 for a learner of one kind of content",
    ));
    list.push(feature(
        "preference_entropy",
        "bits",
        Storage::Float,
        Needs::Days,
        "entropy of the preferences, -Σ p log₂ p: 0 for one kind of content, log₂ 9 for all alike",
    ));
    list
}
