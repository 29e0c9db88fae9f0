//! The features of an enrolment-week: names, units and meanings, in the order of the columns.
//!
//! A feature of week w depends only on what happened before the end of week w (invariant 1). Which features a source
//! can know is decided by its [`Knows`]; a feature it cannot know is a column of nulls, and says so in the manifest.

use serde::{Deserialize, Serialize};
use staycast_events::{Activity, Knows};

/// Which features to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureSet {
    /// Counts, active days, distinct objects, sessions, seconds, and days since the last activity.
    Core,
    /// Every feature.
    #[default]
    All,
}

/// What a source must know for a feature to have values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing beyond events with a day.
    Days,
    /// The time of day of each event.
    TimeOfDay,
    /// What was acted on.
    Objects,
    /// When objects were released.
    Releases,
    /// Calendar dates that are real, not nominal.
    Dates,
    /// Who the learner is across courses.
    Learners,
    /// Whether attempts at problems were right.
    Correctness,
    /// Submissions of assignments.
    Submissions,
    /// Withdrawals.
    Withdrawals,
}

impl Needs {
    /// Whether a source that knows `knows` can fill the feature.
    #[must_use]
    pub const fn met_by(self, knows: &Knows) -> bool {
        match self {
            Self::Days => true,
            Self::TimeOfDay => knows.time_of_day,
            Self::Objects => knows.objects,
            Self::Releases => knows.releases,
            Self::Dates => knows.dates,
            Self::Learners => knows.learners,
            Self::Correctness => knows.correctness,
            Self::Submissions => knows.submissions,
            Self::Withdrawals => knows.withdrawals,
        }
    }

    /// Why the feature is null when the need is not met, in words.
    #[must_use]
    pub const fn lack(self) -> &'static str {
        match self {
            Self::Days => "",
            Self::TimeOfDay => "the source has no time of day",
            Self::Objects => "the source does not say what was acted on",
            Self::Releases => "the source does not say when objects were released",
            Self::Dates => "the source has no calendar dates",
            Self::Learners => "the source does not identify learners across courses",
            Self::Correctness => "the source does not say which attempts were right",
            Self::Submissions => "the source has no submissions",
            Self::Withdrawals => "the source has no withdrawals",
        }
    }
}

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// 32-bit signed integer: counts, whole seconds.
    Int,
    /// 32-bit float: shares, means, fractional days.
    Float,
}

/// One feature column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Column name.
    pub name: String,
    /// Unit of the values.
    pub unit: &'static str,
    /// What the value is, in words.
    pub meaning: String,
    /// Column type.
    pub storage: Storage,
    /// What the source must know.
    pub needs: Needs,
}

fn feature(name: &str, unit: &'static str, storage: Storage, needs: Needs, meaning: &str) -> Feature {
    Feature { name: name.to_owned(), unit, meaning: meaning.to_owned(), storage, needs }
}

/// Names of the days of the week, Monday first, as used in column names.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The quarters of the day as used in column names; quarter q holds the hours 6q to 6q + 5.
pub const DAY_QUARTERS: [&str; 4] = ["night", "morning", "afternoon", "evening"];

/// The features of `set`, in column order.
#[must_use]
pub fn features(set: FeatureSet) -> Vec<Feature> {
    let mut list = core();
    if set == FeatureSet::All {
        list.extend(rhythm());
        list.extend(shares());
        list.extend(objects_and_work());
        list.extend(course_of_things());
    }
    list
}

fn core() -> Vec<Feature> {
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

fn rhythm() -> Vec<Feature> {
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
    list
}

fn shares() -> Vec<Feature> {
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

fn objects_and_work() -> Vec<Feature> {
    use Storage::{Float, Int};
    vec![
        feature(
            "release_delay_mean",
            "days",
            Float,
            Needs::Releases,
            "from an object's release to the learner's first access, mean over the objects first accessed in the week; null without one",
        ),
        feature("release_delay_min", "days", Float, Needs::Releases, "the same, the least"),
        feature("release_delay_max", "days", Float, Needs::Releases, "the same, the greatest"),
        feature(
            "problems_attempted",
            "problems",
            Int,
            Needs::Objects,
            "distinct objects with a problem event in the week",
        ),
        feature(
            "problems_correct",
            "problems",
            Int,
            Needs::Correctness,
            "distinct problems answered right in the week",
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

fn course_of_things() -> Vec<Feature> {
    use Storage::{Float, Int};
    vec![
        feature(
            "other_courses",
            "courses",
            Int,
            Needs::Learners,
            "the learner's other courses with an event in the days of this week",
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_core_comes_first() {
        let all = features(FeatureSet::All);
        let core = features(FeatureSet::Core);
        assert_eq!(all[..core.len()], core[..]);
        let names: HashSet<&str> = all.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }
}
