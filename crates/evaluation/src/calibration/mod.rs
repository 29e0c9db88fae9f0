//! From scores to probabilities: Platt's sigmoid, isotonic regression, or nothing.
//!
//! A [`Calibration`] is fitted on out-of-fold or validation predictions, never on the rows it is judged by, and
//! is stored with the run (it serialises). Two methods need no fit: [`CalibrationMethod::Identity`] for scores that are
//! probabilities already, and [`CalibrationMethod::Logistic`] for log odds.

mod isotonic;
mod platt;
mod shift;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use isotonic::IsotonicCurve;
pub use shift::{shift_to_labels, shift_to_unlabelled};

/// How scores are to become probabilities.
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

/// A calibration, fitted and ready.
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

/// Why no calibration could be fitted, or one read back.
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
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A calibration method that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown calibration {given:?}: use identity, logistic, platt or isotonic")]
pub struct UnknownCalibration {
    /// What was given.
    pub given: String,
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
    /// The probability of dropout that goes with a score. NaN gives NaN; [`Calibration::Identity`] gives back
    /// whatever it gets, so its scores must be probabilities.
    #[must_use]
    pub fn apply(&self, score: f64) -> f64 {
        match self {
            Self::Identity {} => score,
            Self::Logistic {} => sigmoid(score),
            Self::Platt { slope, intercept } => sigmoid(slope * score + intercept),
            Self::Isotonic(curve) => curve.apply(score),
        }
    }

    /// [`Calibration::apply`] of every score.
    #[must_use]
    pub fn apply_all(&self, scores: &[f64]) -> Vec<f64> {
        scores.iter().map(|&score| self.apply(score)).collect()
    }

    /// Which method this is.
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

/// Numbers of rows of each class, both above zero.
#[derive(Debug, Clone, Copy)]
struct ClassCounts {
    positives: usize,
    negatives: usize,
}

impl ClassCounts {
    fn check(scores: &[f64], labels: &[bool]) -> Result<Self, CalibrationError> {
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

    /// Platt's target for a row that dropped out, (N₊ + 1) / (N₊ + 2): no finite sample shows a probability of 1.
    fn positive_target(self) -> f64 {
        (self.positives as f64 + 1.0) / (self.positives as f64 + 2.0)
    }

    /// Platt's target for a row that stayed, 1 / (N₋ + 2).
    fn negative_target(self) -> f64 {
        1.0 / (self.negatives as f64 + 2.0)
    }
}

/// ln(p / (1 − p)), p clipped to [ε, 1 − ε] with ε = 2⁻⁵² as in the log loss, and so finite.
pub(crate) fn log_odds(p: f64) -> f64 {
    let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    p.ln() - (-p).ln_1p()
}

/// 1 / (1 + e^(−x)), without overflow at either end.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}
