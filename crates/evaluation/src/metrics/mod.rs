//! Metrics of a binary forecast, each exact, in `f64`, and null with a reason where it is undefined.
//!
//! The positive class is dropout, always. Scores may be any number but NaN (infinities rank like any other
//! value); probabilities lie in [0, 1]. A row is flagged when `score >= threshold`.
//!
//! Everything about order (AUC, average precision, curves, thresholds) is computed from one sorted
//! [`Ranking`], in which equal scores form one tie group, so no metric depends on the order of rows.

mod capacity;
mod checks;
mod confusion;
mod corrected_t;
mod decision;
mod decomposition;
mod delong;
mod error;
pub mod fairness;
mod histogram;
mod metric;
mod multiple;
pub mod normal;
mod probability;
mod random_effects;
mod ranking;
mod recalibration;
pub(crate) mod resample;
pub mod stability;
pub mod student;
pub mod survival;

pub use capacity::{AtCapacity, Capacity};
pub use confusion::Confusion;
pub use corrected_t::{CorrectedT, corrected_t, paired_t};
pub use decision::{CostPoint, NetBenefitPoint, cost_curve, decision_curve};
pub use decomposition::BrierDecomposition;
pub use delong::{AucDifference, DeLongInterval, delong_difference, delong_interval};
pub use error::MetricError;
pub use histogram::{HISTOGRAM_BINS, HistogramBin, score_histogram};
pub use metric::{Metric, Undefined, base_rate};
pub use multiple::{benjamini_hochberg, holm};
pub use probability::{ReliabilityBin, brier, expected_calibration_error, log_loss, reliability_bins};
pub use random_effects::{Estimate, RandomEffects, random_effects};
pub use ranking::{PrPoint, Ranking, RocPoint, TieGroup};
pub use recalibration::Recalibration;
pub use resample::below;

pub(crate) use decomposition::binned_figures;
pub(crate) use probability::{log_miss, squared_miss};
