//! Evaluating a cross-validation by its out-of-fold predictions.
//!
//! Each repeat is a report of its own over all its folds together; with more than one, every figure is the mean over
//! the repeats, since pooling them would count each enrolment several times.

use std::collections::{BTreeMap, BTreeSet};

use staycast_evaluation::report::WeekReference;
use staycast_sequences::{CutOff, EnrolmentIndex};

use super::error::PredictionError;
use super::evaluations::times_evaluated;
use super::predictions::Predictions;
use super::report_context::ReportContext;
use super::request::{EvaluateRequest, Rows};
use super::rests_on;
use super::row_table::RowTable;
use super::selection::{adaptations, asked_week, enrolments_in, is_own_data};
use super::survival_curves::fold_survival_curves;
use crate::artifact::layout::OUT_OF_FOLD;
use crate::artifact::out_of_fold::{FoldPrediction, read_out_of_fold};
use crate::artifact::{FoldFit, Run, RunError};

/// Reads the stored predictions: one set a repeat.
pub(super) fn fold_predictions(run: &Run, request: &EvaluateRequest<'_>) -> Result<Vec<Predictions>, PredictionError> {
    let data = request.data;
    if !is_own_data(run, data) {
        let (run, data) = (run.manifest().data.fingerprint.clone(), data.manifest.fingerprint());
        return Err(PredictionError::OtherData { run, data });
    }
    if request.rows == Rows::InSample {
        return Err(RunError::NoModel(run.path().to_owned()).into());
    }
    let stored = read_out_of_fold(&run.path().join(OUT_OF_FOLD), run.manifest(), data)?;
    let fits = run.fold_fits();
    let asked: BTreeSet<EnrolmentIndex> = enrolments_in(data, request.courses)?.into_iter().collect();
    let kept: Vec<&FoldPrediction> = stored.iter().filter(|prediction| asked.contains(&prediction.enrolment)).collect();
    let enrolments: BTreeSet<EnrolmentIndex> = kept.iter().map(|prediction| prediction.enrolment).collect();
    if enrolments.is_empty() {
        return Err(PredictionError::NoRows("the cross-validation has no prediction of these courses".to_owned()));
    }
    let table = RowTable::new(data, &enrolments.iter().copied().collect::<Vec<_>>());
    table.require_judgeable(enrolments.iter().copied(), asked_week(run, request))?;
    let last = enrolments.iter().filter_map(|&row| table.last_cut_off(row)).max();
    let repeats = run.manifest().folds.map_or(1, |folds| folds.repeats);
    let predictions_of = |repeat| {
        let kept: Vec<&FoldPrediction> = kept
            .iter()
            .copied()
            .filter(|prediction| prediction.repeat == repeat)
            .filter(|prediction| Some(prediction.week) <= table.last_cut_off(prediction.enrolment))
            .collect();
        let placed = kept.iter().map(|one| (one.enrolment, one.week));
        let asked = kept.iter().filter(|one| one.week == asked_week(run, request));
        let rests_on = rests_on::of_folds(run, data, asked.map(|one| (one.enrolment, one.fold)));
        let context = ReportContext::new(data, placed, request).with_courses(rests_on);
        let context = context.with_survival(fold_survival_curves(run, data, &kept, repeat, asked_week(run, request))?);
        Ok(Predictions {
            context,
            repeat,
            enrolments: kept.iter().map(|one| one.enrolment).collect(),
            folds: kept.iter().map(|one| one.fold).collect(),
            rows: kept.iter().map(|one| table.row(one.enrolment, one.week, one.score, one.p)).collect(),
            week: asked_week(run, request),
            last_allowed_week: last.map_or(0, CutOff::weeks),
            label_rule: run.manifest().label_rule.to_string(),
            kind: run.split().kind,
            references: references(fits, repeat),
            course_names: table.course_names.clone(),
            evaluations_of_this_part: times_evaluated(run, request, run.split().kind)?,
            adaptations: adaptations(run, request),
            left_out: BTreeMap::new(),
        })
    };
    (0..repeats).map(predictions_of).collect()
}

/// Averages, by week, the folds' thresholds and base rates. The recency baseline is not fitted: every row of a
/// cross-validation is in most folds' training sets.
fn references(fits: &[FoldFit], repeat: u32) -> BTreeMap<CutOff, WeekReference> {
    let mut found: BTreeMap<CutOff, Vec<&WeekReference>> = BTreeMap::new();
    for fit in fits.iter().filter(|fit| fit.repeat == repeat) {
        for (&week, of_week) in &fit.fitted.weeks {
            found.entry(week).or_default().push(&of_week.reference);
        }
    }
    let mean = |of: Vec<&WeekReference>| {
        let count = of.len() as f64;
        WeekReference {
            threshold: of.iter().map(|one| one.threshold).sum::<f64>() / count,
            training_base_rate: of.iter().map(|one| one.training_base_rate).sum::<f64>() / count,
            recency: None,
        }
    };
    found.into_iter().map(|(week, of)| (week, mean(of))).collect()
}
