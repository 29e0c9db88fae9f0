//! The features of an enrolment-week: names, units and meanings, in the order of the columns.
//!
//! A feature of week w depends only on what happened before the end of week w (invariant 1). Which features a source
//! can know is decided by its [`Capabilities`]; a feature it cannot know is a column of nulls, and says so in the manifest.

mod engagement;
mod lists;

use serde::{Deserialize, Serialize};
use staycast_events::{Activity, Capabilities};

pub(crate) use engagement::COLUMNS as ENGAGEMENT_COLUMNS;

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
    /// Whether attempts at problems were right, and which problems.
    Correctness,
    /// Submissions of assignments.
    Submissions,
    /// Withdrawals.
    Withdrawals,
    /// Checked answers to problems.
    Attempts,
    /// Checked answers to problems, and which problems they are answers to.
    AttemptsAtObjects,
    /// That videos were set going, and which.
    VideosPlayed,
    /// Threads begun in the forum.
    Posts,
    /// Answers to threads.
    Responses,
    /// Comments on answers.
    Comments,
    /// Votes given.
    Votes,
    /// Votes received.
    VotesReceived,
    /// Pages of textbooks opened.
    TextbookPages,
    /// Anything that edX's report of weekly engagement counts.
    Engagement,
}

impl Needs {
    /// Whether a source that knows `knows` can fill the feature.
    #[must_use]
    pub const fn met_by(self, capabilities: &Capabilities) -> bool {
        match self {
            Self::Days => true,
            Self::TimeOfDay => capabilities.time_of_day,
            Self::Objects => capabilities.objects,
            Self::Releases => capabilities.releases,
            Self::Dates => capabilities.dates,
            Self::Learners => capabilities.learners,
            Self::Correctness => capabilities.correctness && capabilities.objects,
            Self::Submissions => capabilities.submissions,
            Self::Withdrawals => capabilities.withdrawals,
            Self::Attempts => capabilities.attempts,
            Self::AttemptsAtObjects => capabilities.attempts && capabilities.objects,
            Self::VideosPlayed => capabilities.videos_played && capabilities.objects,
            Self::Posts => capabilities.posts,
            Self::Responses => capabilities.responses,
            Self::Comments => capabilities.comments,
            Self::Votes => capabilities.votes,
            Self::VotesReceived => capabilities.votes_received,
            Self::TextbookPages => capabilities.textbook_pages,
            Self::Engagement => capabilities.any_engagement(),
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
            Self::Correctness => "the source does not say which attempts at which problems were right",
            Self::Submissions => "the source has no submissions",
            Self::Withdrawals => "the source has no withdrawals",
            Self::Attempts => "the source does not tell attempts from other events of problems",
            Self::AttemptsAtObjects => "the source does not tell attempts, or not at which problems",
            Self::VideosPlayed => "the source does not say that videos were set going, or not which",
            Self::Posts => "the source does not tell new threads from other posts",
            Self::Responses => "the source does not tell answers to threads from other posts",
            Self::Comments => "the source does not tell comments on answers from other posts",
            Self::Votes => "the source has no votes",
            Self::VotesReceived => "the source does not say who received a vote",
            Self::TextbookPages => "the source does not say which pages of textbooks were opened",
            Self::Engagement => "the source has nothing that edX's report of weekly engagement counts",
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

/// Activities that are about the course's content, and not about finding it: what a preference can be for.
pub const CONTENT: [Activity; 9] = [
    Activity::Access,
    Activity::Video,
    Activity::Problem,
    Activity::Discussion,
    Activity::Post,
    Activity::Wiki,
    Activity::Submission,
    Activity::Download,
    Activity::Live,
];

/// The features of `set`, in column order.
#[must_use]
pub fn features(set: FeatureSet) -> Vec<Feature> {
    let mut list = lists::core();
    if set == FeatureSet::All {
        list.extend(lists::rhythm());
        list.extend(lists::shares());
        list.extend(lists::objects_and_work());
        list.extend(lists::course_of_things());
        list.extend(lists::preference());
        list.extend(engagement::features());
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_core_comes_first() {
        let all = features(FeatureSet::All);
        let core = features(FeatureSet::Core);
        assert!(all.iter().all(|feature| !feature.meaning.is_empty() && !feature.unit.is_empty()));
        assert_eq!(all[..core.len()], core[..]);
        let names: HashSet<&str> = all.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }
}
