//! Reports how far a long job is, without knowing who watches.

/// Watches a job.
pub trait Progress: Sync {
    /// Begins a stage, named in a word or two, of `total` units, when their number is known.
    fn begin(&self, stage: &str, total: Option<u64>, unit: Unit);

    /// Reports that `count` units more are done. Called from any thread.
    fn advance(&self, count: u64);

    /// Ends the stage; `summary` says what it did.
    fn end(&self, summary: &str);
}

/// Names the unit that a stage counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes read.
    Bytes,
    /// Enrolments reduced.
    Enrolments,
}

/// Ignores all reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _stage: &str, _total: Option<u64>, _unit: Unit) {}
    fn advance(&self, _count: u64) {}
    fn end(&self, _summary: &str) {}
}
