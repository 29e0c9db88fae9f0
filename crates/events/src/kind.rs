//! Kinds of event: the source's name for what happened, the activity it counts as, and what else it tells.

use crate::activity::Activity;

/// Describes a kind of event as the source names it, and the activity it counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKind {
    /// The source's name.
    pub raw: String,
    /// The activity it counts as.
    pub activity: Activity,
    /// The detail it tells beyond that.
    pub detail: Detail,
    /// Whether it makes its day a day active where engagement is counted as the source's own platform counts it (edX's
    /// pipeline leaves out events that it can't take apart, and counts a vote received). True unless the reader says
    /// otherwise; not to be mixed up with the feature of active days, which knows no such exceptions.
    pub engages: bool,
}

impl EventKind {
    /// Makes a kind that tells nothing beyond its activity.
    #[must_use]
    pub fn new(raw: impl Into<String>, activity: Activity) -> Self {
        Self { raw: raw.into(), activity, detail: Detail::Nothing, engages: true }
    }

    /// Returns the kind with a detail beyond its activity.
    #[must_use]
    pub fn with_detail(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// Returns the kind, not counted as engagement.
    #[must_use]
    pub fn not_engaging(self) -> Self {
        Self { engages: false, ..self }
    }
}

/// Names a detail that a kind of event tells beyond its activity, for the features that rest on it. Problems and videos are
/// told apart by the event's object.
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
    /// A vote up was taken back, by this learner: one less given.
    UpvoteGivenUndone,
    /// A contribution of this learner was voted up by someone.
    UpvoteReceived,
    /// A vote up that this learner had received was taken back: one less received.
    UpvoteReceivedUndone,
    /// A contribution was voted down, by this learner.
    DownvoteGiven,
    /// A vote down was taken back, by this learner: one less given.
    DownvoteGivenUndone,
    /// A contribution of this learner was voted down by someone.
    DownvoteReceived,
    /// A vote down that this learner had received was taken back: one less received.
    DownvoteReceivedUndone,
    /// A page of a textbook was opened.
    TextbookPage,
    /// Something was recorded about the learner, which is no act in the course: an enrolment, a grade, a certificate.
    Fact,
}

impl Detail {
    /// Tells whether the learner received the event, from another learner or from the platform: it counts in the feature
    /// that rests on it, and neither as activity nor as presence.
    #[must_use]
    pub const fn is_received(self) -> bool {
        matches!(
            self,
            Self::UpvoteReceived
                | Self::DownvoteReceived
                | Self::UpvoteReceivedUndone
                | Self::DownvoteReceivedUndone
                | Self::Fact
        )
    }

    /// Tells whether an answer to a problem was checked.
    #[must_use]
    pub const fn is_attempt(self) -> bool {
        matches!(self, Self::Attempt | Self::AttemptWrong | Self::AttemptRight)
    }
}
