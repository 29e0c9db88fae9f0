//! The predictions of a run that an evaluation judges.

use std::collections::BTreeSet;

use super::error::PredictionError;
use super::evaluations::times_evaluated;
use super::folds::fold_predictions;
use super::predictions::Predictions;
use super::report_context::ReportContext;
use super::request::EvaluateRequest;
use super::rests_on;
use super::row_table::{RowTable, evaluable_rows};
use super::selection::{LeftOut, adaptations, asked_week, is_own_data, measured_kind, require_rule, rows_to_evaluate};
use super::survival_curves::survival_curves;
use crate::artifact::Run;
use crate::reach::too_late;
use staycast_sequences::CutOff;

/// Predicts the rows that [`evaluate`](super::evaluate()) judges: one set, or one a repeat of a cross-validation. Looking
/// at them is not counted as an evaluation; whoever judges them calls [`record_evaluation`](super::record_evaluation).
///
/// # Errors
/// When the week can't be forecast, rows were trained on, the data does not fit the run, or nothing is left.
pub fn predictions(run: &Run, request: &EvaluateRequest<'_>) -> Result<Vec<Predictions>, PredictionError> {
    require_rule(run, request.data)?;
    if is_own_data(run, request.data) {
        run.check_split_with(request.data)?;
    }
    let known = &request.data.manifest.static_columns;
    if let Some(unknown) = request.groups.unwrap_or_default().iter().find(|name| !known.contains(name)) {
        return Err(PredictionError::UnknownGroup { column: unknown.clone(), known: known.clone() });
    }
    let predictions = if run.manifest().folds.is_some() {
        fold_predictions(run, request)
    } else {
        model_predictions(run, request).map(|one| vec![one])
    };
    predictions.map_err(|error| match error {
        PredictionError::TrainingRows { .. } | PredictionError::OtherData { .. } => {
            sealed_since(run, request).unwrap_or(error)
        }
        other => other,
    })
}

/// Says that the data was edited after the run was trained on it, where it was.
fn sealed_since(run: &Run, request: &EvaluateRequest<'_>) -> Option<PredictionError> {
    let edits = request.data.manifest.edits_since(&run.manifest().data.fingerprint)?;
    let files: BTreeSet<&String> = edits.iter().flat_map(|edit| &edit.edited).map(|edited| &edited.file).collect();
    Some(PredictionError::SealedSince { at: edits.first()?.at.clone(), files: files.into_iter().cloned().collect() })
}

/// Predicts with the run's models.
fn model_predictions(run: &Run, request: &EvaluateRequest<'_>) -> Result<Predictions, PredictionError> {
    let fits = &run.model()?.fits;
    let (data, device) = (request.data, request.device);
    let week = asked_week(run, request);
    let mut left_out = LeftOut::new();
    let enrolments = rows_to_evaluate(run, request, &mut left_out)?;
    let table = RowTable::new(data, &enrolments);
    table.require_judgeable(enrolments.iter().copied(), week)?;
    for &enrolment in &enrolments {
        if let Some(why) = too_late(data.course_of(enrolment), data.manifest.labels.rule, week) {
            *left_out.entry(why.exclusion()).or_insert(0) += 1;
        }
    }
    let (places, rows): (Vec<_>, Vec<_>) = evaluable_rows(run, &table, &enrolments, device)?.into_iter().unzip();
    let context = ReportContext::new(data, places.iter().copied(), request);
    let context = context.with_survival(survival_curves(run, data, &enrolments, week, device)?);
    let asked = places.iter().filter(|(_, cut_off)| *cut_off == week).map(|&(enrolment, _)| enrolment);
    let context = context.with_courses(rests_on::of_model(run, data, asked));
    let kind = measured_kind(run, request, &enrolments, week);
    Ok(Predictions {
        repeat: 0,
        folds: Vec::new(),
        enrolments: places.into_iter().map(|(enrolment, _)| enrolment).collect(),
        rows,
        week,
        last_allowed_week: enrolments.iter().filter_map(|&row| table.last_cut_off(row)).max().map_or(0, CutOff::weeks),
        label_rule: run.manifest().label_rule.to_string(),
        kind,
        references: fits.references(),
        evaluations_of_this_part: times_evaluated(run, request, kind)?,
        course_names: table.course_names,
        adaptations: adaptations(run, request),
        left_out,
        context,
    })
}
