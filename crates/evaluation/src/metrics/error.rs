//! Errors of measuring.

/// Says why a set of scores or probabilities can't be measured at all. A metric that is merely undefined for the rows at
/// hand is no error but [`Metric::Undefined`](super::Metric::Undefined).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// The two slices describe different numbers of rows.
    #[error("{scores} scores but {labels} labels: give one label for each score")]
    LengthMismatch {
        /// Number of scores given.
        scores: usize,
        /// Number of labels given.
        labels: usize,
    },
    /// A score is NaN, so it has no place in a ranking.
    #[error("the score of row {row} is NaN: leave the row out under a reason, or mend the model that wrote it")]
    NanScore {
        /// 0-based row.
        row: usize,
    },
    /// A probability is NaN or outside [0, 1].
    #[error("the probability of row {row} is {value}: it must lie between 0 and 1; calibrate the score first")]
    NotAProbability {
        /// 0-based row.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// Two forecasts can't be compared on rows with fewer than two of a class.
    #[error("{positives} positive and {negatives} negative rows: comparing AUCs needs at least two of each")]
    TooFewOfAClass {
        /// Rows that dropped out.
        positives: usize,
        /// Rows that stayed.
        negatives: usize,
    },
    /// A group has rows of one outcome only, so it has no ROC curve.
    #[error("a group lacks rows that dropped out, or rows that stayed: leave it out of the comparison")]
    GroupLacksAClass,
}
