//! Events of learners in a course, before any format decides how they are written.

use crate::course::Object;

/// Names what a learner did. [`Event::detail`] adds to some kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EventKind {
    /// Opens the course's front page.
    Navigate,
    /// Signs in to the platform, on the way to the course.
    SignIn,
    /// Requests a page from the server.
    Access,
    /// Looks at a page in the browser.
    View,
    /// Plays (detail 0), pauses (1) or seeks (2) a video.
    Video,
    /// Answers a problem wrongly. Detail: number of the attempt, from 1.
    Try,
    /// Answers a problem for the last time. Detail: number of the attempt, from 1, and [`RIGHT`] if the answer is right.
    Check,
    /// Reads in the forum.
    Discussion,
    /// Writes a thread (detail 0), a response (1) or a comment (2) in the forum.
    Post,
    /// Opens the wiki.
    Wiki,
    /// Closes a page.
    PageClose,
    /// Submits a quiz. Detail: score in per cent.
    Quiz,
    /// Submits an assignment. Detail: score in per cent.
    Assignment,
}

impl EventKind {
    /// Counts the kinds.
    pub(crate) const COUNT: usize = 13;
    /// Lists every kind, in the order of their numbers.
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Navigate,
        Self::SignIn,
        Self::Access,
        Self::View,
        Self::Video,
        Self::Try,
        Self::Check,
        Self::Discussion,
        Self::Post,
        Self::Wiki,
        Self::PageClose,
        Self::Quiz,
        Self::Assignment,
    ];

    /// Tells whether the learner's device reports the event, by its own clock.
    pub(crate) const fn is_reported_by_device(self) -> bool {
        matches!(self, Self::View | Self::Video | Self::PageClose)
    }
}

/// Marks a right answer in the detail of an [`EventKind::Check`].
pub(crate) const RIGHT: u8 = 0x80;

/// Holds one event, which becomes a row of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// Seconds from the first instant of the course; negative before.
    pub(crate) second: i32,
    pub(crate) object: Object,
    pub(crate) kind: EventKind,
    /// Number that depends on the kind, see [`EventKind`].
    pub(crate) detail: u8,
    pub(crate) by: AccountUser,
}

/// Names the person who used the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountUser {
    /// The learner.
    Owner,
    /// A second person who shares the account.
    Companion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_in_order() {
        for (number, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }
}
