//! The baselines by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineKind {
    /// The days since the last activity, and nothing else. Learners who were never active count as inactive for longest.
    DaysSinceLast,
    /// Points for warning signs, as on the retention screens of learning platforms.
    Rules,
    /// Ridge regression on 0 and 1.
    Linear,
    /// Logistic regression with an L2 penalty.
    Logistic,
    /// One decision tree.
    Tree,
    /// A random forest.
    Forest,
    /// Gradient boosting of trees.
    Boosting,
    /// Discrete-time hazards: the chance of leaving in each coming week.
    Hazard,
}

impl BaselineKind {
    /// Tells whether forecasts rest on the inputs; those of the other baselines rest on a few features as they are.
    #[must_use]
    pub const fn reads_inputs(self) -> bool {
        !matches!(self, Self::DaysSinceLast | Self::Rules)
    }

    /// Lists all baselines, simplest first.
    pub const ALL: [Self; 8] = [
        Self::DaysSinceLast,
        Self::Rules,
        Self::Linear,
        Self::Logistic,
        Self::Tree,
        Self::Forest,
        Self::Boosting,
        Self::Hazard,
    ];

    /// Returns the name on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DaysSinceLast => "days-since-last",
            Self::Rules => "rules",
            Self::Linear => "linear",
            Self::Logistic => "logistic",
            Self::Tree => "tree",
            Self::Forest => "forest",
            Self::Boosting => "boosting",
            Self::Hazard => "hazard",
        }
    }
}

impl fmt::Display for BaselineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_in_files() {
        for kind in BaselineKind::ALL {
            let stored = serde_json::to_string(&kind).unwrap();
            assert_eq!(stored, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<BaselineKind>(&stored).unwrap(), kind);
        }
    }
}
