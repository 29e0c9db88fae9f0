//! What a run says about itself: its manifest, and who trained and tests it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_evaluation::proxy::ProxyRule;
use staycast_evaluation::splits::{Grouping, SplitExclusion, SplitKind};
use staycast_sequences::DropoutRule;
use staycast_sequences::manifest::CalendarRecord;

use super::{RecalibrationRecord, Run};
use crate::device::DeviceInfo;
use crate::fitted::Fitted;
use crate::model::{ModelKind, SingleModel};

/// What a run says about itself. Equal for equal runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunManifest {
    /// [`RUN_KIND`](super::RUN_KIND).
    pub kind: String,
    /// [`RUN_VERSION`](super::RUN_VERSION) of the writer.
    pub run_version: u32,
    /// Version of Staycast that trained it.
    pub staycast_version: String,
    /// The data that it was trained on.
    pub data: DataRecord,
    /// What it forecasts with.
    #[serde(default)]
    pub model: ModelKind,
    /// The run whose networks these went on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ParentRecord>,
    /// How it was carried to other courses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalibrated: Option<RecalibrationRecord>,
    /// Answers that silence stood for in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxies: Option<ProxyRecord>,
    /// The device that it was trained on.
    pub device: DeviceInfo,
    /// The run's seed.
    pub seed: u64,
    /// What counts as dropout.
    pub label_rule: DropoutRule,
    /// The cut-off week that the run is for.
    pub target_week: u16,
    /// Weeks of a sequence.
    pub weeks: u16,
    /// The data's calendar.
    pub calendar: CalendarRecord,
    /// Weekly features that it reads, by name.
    pub features: Vec<String>,
    /// Numbers that the network reads a week.
    pub inputs: u64,
    /// Parameters of one network; 0 where there is none.
    pub parameters: u64,
    /// What its test measures.
    pub split_kind: SplitKind,
    /// The split in words.
    pub split: String,
    /// Cross-validation, for a run that has one instead of a test part.
    pub folds: Option<FoldsRecord>,
    /// The networks.
    pub members: Vec<MemberSummary>,
    /// AUC of the held-out predictions of the training side (with folds, the first's) at the target week.
    pub held_out_auc: Option<f64>,
}

/// A run that another went on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentRecord {
    /// Fingerprint of the sequences that it was trained on.
    pub data_fingerprint: String,
    /// Its seed.
    pub seed: u64,
}

impl ParentRecord {
    /// What says which run `run` is.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self { data_fingerprint: run.manifest.data.fingerprint.clone(), seed: run.manifest.seed }
    }
}

/// Labels by proxy (see [`staycast_evaluation::proxy`]) that a run was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyRecord {
    /// When silence stood for dropout, and activity for staying.
    pub rule: ProxyRule,
    /// Enrolments of the training side (with folds, the first's) that had one.
    pub enrolments: u64,
}

/// The data of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// The sequences' fingerprint.
    pub fingerprint: String,
    /// The log's format.
    pub format: String,
    /// The sequences' layout version.
    pub layout_version: u32,
    /// Courses there were.
    pub courses: u64,
    /// Enrolments there were.
    pub enrolments: u64,
}

/// A cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldsRecord {
    /// Folds.
    pub folds: u32,
    /// Times that the folds were drawn.
    pub repeats: u32,
}

/// One member of a run: a network, or another model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSummary {
    /// What it is.
    #[serde(default)]
    pub model: SingleModel,
    /// Repeat of the cross-validation, from 0.
    pub repeat: u32,
    /// Fold, from 0.
    pub fold: u32,
    /// Member of the ensemble, from 0.
    pub member: u32,
    /// The epoch that was kept, of a network.
    pub best_epoch: Option<u32>,
    /// Its AUC on the rows held out, at the target week.
    pub validation_auc: f64,
}

/// Which enrolments a run was trained on, and which it is tested with: by course, their ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRecord {
    /// What the test measures.
    pub kind: SplitKind,
    /// The split in words.
    pub description: String,
    /// What stayed together in the parts of the training side that members held out for early stopping and calibration.
    pub held_out_by: Grouping,
    /// Enrolments of the training side; with folds, all.
    pub training: BTreeMap<String, Vec<String>>,
    /// Enrolments of the test part; none with folds.
    pub test: BTreeMap<String, Vec<String>>,
    /// Learners of the training side, where the source identifies them across courses.
    pub training_learners: Vec<String>,
    /// Last day, since 1970-01-01, on which a label of the training side became known, where courses have dates.
    pub training_labels_known_day: Option<i64>,
    /// Enrolments in neither part, by reason.
    pub excluded: BTreeMap<SplitExclusion, u64>,
    /// Enrolments that the run was not trained on, but one that it went on from, or that it was recalibrated with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, Vec<String>>,
}

impl SplitRecord {
    /// Whether anything of the run was fitted on enrolments of the course.
    #[must_use]
    pub fn trained_in(&self, course: &str) -> bool {
        self.training.contains_key(course) || self.before.contains_key(course)
    }

    /// All enrolments that anything of the run was fitted on, by course, sorted.
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

/// What was fitted in one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldFit {
    /// Repeat, from 0.
    pub repeat: u32,
    /// Fold, from 0.
    pub fold: u32,
    /// What was fitted.
    pub fitted: Fitted,
}
