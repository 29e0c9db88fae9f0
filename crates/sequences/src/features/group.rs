//! Groups of features that say the same kind of thing, which models read together or not at all.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a group of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureGroup {
    /// Events of the week by activity, and the source's own kinds.
    Counts,
    /// Active days, and days since the last event.
    Presence,
    /// Objects and problems acted on.
    Objects,
    /// Sessions and time on task.
    TimeOnTask,
    /// Events by day of the course week.
    CourseDays,
    /// Events by day of the calendar's week.
    Weekdays,
    /// Events by hour of the day.
    Hours,
    /// Shares of the activities in the week's events.
    Shares,
    /// Delays between the release of objects and their first use.
    Releases,
    /// Submissions handed in, late and missing.
    Submissions,
    /// Place of submissions among those of others.
    SubmissionPlace,
    /// Scores, and where they stand among others'.
    Scores,
    /// Sums and changes over the weeks so far.
    History,
    /// Place among the learners of the course.
    Rank,
    /// The objects of the course that a learner prefers.
    Preference,
    /// The engagement measures of edX's pipeline.
    Engagement,
    /// Activity in other courses.
    OtherCourses,
    /// Courses that the learner has behind them.
    EarlierCourses,
    /// Whether the learner has withdrawn.
    Withdrawal,
}

impl FeatureGroup {
    /// Returns the name as people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counts => "counts of events",
            Self::Presence => "active days and recency",
            Self::Objects => "objects and problems",
            Self::TimeOnTask => "sessions and time",
            Self::CourseDays => "days of the course week",
            Self::Weekdays => "weekdays",
            Self::Hours => "hours of the day",
            Self::Shares => "shares of activities",
            Self::Releases => "delays after release",
            Self::Submissions => "submissions",
            Self::SubmissionPlace => "place among submissions",
            Self::Scores => "scores",
            Self::History => "sums so far",
            Self::Rank => "rank in the course",
            Self::Preference => "preferred objects",
            Self::Engagement => "edX engagement",
            Self::OtherCourses => "other courses",
            Self::EarlierCourses => "earlier courses",
            Self::Withdrawal => "withdrawal",
        }
    }
}

impl fmt::Display for FeatureGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Returns the group of feature `name`; `None` for a name that no feature has.
#[must_use]
pub fn group_of(name: &str) -> Option<FeatureGroup> {
    use FeatureGroup::{
        Counts, CourseDays, EarlierCourses, Engagement, History, Hours, Objects, OtherCourses, Preference, Presence,
        Rank, Releases, Scores, Shares, SubmissionPlace, Submissions, TimeOnTask, Weekdays, Withdrawal,
    };
    Some(match name {
        "active_days" | "days_since_last" => Presence,
        "objects" | "problems_attempted" | "problems_correct" | "problem_attempts" => Objects,
        "sessions" | "seconds" | "longest_session_seconds" | "total_sessions" | "total_seconds" => TimeOnTask,
        "first_active_day" | "last_active_day" => CourseDays,
        "n_night" | "n_morning" | "n_afternoon" | "n_evening" | "hour_cos" | "hour_sin" => Hours,
        "submissions_on_time"
        | "submissions_late"
        | "total_submissions"
        | "assessments_missing"
        | "submitted_share"
        | "submission_days_early"
        | "last_due_submitted"
        | "last_due_days_early" => Submissions,
        "submission_rank" | "submission_rank_in_course" => SubmissionPlace,
        "score_mean" | "total_score_mean" | "score_standing" | "score_standing_least" | "last_due_standing" => Scores,
        "total_events" | "total_active_days" | "change_events" | "silent_weeks" => History,
        "rank_events" => Rank,
        "other_courses" => OtherCourses,
        "earlier_courses" | "earlier_dropouts" => EarlierCourses,
        "withdrawn" => Withdrawal,
        _ => {
            let families = [
                ("n_day_", CourseDays),
                ("n_weekday_", Weekdays),
                ("n_", Counts),
                ("share_", Shares),
                ("release_delay_", Releases),
                ("preference_", Preference),
                ("engagement_", Engagement),
            ];
            families.into_iter().find(|(start, _)| name.starts_with(start))?.1
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::features;
    use super::*;
    use crate::feature_set::FeatureSet;

    #[test]
    fn every_feature_has_a_group_and_every_group_a_feature() {
        let groups: BTreeSet<FeatureGroup> = features(FeatureSet::All)
            .iter()
            .map(|feature| group_of(&feature.name).unwrap_or_else(|| panic!("{} has no group", feature.name)))
            .collect();
        assert_eq!(groups.len(), 19);
        let names: BTreeSet<&str> = groups.iter().map(|group| group.name()).collect();
        assert_eq!(names.len(), groups.len());
        assert_eq!(group_of("n_raw_play_video"), Some(FeatureGroup::Counts));
        assert_eq!(group_of("n_day_3"), Some(FeatureGroup::CourseDays));
        assert_eq!(group_of("shoe_size"), None);
    }
}
