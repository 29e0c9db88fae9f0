//! Records that a run holds beside its manifest: who trained and tests it, its epochs, the fits of its folds.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use staycast_baselines::BaselineModel;
use staycast_evaluation::splits::{Grouping, SplitExclusion, SplitKind};

use crate::week_fits::WeekFits;

/// Lists which enrolments a run was trained on, and which it is tested with: by course, their ids. `split.json` in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRecord {
    /// The kind of generalisation that the test measures.
    pub kind: SplitKind,
    /// The split, described in a sentence.
    pub description: String,
    /// The groups that stayed together in the parts of the training set that members held out for early stopping and
    /// calibration.
    pub held_out_by: Grouping,
    /// Enrolments of the training set; with folds, all.
    pub training: BTreeMap<String, Vec<String>>,
    /// Enrolments of the test part; none with folds.
    pub test: BTreeMap<String, Vec<String>>,
    /// Learners of the training set, where the source identifies them across courses.
    pub training_learners: Vec<String>,
    /// Last day, since 1970-01-01, on which a label of the training set became known, where courses have dates.
    pub training_labels_known_day: Option<i64>,
    /// Enrolments in neither part, by reason.
    pub excluded: BTreeMap<SplitExclusion, u64>,
    /// Enrolments that the run was not trained on, but one that it went on from, or that it was recalibrated with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, Vec<String>>,
}

impl SplitRecord {
    /// Tells whether anything of the run was fitted on enrolments of the course.
    #[must_use]
    pub fn trained_in(&self, course: &str) -> bool {
        self.training.contains_key(course) || self.before.contains_key(course)
    }

    /// Prepares to ask of many enrolments whether anything of the run was fitted on them. Holds 16 bytes for each learner of
    /// the training set.
    #[must_use]
    pub fn trained_on(&self) -> TrainedOn<'_> {
        TrainedOn { split: self, learners: self.training_learners.iter().map(String::as_str).collect() }
    }

    /// Lists all enrolments that anything of the run was fitted on, by course, sorted.
    #[must_use]
    pub fn all_trained_on(&self) -> BTreeMap<String, Vec<String>> {
        let mut all = self.training.clone();
        for (course, ids) in &self.before {
            all.entry(course.clone()).or_default().extend(ids.iter().cloned());
        }
        for ids in all.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        all
    }
}

/// Knows which enrolments anything of a run was fitted on.
#[derive(Clone, Debug)]
pub struct TrainedOn<'a> {
    split: &'a SplitRecord,
    learners: FxHashSet<&'a str>,
}

impl TrainedOn<'_> {
    /// Tells whether anything of the run was fitted on this enrolment, or on another one of the same learner.
    #[must_use]
    pub fn contains(&self, course: &str, enrolment: &str, learner: &str) -> bool {
        let has = |ids: &Vec<String>| ids.binary_search_by(|known| known.as_str().cmp(enrolment)).is_ok();
        let parts = [&self.split.training, &self.split.before];
        parts.into_iter().any(|part| part.get(course).is_some_and(has)) || self.learners.contains(learner)
    }
}

/// Holds the hazards of leaving by forecast of one fold: an entry of a cross-validation's `survival.json.zst`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FoldHazards {
    /// Repeat of the cross-validation, from 0.
    pub(crate) repeat: u32,
    /// The fold, from 0.
    pub(crate) fold: u32,
    /// Hazards by the scores of `out_of_fold.parquet`.
    pub(crate) hazards: BaselineModel,
}

/// Holds the calibrations and thresholds of one fold: an entry of `fold_calibration.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldFit {
    /// Repeat, from 0.
    pub repeat: u32,
    /// Fold, from 0.
    pub fold: u32,
    /// Its calibrations and thresholds.
    pub fitted: WeekFits,
}

/// Records one epoch of a network: a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Repeat of the cross-validation, from 0; 0 without one.
    pub repeat: u32,
    /// Fold of the cross-validation, from 0; 0 without one.
    pub fold: u32,
    /// Member of the ensemble, from 0.
    pub member: u32,
    /// Epoch, from 1.
    pub epoch: u32,
    /// Mean loss of the epoch's steps, of all tasks, weighted as in training, with dropout.
    pub training_loss: f64,
    /// Mean log loss over the held-out rows of all weeks, unweighted and uncalibrated.
    pub validation_loss: f64,
    /// AUC over the held-out rows at the target week.
    pub validation_auc: f64,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Whether this epoch is the best so far.
    pub best: bool,
}
