//! What a source can know at all, so that what it cannot know is null and never zero.

use serde::{Deserialize, Serialize};

/// What a log of some format, as given, can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knows {
    /// The time of day of each event; without it there are no sessions and no seconds.
    pub time_of_day: bool,
    /// What was acted on.
    pub objects: bool,
    /// When objects were released.
    pub releases: bool,
    /// Calendar dates; without them a course's start is nominal and weekdays are unknown.
    pub dates: bool,
    /// Who the learner is across courses.
    pub learners: bool,
    /// Whether attempts at problems were right.
    pub correctness: bool,
    /// Submissions of assignments, with due dates and scores where there are any.
    pub submissions: bool,
    /// Withdrawals, with their days.
    pub withdrawals: bool,
}
