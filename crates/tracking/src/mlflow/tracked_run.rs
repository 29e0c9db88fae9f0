//! A run as the server gets it, and limits on the way.

use std::collections::BTreeMap;
use std::time::Duration;

/// Describes a run to the server, before its first metric.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackedRun {
    /// Name of its experiment, which is created where it is missing.
    pub experiment: String,
    /// Its name.
    pub name: String,
    /// Key by which it is found again in the experiment: one a training, the same when the training is resumed. 1 to 100
    /// ASCII letters, digits, `-` and `_`. Stored as the tag `staycast.key`.
    pub key: String,
    /// Start in milliseconds since 1970.
    pub start_time_ms: i64,
    /// Settings. A server refuses another value for one that it has.
    pub params: BTreeMap<String, String>,
    /// Tags: `mlflow.source.name`, `mlflow.note.content` …
    pub tags: BTreeMap<String, String>,
}

/// Limits of time, and of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerSettings {
    /// Limit of one request, but of a file's.
    pub timeout: Duration,
    /// Limit of one file's request.
    pub upload_timeout: Duration,
    /// Pause between a failure and the next try; doubles at each failure, up to `longest_pause`.
    pub first_pause: Duration,
    /// Longest pause after a failure.
    pub longest_pause: Duration,
    /// Time that [`Tracker::finish`](super::Tracker::finish) waits for everything to be delivered.
    pub finish_within: Duration,
    /// Most metrics, parameters, tags and files that wait to be sent (about 200 bytes each). More are counted as not
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

/// Names the state in which a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It finished.
    Finished,
    /// It stopped with an error.
    Failed,
    /// A user stopped it.
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
