//! Evaluating a cross-validation by its out-of-fold predictions.
//!
//! Each repeat is a report of its own over all its folds together; with more than one, every figure is the mean over
//! the repeats, since pooling them would count each enrolment several times.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use staycast_evaluation::report::WeekReference;
use staycast_weeks::CutOff;

use super::context::Context;
use super::evaluate::{EvaluateRequest, Rows, Table};
use super::predictions::Predictions;
use super::score::of_courses;
use super::{FOLD_CALIBRATION, FoldFit, OUT_OF_FOLD, Run, RunError};
use crate::files;
use crate::tables;
use crate::train::FoldPrediction;

/// One repeat's AUC at the asked week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RepeatedAuc {
    /// The repeat, from 0.
    pub repeat: u32,
    /// AUC in the cohort `all`; `None` where it is undefined.
    pub all: Option<f64>,
    /// AUC in the cohort `active`; `None` where it is undefined.
    pub active: Option<f64>,
}

/// One set of predictions a repeat.
pub(super) fn fold_predictions(run: &Run, request: &EvaluateRequest<'_>) -> Result<Vec<Predictions>, RunError> {
    let data = request.data;
    if !run.is_own_data(data) {
        let (run, data) = (run.manifest.data.fingerprint.clone(), data.manifest.fingerprint());
        return Err(RunError::OtherData { run, data });
    }
    if request.rows == Rows::InSample {
        return Err(RunError::NoModel(run.path.clone()));
    }
    let stored = tables::read_out_of_fold(&run.path.join(OUT_OF_FOLD), data)?;
    let fits: Vec<FoldFit> = files::read_json(&run.path.join(FOLD_CALIBRATION))?;
    let asked: BTreeSet<usize> = of_courses(data, request.courses)?.into_iter().collect();
    let kept: Vec<&FoldPrediction> = stored.iter().filter(|prediction| asked.contains(&prediction.enrolment)).collect();
    let enrolments: BTreeSet<usize> = kept.iter().map(|prediction| prediction.enrolment).collect();
    if enrolments.is_empty() {
        return Err(RunError::NoRows("the cross-validation has no prediction of these courses".to_owned()));
    }
    let table = Table::new(data, &enrolments.iter().copied().collect::<Vec<_>>());
    let last = enrolments.iter().map(|&row| table.last_cutoff(row)).max().unwrap_or(0);
    let repeats = run.manifest.folds.map_or(1, |folds| folds.repeats);
    let of_repeat = |repeat| {
        let kept: Vec<(&FoldPrediction, CutOff)> = kept
            .iter()
            .copied()
            .filter(|prediction| prediction.repeat == repeat)
            .filter(|prediction| u32::from(prediction.week) <= table.last_cutoff(prediction.enrolment))
            .filter_map(|prediction| Some((prediction, CutOff::after_weeks(prediction.week)?)))
            .collect();
        let placed = kept.iter().map(|(one, _)| (one.enrolment, u32::from(one.week)));
        let context = Context::of(data, placed, request);
        Ok(Predictions {
            context,
            repeat,
            enrolments: kept.iter().map(|(one, _)| one.enrolment).collect(),
            folds: kept.iter().map(|(one, _)| one.fold).collect(),
            rows: kept.iter().map(|&(one, cut_off)| table.row(one.enrolment, cut_off, one.score, one.p)).collect(),
            week: run.asked_week(request)?,
            last_allowed_week: last as u16,
            label_rule: run.manifest.label_rule.to_string(),
            kind: run.split.kind,
            references: references(&fits, repeat),
            course_names: table.course_names.clone(),
            evaluations_of_this_part: run.times_evaluated(request, run.split.kind)?,
            left_out: BTreeMap::new(),
        })
    };
    (0..repeats).map(of_repeat).collect()
}

/// By week, the mean of the folds' thresholds and base rates. The recency baseline is not fitted: every row of a
/// cross-validation is in most folds' training sides.
fn references(fits: &[FoldFit], repeat: u32) -> BTreeMap<CutOff, WeekReference> {
    let mut found: BTreeMap<u16, Vec<&WeekReference>> = BTreeMap::new();
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
    found.into_iter().filter_map(|(week, of)| Some((CutOff::after_weeks(week)?, mean(of)))).collect()
}
