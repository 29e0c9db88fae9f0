//! The columns that models read: where each comes from, and how it is scaled.

use serde::{Deserialize, Serialize};

use crate::config::{CalendarPosition, FixedNumber};

/// Describes one number that models read each week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Where it comes from.
    pub source: Source,
    /// The transform before scaling.
    pub transform: Transform,
    /// Mean over the training rows, after the transform.
    pub mean: f64,
    /// Standard deviation over the training rows, after the transform.
    pub deviation: f64,
}

/// Names the origin of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A weekly feature.
    Weekly {
        /// Its column name.
        feature: String,
    },
    /// 1 where a weekly feature is null, else 0.
    Null {
        /// The feature's column name.
        feature: String,
    },
    /// A number of the enrolment.
    Fixed {
        /// Which number.
        number: FixedNumber,
    },
    /// 1 where a static column has this value, else 0.
    Static {
        /// The column.
        column: String,
        /// The value; empty where the source left it empty.
        value: String,
    },
    /// Where in the course the week lies.
    Calendar {
        /// Counted from which end of the course.
        position: CalendarPosition,
    },
}

/// Names the transforms of a value before it is standardised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// As it is.
    Identity,
    /// ±ln(1 + |x|), the sign kept.
    SignedLog,
}

impl Transform {
    /// Returns the transform for a unit of the manifest: counts and durations have long tails.
    pub(super) fn for_unit(unit: &str) -> Self {
        const LONG_TAILED: [&str; 8] =
            ["events", "objects", "sessions", "seconds", "problems", "submissions", "assessments", "courses"];
        if LONG_TAILED.contains(&unit) { Self::SignedLog } else { Self::Identity }
    }

    /// Transforms a value; NaN stays NaN.
    pub(super) fn apply(self, value: f32) -> f32 {
        match self {
            Self::Identity => value,
            Self::SignedLog => value.abs().ln_1p().copysign(value),
        }
    }
}

impl Source {
    /// Returns the name under which people know it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Weekly { feature } => feature.clone(),
            Self::Null { feature } => format!("{feature} is null"),
            Self::Fixed { number } => number.name().to_owned(),
            Self::Static { column, value } => format!("{column} = {value}"),
            Self::Calendar { position } => position.name().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_keep_the_sign() {
        assert_eq!(Transform::SignedLog.apply(0.0), 0.0);
        assert_eq!(Transform::SignedLog.apply(-3.0), -(4.0_f32.ln()));
        assert!(Transform::SignedLog.apply(f32::NAN).is_nan());
    }
}
