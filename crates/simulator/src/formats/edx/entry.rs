//! Entries of a tracking log: what learners do, and the enrolments that only this format logs.

use crate::course::Object;
use crate::event::{AccountUser, Event, EventKind};

/// Names what an entry of the log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// An event in the course.
    Event(EventKind),
    /// The learner enrolled.
    Enrolled,
    /// The learner's enrolment ended.
    Unenrolled,
}

impl EntryKind {
    /// Counts the kinds.
    pub(super) const COUNT: usize = EventKind::COUNT + 2;

    /// Returns the number of the kind, below [`COUNT`](Self::COUNT).
    pub(super) fn number(self) -> usize {
        match self {
            Self::Event(kind) => kind as usize,
            Self::Enrolled => EventKind::COUNT,
            Self::Unenrolled => EventKind::COUNT + 1,
        }
    }

    /// Returns the kind with a number that [`number`](Self::number) returned.
    pub(super) fn from_number(number: usize) -> Self {
        match EventKind::ALL.get(number) {
            Some(&kind) => Self::Event(kind),
            None if number == EventKind::COUNT => Self::Enrolled,
            None => Self::Unenrolled,
        }
    }

    /// Tells whether the learner's device reports the entry, by its own clock.
    pub(super) fn is_reported_by_device(self) -> bool {
        matches!(self, Self::Event(kind) if kind.is_reported_by_device())
    }
}

/// Holds an entry without its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) object: Object,
    pub(super) kind: EntryKind,
    /// Number that depends on the kind, see [`EventKind`].
    pub(super) detail: u8,
    pub(super) by: AccountUser,
}

impl From<&Event> for Entry {
    fn from(event: &Event) -> Self {
        let &Event { object, kind, detail, by, .. } = event;
        Self { object, kind: EntryKind::Event(kind), detail, by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinct_and_read_back() {
        for number in 0..EntryKind::COUNT {
            assert_eq!(EntryKind::from_number(number).number(), number);
        }
    }
}
