//! The side of a tracked run that training sees. Only [`Tracker::finish`] waits for the server, and only for a limited time.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::client::Client;
use super::delivery::{DeliveryProblem, DeliveryReport};
use super::error::MlflowError;
use super::log_item::LogItem;
use super::queue::{RunEnd, SendQueue};
use super::server::TrackingServer;
use super::tracked_run::{RunStatus, TrackedRun, TrackerSettings};
use super::worker::Worker;

/// Sends a run to MLflow from a thread of its own. May be used by several threads at once. Dropped without
/// [`Tracker::finish`], it discards what was not sent yet, and the run counts as running on the server.
pub struct Tracker {
    queue: Arc<SendQueue>,
    settings: TrackerSettings,
}

impl Tracker {
    /// Starts the sending thread, which calls `on_problem` for the first failure of each kind.
    ///
    /// # Errors
    /// When the run's key can't be one, or the thread can't be started. A server that is away is no error here: it
    /// is reported to `on_problem`, and the server is tried again.
    pub fn start(
        server: TrackingServer,
        run: TrackedRun,
        settings: TrackerSettings,
        on_problem: impl FnMut(&DeliveryProblem) + Send + 'static,
    ) -> Result<Self, MlflowError> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if run.key.is_empty() || run.key.len() > 100 || !run.key.chars().all(plain) {
            return Err(MlflowError::Key(run.key));
        }
        let tracker = Self { queue: Arc::default(), settings };
        for (key, value) in &run.params {
            tracker.param(key, value);
        }
        for (key, value) in &run.tags {
            tracker.tag(key, value);
        }
        let worker = Worker::new(Client::new(server), run, settings, Arc::clone(&tracker.queue), Box::new(on_problem));
        let thread = thread::Builder::new().name("mlflow".to_owned()).spawn(move || worker.run());
        thread.map_err(MlflowError::Thread)?;
        Ok(tracker)
    }

    /// Sends numbers of one step, by name (letters, digits, `_`, `-`, `.`, `/` and blanks), at a time in milliseconds since
    /// 1970. NaN and infinities are sent as such (of infinities, a server with a database keeps the greatest number there is).
    pub fn metrics(&self, timestamp_ms: i64, step: i64, values: &[(&str, f64)]) {
        let items =
            values.iter().map(|&(key, value)| LogItem::Metric { key: key.to_owned(), value, timestamp_ms, step });
        self.push(items);
    }

    /// Sends a setting; of a value that is longer than the server takes, the beginning.
    pub fn param(&self, key: &str, value: &str) {
        self.push([LogItem::param(key, value)]);
    }

    /// Sends a tag, which replaces the server's value under this key; of more than 5,000 letters, the beginning.
    pub fn tag(&self, key: &str, value: &str) {
        self.push([LogItem::Tag { key: key.to_owned(), value: value.to_owned() }]);
    }

    /// Sends a file under a name among the run's files (`/` between folders). It is read after the numbers are sent, so it
    /// must stay until [`Tracker::finish`] returns.
    pub fn file(&self, path: &Path, name: &str) {
        self.push([LogItem::Artifact { path: path.to_owned(), name: name.to_owned() }]);
    }

    /// Sends the rest, with how and when (milliseconds since 1970) the run ended, and reports what was delivered. Takes no longer than
    /// [`TrackerSettings::finish_within`] and a second.
    #[must_use]
    pub fn finish(self, status: RunStatus, end_time_ms: i64) -> DeliveryReport {
        self.ender().end(status, end_time_ms, self.settings.finish_within);
        self.queue.lock().delivery()
    }

    /// Returns what ends the run where [`Tracker::finish`] can't be called, as when a signal ends the program.
    #[must_use]
    pub fn ender(&self) -> RunEnder {
        RunEnder { queue: Arc::clone(&self.queue) }
    }

    fn push(&self, items: impl IntoIterator<Item = LogItem>) {
        let mut state = self.queue.lock();
        for item in items {
            if state.waiting.len() + state.files.len() >= self.settings.capacity || state.gave_up {
                if !state.gave_up {
                    let message = format!("{} was left out: too much waits for MLflow already", item.description());
                    state.problems.note_message("full".to_owned(), message);
                }
                state.lost.add(&item);
            } else if matches!(item, LogItem::Artifact { .. }) {
                state.files.push_back(item);
            } else {
                state.waiting.push_back(item);
            }
        }
        self.queue.changed.notify_all();
    }
}

/// Ends a run on the server from any thread.
pub struct RunEnder {
    queue: Arc<SendQueue>,
}

impl RunEnder {
    /// Sends what waits, then how and when (milliseconds since 1970) the run ended. Takes no longer than `within` and a second.
    /// Does nothing where the run is being ended already.
    pub fn end(&self, status: RunStatus, end_time_ms: i64, within: Duration) {
        let mut state = self.queue.lock();
        let deadline = Instant::now() + within;
        let end = *state.end.get_or_insert(RunEnd { status, end_time_ms, deadline });
        self.queue.changed.notify_all();
        // An earlier request may take longer than the time left; it is not waited for.
        let last = end.deadline.min(deadline) + Duration::from_secs(1);
        while !state.done {
            let Some(left) = last.checked_duration_since(Instant::now()) else { break };
            state = self.queue.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl fmt::Debug for RunEnder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunEnder").finish_non_exhaustive()
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.queue.lock().abandoned = true;
        self.queue.changed.notify_all();
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").field("settings", &self.settings).finish_non_exhaustive()
    }
}
