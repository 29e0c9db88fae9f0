//! The record of evaluations: how often each part of a run's data has been looked at, and what came of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use staycast_evaluation::report::Evaluation;
use staycast_evaluation::splits::SplitKind;
use staycast_files::{FileTurn, WriteError};
use staycast_sequences::CutOff;

use super::error::PredictionError;
use super::request::EvaluateRequest;
use crate::artifact::Run;
use crate::artifact::layout::EVALUATIONS;
use crate::digest::digest;
use crate::files::{self, FileError};

/// Records one evaluation: a line of `evaluations.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRecord {
    /// Fingerprint of the data.
    pub data_fingerprint: String,
    /// The kind of generalisation that was measured.
    pub kind: SplitKind,
    /// The cut-off week.
    pub week: CutOff,
    /// Courses asked for; all when empty.
    pub courses: Vec<String>,
    /// Enrolments evaluated.
    pub rows: u64,
    /// Figures by name: `auc`, `average_precision`, `brier`, `log_loss`, `ece` of the cohort `all`, and `auc_active`, those
    /// that are defined.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// BLAKE3, in hexadecimal, of the checksum of the line before and of this line's JSON without this key; empty in lines of
    /// earlier versions. So a line that was changed, or left out before others, is noticed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub blake3: String,
}

impl EvaluationRecord {
    /// Returns the record with its checksum, as the line after one with the checksum `before`.
    fn sealed_after(self, before: &str) -> Self {
        let unsealed = Self { blake3: String::new(), ..self };
        Self { blake3: digest(&(before, &unsealed)), ..unsealed }
    }
}

/// Reads the record of evaluations of the run in `folder`, oldest first.
///
/// # Errors
/// When a line is damaged, or is not the one that was written.
pub fn evaluations_in(folder: &Path) -> Result<Vec<EvaluationRecord>, FileError> {
    let path = folder.join(EVALUATIONS);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let records: Vec<EvaluationRecord> = files::read_json_lines(&path)?;
    let text = files::as_text(&path, files::read(&path)?)?;
    let mut lines = text.split_inclusive('\n');
    let mut before = "";
    for (at, record) in records.iter().enumerate() {
        // Lines of earlier versions have no checksum, and stand before those that have one.
        let unsealed = before.is_empty() && record.blake3.is_empty();
        // Down to the spaces, so that what is exported is what was written.
        let written = serde_json::to_string(record).is_ok_and(|json| lines.next() == Some(&format!("{json}\n")));
        let as_sealed = written && *record == record.clone().sealed_after(before);
        if !unsealed && !as_sealed {
            let how = format!(
                "line {} is not the one that was written there; move the file away to begin a new record",
                at + 1
            );
            return Err(FileError::Changed { path, how });
        }
        before = &record.blake3;
    }
    Ok(records)
}

/// Lists the evaluations of a run, oldest first.
///
/// # Errors
/// When the file is damaged.
pub fn evaluations(run: &Run) -> Result<Vec<EvaluationRecord>, PredictionError> {
    Ok(evaluations_in(run.path())?)
}

/// Records in the run that a part of the data was evaluated, and sets how often it has been, this time included. Returns why
/// it is not recorded where the run can't be written to, as on a read-only disk, or its file system knows no locks; its
/// figures are as good as others.
///
/// # Errors
/// When the record can't be read, or can't be written for another reason.
pub fn record_evaluation(
    run: &Run,
    request: &EvaluateRequest<'_>,
    evaluation: &mut Evaluation,
) -> Result<Option<String>, PredictionError> {
    let path = run.path().join(EVALUATIONS);
    // Nobody else records meanwhile: what is read is what the line is put behind.
    let _turn = match FileTurn::wait(&path) {
        Ok(turn) => turn,
        Err(error) => return why_not_recorded(error).map(Some),
    };
    let mut records = evaluations(run)?;
    let record = EvaluationRecord {
        data_fingerprint: request.data.manifest.fingerprint(),
        kind: evaluation.kind,
        week: evaluation.week,
        courses: request.courses.unwrap_or_default().to_vec(),
        rows: evaluation.cohorts.all.n,
        figures: figures(evaluation),
        blake3: String::new(),
    };
    // Others may have recorded theirs since the predictions were made.
    evaluation.evaluations_of_this_part = Some(times_in(&records, &record.data_fingerprint, record.kind));
    let (is_first, before) = (records.is_empty(), records.last().map_or(String::new(), |record| record.blake3.clone()));
    records.push(record.sealed_after(&before));
    let Err(error) = staycast_files::write_json_lines(&path, records) else { return Ok(None) };
    if is_first {
        // It was made for the turn alone.
        drop(fs::remove_file(&path));
    }
    why_not_recorded(error).map(Some)
}

/// Says why an evaluation is not recorded, where its place allows no record.
fn why_not_recorded(error: WriteError) -> Result<String, PredictionError> {
    if error.is_read_only() || error.is_without_locks() { Ok(error.to_string()) } else { Err(error.into()) }
}

/// Counts how often a part has been evaluated, this time included: the same data and kind count as the same part.
pub(super) fn times_evaluated(
    run: &Run,
    request: &EvaluateRequest<'_>,
    kind: SplitKind,
) -> Result<u32, PredictionError> {
    Ok(times_in(&evaluations(run)?, &request.data.manifest.fingerprint(), kind))
}

fn times_in(records: &[EvaluationRecord], data_fingerprint: &str, kind: SplitKind) -> u32 {
    let same = |record: &&EvaluationRecord| record.data_fingerprint == data_fingerprint && record.kind == kind;
    records.iter().filter(same).count() as u32 + 1
}

/// Picks the figures by which runs are compared.
fn figures(evaluation: &Evaluation) -> BTreeMap<String, f64> {
    let (all, active) = (&evaluation.cohorts.all, &evaluation.cohorts.active);
    let named = [
        ("auc", all.auc),
        ("average_precision", all.average_precision),
        ("brier", all.brier),
        ("log_loss", all.log_loss),
        ("ece", all.ece),
        ("auc_active", active.auc),
    ];
    named.into_iter().filter_map(|(name, metric)| Some((name.to_owned(), metric.value()?))).collect()
}
