//! Evaluating a cross-validation by its out-of-fold predictions.
//!
//! Each repeat is a report of its own over all its folds together; with more than one, every figure is the mean over
//! the repeats, since pooling them would count each enrolment several times.

use std::collections::BTreeMap;

use serde::Serialize;
use staycast_evaluation::metrics::Metric;
use staycast_evaluation::report::{ByCohort, Cohort, Evaluation, EvaluationRequest, WeekReference, evaluate, plots};

use super::evaluate::{EvaluateRequest, EvaluationOutcome, Rows, Table};
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

pub(super) fn evaluate_folds(run: &Run, request: &EvaluateRequest<'_>) -> Result<EvaluationOutcome, RunError> {
    let data = request.data;
    if !run.is_own_data(data) {
        let (run, data) = (run.manifest.data.fingerprint.clone(), data.manifest.fingerprint());
        return Err(RunError::OtherData { run, data });
    }
    if request.rows == Rows::InSample {
        return Err(RunError::NoModel(run.path.clone()));
    }
    let predictions = tables::read_out_of_fold(&run.path.join(OUT_OF_FOLD), data)?;
    let fits: Vec<FoldFit> = files::read_json(&run.path.join(FOLD_CALIBRATION))?;
    let asked: std::collections::BTreeSet<usize> = of_courses(data, request.courses)?.into_iter().collect();
    let kept: Vec<&FoldPrediction> =
        predictions.iter().filter(|prediction| asked.contains(&prediction.enrolment)).collect();
    let enrolments: std::collections::BTreeSet<usize> = kept.iter().map(|prediction| prediction.enrolment).collect();
    if enrolments.is_empty() {
        return Err(RunError::NoRows("the cross-validation has no prediction of these courses".to_owned()));
    }
    let table = Table::new(data, &enrolments.iter().copied().collect::<Vec<_>>());
    let last = enrolments.iter().map(|&row| table.last_cutoff(row)).max().unwrap_or(0);
    let repeats = run.manifest.folds.map_or(1, |folds| folds.repeats);
    let mut reports = Vec::new();
    let mut curves = None;
    for repeat in 0..repeats {
        let rows: Vec<_> = kept
            .iter()
            .filter(|prediction| prediction.repeat == repeat)
            .filter(|prediction| u32::from(prediction.week) <= table.last_cutoff(prediction.enrolment))
            .map(|one| table.row(one.enrolment, u32::from(one.week), one.score, one.p))
            .collect();
        let references = references(&fits, repeat);
        let report = EvaluationRequest {
            rows: &rows,
            week: run.asked_week(request),
            last_allowed_week: Some(last as u16),
            label_rule: &run.manifest.label_rule.to_string(),
            kind: run.split.kind,
            references: &references,
            course_names: &table.course_names,
            resampling: request.resampling,
            evaluations_of_this_part: run.times_evaluated(request, run.split.kind)?,
        };
        reports.push(evaluate(&report)?);
        if repeats == 1 {
            curves = plots(&report).ok();
        }
    }
    let aucs = reports.iter().enumerate().map(|(repeat, report)| RepeatedAuc {
        repeat: repeat as u32,
        all: report.cohorts.all.auc.value(),
        active: report.cohorts.active.auc.value(),
    });
    let aucs = if repeats > 1 { aucs.collect() } else { Vec::new() };
    let evaluation = mean_report(&reports);
    Ok(EvaluationOutcome { evaluation, plots: curves, repeats: aucs, left_out: BTreeMap::new() })
}

/// By week, the mean of the folds' thresholds and base rates. The recency baseline is not fitted: every row of a
/// cross-validation is in most folds' training sides.
fn references(fits: &[FoldFit], repeat: u32) -> BTreeMap<u16, WeekReference> {
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
    found.into_iter().map(|(week, of)| (week, mean(of))).collect()
}

/// The first report with every figure replaced by its mean over the reports.
fn mean_report(reports: &[Evaluation]) -> Evaluation {
    let mut mean = reports[0].clone();
    if reports.len() == 1 {
        return mean;
    }
    let cohorts = |of: &dyn Fn(&Evaluation) -> Option<&ByCohort<Cohort>>, into: &mut ByCohort<Cohort>| {
        let found: Vec<&ByCohort<Cohort>> = reports.iter().filter_map(of).collect();
        into.all = mean_cohort(&found.iter().map(|one| &one.all).collect::<Vec<_>>());
        into.active = mean_cohort(&found.iter().map(|one| &one.active).collect::<Vec<_>>());
    };
    cohorts(&|report| Some(&report.cohorts), &mut mean.cohorts);
    for (name, into) in &mut mean.baselines {
        cohorts(&|report| report.baselines.get(name), into);
    }
    for (at, week) in mean.weeks.iter_mut().enumerate() {
        cohorts(&|report| report.weeks.get(at).map(|week| &week.cohorts), &mut week.cohorts);
        for (name, into) in &mut week.baselines {
            cohorts(&|report| report.weeks.get(at).and_then(|week| week.baselines.get(name)), into);
        }
    }
    for (at, course) in mean.courses.iter_mut().enumerate() {
        cohorts(&|report| report.courses.get(at).map(|course| &course.cohorts), &mut course.cohorts);
    }
    // Intervals by resampling are of one repeat's predictions; a mean of their ends would be no interval.
    mean.bootstrap.clear();
    mean
}

/// A cohort whose metrics are means. A metric that is undefined in any repeat stays so; a confusion of several
/// repeats is none.
fn mean_cohort(cohorts: &[&Cohort]) -> Cohort {
    let mut mean = cohorts[0].clone();
    let of = |read: fn(&Cohort) -> Metric| {
        let values: Option<Vec<f64>> = cohorts.iter().map(|cohort| read(cohort).value()).collect();
        match values {
            Some(values) => Metric::Value(values.iter().sum::<f64>() / values.len() as f64),
            None => read(cohorts.iter().find(|cohort| read(cohort).value().is_none()).expect("one is undefined")),
        }
    };
    mean.base_rate = of(|cohort| cohort.base_rate);
    mean.auc = of(|cohort| cohort.auc);
    mean.auc_low = of(|cohort| cohort.auc_low);
    mean.auc_high = of(|cohort| cohort.auc_high);
    mean.average_precision = of(|cohort| cohort.average_precision);
    mean.precision = of(|cohort| cohort.precision);
    mean.recall = of(|cohort| cohort.recall);
    mean.f1 = of(|cohort| cohort.f1);
    mean.mcc = of(|cohort| cohort.mcc);
    mean.brier = of(|cohort| cohort.brier);
    mean.log_loss = of(|cohort| cohort.log_loss);
    mean.ece = of(|cohort| cohort.ece);
    let thresholds: Option<Vec<f64>> = cohorts.iter().map(|cohort| cohort.threshold).collect();
    mean.threshold = thresholds.map(|values| values.iter().sum::<f64>() / values.len() as f64);
    mean.confusion = None;
    mean
}
