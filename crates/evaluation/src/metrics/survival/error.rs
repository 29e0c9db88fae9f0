//! Errors of measuring survival.

/// Says why survival data can't be measured.
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
