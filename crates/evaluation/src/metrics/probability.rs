//! Metrics of probabilities: are they right on average, and how far off are they?

use super::{Metric, MetricError, Undefined, check_probabilities};

/// Number of bins of the expected calibration error (PROTOCOL: 15 of equal count).
pub const ECE_BINS: usize = 15;

/// Brier score: mean of (p − y)². 0 is perfect; undefined without rows.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn brier(probabilities: &[f64], labels: &[bool]) -> Result<Metric, MetricError> {
    check_probabilities(probabilities, labels)?;
    Ok(mean_over(probabilities, labels, |p, label| {
        let miss = if label { 1.0 - p } else { p };
        miss * miss
    }))
}

/// Log loss in nats: mean of −ln(probability given to what happened). As in scikit-learn, that probability is
/// clipped to [ε, 1 − ε] with ε = 2⁻⁵², so a certain forecast that is wrong costs 36.04 and not infinity.
/// Undefined without rows; one class is enough.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> Result<Metric, MetricError> {
    check_probabilities(probabilities, labels)?;
    Ok(mean_over(probabilities, labels, |p, label| {
        let of_truth = if label { p } else { 1.0 - p };
        -of_truth.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    }))
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Rows in the bin.
    pub count: usize,
    /// Mean probability forecast.
    pub mean_probability: f64,
    /// Share that dropped out; see [`reliability_bins`] on ties.
    pub observed_rate: f64,
}

/// Cuts rows, sorted by probability, into `bins` bins of equal count, the lowest probabilities first.
///
/// When `n` is no multiple of `bins`, the first `n mod bins` bins hold one row more (as `numpy.array_split`
/// cuts); with fewer rows than bins there is one bin a row. Rows with equal probabilities can't be told apart,
/// so where a cut falls among them each counts with the mean label of all of them: the expected value over every
/// order of the tied rows, and therefore the same for any order of the input.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn reliability_bins(
    probabilities: &[f64],
    labels: &[bool],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, MetricError> {
    check_probabilities(probabilities, labels)?;
    let rows = sorted_with_tied_labels(probabilities, labels);
    let bins = bins.min(rows.len());
    let mut rest = rows.as_slice();
    let cut = (0..bins).map(|bin| {
        let count = rows.len() / bins + usize::from(bin < rows.len() % bins);
        let (inside, after) = rest.split_at(count);
        rest = after;
        ReliabilityBin {
            count,
            mean_probability: inside.iter().map(|row| row.0).sum::<f64>() / count as f64,
            observed_rate: inside.iter().map(|row| row.1).sum::<f64>() / count as f64,
        }
    });
    Ok(cut.collect())
}

/// Expected calibration error: Σ over [`reliability_bins`] of (share of rows) · |mean probability − observed
/// rate|, with [`ECE_BINS`] bins. Undefined without rows.
///
/// # Errors
/// [`MetricError::LengthMismatch`] and [`MetricError::NotAProbability`].
pub fn expected_calibration_error(probabilities: &[f64], labels: &[bool]) -> Result<Metric, MetricError> {
    let bins = reliability_bins(probabilities, labels, ECE_BINS)?;
    if bins.is_empty() {
        return Ok(Metric::Undefined(Undefined::NoRows));
    }
    let gap = |bin: &ReliabilityBin| bin.count as f64 * (bin.mean_probability - bin.observed_rate).abs();
    Ok(Metric::Value(bins.iter().map(gap).sum::<f64>() / labels.len() as f64))
}

/// (probability, mean label of its tie group), sorted upwards.
fn sorted_with_tied_labels(probabilities: &[f64], labels: &[bool]) -> Vec<(f64, f64)> {
    let mut rows: Vec<(f64, bool)> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let with_rate = rows.chunk_by(|a, b| a.0 == b.0).flat_map(|tied| {
        let positives = tied.iter().filter(|row| row.1).count();
        let rate = positives as f64 / tied.len() as f64;
        tied.iter().map(move |row| (row.0, rate))
    });
    with_rate.collect()
}

fn mean_over(probabilities: &[f64], labels: &[bool], cost: impl Fn(f64, bool) -> f64) -> Metric {
    if labels.is_empty() {
        return Metric::Undefined(Undefined::NoRows);
    }
    let sum: f64 = probabilities.iter().zip(labels).map(|(&p, &label)| cost(p, label)).sum();
    Metric::Value(sum / labels.len() as f64)
}
