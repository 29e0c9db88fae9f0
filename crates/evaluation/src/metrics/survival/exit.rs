//! Ends of observations.

use serde::{Deserialize, Serialize};

use super::error::SurvivalError;

/// Names the end of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The learner left.
    Dropout,
    /// It was over for another reason, a Fail for instance.
    CompetingEnd,
    /// The learner was still there when observation stopped.
    Censored,
}

/// Holds the time and the kind of an end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExitTime {
    /// Weeks from the origin (in a report's input, the start of the course) to the end; finite.
    pub weeks: f64,
    /// Kind of the end.
    pub end: End,
}

/// Checks that every time is finite.
pub(super) fn check_times(exits: &[ExitTime]) -> Result<(), SurvivalError> {
    match exits.iter().position(|exit| !exit.weeks.is_finite()) {
        Some(row) => Err(SurvivalError::NotANumber { row, value: exits[row].weeks }),
        None => Ok(()),
    }
}

/// Counts the ends at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instant {
    pub(super) weeks: f64,
    pub(super) at_risk: u64,
    pub(super) dropouts: u64,
    pub(super) competing: u64,
    pub(super) censored: u64,
}

/// Lists distinct times, ascending, each with how many were at risk and how they ended.
pub(super) fn instants(exits: &[ExitTime]) -> Vec<Instant> {
    let mut sorted: Vec<&ExitTime> = exits.iter().collect();
    sorted.sort_unstable_by(|a, b| a.weeks.total_cmp(&b.weeks));
    let mut at_risk = sorted.len() as u64;
    let mut found = Vec::new();
    for tied in sorted.chunk_by(|a, b| a.weeks == b.weeks) {
        let number = |end: End| tied.iter().filter(|exit| exit.end == end).count() as u64;
        found.push(Instant {
            weeks: tied[0].weeks,
            at_risk,
            dropouts: number(End::Dropout),
            competing: number(End::CompetingEnd),
            censored: number(End::Censored),
        });
        at_risk -= tied.len() as u64;
    }
    found
}
