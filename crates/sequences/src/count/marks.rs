//! Marks each kind of event with what a count of it has to do.

use staycast_events::{Activity, Capabilities, Detail, EventKind};

/// Counts the kinds that a byte can number.
pub(super) const MOST_KINDS: usize = 1 << u8::BITS;

/// Holds the tasks of counting an event of a kind, a bit each.
#[derive(Clone, Copy, Default)]
pub(super) struct Mark(u8);

impl Mark {
    /// Marks someone else's doing, as a vote received or a grade.
    pub(super) const RECEIVED: u8 = 1;
    /// Marks what edX's report of weekly engagement counts.
    pub(super) const ENGAGES: u8 = 2;
    /// Marks an event whose object is a problem that was tried.
    pub(super) const PROBLEM: u8 = 4;
    /// Marks an attempt at a problem.
    pub(super) const ATTEMPT: u8 = 8;
    /// Marks an attempt that was right.
    pub(super) const RIGHT: u8 = 16;
    /// Marks the start of a video.
    pub(super) const VIDEO: u8 = 32;

    fn new(kind: &EventKind, capabilities: Capabilities) -> Self {
        let is_problem =
            if capabilities.attempts { kind.detail.is_attempt() } else { kind.activity == Activity::Problem };
        let bits = [
            (kind.detail.is_received(), Self::RECEIVED),
            (kind.engages, Self::ENGAGES),
            (is_problem, Self::PROBLEM),
            (kind.detail.is_attempt(), Self::ATTEMPT),
            (kind.detail == Detail::AttemptRight, Self::RIGHT),
            (kind.detail == Detail::VideoPlayed, Self::VIDEO),
        ];
        Self(bits.iter().filter(|(holds, _)| *holds).map(|(_, bit)| bit).sum())
    }

    pub(super) const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Holds the marks of a source's kinds, by kind number.
pub(crate) struct Marks(Box<[Mark; MOST_KINDS]>);

impl Marks {
    /// Marks a source's `kinds`.
    pub(crate) fn new(kinds: &[EventKind], capabilities: Capabilities) -> Self {
        let mut marks = Box::new([Mark::default(); MOST_KINDS]);
        for (mark, kind) in marks.iter_mut().zip(kinds) {
            *mark = Mark::new(kind, capabilities);
        }
        Self(marks)
    }

    /// Returns the mark of kind number `kind`.
    pub(super) fn kind(&self, kind: u8) -> Mark {
        self.0[usize::from(kind)]
    }
}
