//! A member's state on disk, and the trained members: safetensors files with the same bytes for the same contents.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use serde::{Deserialize, Serialize};

use super::adamw::AdamWState;
use super::member::{EpochRecord, MemberState};
use crate::files::{self, FileError};
use crate::network::Parameter;

/// Key of the one entry of a file's metadata. One, since the format stores them in the order of a hash map.
const METADATA: &str = "staycast";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberRecord {
    finished: bool,
    steps: u64,
    history: Vec<EpochRecord>,
}

/// Stores a member's state. A finished one keeps its best parameters only.
pub(super) fn save_member(path: &Path, state: &MemberState) -> Result<(), FileError> {
    let record =
        MemberRecord { finished: state.finished, steps: state.optimiser.steps, history: state.history.clone() };
    let record = serde_json::to_string(&record).map_err(|error| FileError::damaged(path, error))?;
    let mut tensors = vec![("best", &state.best)];
    if !state.finished {
        let optimiser = &state.optimiser;
        tensors.extend([
            ("parameters", &optimiser.parameters),
            ("moment_1", &optimiser.moment_1),
            ("moment_2", &optimiser.moment_2),
        ]);
    }
    let tensors =
        tensors.into_iter().map(|(name, values)| (name.to_owned(), vec![values.len()], values.as_slice())).collect();
    save(path, tensors, record)
}

/// Reads a member's state.
pub(super) fn load_member(path: &Path) -> Result<MemberState, FileError> {
    let (mut tensors, record) = load(path)?;
    let record: MemberRecord = serde_json::from_str(&record).map_err(|error| FileError::damaged(path, error))?;
    let mut take = |name: &str| {
        let found = tensors.remove(name).map(|(_, values)| values);
        found.ok_or_else(|| FileError::damaged(path, format!("it has no tensor `{name}`")))
    };
    let best = take("best")?;
    let (parameters, moment_1, moment_2) = if record.finished {
        (best.clone(), Vec::new(), Vec::new())
    } else {
        (take("parameters")?, take("moment_1")?, take("moment_2")?)
    };
    let optimiser = AdamWState { parameters, moment_1, moment_2, steps: record.steps };
    Ok(MemberState { optimiser, best, history: record.history, finished: record.finished })
}

/// Stores the members' parameters as `member<k>.<parameter>`.
pub(crate) fn save_members(path: &Path, members: &[Vec<Parameter>]) -> Result<(), FileError> {
    let named = members.iter().enumerate().flat_map(|(member, parameters)| {
        parameters.iter().map(move |parameter| {
            (format!("member{member}.{}", parameter.name), parameter.shape.clone(), parameter.values.as_slice())
        })
    });
    let metadata = format!("{{\"members\":{}}}", members.len());
    save(path, named.collect(), metadata)
}

/// Reads one member's parameters, in the order and shape of `like`.
pub(crate) fn load_members(path: &Path, members: usize, like: &[Parameter]) -> Result<Vec<Vec<Parameter>>, FileError> {
    let (mut tensors, _) = load(path)?;
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

fn save(path: &Path, tensors: Vec<(String, Vec<usize>, &[f32])>, metadata: String) -> Result<(), FileError> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, shape, values)| (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, data)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| FileError::damaged(path, error))?;
    let metadata = HashMap::from([(METADATA.to_owned(), metadata)]);
    let file = serialize(views, Some(metadata)).map_err(|error| FileError::damaged(path, error))?;
    files::write(path, &file)
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn load(path: &Path) -> Result<(Tensors, String), FileError> {
    let bytes = files::read(path)?;
    let damaged = |error: safetensors::SafeTensorError| FileError::damaged(path, error);
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let record = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA));
    let record = record.ok_or_else(|| FileError::damaged(path, "Staycast did not write it"))?.clone();
    let file = SafeTensors::deserialize(&bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(FileError::damaged(path, format!("`{name}` is not of 32-bit floats")));
        }
        let values = view
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("chunks of four")))
            .collect();
        tensors.insert(name, (view.shape().to_vec(), values));
    }
    Ok((tensors, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(finished: bool) -> MemberState {
        let record = EpochRecord {
            repeat: 0,
            fold: 1,
            member: 2,
            epoch: 1,
            training_loss: 0.1 + 0.2,
            validation_loss: 1.0 / 3.0,
            validation_auc: 0.75,
            learning_rate: 1e-3,
            best: true,
        };
        let numbers = vec![1.0, f32::MIN_POSITIVE, -0.1];
        let moments = if finished { Vec::new() } else { numbers.clone() };
        MemberState {
            optimiser: AdamWState {
                parameters: numbers.clone(),
                moment_1: moments.clone(),
                moment_2: moments,
                steps: 9,
            },
            best: numbers,
            history: vec![record],
            finished,
        }
    }

    #[test]
    fn states_survive_and_equal_states_give_equal_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for finished in [false, true] {
            let (first, second) = (folder.path().join("first"), folder.path().join("second"));
            save_member(&first, &state(finished)).expect("writable");
            save_member(&second, &state(finished)).expect("writable");
            assert_eq!(std::fs::read(&first).expect("there"), std::fs::read(&second).expect("there"));
            assert_eq!(load_member(&first).expect("whole"), state(finished));
        }
    }

    #[test]
    fn a_cut_file_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("member0.safetensors");
        save_member(&path, &state(false)).expect("writable");
        let bytes = std::fs::read(&path).expect("there");
        std::fs::write(&path, &bytes[..bytes.len() - 5]).expect("writable");
        let message = load_member(&path).expect_err("cut short").to_string();
        assert!(message.contains("member0.safetensors"), "{message}");
    }
}
