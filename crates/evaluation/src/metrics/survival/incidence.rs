//! Cumulative incidence with competing ends.

use serde::Serialize;

use super::error::SurvivalError;
use super::exit::{ExitTime, check_times, instants};

/// Holds a point of the cumulative incidence curves, valid from this time until the next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct IncidencePoint {
    /// Weeks from the origin.
    pub weeks: f64,
    /// Probability of having dropped out by this time.
    pub dropout: f64,
    /// Probability of having ended otherwise by this time.
    pub competing_end: f64,
}

/// Computes Aalen & Johansen's (1978) estimate, one point a distinct time: the share that has ended each way, where Kaplan–Meier
/// with competing ends as censored would say how many would drop out if nobody ended otherwise. Both shares and the
/// probability of no end yet sum to 1.
///
/// # Errors
/// [`SurvivalError::NotANumber`].
pub fn cumulative_incidence(exits: &[ExitTime]) -> Result<Vec<IncidencePoint>, SurvivalError> {
    check_times(exits)?;
    let (mut still_there, mut dropout, mut competing_end) = (1.0, 0.0, 0.0);
    let points = instants(exits).into_iter().map(|at| {
        let n = at.at_risk as f64;
        dropout += still_there * at.dropouts as f64 / n;
        competing_end += still_there * at.competing as f64 / n;
        still_there *= 1.0 - (at.dropouts + at.competing) as f64 / n;
        IncidencePoint { weeks: at.weeks, dropout, competing_end }
    });
    Ok(points.collect())
}
