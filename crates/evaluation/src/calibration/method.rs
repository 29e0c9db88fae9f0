//! Methods of calibration, and what they fit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::class_counts::ClassCounts;
use super::error::{CalibrationError, UnknownCalibration};
use super::isotonic::IsotonicCurve;
use super::platt;
use crate::log_odds::sigmoid;

/// Names a method that turns scores into probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationMethod {
    /// The score is a probability already, and stays as it is.
    Identity,
    /// The score is a log odds, and becomes 1 / (1 + e^(−score)) without any fit.
    Logistic,
    /// 1 / (1 + e^(−(slope · score + intercept))), fitted.
    Platt,
    /// The best non-decreasing curve, fitted.
    Isotonic,
}

/// Holds a calibration, fitted and ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Calibration {
    /// See [`CalibrationMethod::Identity`].
    Identity {},
    /// See [`CalibrationMethod::Logistic`].
    Logistic {},
    /// See [`CalibrationMethod::Platt`].
    Platt {
        /// Log odds a unit of score. Negative only if higher scores went with fewer dropouts.
        slope: f64,
        /// Log odds at score 0.
        intercept: f64,
    },
    /// See [`CalibrationMethod::Isotonic`].
    Isotonic(IsotonicCurve),
}

impl CalibrationMethod {
    /// Fits the calibration on scores with known outcomes.
    ///
    /// # Errors
    /// Every variant of [`CalibrationError`] but `DamagedCurve`; the two methods without a fit never fail.
    pub fn fit(self, scores: &[f64], labels: &[bool]) -> Result<Calibration, CalibrationError> {
        match self {
            Self::Identity => Ok(Calibration::Identity {}),
            Self::Logistic => Ok(Calibration::Logistic {}),
            Self::Platt => {
                let counts = ClassCounts::check(scores, labels)?;
                let (slope, intercept) = platt::fit(scores, labels, counts)?;
                Ok(Calibration::Platt { slope, intercept })
            }
            Self::Isotonic => {
                let counts = ClassCounts::check(scores, labels)?;
                Ok(Calibration::Isotonic(IsotonicCurve::fit(scores, labels, counts)))
            }
        }
    }
}

impl fmt::Display for CalibrationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity",
            Self::Logistic => "logistic",
            Self::Platt => "platt",
            Self::Isotonic => "isotonic",
        })
    }
}

impl FromStr for CalibrationMethod {
    type Err = UnknownCalibration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "identity" => Ok(Self::Identity),
            "logistic" => Ok(Self::Logistic),
            "platt" => Ok(Self::Platt),
            "isotonic" => Ok(Self::Isotonic),
            _ => Err(UnknownCalibration { given: text.to_owned() }),
        }
    }
}

impl Calibration {
    /// Returns the probability of dropout that goes with a score. NaN gives NaN; [`Calibration::Identity`] returns its
    /// input, so its scores must be probabilities.
    #[must_use]
    pub fn apply(&self, score: f64) -> f64 {
        match self {
            Self::Identity {} => score,
            Self::Logistic {} => sigmoid(score),
            Self::Platt { slope, intercept } => sigmoid(slope * score + intercept),
            Self::Isotonic(curve) => curve.apply(score),
        }
    }

    /// Applies the calibration to every score.
    #[must_use]
    pub fn apply_all(&self, scores: &[f64]) -> Vec<f64> {
        scores.iter().map(|&score| self.apply(score)).collect()
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> CalibrationMethod {
        match self {
            Self::Identity {} => CalibrationMethod::Identity,
            Self::Logistic {} => CalibrationMethod::Logistic,
            Self::Platt { .. } => CalibrationMethod::Platt,
            Self::Isotonic(_) => CalibrationMethod::Isotonic,
        }
    }
}
