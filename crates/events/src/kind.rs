//! Kinds of event: the source's name for what happened, the activity it counts as, and what else it tells.

use crate::Activity;

/// A kind of event as the source names it, and the activity it counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The source's name.
    pub raw: String,
    /// What it counts as.
    pub activity: Activity,
    /// What it tells beyond that.
    pub detail: Detail,
}

impl Kind {
    /// A kind that tells nothing beyond its activity.
    #[must_use]
    pub fn new(raw: impl Into<String>, activity: Activity) -> Self {
        Self { raw: raw.into(), activity, detail: Detail::Nothing }
    }

    /// The kind with what it tells beyond its activity.
    #[must_use]
    pub fn with_detail(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }
}

/// What a kind of event tells beyond its activity, for the features that rest on it. Problems and videos are told
/// apart by the event's object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Detail {
    /// Nothing.
    #[default]
    Nothing,
    /// An answer to a problem was checked and was not right, or not all of it.
    AttemptWrong,
    /// An answer to a problem was checked and was right.
    AttemptRight,
    /// An answer to a problem was checked; the source does not say how it went.
    Attempt,
    /// A video was set going.
    VideoPlayed,
    /// A thread was begun in the forum.
    Post,
    /// A thread was answered.
    Response,
    /// An answer was commented on.
    Comment,
    /// A contribution was voted up, by this learner.
    UpvoteGiven,
    /// A contribution of this learner was voted up by someone.
    UpvoteReceived,
    /// A contribution was voted down, by this learner.
    DownvoteGiven,
    /// A contribution of this learner was voted down by someone.
    DownvoteReceived,
    /// A vote up was taken back, by this learner.
    UpvoteGivenUndone,
    /// A vote up for a contribution of this learner was taken back by someone.
    UpvoteReceivedUndone,
    /// A vote down was taken back, by this learner.
    DownvoteGivenUndone,
    /// A vote down for a contribution of this learner was taken back by someone.
    DownvoteReceivedUndone,
    /// A page of a textbook was opened.
    TextbookPage,
    /// An event that edX's report of weekly engagement passes over altogether, so that it makes no day active there: a
    /// problem check that the browser tells of, or one of no problem. Everywhere else it counts like any event.
    PassedOver,
}

impl Detail {
    /// Whether the event is something that befell the learner, done by another: it counts in the feature that rests on
    /// it, and neither as activity nor as presence.
    #[must_use]
    pub const fn is_received(self) -> bool {
        matches!(
            self,
            Self::UpvoteReceived | Self::DownvoteReceived | Self::UpvoteReceivedUndone | Self::DownvoteReceivedUndone
        )
    }

    /// Whether an answer to a problem was checked.
    #[must_use]
    pub const fn is_attempt(self) -> bool {
        matches!(self, Self::Attempt | Self::AttemptWrong | Self::AttemptRight)
    }
}
