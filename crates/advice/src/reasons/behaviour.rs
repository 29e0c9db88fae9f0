//! Behaviours: inputs that say the same kind of thing about what a learner does, in words that people know.

use std::fmt;

use serde::{Deserialize, Serialize};
use staycast_sequences::{FeatureGroup, group_of};

/// Names what a learner does, or what is known of the learner besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Days with a visit, and days without.
    Visits,
    /// Events of any kind.
    Activity,
    /// Sessions and time on task.
    StudyTime,
    /// Videos.
    Videos,
    /// Exercises and problems.
    Exercises,
    /// Pages, downloads, wiki and other material.
    Material,
    /// Forum: reading and writing.
    Forum,
    /// Assessments handed in, late or missing.
    Submissions,
    /// Scores.
    Scores,
    /// Hours of the day and days of the calendar's week.
    Timing,
    /// Activity in other courses, now and before.
    OtherCourses,
    /// Facts known at the start, and how far the course is.
    Background,
}

impl Behaviour {
    /// Lists all, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Visits,
        Self::Activity,
        Self::StudyTime,
        Self::Videos,
        Self::Exercises,
        Self::Material,
        Self::Forum,
        Self::Submissions,
        Self::Scores,
        Self::Timing,
        Self::OtherCourses,
        Self::Background,
    ];

    /// Returns the behaviour that a weekly feature tells of.
    #[must_use]
    pub fn of_feature(name: &str) -> Self {
        let activity = ["n_raw_", "n_", "share_", "preference_", "engagement_"];
        let group = group_of(name);
        match group {
            Some(FeatureGroup::Presence | FeatureGroup::CourseDays) => Self::Visits,
            Some(FeatureGroup::TimeOnTask) => Self::StudyTime,
            Some(FeatureGroup::Submissions | FeatureGroup::SubmissionPlace) => Self::Submissions,
            Some(FeatureGroup::Scores) => Self::Scores,
            Some(FeatureGroup::Weekdays | FeatureGroup::Hours) => Self::Timing,
            Some(FeatureGroup::OtherCourses | FeatureGroup::EarlierCourses) => Self::OtherCourses,
            Some(FeatureGroup::Releases) => Self::Material,
            Some(FeatureGroup::Rank) => Self::Activity,
            Some(FeatureGroup::History) if name == "silent_weeks" || name == "total_active_days" => Self::Visits,
            Some(FeatureGroup::History) => Self::Activity,
            Some(FeatureGroup::Objects) if name == "objects" => Self::Material,
            Some(FeatureGroup::Objects) => Self::Exercises,
            Some(FeatureGroup::Withdrawal) | None => Self::Background,
            Some(FeatureGroup::Counts | FeatureGroup::Shares | FeatureGroup::Preference | FeatureGroup::Engagement) => {
                let rest = activity.iter().find_map(|start| name.strip_prefix(start)).unwrap_or(name);
                Self::of_kind(rest)
            }
        }
    }

    /// Returns the behaviour of a kind of event, by the word for its activity or the source's own word.
    fn of_kind(kind: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
        if has(&["video", "lecture"]) {
            Self::Videos
        } else if has(&["submission", "assign"]) {
            Self::Submissions
        } else if has(&["problem", "quiz", "exercise", "question"]) {
            Self::Exercises
        } else if has(&["discussion", "post", "forum", "thread", "comment", "response", "vote"]) {
            Self::Forum
        } else if has(&["days_active"]) {
            Self::Visits
        } else if has(&["access", "wiki", "download", "page", "content", "resource", "textbook", "url", "glossary"])
            && kind != "page_close"
        {
            Self::Material
        } else {
            Self::Activity
        }
    }

    /// Returns its place in [`Behaviour::ALL`].
    #[must_use]
    pub fn number(self) -> usize {
        self as usize
    }

    /// Tells whether a learner can act on it, so that it may be given as a reason.
    #[must_use]
    pub const fn is_of_the_learner(self) -> bool {
        !matches!(self, Self::Timing | Self::OtherCourses | Self::Background)
    }

    /// Returns the name in files and policies.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Activity => "activity",
            Self::StudyTime => "study_time",
            Self::Videos => "videos",
            Self::Exercises => "exercises",
            Self::Material => "material",
            Self::Forum => "forum",
            Self::Submissions => "submissions",
            Self::Scores => "scores",
            Self::Timing => "timing",
            Self::OtherCourses => "other_courses",
            Self::Background => "background",
        }
    }

    /// Returns the name as people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Activity => "overall activity",
            Self::StudyTime => "study time",
            Self::Videos => "videos",
            Self::Exercises => "exercises",
            Self::Material => "course material",
            Self::Forum => "forum",
            Self::Submissions => "submissions",
            Self::Scores => "scores",
            Self::Timing => "times of day and week",
            Self::OtherCourses => "other courses",
            Self::Background => "start and calendar",
        }
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use staycast_sequences::{FeatureSet, features};

    use super::*;

    #[test]
    fn every_feature_has_a_behaviour_and_none_is_background_by_mistake() {
        let mut seen = BTreeSet::new();
        for feature in features(FeatureSet::All) {
            let behaviour = Behaviour::of_feature(&feature.name);
            assert_eq!(behaviour == Behaviour::Background, feature.name == "withdrawn", "{}", feature.name);
            seen.insert(behaviour);
        }
        assert_eq!(seen.len(), Behaviour::ALL.len(), "{seen:?}");
    }

    #[test]
    fn kinds_of_events_are_told_by_their_words() {
        for (feature, behaviour) in [
            ("n_video", Behaviour::Videos),
            ("share_video", Behaviour::Videos),
            ("preference_problem", Behaviour::Exercises),
            ("n_raw_play_video", Behaviour::Videos),
            ("n_raw_problem_check", Behaviour::Exercises),
            ("n_raw_forumng", Behaviour::Forum),
            ("n_post", Behaviour::Forum),
            ("engagement_upvotes_given", Behaviour::Forum),
            ("engagement_problem_attempts", Behaviour::Exercises),
            ("engagement_textbook_pages", Behaviour::Material),
            ("engagement_days_active", Behaviour::Visits),
            ("n_submission", Behaviour::Submissions),
            ("n_access", Behaviour::Material),
            ("n_page_close", Behaviour::Activity),
            ("n_events", Behaviour::Activity),
            ("change_events", Behaviour::Activity),
            ("total_active_days", Behaviour::Visits),
            ("n_weekday_sun", Behaviour::Timing),
            ("total_seconds", Behaviour::StudyTime),
            ("preference_entropy", Behaviour::Activity),
            ("problems_correct", Behaviour::Exercises),
        ] {
            assert_eq!(Behaviour::of_feature(feature), behaviour, "{feature}");
        }
    }

    #[test]
    fn numbers_are_places_and_keys_differ() {
        for (place, behaviour) in Behaviour::ALL.into_iter().enumerate() {
            assert_eq!(behaviour.number(), place);
            assert_eq!(serde_json::to_value(behaviour).unwrap(), behaviour.key());
        }
    }
}
