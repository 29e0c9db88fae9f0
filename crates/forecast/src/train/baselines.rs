//! The models to beat, trained as the networks are: member by member, each on all but its held-out rows.

use std::path::Path;

use staycast_baselines::{TrainingData, WeeklyInputs};
use staycast_evaluation::metrics::Ranking;
use staycast_sequences::Dataset;

use crate::examples::Examples;
use crate::files::{self, FileError};

/// What models are to learn of the enrolments of a training side.
pub(crate) struct Answers {
    labels: Vec<Option<bool>>,
    learnable: Vec<bool>,
    exit_week: Vec<Option<i32>>,
    observed_weeks: Vec<u32>,
}

impl Answers {
    pub(crate) fn of(data: &Dataset, examples: &Examples, enrolments: &[usize]) -> Self {
        let learnable =
            enrolments.iter().flat_map(|&row| (0..examples.weeks()).map(move |week| examples.teachable(row, week)));
        Self {
            labels: enrolments.iter().map(|&row| examples.taught(row)).collect(),
            learnable: learnable.collect(),
            exit_week: enrolments.iter().map(|&row| data.enrolments[row].left_week).collect(),
            observed_weeks: enrolments
                .iter()
                .map(|&row| data.course_of(row))
                .map(|course| course.observed_weeks.min(course.weeks))
                .collect(),
        }
    }

    /// Labels that are known of everyone, to be learnt at one week, without dates of leaving.
    pub(crate) fn dealt(labels: &[bool]) -> Self {
        Self {
            labels: labels.iter().copied().map(Some).collect(),
            learnable: vec![true; labels.len()],
            exit_week: vec![None; labels.len()],
            observed_weeks: vec![1; labels.len()],
        }
    }

    pub(crate) fn training<'a>(
        &'a self,
        inputs: &WeeklyInputs<'a>,
        rows: &'a [usize],
        held_out: &'a [usize],
        seed: u64,
    ) -> TrainingData<'a> {
        TrainingData {
            inputs: *inputs,
            rows,
            held_out,
            labels: &self.labels,
            learnable: &self.learnable,
            exit_week: &self.exit_week,
            observed_weeks: &self.observed_weeks,
            seed,
        }
    }
}

/// AUC over the held-out rows at the target week; `None` with one class only. `logits`: `[held-out row][week]`.
pub(super) fn held_out_auc(
    examples: &Examples,
    enrolments: &[usize],
    held_out: &[usize],
    logits: &[f32],
    target_week: usize,
) -> Option<f64> {
    let weeks = examples.weeks();
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for (row, &position) in held_out.iter().enumerate() {
        let enrolment = enrolments[position];
        let Some(label) = examples.label(enrolment).filter(|_| examples.judged(enrolment, target_week - 1)) else {
            continue;
        };
        scores.push(f64::from(logits[row * weeks + target_week - 1]));
        labels.push(label);
    }
    Ranking::new(&scores, &labels).ok()?.auc().value()
}

/// How hard models are compressed: trees repeat themselves, and a level above takes longer than fitting some of them.
const LEVEL: i32 = 3;

/// Stores models as compressed JSON.
pub(crate) fn save(path: &Path, models: &impl serde::Serialize) -> Result<(), FileError> {
    files::write_with(path, |file| {
        let mut encoder = zstd::Encoder::new(file, LEVEL)?;
        serde_json::to_writer(&mut encoder, models)?;
        encoder.finish().map(drop)
    })
}

/// Reads what [`save`] stored.
pub(crate) fn load<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let text = zstd::decode_all(files::read(path)?.as_slice()).map_err(|error| FileError::damaged(path, error))?;
    serde_json::from_slice(&text).map_err(|error| FileError::damaged(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("models.json.zst");
        save(&path, &vec![0.1_f64, 1.0 / 3.0]).expect("writable");
        assert_eq!(load::<Vec<f64>>(&path).expect("whole"), [0.1, 1.0 / 3.0]);
        let bytes = files::read(&path).expect("readable");
        std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("writable");
        assert!(
            load::<staycast_baselines::BaselineModel>(&path)
                .expect_err("cut short")
                .to_string()
                .contains("models.json.zst")
        );
    }
}
