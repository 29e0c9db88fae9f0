//! The models by name: the LSTM, those to beat, and their blend.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use staycast_baselines::BaselineKind;

/// What a run forecasts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ModelKind {
    /// The LSTM.
    #[default]
    Lstm,
    /// One of the models to beat.
    Baseline(BaselineKind),
    /// Several of these, with weights that are fitted on held-out rows.
    Blend,
}

/// A name that no model has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no model is called `{name}`; there are {}", ModelKind::names().join(", "))]
pub struct UnknownModel {
    /// The name.
    pub name: String,
}

impl ModelKind {
    /// All of them, the LSTM first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Lstm].into_iter().chain(BaselineKind::ALL.map(Self::Baseline)).chain([Self::Blend])
    }

    /// The name on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Baseline(kind) => kind.name(),
            Self::Blend => "blend",
        }
    }

    fn names() -> Vec<&'static str> {
        Self::all().map(Self::name).collect()
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ModelKind {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::all().find(|kind| kind.name() == name).ok_or_else(|| UnknownModel { name: name.to_owned() })
    }
}

impl TryFrom<String> for ModelKind {
    type Error = UnknownModel;

    fn try_from(name: String) -> Result<Self, UnknownModel> {
        name.parse()
    }
}

impl From<ModelKind> for String {
    fn from(kind: ModelKind) -> Self {
        kind.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in ModelKind::all() {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let message = "xgboost".parse::<ModelKind>().expect_err("no such model").to_string();
        assert!(message.contains("lstm, days-since-last") && message.ends_with("blend"), "{message}");
    }
}
