//! Histograms of probabilities, of those who dropped out and of those who stayed.

use serde::Serialize;

use super::checks::check_probabilities;
use super::error::MetricError;

/// Holds one bin of a histogram of probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HistogramBin {
    /// Lower end, inside the bin.
    pub from: f64,
    /// Upper end, outside the bin but for the last.
    pub to: f64,
    /// Rows that dropped out.
    pub positives: u64,
    /// Rows that stayed.
    pub negatives: u64,
}

/// Counts the bins of a [`score_histogram`].
pub const HISTOGRAM_BINS: usize = 20;

/// Counts rows of each outcome in [`HISTOGRAM_BINS`] bins of equal width over [0, 1], the lowest first.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn score_histogram(probabilities: &[f64], labels: &[bool]) -> Result<Vec<HistogramBin>, MetricError> {
    check_probabilities(probabilities, labels)?;
    let edge = |bin: usize| bin as f64 / HISTOGRAM_BINS as f64;
    let mut histogram: Vec<HistogramBin> = (0..HISTOGRAM_BINS)
        .map(|bin| HistogramBin { from: edge(bin), to: edge(bin + 1), positives: 0, negatives: 0 })
        .collect();
    let edges: Vec<f64> = (1..HISTOGRAM_BINS).map(edge).collect();
    for (&p, &label) in probabilities.iter().zip(labels) {
        // By comparison with the edges printed, since p · bins can round across one.
        let bin = &mut histogram[edges.partition_point(|&edge| edge <= p)];
        bin.positives += u64::from(label);
        bin.negatives += u64::from(!label);
    }
    Ok(histogram)
}
