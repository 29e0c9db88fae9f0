//! The trained members of a run on disk: networks in one file, baselines in another.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::layout::{BASELINES, MODEL};
use super::tensors;
use crate::compressed_json;
use crate::config::CheckedConfig;
use crate::files::FileError;
use crate::model_kind::SingleModel;
use crate::models::network::{Network, Parameter};
use crate::models::trained::MemberModel;

/// Maps each model of a run to its members.
pub(crate) type Members = BTreeMap<SingleModel, Vec<MemberModel>>;

/// Stores the members of a run in its folder.
pub(crate) fn save<'a>(
    folder: &Path,
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
        save_networks(&folder.join(MODEL), &networks)?;
    }
    if !baselines.is_empty() {
        compressed_json::write(&folder.join(BASELINES), &baselines)?;
    }
    Ok(())
}

/// Loads the members of the run in `folder`, whose configuration is `config`; networks read `width` inputs a week.
pub(crate) fn load(folder: &Path, config: &CheckedConfig, width: usize) -> Result<Members, FileError> {
    let kinds = config.model.parts();
    let count = config.ensemble.members as usize;
    let mut members = Members::new();
    if kinds.contains(&SingleModel::Lstm) {
        let device = burn::tensor::Device::flex();
        let like = Network::new(&config.network, width, 0, &device).parameters();
        let networks = load_networks(&folder.join(MODEL), count, &like)?;
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

/// Stores the parameters of an ensemble's networks as `member<k>.<parameter>`.
fn save_networks(path: &Path, members: &[&[Parameter]]) -> Result<(), FileError> {
    let named = members.iter().enumerate().flat_map(|(member, parameters)| {
        parameters.iter().map(move |parameter| {
            (format!("member{member}.{}", parameter.name), parameter.shape.clone(), parameter.values.as_slice())
        })
    });
    let metadata = format!("{{\"members\":{}}}", members.len());
    tensors::save(path, named.collect(), metadata)
}

/// Reads the parameters of `members` networks, in the order and shapes of `like`.
fn load_networks(path: &Path, members: usize, like: &[Parameter]) -> Result<Vec<Vec<Parameter>>, FileError> {
    let (mut tensors, _) = tensors::load(path)?;
    let mut found = Vec::new();
    for member in 0..members {
        let mut parameters = Vec::new();
        for wanted in like {
            let name = format!("member{member}.{}", wanted.name);
            let Some((shape, values)) = tensors.remove(&name) else {
                return Err(FileError::damaged(path, format!("it has no tensor `{name}`")));
            };
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
