//! Rows counted by class, as fits need them.

use super::error::CalibrationError;

/// Counts rows of each class, both above zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClassCounts {
    pub(super) positives: usize,
    pub(super) negatives: usize,
}

impl ClassCounts {
    pub(super) fn check(scores: &[f64], labels: &[bool]) -> Result<Self, CalibrationError> {
        if scores.len() != labels.len() {
            return Err(CalibrationError::LengthMismatch { scores: scores.len(), labels: labels.len() });
        }
        if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
            return Err(CalibrationError::NotFinite { row, value: scores[row] });
        }
        let positives = labels.iter().filter(|&&label| label).count();
        let negatives = labels.len() - positives;
        if positives == 0 || negatives == 0 {
            return Err(CalibrationError::OneClass { rows: labels.len(), positives });
        }
        Ok(Self { positives, negatives })
    }

    /// Returns Platt's target for a row that dropped out, (N₊ + 1) / (N₊ + 2): no finite sample shows a probability of 1.
    pub(super) fn positive_target(self) -> f64 {
        (self.positives as f64 + 1.0) / (self.positives as f64 + 2.0)
    }

    /// Returns Platt's target for a row that stayed, 1 / (N₋ + 2).
    pub(super) fn negative_target(self) -> f64 {
        1.0 / (self.negatives as f64 + 2.0)
    }
}
