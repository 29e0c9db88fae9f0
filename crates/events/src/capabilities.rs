//! The capabilities of a source: the facts it can tell at all, so that all others are null and never zero.

use serde::{Deserialize, Serialize};

use crate::kind::{Detail, EventKind};

/// Says which facts a log can tell at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The time of day of each event; without it there are no sessions and no seconds.
    pub time_of_day: bool,
    /// The objects acted on.
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
    /// Who is enrolled, from a register that was there from the start: an enrolment in it that has no date is known all
    /// the same. Without one, such an enrolment is known from its first event.
    pub register: bool,
    /// Checked answers to problems, told apart from other events of problems.
    pub attempts: bool,
    /// That a video was set going.
    pub videos_played: bool,
    /// Threads begun in the forum.
    pub posts: bool,
    /// Answers to threads.
    pub responses: bool,
    /// Comments on answers.
    pub comments: bool,
    /// Votes given.
    pub votes: bool,
    /// Votes received.
    pub votes_received: bool,
    /// Pages of textbooks opened.
    pub textbook_pages: bool,
}

impl Capabilities {
    /// Returns the capabilities that two sources both have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            time_of_day: self.time_of_day && other.time_of_day,
            objects: self.objects && other.objects,
            releases: self.releases && other.releases,
            dates: self.dates && other.dates,
            learners: self.learners && other.learners,
            correctness: self.correctness && other.correctness,
            submissions: self.submissions && other.submissions,
            withdrawals: self.withdrawals && other.withdrawals,
            register: self.register && other.register,
            attempts: self.attempts && other.attempts,
            videos_played: self.videos_played && other.videos_played,
            posts: self.posts && other.posts,
            responses: self.responses && other.responses,
            comments: self.comments && other.comments,
            votes: self.votes && other.votes,
            votes_received: self.votes_received && other.votes_received,
            textbook_pages: self.textbook_pages && other.textbook_pages,
        }
    }

    /// Adds the capabilities that the source's kinds of event give beyond their activities.
    #[must_use]
    pub fn with_kinds(mut self, kinds: &[EventKind]) -> Self {
        for kind in kinds {
            match kind.detail {
                Detail::Nothing | Detail::Fact => {}
                Detail::Attempt => self.attempts = true,
                Detail::AttemptWrong | Detail::AttemptRight => (self.attempts, self.correctness) = (true, true),
                Detail::VideoPlayed => self.videos_played = true,
                Detail::Post => self.posts = true,
                Detail::Response => self.responses = true,
                Detail::Comment => self.comments = true,
                Detail::UpvoteGiven
                | Detail::DownvoteGiven
                | Detail::UpvoteGivenUndone
                | Detail::DownvoteGivenUndone => self.votes = true,
                Detail::UpvoteReceived
                | Detail::DownvoteReceived
                | Detail::UpvoteReceivedUndone
                | Detail::DownvoteReceivedUndone => self.votes_received = true,
                Detail::TextbookPage => self.textbook_pages = true,
            }
        }
        self
    }

    /// Tells whether any of what edX's report of weekly engagement counts is known.
    #[must_use]
    pub const fn any_engagement(&self) -> bool {
        self.attempts
            || self.videos_played
            || self.posts
            || self.responses
            || self.comments
            || self.votes
            || self.votes_received
            || self.textbook_pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Activity;

    #[test]
    fn what_kinds_tell_is_known() {
        let kind = |detail| EventKind::new("k", Activity::Problem).with_detail(detail);
        assert_eq!(Capabilities::default().with_kinds(&[kind(Detail::Nothing)]), Capabilities::default());
        let capabilities =
            Capabilities { objects: true, ..Capabilities::default() }.with_kinds(&[kind(Detail::AttemptRight)]);
        assert_eq!(
            capabilities,
            Capabilities { objects: true, attempts: true, correctness: true, ..Capabilities::default() }
        );
        assert!(
            capabilities.any_engagement()
                && !Capabilities { objects: true, ..Capabilities::default() }.any_engagement()
        );
        assert!(!Capabilities::default().with_kinds(&[kind(Detail::Attempt)]).correctness);
    }
}
