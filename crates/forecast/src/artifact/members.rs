//! The trained members of a run on disk: networks in one file, baselines in another.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::layout::{BASELINES, MODEL};
use super::tensors;
use crate::compressed_json;
use crate::config::{CheckedConfig, NetworkSpec};
use crate::files::FileError;
use crate::inputs::Inputs;
use crate::model_kind::SingleModel;
use crate::models::network::{self, Network, Parameter};
use crate::models::trained::MemberModel;

/// Maps each model of a run to its members.
pub(crate) type Members = BTreeMap<SingleModel, Vec<MemberModel>>;

/// Stores the members of a run, which read `inputs`, in its folder.
pub(crate) fn save<'a>(
    folder: &Path,
    inputs: &Inputs,
    members: impl IntoIterator<Item = (SingleModel, &'a MemberModel)>,
) -> Result<(), FileError> {
    let (mut networks, mut baselines) =
        (Vec::new(), BTreeMap::<SingleModel, Vec<&staycast_baselines::BaselineModel>>::new());
    for (kind, member) in members {
        match member {
            MemberModel::Network(parameters) => networks.push(parameters.as_slice()),
            MemberModel::Baseline(model) => baselines.entry(kind).or_default().push(model.as_ref()),
        }
    }
    if !networks.is_empty() {
        save_networks(&folder.join(MODEL), inputs, &networks)?;
    }
    if !baselines.is_empty() {
        compressed_json::write(&folder.join(BASELINES), &baselines)?;
    }
    Ok(())
}

/// Loads the members of the models `kinds` of the run in `folder`, whose configuration is `config`, and which read `inputs`.
pub(crate) fn load(
    folder: &Path,
    kinds: &[SingleModel],
    config: &CheckedConfig,
    inputs: &Inputs,
) -> Result<Members, FileError> {
    let count = config.ensemble.members as usize;
    let mut members = Members::new();
    if kinds.contains(&SingleModel::Lstm) {
        let networks = load_networks(&folder.join(MODEL), count, &config.network, inputs)?;
        members.insert(SingleModel::Lstm, networks.into_iter().map(MemberModel::Network).collect());
    }
    if kinds.iter().any(|kind| matches!(kind, SingleModel::Baseline(_))) {
        let file = folder.join(BASELINES);
        let mut stored: BTreeMap<SingleModel, Vec<staycast_baselines::BaselineModel>> = compressed_json::read(&file)?;
        for &kind in kinds.iter().filter(|&&kind| kind != SingleModel::Lstm) {
            let of_kind = stored.remove(&kind).filter(|members| members.len() == count);
            let lacks = || FileError::damaged(&file, format!("it does not have {count} members of the model {kind}"));
            let of_kind = of_kind.ok_or_else(lacks)?;
            members.insert(kind, of_kind.into_iter().map(Arc::new).map(MemberModel::Baseline).collect());
        }
    }
    Ok(members)
}

/// Says beside the tensors what they belong to.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworksRecord {
    members: u64,
    /// [`Inputs::order`] of what the networks read; earlier versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inputs: Option<String>,
}

/// Stores the parameters of an ensemble's networks as `member<k>.<parameter>`.
fn save_networks(path: &Path, inputs: &Inputs, members: &[&[Parameter]]) -> Result<(), FileError> {
    let named = members.iter().enumerate().flat_map(|(member, parameters)| {
        parameters.iter().map(move |parameter| {
            (format!("member{member}.{}", parameter.name), parameter.shape.clone(), parameter.values.as_slice())
        })
    });
    let record = NetworksRecord { members: members.len() as u64, inputs: Some(inputs.order()) };
    let record = serde_json::to_string(&record).map_err(|error| FileError::damaged(path, error))?;
    tensors::save(path, named.collect(), record)
}

/// Reads the parameters of `members` networks of the given shape, which read `inputs`.
fn load_networks(
    path: &Path,
    members: usize,
    shape: &NetworkSpec,
    inputs: &Inputs,
) -> Result<Vec<Vec<Parameter>>, FileError> {
    // Before anything of the promised size is held in memory.
    let expected = 4 * network::parameter_count(shape, inputs.width()) * members as u64;
    let (mut tensors, record) = tensors::load(path, expected)?;
    let record: NetworksRecord = serde_json::from_str(&record).map_err(|error| FileError::damaged(path, error))?;
    if record.members != members as u64 {
        let message = format!("it has {} networks, and the configuration asks for {members}", record.members);
        return Err(FileError::damaged(path, message));
    }
    if record.inputs.is_some_and(|order| order != inputs.order()) {
        return Err(FileError::damaged(path, "its networks were trained on other columns than those of scaler.json"));
    }
    let like = Network::new(shape, inputs.width(), 0, &burn::tensor::Device::flex()).parameters();
    let mut found = Vec::new();
    for member in 0..members {
        let mut parameters = Vec::new();
        for wanted in &like {
            let name = format!("member{member}.{}", wanted.name);
            let Some((shape, values)) = tensors.remove(&name) else {
                return Err(FileError::damaged(path, format!("it has no tensor `{name}`")));
            };
            if values.iter().any(|value| !value.is_finite()) {
                return Err(FileError::damaged(path, format!("`{name}` has values that are not finite")));
            }
            if shape != wanted.shape {
                let message = format!("`{name}` has shape {shape:?} where the configuration says {:?}", wanted.shape);
                return Err(FileError::damaged(path, message));
            }
            parameters.push(Parameter { name: wanted.name.clone(), shape, values });
        }
        found.push(parameters);
    }
    match tensors.keys().next() {
        Some(extra) => Err(FileError::damaged(path, format!("it has a tensor `{extra}` too many"))),
        None => Ok(found),
    }
}
