//! How a long job tells how far it is, without knowing who watches.

/// Watches a job.
pub trait Progress: Sync {
    /// A stage begins: what it does in a word or two, and how many units it will take, when that is known.
    fn begin(&self, stage: &str, total: Option<u64>, unit: Unit);

    /// `count` units more are done. Called from any thread.
    fn advance(&self, count: u64);

    /// The stage is done; `summary` says what came of it.
    fn end(&self, summary: &str);
}

/// What a stage counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes read.
    Bytes,
    /// Enrolments reduced.
    Enrolments,
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _stage: &str, _total: Option<u64>, _unit: Unit) {}
    fn advance(&self, _count: u64) {}
    fn end(&self, _summary: &str) {}
}
