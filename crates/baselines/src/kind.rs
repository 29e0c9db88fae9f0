//! The models by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A model to beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineKind {
    /// The days since the last activity, and nothing else. Who was never active has been silent longest.
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
    /// All of them, simplest first.
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

    /// The name on the command line and in files.
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

/// A name that no model has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no model is called `{name}`; there are {}", BaselineKind::ALL.map(BaselineKind::name).join(", "))]
pub struct UnknownKind {
    /// The name.
    pub name: String,
}

impl FromStr for BaselineKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_are_those_in_files() {
        for kind in BaselineKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        let error = "lstm".parse::<BaselineKind>().unwrap_err();
        assert!(
            error.to_string().starts_with("no model is called `lstm`; there are days-since-last, rules"),
            "{error}"
        );
    }
}
