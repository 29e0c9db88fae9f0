//! A network's training state on disk, from which an interrupted run goes on.

use std::path::Path;

use serde::{Deserialize, Serialize};
use staycast_lstm::AdamWState;

use super::member::MemberState;
use crate::artifact::{EpochRecord, tensors};
use crate::digest::digest;
use crate::files::FileError;

/// Holds a state's numbers beside its tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberRecord {
    finished: bool,
    steps: u64,
    history: Vec<EpochRecord>,
    /// Checksum of the numbers and of the tensors' bytes.
    blake3: String,
}

impl MemberRecord {
    /// Returns the record of a state with these tensors, with its checksum.
    fn sealed(self, tensors: &[(&str, &[f32])]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for (name, values) in tensors {
            hasher.update(name.as_bytes()).update(&(values.len() as u64).to_le_bytes());
            for value in *values {
                hasher.update(&value.to_le_bytes());
            }
        }
        let unsealed = Self { blake3: hasher.finalize().to_hex().to_string(), ..self };
        Self { blake3: digest(&unsealed), ..unsealed }
    }
}

/// Stores a member's state. A finished one keeps its best parameters only.
pub(super) fn save_member(path: &Path, state: &MemberState) -> Result<(), FileError> {
    let tensors = named_tensors(state);
    let (finished, steps, history) = (state.finished, state.optimiser.steps, state.history.clone());
    let record = MemberRecord { finished, steps, history, blake3: String::new() }.sealed(&tensors);
    let record = serde_json::to_string(&record).map_err(|error| FileError::damaged(path, error))?;
    let tensors = tensors.into_iter().map(|(name, values)| (name.to_owned(), vec![values.len()], values)).collect();
    tensors::save(path, tensors, record)
}

/// Lists the tensors of a state that are stored: of a finished one its best parameters only.
fn named_tensors(state: &MemberState) -> Vec<(&'static str, &[f32])> {
    let optimiser = &state.optimiser;
    let mut tensors = vec![("best", state.best.as_slice())];
    if !state.finished {
        tensors.extend([
            ("parameters", optimiser.parameters.as_slice()),
            ("moment_1", optimiser.moment_1.as_slice()),
            ("moment_2", optimiser.moment_2.as_slice()),
        ]);
    }
    tensors
}

/// Reads a member's state.
pub(super) fn load_member(path: &Path) -> Result<MemberState, FileError> {
    let (mut tensors, record) = tensors::load_any(path)?;
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
    let state = MemberState { optimiser, best, history: record.history.clone(), finished: record.finished };
    let then = record.blake3.clone();
    let unsealed = MemberRecord { blake3: String::new(), ..record };
    if unsealed.sealed(&named_tensors(&state)).blake3 != then {
        let how = "its checksum is another; remove the folder and train again".to_owned();
        return Err(FileError::Changed { path: path.to_owned(), how });
    }
    Ok(state)
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
    fn a_changed_number_or_tensor_is_noticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("member0.safetensors");
        for finished in [false, true] {
            save_member(&path, &state(finished)).expect("writable");
            let bytes = std::fs::read(&path).expect("there");
            let last = bytes.len() - 1;
            let mut changed = bytes.clone();
            changed[last] ^= 1;
            std::fs::write(&path, &changed).expect("writable");
            let message = load_member(&path).expect_err("a weight changed").to_string();
            assert!(message.contains("member0.safetensors") && message.contains("checksum"), "{message}");
            let steps = bytes.windows(5).position(|window| window == b":9,\\\"").expect("the number of steps");
            changed.clone_from(&bytes);
            changed[steps + 1] = b'8';
            std::fs::write(&path, &changed).expect("writable");
            assert!(load_member(&path).is_err(), "a number changed");
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
