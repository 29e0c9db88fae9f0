//! What can happen, before any format says how it is written.

use crate::course::Object;

/// What was done. [`Event::detail`] says more of some kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The course's front page.
    Navigate,
    /// Signing in to the platform, on the way to the course.
    SignIn,
    /// A page asked of the server.
    Access,
    /// A page looked at in the browser.
    View,
    /// Detail: 0 for playing, 1 pausing, 2 seeking.
    Video,
    /// A try at a problem that is not right. Detail: which try, from 1.
    Try,
    /// The last try. Detail: which, from 1, and [`RIGHT`] if the answer is.
    Check,
    /// Reading in the forum.
    Discussion,
    /// Writing there. Detail: 0 for a thread, 1 a response, 2 a comment.
    Post,
    Wiki,
    PageClose,
    /// Detail: the score in per cent.
    Quiz,
    /// Detail: the score in per cent.
    Assignment,
    /// Registration. Only in formats that log it.
    Enrol,
    /// The end of the registration. Only in formats that log it.
    Unenrol,
}

impl Kind {
    /// Number of kinds.
    pub(crate) const COUNT: usize = 15;
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
        Self::Enrol,
        Self::Unenrol,
    ];

    /// Whether the learner's device reports it, by its own clock.
    pub(crate) const fn is_of_device(self) -> bool {
        matches!(self, Self::View | Self::Video | Self::PageClose)
    }
}

/// Set in the detail of a [`Kind::Check`] whose answer is right.
pub(crate) const RIGHT: u8 = 0x80;

/// One row to be of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// Seconds from the first instant of the course; negative before.
    pub(crate) second: i32,
    pub(crate) object: Object,
    pub(crate) kind: Kind,
    pub(crate) detail: u8,
    pub(crate) by: By,
}

/// Who used the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The learner.
    Owner,
    /// Somebody who shares it.
    Companion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_in_order() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }
}
