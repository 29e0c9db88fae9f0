//! When learners leave: survival curves, concordance, and scores of predicted curves, with censoring.
//!
//! Dropout is the event. An observation may also be *censored* (the learner was still there when it stopped) or end by
//! a *competing end* (a Fail: over, but not by leaving). [`KaplanMeier`] takes competing ends for censored, which
//! [`cumulative_incidence`] need not; the metrics of a forecast take them for learners who never drop out, since that is
//! then known (for C: Wolbers, Koller, Witteman & Steyerberg 2009; for the Brier score: Schoop, Beyersmann, Schumacher &
//! Binder 2011).
//!
//! At equal times, dropouts come before competing ends and these before censorings: who was censored at a time was still
//! at risk then. Times are in weeks, from any origin that all rows share.

mod concordance;
mod incidence;
mod kaplan_meier;
mod prediction_error;

use serde::{Deserialize, Serialize};

pub use concordance::{Concordance, concordance};
pub use incidence::{IncidencePoint, cumulative_incidence};
pub use kaplan_meier::{KaplanMeier, KaplanMeierPoint};
pub use prediction_error::{PredictionError, brier_curve, integrated_brier};

/// How an observation ended.
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

/// When an observation ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExitTime {
    /// Weeks from the origin (in a report's input, the start of the course) to the end; finite.
    pub weeks: f64,
    /// How it ended.
    pub end: End,
}

/// Why survival data can't be measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SurvivalError {
    /// The slices describe different numbers of rows.
    #[error("{exits} exit times but {forecasts} forecasts: give one forecast for each exit time")]
    LengthMismatch {
        /// Number of exit times given.
        exits: usize,
        /// Number of forecasts given.
        forecasts: usize,
    },
    /// A time or a score is NaN, or a time infinite.
    #[error("row {row} has time or score {value}: exit times must be finite, and scores not NaN")]
    NotANumber {
        /// 0-based row.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// A predicted probability is none.
    #[error("row {row} is predicted to survive with probability {value}: it must lie between 0 and 1")]
    NotAProbability {
        /// 0-based row.
        row: usize,
        /// The value found.
        value: f64,
    },
}

fn check_times(exits: &[ExitTime]) -> Result<(), SurvivalError> {
    match exits.iter().position(|exit| !exit.weeks.is_finite()) {
        Some(row) => Err(SurvivalError::NotANumber { row, value: exits[row].weeks }),
        None => Ok(()),
    }
}

/// What happened at one time.
#[derive(Debug, Clone, Copy)]
struct Instant {
    weeks: f64,
    at_risk: u64,
    dropouts: u64,
    competing: u64,
    censored: u64,
}

/// Distinct times, ascending, with how many were at risk and what became of them.
fn instants(exits: &[ExitTime]) -> Vec<Instant> {
    let mut sorted: Vec<&ExitTime> = exits.iter().collect();
    sorted.sort_unstable_by(|a, b| a.weeks.total_cmp(&b.weeks));
    let mut at_risk = sorted.len() as u64;
    let mut found = Vec::new();
    for tied in sorted.chunk_by(|a, b| a.weeks == b.weeks) {
        let of = |end: End| tied.iter().filter(|exit| exit.end == end).count() as u64;
        found.push(Instant {
            weeks: tied[0].weeks,
            at_risk,
            dropouts: of(End::Dropout),
            competing: of(End::CompetingEnd),
            censored: of(End::Censored),
        });
        at_risk -= tied.len() as u64;
    }
    found
}
