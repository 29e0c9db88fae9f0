//! Checks of scores and probabilities.

use super::error::MetricError;

/// Checks that there is one label a score and that no score is NaN.
pub(crate) fn check_scores(scores: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    check_lengths(scores, labels)?;
    match scores.iter().position(|score| score.is_nan()) {
        Some(row) => Err(MetricError::NanScore { row }),
        None => Ok(()),
    }
}

/// Checks that there is one label a probability and that every probability lies in [0, 1].
pub(crate) fn check_probabilities(probabilities: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    check_lengths(probabilities, labels)?;
    match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        Some(row) => Err(MetricError::NotAProbability { row, value: probabilities[row] }),
        None => Ok(()),
    }
}

fn check_lengths(scores: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    if scores.len() == labels.len() {
        Ok(())
    } else {
        Err(MetricError::LengthMismatch { scores: scores.len(), labels: labels.len() })
    }
}
