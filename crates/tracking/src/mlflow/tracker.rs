//! The side of a tracked run that training sees: nothing here waits for a server but [`Tracker::finish`], and that not for
//! long.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::batch::Item;
use super::client::{Client, OpenRun};
use super::delivery::{Counts, Delivery, Problem, Problems};
use super::worker::Worker;
use super::{MlflowError, TrackingServer};

/// What the server is told of a run before its first metric.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackedRun {
    /// The experiment that it belongs to; made where it is missing.
    pub experiment: String,
    /// Its name.
    pub name: String,
    /// By what it is found again, in the experiment: one key a training, the same when the training is resumed. 1 to 100
    /// ASCII letters, digits, `-` and `_`. Stored as the tag `staycast.key`.
    pub key: String,
    /// When it began, in milliseconds since 1970.
    pub start_time_ms: i64,
    /// Settings. A server refuses another value for one that it has.
    pub params: BTreeMap<String, String>,
    /// What else there is to say: `mlflow.source.name`, `mlflow.note.content` …
    pub tags: BTreeMap<String, String>,
}

/// How long things may take, and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerSettings {
    /// For one request but a file's.
    pub timeout: Duration,
    /// For one file.
    pub upload_timeout: Duration,
    /// Between a failure and the next try; doubles at each failure, up to `longest_pause`.
    pub first_pause: Duration,
    /// See `first_pause`.
    pub longest_pause: Duration,
    /// That [`Tracker::finish`] waits for everything to be delivered.
    pub finish_within: Duration,
    /// Metrics, parameters, tags and files that wait to be sent at most (about 200 bytes each); more are counted as not
    /// delivered.
    pub capacity: usize,
}

impl Default for TrackerSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            upload_timeout: Duration::from_secs(300),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            finish_within: Duration::from_secs(30),
            capacity: 100_000,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It went through.
    Finished,
    /// It stopped with an error.
    Failed,
    /// Somebody stopped it.
    Killed,
}

impl RunStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

/// Sends a run to MLflow from a thread of its own. May be used by several threads at once. Dropped without
/// [`Tracker::finish`], it gives up what was not sent yet, and the run counts as running on the server.
pub struct Tracker {
    shared: Arc<Shared>,
    settings: TrackerSettings,
}

impl Tracker {
    /// Begins. `on_problem` is called on the sending thread for the first failure of each kind.
    ///
    /// # Errors
    /// When the run's key can't be one, or the thread can't be started. That the server is not there is no error here: it
    /// is told to `on_problem`, and the server is tried again.
    pub fn start(
        server: TrackingServer,
        run: TrackedRun,
        settings: TrackerSettings,
        on_problem: impl FnMut(&Problem) + Send + 'static,
    ) -> Result<Self, MlflowError> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if run.key.is_empty() || run.key.len() > 100 || !run.key.chars().all(plain) {
            return Err(MlflowError::Key(run.key));
        }
        let tracker = Self { shared: Arc::default(), settings };
        for (key, value) in &run.params {
            tracker.param(key, value);
        }
        for (key, value) in &run.tags {
            tracker.tag(key, value);
        }
        let worker = Worker::new(Client::new(server), run, settings, Arc::clone(&tracker.shared), Box::new(on_problem));
        let thread = thread::Builder::new().name("mlflow".to_owned()).spawn(move || worker.run());
        thread.map_err(MlflowError::Thread)?;
        Ok(tracker)
    }

    /// Numbers of one step, by name (letters, digits, `_`, `-`, `.`, `/` and blanks), at a time in milliseconds since
    /// 1970. NaN and infinities are sent as such (of infinities, a server with a database keeps the greatest number there is).
    pub fn metrics(&self, timestamp_ms: i64, step: i64, values: &[(&str, f64)]) {
        let items = values.iter().map(|&(key, value)| Item::Metric { key: key.to_owned(), value, timestamp_ms, step });
        self.push(items);
    }

    /// A setting. Of a value that is longer than the server takes, the beginning.
    pub fn param(&self, key: &str, value: &str) {
        self.push([Item::param(key, value)]);
    }

    /// What else there is to say; replaces what the server has under this key. Of more than 5,000 letters, the beginning.
    pub fn tag(&self, key: &str, value: &str) {
        self.push([Item::Tag { key: key.to_owned(), value: value.to_owned() }]);
    }

    /// A file, and what it is called among the run's files (`/` between folders). It is read when its turn comes, after
    /// the numbers: it must stay until [`Tracker::finish`] returns.
    pub fn file(&self, path: &Path, name: &str) {
        self.push([Item::Artifact { path: path.to_owned(), name: name.to_owned() }]);
    }

    /// Sends what is left, says how and when (milliseconds since 1970) the run ended, and reports. Takes no longer than
    /// [`TrackerSettings::finish_within`] and a second.
    #[must_use]
    pub fn finish(self, status: RunStatus, end_time_ms: i64) -> Delivery {
        let within = self.settings.finish_within;
        let mut state = self.shared.lock();
        let deadline = Instant::now() + within;
        state.ending = Some(Ending { status, end_time_ms, deadline });
        self.shared.changed.notify_all();
        // A request that was begun before may take longer than is left; it is not waited for.
        let last = deadline + Duration::from_secs(1);
        while !state.done {
            let Some(left) = last.checked_duration_since(Instant::now()) else { break };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.delivery()
    }

    fn push(&self, items: impl IntoIterator<Item = Item>) {
        let mut state = self.shared.lock();
        for item in items {
            if state.waiting.len() + state.files.len() >= self.settings.capacity || state.gave_up {
                if !state.gave_up {
                    let message = format!("{} was left out: more waits for MLflow than is kept for it", item.name());
                    state.problems.note_message("full".to_owned(), message);
                }
                state.lost.add(&item);
            } else if matches!(item, Item::Artifact { .. }) {
                state.files.push_back(item);
            } else {
                state.waiting.push_back(item);
            }
        }
        self.shared.changed.notify_all();
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.shared.lock().abandoned = true;
        self.shared.changed.notify_all();
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What both sides see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole: a panic elsewhere leaves it sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) status: RunStatus,
    pub(super) end_time_ms: i64,
    pub(super) deadline: Instant,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// All but files, in order. Only the worker takes from the front.
    pub(super) waiting: VecDeque<Item>,
    /// Files, which go when nothing else waits: a store that fails holds up no number.
    pub(super) files: VecDeque<Item>,
    pub(super) run: Option<OpenRun>,
    pub(super) page: Option<String>,
    pub(super) delivered: Counts,
    pub(super) lost: Counts,
    pub(super) shortened: u64,
    pub(super) problems: Problems,
    pub(super) ending: Option<Ending>,
    pub(super) end_delivered: bool,
    /// Nothing will go through any more.
    pub(super) gave_up: bool,
    /// Nobody waits for the worker any more.
    pub(super) abandoned: bool,
    /// The worker has stopped.
    pub(super) done: bool,
}

impl State {
    /// Counts everything that waits as lost.
    pub(super) fn lose_all(&mut self) {
        for item in self.waiting.drain(..).chain(self.files.drain(..)) {
            self.lost.add(&item);
        }
    }

    fn delivery(&self) -> Delivery {
        let mut undelivered = self.lost;
        for item in self.waiting.iter().chain(&self.files) {
            undelivered.add(item);
        }
        Delivery {
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
