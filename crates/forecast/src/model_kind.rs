//! The models by name: the LSTM, the baselines, a blend of these, and what is best of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use staycast_baselines::BaselineKind;

/// Names a model that a run is trained for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ModelKind {
    /// The best of several, or a blend of them, as rows show that none of them was trained on. No finished run forecasts with
    /// this: it says what was chosen.
    #[default]
    Auto,
    /// The LSTM.
    Lstm,
    /// One of the baselines.
    Baseline(BaselineKind),
    /// Several of these, with weights that are fitted on held-out rows.
    Blend,
}

/// Names a model that is trained by itself: any but those made of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "ModelKind", into = "ModelKind")]
pub enum SingleModel {
    /// The LSTM.
    #[default]
    Lstm,
    /// One of the baselines.
    Baseline(BaselineKind),
}

/// Reports a name that no model has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no model is called `{name}`; there are {}", ModelKind::all().map(ModelKind::name).collect::<Vec<_>>().join(", "))]
pub struct UnknownModel {
    /// The name.
    pub name: String,
}

/// Reports a model that is made of several, in a place of one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no model by itself: name one of its parts")]
pub struct NotASingleModel(ModelKind);

impl ModelKind {
    /// Lists all of them, the default first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Auto, Self::Lstm].into_iter().chain(BaselineKind::ALL.map(Self::Baseline)).chain([Self::Blend])
    }

    /// Returns the name on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Lstm => "lstm",
            Self::Baseline(kind) => kind.name(),
            Self::Blend => "blend",
        }
    }

    /// Returns the model that is trained by itself; `None` for what is made of several.
    #[must_use]
    pub const fn single(self) -> Option<SingleModel> {
        match self {
            Self::Lstm => Some(SingleModel::Lstm),
            Self::Baseline(kind) => Some(SingleModel::Baseline(kind)),
            Self::Auto | Self::Blend => None,
        }
    }
}

impl SingleModel {
    /// Returns the name on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lstm => ModelKind::Lstm.name(),
            Self::Baseline(kind) => kind.name(),
        }
    }
}

impl From<SingleModel> for ModelKind {
    fn from(model: SingleModel) -> Self {
        match model {
            SingleModel::Lstm => Self::Lstm,
            SingleModel::Baseline(kind) => Self::Baseline(kind),
        }
    }
}

impl TryFrom<ModelKind> for SingleModel {
    type Error = NotASingleModel;

    fn try_from(kind: ModelKind) -> Result<Self, NotASingleModel> {
        kind.single().ok_or(NotASingleModel(kind))
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for SingleModel {
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
        assert!(message.contains("auto, lstm, days-since-last") && message.ends_with("blend"), "{message}");
    }

    #[test]
    fn single_models_have_the_names_of_their_kinds_and_those_made_of_several_are_none() {
        for kind in ModelKind::all() {
            let text = serde_json::to_string(&kind).expect("JSON");
            match kind.single() {
                Some(single) => {
                    assert_eq!((single.name(), ModelKind::from(single)), (kind.name(), kind));
                    assert_eq!(serde_json::to_string(&single).expect("JSON"), text);
                    assert_eq!(serde_json::from_str::<SingleModel>(&text).expect("a name"), single);
                }
                None => {
                    let message = serde_json::from_str::<SingleModel>(&text).expect_err("no single model").to_string();
                    assert!(message.contains(&format!("`{kind}` is no model by itself")), "{message}");
                }
            }
        }
    }
}
