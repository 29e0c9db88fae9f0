//! The section `[model]`: which model or models, and the shape of their networks.

use std::collections::BTreeSet;
use std::slice;

use serde::{Deserialize, Serialize};
use staycast_baselines::BaselineKind;

use super::error::{ConfigError, require};
use crate::model_kind::{ModelKind, SingleModel};

/// Holds `[model]` as written. Models without a network ignore the network's shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// `auto`, `lstm`, a baseline (`days-since-last`, `rules`, `linear`, `logistic`, `tree`, `forest`, `boosting`, `hazard`),
    /// or `blend`.
    pub kind: ModelKind,
    /// The models that `blend` is made of.
    pub blend: Vec<ModelKind>,
    /// Units of each LSTM layer.
    pub hidden: usize,
    /// LSTM layers on top of each other.
    pub layers: usize,
    /// Units of a hidden layer between the LSTM and the logit; 0 for none.
    pub head_hidden: usize,
    /// Share of the LSTM's outputs that training sets to zero, the same ones in every week of a sequence, in `[0, 1)`.
    pub dropout: f64,
    /// The same for the inputs.
    pub input_dropout: f64,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            kind: ModelKind::Auto,
            blend: vec![
                ModelKind::Lstm,
                ModelKind::Baseline(BaselineKind::Boosting),
                ModelKind::Baseline(BaselineKind::Logistic),
            ],
            hidden: 32,
            layers: 1,
            head_hidden: 0,
            dropout: 0.3,
            input_dropout: 0.1,
        }
    }
}

/// Says which models a run trains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSpec {
    /// Those that the size of the training set allows, of which the best, or a blend, forecasts.
    Auto,
    /// One model.
    Single(SingleModel),
    /// Several models, with weights that are fitted on held-out rows.
    Blend(BlendParts),
}

/// Names the models of a blend: two or more, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlendParts(Vec<SingleModel>);

impl BlendParts {
    /// Takes the names of a blend's models; `None` unless they are two or more, each once, and none of them is a blend.
    fn from_kinds(kinds: &[ModelKind]) -> Option<Self> {
        let parts = kinds.iter().map(|kind| kind.single()).collect::<Option<Vec<_>>>()?;
        let distinct: BTreeSet<&SingleModel> = parts.iter().collect();
        (distinct.len() == parts.len() && parts.len() >= 2).then_some(Self(parts))
    }
}

impl ModelSpec {
    /// Returns the model's name.
    #[must_use]
    pub const fn kind(&self) -> ModelKind {
        match self {
            Self::Auto => ModelKind::Auto,
            Self::Single(SingleModel::Lstm) => ModelKind::Lstm,
            Self::Single(SingleModel::Baseline(kind)) => ModelKind::Baseline(*kind),
            Self::Blend(_) => ModelKind::Blend,
        }
    }

    /// Tells whether `model` is among those that are named, or may be among those that the data decides on.
    pub(crate) fn may_be(&self, model: SingleModel) -> bool {
        self.named().is_none_or(|named| named.contains(&model))
    }

    /// Lists the models that are named: one, or those of the blend, as they are written; `None` where the data decides.
    #[must_use]
    pub fn named(&self) -> Option<&[SingleModel]> {
        match self {
            Self::Auto => None,
            Self::Single(model) => Some(slice::from_ref(model)),
            Self::Blend(parts) => Some(&parts.0),
        }
    }
}

/// Holds the shape of a network and its dropout: stacked LSTM layers, then a layer from the last one's outputs to one
/// logit a week.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// Units of each LSTM layer.
    pub hidden: usize,
    /// LSTM layers on top of each other.
    pub layers: usize,
    /// Units of a hidden layer between the LSTM and the logit.
    pub head_hidden: Option<usize>,
    /// Share of the LSTM's outputs that training sets to zero, in `[0, 1)`.
    pub dropout: f64,
    /// The same for the inputs.
    pub input_dropout: f64,
}

impl ModelConfig {
    /// Returns the model and, for those that have networks, their shape.
    pub(super) fn check(&self) -> Result<(ModelSpec, NetworkSpec), ConfigError> {
        let Self { kind, blend, hidden, layers, head_hidden, dropout, input_dropout } = self;
        let parts = BlendParts::from_kinds(blend).ok_or_else(|| {
            let names = blend.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",");
            ConfigError::invalid("model.blend", names, "name two models or more, each once, and not blend itself")
        })?;
        let model = match (kind, kind.single()) {
            (ModelKind::Auto, _) => ModelSpec::Auto,
            (_, Some(single)) => ModelSpec::Single(single),
            (_, None) => ModelSpec::Blend(parts),
        };
        require((1..=4096).contains(hidden), "model.hidden", hidden, "must be from 1 to 4096")?;
        require((1..=8).contains(layers), "model.layers", layers, "must be from 1 to 8")?;
        require(*head_hidden <= 4096, "model.head_hidden", head_hidden, "must be at most 4096")?;
        for (key, share) in [("model.dropout", dropout), ("model.input_dropout", input_dropout)] {
            require((0.0..1.0).contains(share), key, share, "must be at least 0 and below 1")?;
        }
        let network = NetworkSpec {
            hidden: *hidden,
            layers: *layers,
            head_hidden: (*head_hidden > 0).then_some(*head_hidden),
            dropout: *dropout,
            input_dropout: *input_dropout,
        };
        Ok((model, network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_one_a_blend_of_several_or_left_to_the_data() {
        let written = ModelConfig::default();
        let (model, network) = written.check().expect("the default");
        assert_eq!((&model, model.kind(), model.named()), (&ModelSpec::Auto, ModelKind::Auto, None));
        assert_eq!(network.head_hidden, None);

        let (model, _) = ModelConfig { kind: ModelKind::Lstm, ..written.clone() }.check().expect("one model");
        assert_eq!(model, ModelSpec::Single(SingleModel::Lstm));
        assert_eq!(model.named(), Some(&[SingleModel::Lstm][..]));

        let (model, network) =
            ModelConfig { kind: ModelKind::Blend, head_hidden: 8, ..written }.check().expect("a blend");
        let boosting = SingleModel::Baseline(BaselineKind::Boosting);
        let logistic = SingleModel::Baseline(BaselineKind::Logistic);
        assert_eq!(
            (model.kind(), model.named()),
            (ModelKind::Blend, Some(&[SingleModel::Lstm, boosting, logistic][..]))
        );
        assert_eq!(network.head_hidden, Some(8));
    }

    #[test]
    fn blends_of_one_of_equals_and_of_blends_are_refused() {
        let (lstm, blend) = (ModelKind::Lstm, ModelKind::Blend);
        for parts in [vec![], vec![lstm], vec![lstm, lstm], vec![lstm, blend], vec![lstm, ModelKind::Auto]] {
            let written = ModelConfig { blend: parts, ..ModelConfig::default() };
            let message = written.check().expect_err("no blend").to_string();
            assert!(message.starts_with("`model.blend` = "), "{message}");
        }
    }

    #[test]
    fn shapes_out_of_range_are_refused_by_name() {
        let default = ModelConfig::default();
        for (written, key) in [
            (ModelConfig { hidden: 0, ..default.clone() }, "model.hidden"),
            (ModelConfig { layers: 9, ..default.clone() }, "model.layers"),
            (ModelConfig { head_hidden: 5000, ..default.clone() }, "model.head_hidden"),
            (ModelConfig { dropout: 1.0, ..default.clone() }, "model.dropout"),
            (ModelConfig { input_dropout: -0.1, ..default }, "model.input_dropout"),
        ] {
            let message = written.check().expect_err(key).to_string();
            assert!(message.starts_with(&format!("`{key}` = ")), "{message}");
        }
    }
}
