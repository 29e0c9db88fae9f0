//! The record of evaluations: how often each part of a run's data has been looked at, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_evaluation::report::Evaluation;
use staycast_evaluation::splits::SplitKind;
use staycast_sequences::CutOff;

use super::error::PredictionError;
use super::request::EvaluateRequest;
use crate::artifact::Run;
use crate::artifact::layout::EVALUATIONS;
use crate::files;

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
}

/// Lists the evaluations of a run, oldest first.
///
/// # Errors
/// When the file is damaged.
pub fn evaluations(run: &Run) -> Result<Vec<EvaluationRecord>, PredictionError> {
    let path = run.path().join(EVALUATIONS);
    if path.exists() { Ok(files::read_json_lines(&path)?) } else { Ok(Vec::new()) }
}

/// Records in the run that a part of the data was evaluated.
///
/// # Errors
/// When the record can't be read or written.
pub fn record_evaluation(
    run: &Run,
    request: &EvaluateRequest<'_>,
    evaluation: &Evaluation,
) -> Result<(), PredictionError> {
    let mut records = evaluations(run)?;
    records.push(EvaluationRecord {
        data_fingerprint: request.data.manifest.fingerprint(),
        kind: evaluation.kind,
        week: evaluation.week,
        courses: request.courses.unwrap_or_default().to_vec(),
        rows: evaluation.cohorts.all.n,
        figures: figures(evaluation),
    });
    Ok(staycast_files::write_json_lines(&run.path().join(EVALUATIONS), records)?)
}

/// Counts how often a part has been evaluated, this time included: the same data and kind count as the same part.
pub(super) fn times_evaluated(
    run: &Run,
    request: &EvaluateRequest<'_>,
    kind: SplitKind,
) -> Result<u32, PredictionError> {
    let fingerprint = request.data.manifest.fingerprint();
    let same = |record: &&EvaluationRecord| record.data_fingerprint == fingerprint && record.kind == kind;
    Ok(evaluations(run)?.iter().filter(same).count() as u32 + 1)
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
