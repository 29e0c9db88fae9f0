//! From a run and a data set to the evaluation report.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use staycast_evaluation::report::{self, Evaluation, EvaluationRequest, Plots, ReportError, Resampling, plots};

use staycast_sequences::Exclusion;

use super::error::PredictionError;
use super::evaluations::record_evaluation;
use super::leakage::LeakageReport;
use super::predict::predictions;
use super::predictions::Predictions;
use super::request::EvaluateRequest;
use crate::artifact::Run;
use crate::config::Adaptation;

/// Holds an evaluation, with what the report itself has no place for.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluationOutcome {
    /// The report; of a cross-validation with repeats, the mean over the repeats (see `repeats`).
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// Curves for plots, where the report is of one set of predictions.
    #[serde(skip)]
    pub plots: Option<Plots>,
    /// By repeat of a cross-validation, the AUC at the asked week.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<RepeatedAuc>,
    /// Enrolments left out before the report's own exclusions, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "serialize_described")]
    pub left_out: BTreeMap<Exclusion, u64>,
    /// Settings of the run that the data decided, as far as they bear on these figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adaptations: Vec<Adaptation>,
    /// Why this evaluation is not recorded in the run, and so won't be counted; `None` where it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_recorded: Option<String>,
    /// Findings of the tests for leakage, where they were run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage: Option<LeakageReport>,
}

/// Writes counts under the descriptions of the exclusions, in the order of these.
fn serialize_described<S: Serializer>(left_out: &BTreeMap<Exclusion, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    let described: BTreeMap<&str, u64> =
        left_out.iter().map(|(exclusion, &count)| (exclusion.describe(), count)).collect();
    described.serialize(serializer)
}

/// Holds one repeat's AUC at the asked week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RepeatedAuc {
    /// The repeat, from 0.
    pub repeat: u32,
    /// AUC in the cohort `all`; `None` where it is undefined.
    pub all: Option<f64>,
    /// AUC in the cohort `active`; `None` where it is undefined.
    pub active: Option<f64>,
}

/// Evaluates the run on `request.data`, and records that in the run.
///
/// # Errors
/// When the week can't be forecast, rows were trained on, the data does not fit the run, or nothing is left.
pub fn evaluate(run: &Run, request: &EvaluateRequest<'_>) -> Result<EvaluationOutcome, PredictionError> {
    let mut outcome = evaluate_predictions(&predictions(run, request)?, request.resampling)?;
    outcome.not_recorded = record_evaluation(run, request, &mut outcome.evaluation)?;
    Ok(outcome)
}

/// Judges predictions: of several repeats, the report is the mean of theirs.
///
/// # Errors
/// When nothing can be reported.
pub fn evaluate_predictions(
    predictions: &[Predictions],
    resampling: Resampling,
) -> Result<EvaluationOutcome, PredictionError> {
    let requests: Vec<EvaluationRequest<'_>> = predictions.iter().map(|one| one.request(resampling)).collect();
    let reports = requests.iter().map(report::evaluate).collect::<Result<Vec<Evaluation>, ReportError>>()?;
    let curves = match requests.as_slice() {
        [only] => plots(only).ok(),
        _ => None,
    };
    let aucs = reports.iter().zip(predictions).map(|(report, one)| RepeatedAuc {
        repeat: one.repeat,
        all: report.cohorts.all.auc.value(),
        active: report.cohorts.active.auc.value(),
    });
    let nothing = || PredictionError::NoRows("there are no predictions".to_owned());
    let evaluation = Evaluation::mean(&reports).ok_or_else(nothing)?;
    Ok(EvaluationOutcome {
        repeats: if reports.len() > 1 { aucs.collect() } else { Vec::new() },
        plots: curves,
        left_out: predictions.first().map(|first| first.left_out.clone()).unwrap_or_default(),
        leakage: None,
        adaptations: predictions.first().map(|first| first.adaptations.clone()).unwrap_or_default(),
        not_recorded: None,
        evaluation,
    })
}
