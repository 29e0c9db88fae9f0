//! Carries totals from one week to the next.

use rustc_hash::FxHashSet;
use staycast_events::{Activity, ObjectKey};

/// Holds the totals of an enrolment from the course's start to the end of the week that was counted last, and what else
/// one week needs of those before it.
#[derive(Default)]
pub(crate) struct RunningTotals {
    /// Seconds from the course's start to the last event so far, one before the start included.
    pub(crate) last_event: Option<i64>,
    pub(crate) events: u64,
    pub(crate) active_days: u32,
    pub(crate) sessions: u64,
    pub(crate) seconds: i64,
    /// Weeks without an event, in a row, up to the last one counted.
    pub(crate) inactive_weeks: u32,
    /// Events of the week before the last one counted; none when that is the first.
    pub(crate) events_of_week_before: Option<u32>,
    pub(crate) by_activity: [u64; Activity::ALL.len()],
    /// Objects opened so far.
    pub(super) opened: FxHashSet<ObjectKey>,
    /// Events of the last week counted.
    pub(super) events_of_week: Option<u32>,
}

impl RunningTotals {
    /// Begins the totals anew at the course's start: what came before is in the `pre_start` columns, not here.
    pub(crate) fn start_course(&mut self) {
        self.sessions = 0;
        self.seconds = 0;
    }
}
