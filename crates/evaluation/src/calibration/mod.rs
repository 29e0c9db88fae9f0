//! From scores to probabilities: Platt's sigmoid, isotonic regression, or no fit.
//!
//! A [`Calibration`] is fitted on out-of-fold or validation predictions, never on the rows it is judged by, and
//! is stored with the run (it serialises). Two methods need no fit: [`CalibrationMethod::Identity`] for scores that are
//! probabilities already, and [`CalibrationMethod::Logistic`] for log odds.

mod class_counts;
mod error;
mod isotonic;
mod method;
mod platt;
mod shift;

pub use error::{CalibrationError, UnknownCalibration};
pub use isotonic::IsotonicCurve;
pub use method::{Calibration, CalibrationMethod};
pub use shift::shift_to_labels;
