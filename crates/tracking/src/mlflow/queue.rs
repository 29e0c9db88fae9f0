//! The items that wait to be sent, shared by the callers of a tracker and the thread that sends.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::client::OpenRun;
use super::delivery::{DeliveryCounts, DeliveryProblems, DeliveryReport};
use super::log_item::LogItem;
use super::tracked_run::RunStatus;

/// Holds the state, and wakes the threads that wait for a change of it.
#[derive(Debug, Default)]
pub(super) struct SendQueue {
    state: Mutex<QueueState>,
    pub(super) changed: Condvar,
}

impl SendQueue {
    pub(super) fn lock(&self) -> MutexGuard<'_, QueueState> {
        // Every change of the state is whole: a panic elsewhere leaves it sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RunEnd {
    pub(super) status: RunStatus,
    pub(super) end_time_ms: i64,
    pub(super) deadline: Instant,
}

#[derive(Debug, Default)]
pub(super) struct QueueState {
    /// All but files, in order. Only the worker takes from the front.
    pub(super) waiting: VecDeque<LogItem>,
    /// Files, which go when nothing else waits: a store that fails holds up no number.
    pub(super) files: VecDeque<LogItem>,
    pub(super) run: Option<OpenRun>,
    pub(super) page: Option<String>,
    pub(super) delivered: DeliveryCounts,
    pub(super) lost: DeliveryCounts,
    pub(super) shortened: u64,
    pub(super) problems: DeliveryProblems,
    pub(super) end: Option<RunEnd>,
    pub(super) end_delivered: bool,
    /// Nothing will go through any more.
    pub(super) gave_up: bool,
    /// The tracker was dropped.
    pub(super) abandoned: bool,
    /// The worker has stopped.
    pub(super) done: bool,
}

impl QueueState {
    /// Counts everything that waits as lost.
    pub(super) fn lose_all(&mut self) {
        for item in self.waiting.drain(..).chain(self.files.drain(..)) {
            self.lost.add(&item);
        }
    }

    pub(super) fn delivery(&self) -> DeliveryReport {
        let mut undelivered = self.lost;
        for item in self.waiting.iter().chain(&self.files) {
            undelivered.add(item);
        }
        DeliveryReport {
            run_id: self.run.as_ref().map(|run| run.run_id.clone()),
            page: self.page.clone(),
            delivered: self.delivered,
            undelivered,
            shortened: self.shortened,
            end_delivered: self.end_delivered,
            problems: self.problems.list(),
        }
    }
}
