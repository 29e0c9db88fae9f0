//! The thread that sends.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::batch::{Item, fitting};
use super::client::{Client, OpenRun};
use super::delivery::Problem;
use super::tracker::{Ending, Shared, TrackerSettings};
use super::{MlflowError, Severity, TrackedRun};

/// How often one request is made that the server fails on.
const MOST_SERVER_FAULTS: u32 = 3;

pub(super) struct Worker {
    client: Client,
    run: TrackedRun,
    settings: TrackerSettings,
    shared: Arc<Shared>,
    on_problem: Box<dyn FnMut(&Problem) + Send>,
    /// No request before then.
    pause_until: Option<Instant>,
    next_pause: Duration,
    server_faults: u32,
    /// Items of one request at most: halved until what a server refuses is found, doubled after every success.
    batch: usize,
}

/// What to do next.
enum Task {
    Open,
    Send(OpenRun, Vec<Item>),
    Upload(OpenRun, Item),
    End(OpenRun, Ending),
    /// Somebody else noted a failure.
    Tell,
    Stop,
}

/// Tells [`super::Tracker::finish`] that there is nothing to wait for, also after a panic of `on_problem`.
struct Done(Arc<Shared>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.lock().done = true;
        self.0.changed.notify_all();
    }
}

impl Worker {
    pub(super) fn new(
        client: Client,
        run: TrackedRun,
        settings: TrackerSettings,
        shared: Arc<Shared>,
        on_problem: Box<dyn FnMut(&Problem) + Send>,
    ) -> Self {
        let (pause_until, next_pause) = (None, settings.first_pause);
        Self { client, run, settings, shared, on_problem, pause_until, next_pause, server_faults: 0, batch: usize::MAX }
    }

    pub(super) fn run(mut self) {
        let done = Done(Arc::clone(&self.shared));
        loop {
            let task = self.next();
            self.tell();
            match task {
                Task::Open => self.open(),
                Task::Send(run, items) => self.send(&run, &items),
                Task::Upload(run, file) => self.upload(&run, &file),
                Task::End(run, ending) => {
                    if self.end(&run, ending) {
                        break;
                    }
                }
                Task::Tell => {}
                Task::Stop => break,
            }
        }
        self.tell();
        drop(done);
    }

    /// Waits until there is something to do.
    fn next(&self) -> Task {
        let mut state = self.shared.lock();
        loop {
            let now = Instant::now();
            let late = state.ending.is_some_and(|ending| ending.deadline <= now);
            if state.abandoned || late || (state.gave_up && state.ending.is_some()) {
                return Task::Stop;
            }
            let paused = self.pause_until.filter(|&until| until > now);
            if paused.is_none() && !state.gave_up {
                let Some(run) = state.run.clone() else { return Task::Open };
                if !state.waiting.is_empty() {
                    let count = fitting(state.waiting.iter()).min(self.batch);
                    return Task::Send(run, state.waiting.iter().take(count).cloned().collect());
                }
                if let Some(file) = state.files.front() {
                    return Task::Upload(run, file.clone());
                }
                if let Some(ending) = state.ending {
                    return Task::End(run, ending);
                }
            }
            if !state.problems.are_told() {
                return Task::Tell;
            }
            let until = [paused, state.ending.map(|ending| ending.deadline)].into_iter().flatten().min();
            state = match until {
                Some(until) => {
                    let left = until.saturating_duration_since(now);
                    self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn open(&mut self) {
        match self.client.open(&self.run, self.limit(self.settings.timeout)) {
            Ok(run) => {
                let mut state = self.shared.lock();
                state.page = Some(self.client.page(&run));
                state.run = Some(run);
                drop(state);
                self.succeeded();
            }
            // There is nothing that could be left out.
            Err(error) if error.severity() == Severity::Content => self.give_up(&error),
            Err(error) => self.failed(&error),
        }
    }

    fn send(&mut self, run: &OpenRun, items: &[Item]) {
        match self.client.log_batch(run, items, self.limit(self.settings.timeout)) {
            Ok(()) => {
                let mut state = self.shared.lock();
                state.waiting.drain(..items.len());
                items.iter().for_each(|item| state.delivered.add(item));
                state.shortened += items.iter().filter(|item| item.is_cut()).count() as u64;
                drop(state);
                self.batch = self.batch.saturating_mul(2);
                self.succeeded();
            }
            Err(error) if self.blames_content(&error) => match items {
                [item] => self.leave_out_or_cut(item, &error),
                _ => self.batch = items.len() / 2,
            },
            Err(error) => self.failed(&error),
        }
    }

    /// The server takes everything but this.
    fn leave_out_or_cut(&mut self, item: &Item, error: &MlflowError) {
        let mut state = self.shared.lock();
        state.waiting.pop_front();
        if let Some(shorter) = item.shorter() {
            state.waiting.push_front(shorter);
        } else {
            state.lost.add(item);
            state.problems.note(error, Some(item));
        }
    }

    fn upload(&mut self, run: &OpenRun, file: &Item) {
        let Item::Artifact { path, name } = file else { return };
        match self.client.upload(run, path, name, self.limit(self.settings.upload_timeout)) {
            Ok(()) => {
                let mut state = self.shared.lock();
                state.files.pop_front();
                state.delivered.add(file);
                drop(state);
                self.succeeded();
            }
            Err(error) if self.blames_content(&error) => {
                let mut state = self.shared.lock();
                state.files.pop_front();
                state.lost.add(file);
                state.problems.note(&error, Some(file));
                drop(state);
                self.server_faults = 0;
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Returns whether that was all.
    fn end(&mut self, run: &OpenRun, ending: Ending) -> bool {
        let Ending { status, end_time_ms, .. } = ending;
        let limit = self.limit(self.settings.timeout);
        match self.client.update(run, status.name(), Some(end_time_ms), limit) {
            Ok(()) => {
                self.shared.lock().end_delivered = true;
                true
            }
            Err(error) if self.blames_content(&error) => {
                self.shared.lock().problems.note(&error, None);
                true
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    /// Whether what was sent is at fault: the server says so, or it fails on it again and again.
    fn blames_content(&self, error: &MlflowError) -> bool {
        match error.severity() {
            Severity::Content => true,
            Severity::ServerFault => self.server_faults + 1 >= MOST_SERVER_FAULTS,
            Severity::Passing | Severity::Fatal => false,
        }
    }

    fn succeeded(&mut self) {
        self.pause_until = None;
        self.next_pause = self.settings.first_pause;
        self.server_faults = 0;
    }

    /// Tries again later, or never.
    fn failed(&mut self, error: &MlflowError) {
        match error.severity() {
            Severity::Fatal => return self.give_up(error),
            Severity::ServerFault => self.server_faults += 1,
            Severity::Passing | Severity::Content => {}
        }
        // A request that the end of the run cut short says nothing new about a server that failed before.
        let cut_short = matches!(error, MlflowError::TimedOut { limit, .. } if *limit < self.settings.timeout);
        let mut state = self.shared.lock();
        if !cut_short || state.problems.is_empty() {
            state.problems.note(error, None);
        }
        drop(state);
        self.pause_until = Some(Instant::now() + self.next_pause);
        self.next_pause = (self.next_pause * 2).min(self.settings.longest_pause);
    }

    fn give_up(&mut self, error: &MlflowError) {
        let mut state = self.shared.lock();
        state.problems.note(error, None);
        state.gave_up = true;
        state.lose_all();
    }

    /// A request's time, cut to what is left of [`TrackerSettings::finish_within`].
    fn limit(&self, limit: Duration) -> Duration {
        match self.shared.lock().ending {
            // No time at all would mean no limit.
            Some(ending) => {
                limit.min(ending.deadline.saturating_duration_since(Instant::now())).max(Duration::from_millis(10))
            }
            None => limit,
        }
    }

    /// Tells of failures that are new. Without the lock: training does not wait for whoever listens.
    fn tell(&mut self) {
        let untold = self.shared.lock().problems.untold();
        for problem in &untold {
            (self.on_problem)(problem);
        }
    }
}
