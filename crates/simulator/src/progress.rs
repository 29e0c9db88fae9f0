//! Progress of a simulation, for the caller to show.

/// Names the stage of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Simulates samples of learners, to find the settings for a log of the requested size.
    Sizing,
    /// Simulates learners, and writes them where the format's rows are in order of learners.
    #[default]
    Simulating,
    /// Writes the log in order of time.
    Writing,
}

/// Counts how far a simulation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Current stage.
    pub stage: Stage,
    /// Learners simulated so far.
    pub learners: u64,
    /// Learners in all.
    pub learners_total: u64,
    /// Events simulated so far; in [`Stage::Writing`], events written so far.
    pub events: u64,
    /// Bytes written to all tables so far.
    pub bytes: u64,
}
