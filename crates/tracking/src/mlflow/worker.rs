//! The thread that sends.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::client::{Client, OpenRun};
use super::delivery::DeliveryProblem;
use super::error::{ErrorSeverity, MlflowError};
use super::log_item::{LogItem, count_fitting};
use super::queue::{RunEnd, SendQueue};
use super::tracked_run::{TrackedRun, TrackerSettings};

/// Counts the times that a request is made on which the server fails.
const MOST_SERVER_FAULTS: u32 = 3;

pub(super) struct Worker {
    client: Client,
    run: TrackedRun,
    settings: TrackerSettings,
    queue: Arc<SendQueue>,
    on_problem: Box<dyn FnMut(&DeliveryProblem) + Send>,
    /// No request before then.
    pause_until: Option<Instant>,
    next_pause: Duration,
    server_faults: u32,
    /// Items of one request at most: halved until what a server refuses is found, doubled after every success.
    batch: usize,
}

/// Names the next thing to do.
enum Task {
    Open,
    Send(OpenRun, Vec<LogItem>),
    Upload(OpenRun, LogItem),
    End(OpenRun, RunEnd),
    /// A caller noted a failure.
    Report,
    Stop,
}

/// Ends the waiting of [`super::Tracker::finish`] when dropped, also after a panic of `on_problem`.
struct Done(Arc<SendQueue>);

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
        queue: Arc<SendQueue>,
        on_problem: Box<dyn FnMut(&DeliveryProblem) + Send>,
    ) -> Self {
        let (pause_until, next_pause) = (None, settings.first_pause);
        Self { client, run, settings, queue, on_problem, pause_until, next_pause, server_faults: 0, batch: usize::MAX }
    }

    pub(super) fn run(mut self) {
        let done = Done(Arc::clone(&self.queue));
        loop {
            let task = self.next();
            self.report_problems();
            match task {
                Task::Open => self.open(),
                Task::Send(run, items) => self.send(&run, &items),
                Task::Upload(run, file) => self.upload(&run, &file),
                Task::End(run, ending) => {
                    if self.end(&run, ending) {
                        break;
                    }
                }
                Task::Report => {}
                Task::Stop => break,
            }
        }
        self.report_problems();
        drop(done);
    }

    /// Waits until there is something to do.
    fn next(&self) -> Task {
        let mut state = self.queue.lock();
        loop {
            let now = Instant::now();
            let late = state.end.is_some_and(|ending| ending.deadline <= now);
            if state.abandoned || late || (state.gave_up && state.end.is_some()) {
                return Task::Stop;
            }
            let paused = self.pause_until.filter(|&until| until > now);
            if paused.is_none() && !state.gave_up {
                let Some(run) = state.run.clone() else { return Task::Open };
                if !state.waiting.is_empty() {
                    let count = count_fitting(state.waiting.iter()).min(self.batch);
                    return Task::Send(run, state.waiting.iter().take(count).cloned().collect());
                }
                if let Some(file) = state.files.front() {
                    return Task::Upload(run, file.clone());
                }
                if let Some(ending) = state.end {
                    return Task::End(run, ending);
                }
            }
            if !state.problems.are_reported() {
                return Task::Report;
            }
            let until = [paused, state.end.map(|ending| ending.deadline)].into_iter().flatten().min();
            state = match until {
                Some(until) => {
                    let left = until.saturating_duration_since(now);
                    self.queue.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn open(&mut self) {
        match self.client.open(&self.run, self.limit(self.settings.timeout)) {
            Ok(run) => {
                let mut state = self.queue.lock();
                state.page = Some(self.client.page(&run));
                state.run = Some(run);
                drop(state);
                self.succeeded();
            }
            // There is nothing that could be left out.
            Err(error) if error.severity() == ErrorSeverity::Content => self.give_up(&error),
            Err(error) => self.failed(&error),
        }
    }

    fn send(&mut self, run: &OpenRun, items: &[LogItem]) {
        match self.client.log_batch(run, items, self.limit(self.settings.timeout)) {
            Ok(()) => {
                let mut state = self.queue.lock();
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

    /// Shortens or drops the item, where it is the only one that the server refuses.
    fn leave_out_or_cut(&mut self, item: &LogItem, error: &MlflowError) {
        let mut state = self.queue.lock();
        state.waiting.pop_front();
        if let Some(shorter) = item.shorter() {
            state.waiting.push_front(shorter);
        } else {
            state.lost.add(item);
            state.problems.note(error, Some(item));
        }
    }

    fn upload(&mut self, run: &OpenRun, file: &LogItem) {
        let LogItem::Artifact { path, name } = file else { return };
        match self.client.upload(run, path, name, self.limit(self.settings.upload_timeout)) {
            Ok(()) => {
                let mut state = self.queue.lock();
                state.files.pop_front();
                state.delivered.add(file);
                drop(state);
                self.succeeded();
            }
            Err(error) if self.blames_content(&error) => {
                let mut state = self.queue.lock();
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
    fn end(&mut self, run: &OpenRun, ending: RunEnd) -> bool {
        let RunEnd { status, end_time_ms, .. } = ending;
        let limit = self.limit(self.settings.timeout);
        match self.client.update(run, status.name(), Some(end_time_ms), limit) {
            Ok(()) => {
                self.queue.lock().end_delivered = true;
                true
            }
            Err(error) if self.blames_content(&error) => {
                self.queue.lock().problems.note(&error, None);
                true
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    /// Returns whether the sent data is at fault: the server says so, or fails on it again and again.
    fn blames_content(&self, error: &MlflowError) -> bool {
        match error.severity() {
            ErrorSeverity::Content => true,
            ErrorSeverity::ServerFault => self.server_faults + 1 >= MOST_SERVER_FAULTS,
            ErrorSeverity::Passing | ErrorSeverity::Fatal => false,
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
            ErrorSeverity::Fatal => return self.give_up(error),
            ErrorSeverity::ServerFault => self.server_faults += 1,
            ErrorSeverity::Passing | ErrorSeverity::Content => {}
        }
        // A request that the end of the run cut short says nothing new about a server that failed before.
        let cut_short = matches!(error, MlflowError::TimedOut { limit, .. } if *limit < self.settings.timeout);
        let mut state = self.queue.lock();
        if !cut_short || state.problems.is_empty() {
            state.problems.note(error, None);
        }
        drop(state);
        self.pause_until = Some(Instant::now() + self.next_pause);
        self.next_pause = (self.next_pause * 2).min(self.settings.longest_pause);
    }

    fn give_up(&mut self, error: &MlflowError) {
        let mut state = self.queue.lock();
        state.problems.note(error, None);
        state.gave_up = true;
        state.lose_all();
    }

    /// Returns a request's time, cut to what is left of [`TrackerSettings::finish_within`].
    fn limit(&self, limit: Duration) -> Duration {
        match self.queue.lock().end {
            // No time at all would mean no limit.
            Some(ending) => {
                limit.min(ending.deadline.saturating_duration_since(Instant::now())).max(Duration::from_millis(10))
            }
            None => limit,
        }
    }

    /// Reports failures that are new. The lock is released before, so that training does not wait for `on_problem`.
    fn report_problems(&mut self) {
        let unreported = self.queue.lock().problems.take_unreported();
        for problem in &unreported {
            (self.on_problem)(problem);
        }
    }
}
