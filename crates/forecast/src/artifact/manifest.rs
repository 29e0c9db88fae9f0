//! The manifest of a run: `manifest.json`, written last.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use staycast_evaluation::proxy::ProxyRule;
use staycast_evaluation::splits::SplitKind;
use staycast_sequences::manifest::{CalendarRecord, ResealRecord};
use staycast_sequences::{CutOff, DropoutRule, SEQUENCES_KIND};

use super::checksums::{self, FileRecord};
use super::error::RunError;
use super::layout::{MANIFEST, RUN_KIND, RUN_VERSION, VERSION_WITHOUT_CHECKSUMS};
use super::model_choice::ModelChoice;
use super::recalibration::RecalibrationRecord;
use crate::config::Adaptation;
use crate::device::DeviceInfo;
use crate::digest::digest;
use crate::files::{self, FileError};
use crate::model_kind::{ModelKind, SingleModel};

/// Describes a run: its data, device, rule, features and members. Equal for equal runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunManifest {
    /// Always [`RUN_KIND`].
    pub kind: String,
    /// The writer's version of the layout.
    pub run_version: u32,
    /// Version of Staycast that trained it.
    pub staycast_version: String,
    /// The data that it was trained on.
    pub data: DataRecord,
    /// The model that it forecasts with; never [`ModelKind::Auto`].
    #[serde(default = "the_first_model")]
    pub model: ModelKind,
    /// How the model was chosen, where the configuration leaves it to the data; of a cross-validation, for every repeat and fold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ModelChoice>,
    /// The run whose networks these went on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ParentRecord>,
    /// How it was carried to other courses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalibrated: Option<RecalibrationRecord>,
    /// Labels that inactivity stood for in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxies: Option<ProxyRecord>,
    /// The device that it was trained on.
    pub device: DeviceInfo,
    /// Devices of other kinds on which networks may have been trained beside it. Those of its kind change no byte, and are not
    /// listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_devices: Vec<DeviceInfo>,
    /// The run's seed.
    pub seed: u64,
    /// The rule by which a learner counts as a dropout.
    pub label_rule: DropoutRule,
    /// The cut-off week that the run is for.
    pub target_week: CutOff,
    /// Settings that are not the usual ones, as the data did not allow these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adaptations: Vec<Adaptation>,
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
    /// The kind of generalisation that its test measures.
    pub split_kind: SplitKind,
    /// The split, described in a sentence.
    pub split: String,
    /// Cross-validation, for a run that has one instead of a test part.
    pub folds: Option<FoldsRecord>,
    /// The networks.
    pub members: Vec<MemberSummary>,
    /// AUC of the held-out predictions of the training set (with folds, the first's) at the target week.
    pub held_out_auc: Option<f64>,
    /// The run's other files, by name; none in the first version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileRecord>,
    /// BLAKE3 of the manifest's JSON without this key and without spaces, in hexadecimal; empty in the first version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
}

/// Returns the model of runs whose manifest does not name it: those written when there was no other.
const fn the_first_model() -> ModelKind {
    ModelKind::Lstm
}

impl RunManifest {
    /// Lists the models that its members are of, in the order of their kinds.
    #[must_use]
    pub fn parts(&self) -> Vec<SingleModel> {
        let models: BTreeSet<SingleModel> = self.members.iter().map(|member| member.model).collect();
        models.into_iter().collect()
    }

    /// Reads the manifest of the run in `folder`. With `checksums`, what it says of itself must fit.
    pub(super) fn read(folder: &Path, checksums: Checksums) -> Result<Self, RunError> {
        let not = |why: &str| RunError::NotARun { path: folder.to_owned(), why: why.to_owned() };
        let path = folder.join(MANIFEST);
        let text = files::read(&path)?;
        let damaged = |error: serde_json::Error| FileError::damaged(&path, error);
        let about: About = serde_json::from_slice(&text).map_err(damaged)?;
        match about.kind.as_str() {
            RUN_KIND => {}
            SEQUENCES_KIND => return Err(not("it is a folder of sequences")),
            _ => return Err(not("its manifest.json is not that of a run")),
        }
        if ![VERSION_WITHOUT_CHECKSUMS, RUN_VERSION].map(u64::from).contains(&about.run_version) {
            return Err(RunError::OtherVersion { path: folder.to_owned(), found: about.run_version });
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(damaged)?;
        if checksums == Checksums::Checked && manifest.is_sealed() {
            if manifest.files.is_empty() || manifest.seal.is_empty() {
                return Err(FileError::NoChecksums { path }.into());
            }
            let as_written = Self { seal: String::new(), ..manifest.clone() };
            let written =
                serde_json::to_string_pretty(&manifest).is_ok_and(|json| text == format!("{json}\n").as_bytes());
            if !written || digest(&as_written) != manifest.seal {
                let how = "it is not as it was sealed".to_owned();
                return Err(FileError::Changed { path, how }.into());
            }
            checksums::check(folder, &manifest.files)?;
        }
        Ok(manifest)
    }

    /// Tells whether the manifest has checksums: those of every version but the first do.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.run_version != VERSION_WITHOUT_CHECKSUMS || !self.files.is_empty() || !self.seal.is_empty()
    }

    /// Returns the manifest with the checksums of the files in `folder`, and its own.
    pub(crate) fn sealed(self, folder: &Path) -> Result<Self, FileError> {
        let files = checksums::list(folder)?;
        let unsealed = Self { run_version: RUN_VERSION, files, seal: String::new(), ..self };
        Ok(Self { seal: digest(&unsealed), ..unsealed })
    }

    /// Tells whether `name` is part of the run in `folder`: what a manifest with checksums does not list is not.
    pub(super) fn has_part(&self, folder: &Path, name: &str, checksums: Checksums) -> bool {
        if checksums == Checksums::Checked && self.is_sealed() {
            self.files.iter().any(|record| record.file == name)
        } else {
            folder.join(name).exists()
        }
    }
}

/// Says whether the checksums of a run must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksums {
    /// They must, if it has any.
    Checked,
    /// They are about to be written anew.
    Ignored,
}

/// Reads what every version's manifest has.
#[derive(Deserialize)]
struct About {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    run_version: u64,
}

/// Identifies a run that another went on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentRecord {
    /// Fingerprint of the sequences that it was trained on.
    pub data_fingerprint: String,
    /// Its seed.
    pub seed: u64,
}

impl ParentRecord {
    /// Identifies the run that `manifest` describes.
    #[must_use]
    pub fn from_manifest(manifest: &RunManifest) -> Self {
        Self { data_fingerprint: manifest.data.fingerprint.clone(), seed: manifest.seed }
    }
}

/// Records labels by proxy (see [`staycast_evaluation::proxy`]) that a run was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyRecord {
    /// The rule by which inactivity stood for dropout, and activity for staying.
    pub rule: ProxyRule,
    /// Enrolments of the training set (with folds, the first's) that had one.
    pub enrolments: u64,
}

/// Identifies the data of a run.
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
    /// The last edit of the sequences after they were written, where they were sealed again after one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<ResealRecord>,
}

/// Describes a cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldsRecord {
    /// Folds.
    pub folds: u32,
    /// Times that the folds were drawn.
    pub repeats: u32,
}

/// Summarises one member of a run: a network, or another model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSummary {
    /// The model that it is a member of.
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
