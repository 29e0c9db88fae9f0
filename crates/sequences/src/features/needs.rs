//! Names what a source must know for a feature to have values.

use staycast_events::Capabilities;

/// Names the fact that a source must know for a feature to have values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing beyond events with a day.
    Days,
    /// The time of day of each event.
    TimeOfDay,
    /// Objects that events act on.
    Objects,
    /// Dates on which objects were released.
    Releases,
    /// Calendar dates that are real, not nominal.
    Dates,
    /// Learners identified across courses.
    Learners,
    /// Attempts at problems that were right, and which problems.
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
    /// Tells whether a source of these capabilities can fill the feature.
    #[must_use]
    pub(crate) const fn met_by(self, capabilities: &Capabilities) -> bool {
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

    /// Describes why the feature is null where the need is not met.
    #[must_use]
    pub(crate) const fn lack(self) -> &'static str {
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
