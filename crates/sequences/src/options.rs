//! Holds the options of a build.

use crate::feature_set::FeatureSet;
use crate::labels::DropoutRule;

/// Holds the options of a build.
#[derive(Clone, Debug, PartialEq)]
pub struct BuildOptions {
    /// At most this many weeks of each course.
    pub weeks: Option<u32>,
    /// Last day of some week, in days since 1970-01-01: weeks are then the seven days up to and including it, and those
    /// before and after; a course's first week is short where its start is not in step. Weeks count from each course's
    /// start when `None`.
    pub week_ending: Option<i32>,
    /// Rule that says who dropped out; the source's own outcome, or else `inactive-last 2`, when `None`.
    pub rule: Option<DropoutRule>,
    /// Set of features to compute.
    pub features: FeatureSet,
    /// Adds, or not, a column `n_raw_<kind>` for each of the source's own kinds.
    pub raw_kinds: RawKinds,
    /// Days from a submission to its score being known.
    pub score_lag_days: u32,
    /// Bytes of events held in memory before they are spilled to disk; a block a thread and the roster come on top.
    pub memory_bytes: u64,
    /// Bytes of input between checkpoints that a killed build can be resumed from; taken between files.
    pub checkpoint_bytes: u64,
}

/// Says how the source's own kinds of event are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RawKinds {
    /// No columns.
    #[default]
    Drop,
    /// One column each.
    Keep,
}

/// Holds the default of [`BuildOptions::memory_bytes`].
const DEFAULT_MEMORY_BYTES: u64 = 512 << 20;

/// Holds the default of [`BuildOptions::checkpoint_bytes`]. Less is read again sooner than it is written down.
const DEFAULT_CHECKPOINT_BYTES: u64 = 4 << 30;

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            weeks: None,
            week_ending: None,
            rule: None,
            features: FeatureSet::All,
            raw_kinds: RawKinds::Drop,
            score_lag_days: 0,
            memory_bytes: DEFAULT_MEMORY_BYTES,
            checkpoint_bytes: DEFAULT_CHECKPOINT_BYTES,
        }
    }
}

/// Says what becomes of an output folder that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuildMode {
    /// Refuse.
    #[default]
    Refuse,
    /// Replace it, when it is a sequences folder.
    Replace,
    /// Keep it when it is finished and of the same input and options, refuse otherwise; go on from the last checkpoint
    /// when a build of the same was killed.
    Resume,
}
