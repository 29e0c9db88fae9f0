//! Errors of calibrating.

/// Says why no calibration could be fitted, or one read back.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// The two slices describe different numbers of rows.
    #[error("{scores} scores but {labels} labels: give one label for each score")]
    LengthMismatch {
        /// Number of scores given.
        scores: usize,
        /// Number of labels given.
        labels: usize,
    },
    /// A score is NaN or infinite.
    #[error("the score of row {row} is {value}: calibration needs finite scores")]
    NotFinite {
        /// 0-based row.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// One class is missing, so there is nothing to tell apart.
    #[error(
        "calibration needs both classes, but of {rows} rows {positives} dropped out: \
         use a larger validation part, or calibration \"logistic\""
    )]
    OneClass {
        /// Rows given.
        rows: usize,
        /// Those that dropped out.
        positives: usize,
    },
    /// Newton's method stopped before the slope of the loss was near zero.
    #[error("Platt scaling did not converge in {iterations} steps (gradient {gradient:e}): use \"isotonic\"")]
    NotConverged {
        /// Steps taken.
        iterations: usize,
        /// Largest component of the gradient a row that was left.
        gradient: f64,
    },
    /// A stored isotonic curve is none.
    #[error("a stored isotonic curve is damaged ({problem}): train the run again, or restore its files")]
    DamagedCurve {
        /// The damage.
        problem: &'static str,
    },
}

/// Says that a calibration method does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown calibration {given:?}: use identity, logistic, platt or isotonic")]
pub struct UnknownCalibration {
    /// The text given.
    pub given: String,
}
