//! From a run and a data set to the evaluation report.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use staycast_evaluation::calibration::Calibration;
use staycast_evaluation::metrics::Capacity;
use staycast_evaluation::report::{
    Evaluation, EvaluationRequest, MinimumSize, Plots, PredictionRow, ReportError, Resampling, evaluate, plots,
};
use staycast_evaluation::splits::SplitKind;
use staycast_sequences::{CutOff, Dataset, Exclusion, standing};

use super::context::Context;
use super::folds::{RepeatedAuc, fold_predictions};
use super::predictions::Predictions;
use super::score::of_courses;
use super::{EVALUATIONS, Run, RunError};
use crate::device::ChosenDevice;
use crate::files;
use crate::fitted::days_since_last;
use crate::leakage::LeakageReport;

/// Which rows to evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The run's test part or, on other data, all rows that were not trained on.
    Unseen,
    /// All rows, trained on or not: marks every figure.
    InSample,
}

/// What to evaluate.
#[derive(Clone, Copy, Debug)]
pub struct EvaluateRequest<'a> {
    /// The sequences.
    pub data: &'a Dataset,
    /// Cut-off week; the run's target week when `None`.
    pub week: Option<u32>,
    /// Only these courses.
    pub courses: Option<&'a [String]>,
    /// Which rows.
    pub rows: Rows,
    /// Whether and how to bootstrap.
    pub resampling: Resampling,
    /// Static columns to group by; those with a few values when `None`.
    pub groups: Option<&'a [String]>,
    /// Weight of the newest week when log odds are smoothed over weeks, in (0, 1]; no smoothing when `None`.
    pub smoothing: Option<f64>,
    /// How many learners can be contacted; [`DEFAULT_CAPACITIES`](staycast_evaluation::report::DEFAULT_CAPACITIES) when
    /// empty.
    pub capacities: &'a [Capacity],
    /// What a course or group needs for figures of its own.
    pub minimum_size: MinimumSize,
    /// Where to compute.
    pub device: &'a ChosenDevice,
}

impl<'a> EvaluateRequest<'a> {
    /// What a run says at its own week of the rows of `data` that it was not trained on, without a bootstrap.
    #[must_use]
    pub fn new(data: &'a Dataset, device: &'a ChosenDevice) -> Self {
        Self {
            data,
            week: None,
            courses: None,
            rows: Rows::Unseen,
            resampling: Resampling::Off,
            groups: None,
            smoothing: None,
            capacities: &[],
            minimum_size: MinimumSize::default(),
            device,
        }
    }
}

/// An evaluation, with what the report itself has no place for.
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<&'static str, u64>,
    /// What the tests for leakage found, where they were run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage: Option<LeakageReport>,
}

/// A line of `evaluations.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRecord {
    /// Fingerprint of the data.
    pub data_fingerprint: String,
    /// What was measured.
    pub kind: SplitKind,
    /// The cut-off week.
    pub week: u16,
    /// Courses asked for; all when empty.
    pub courses: Vec<String>,
    /// Enrolments evaluated.
    pub rows: u64,
    /// What came of it: `auc`, `average_precision`, `brier`, `log_loss`, `ece` of the cohort `all`, and `auc_active`, those
    /// that are defined.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
}

fn has_static(data: &Dataset, name: &String) -> bool {
    data.manifest.static_columns.contains(name)
}

/// The figures by which runs are told apart.
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

impl Run {
    /// Evaluates the run on `request.data`, and records that in the run.
    ///
    /// # Errors
    /// When the week can't be forecast, rows were trained on, the data does not fit the run, or nothing is left.
    pub fn evaluate(&self, request: &EvaluateRequest<'_>) -> Result<EvaluationOutcome, RunError> {
        let predictions = self.predictions(request)?;
        let outcome = outcome(&predictions, request.resampling)?;
        self.record(request, &outcome)?;
        Ok(outcome)
    }

    /// The predictions that [`Run::evaluate`] judges: one set, or one a repeat of a cross-validation. Looking at them is
    /// not counted as an evaluation; whoever judges them asks [`Run::record`] to.
    ///
    /// # Errors
    /// As [`Run::evaluate`].
    pub fn predictions(&self, request: &EvaluateRequest<'_>) -> Result<Vec<Predictions>, RunError> {
        self.require_rule(request.data)?;
        if let Some(unknown) = request.groups.unwrap_or_default().iter().find(|name| !has_static(request.data, name)) {
            let known = request.data.manifest.static_columns.clone();
            return Err(RunError::UnknownGroup { column: unknown.clone(), known });
        }
        if self.manifest.folds.is_some() { fold_predictions(self, request) } else { Ok(vec![self.predict(request)?]) }
    }

    fn predict(&self, request: &EvaluateRequest<'_>) -> Result<Predictions, RunError> {
        let fitted = &self.model()?.fitted;
        let data = request.data;
        let week = self.asked_week(request)?;
        let mut left_out = BTreeMap::new();
        let enrolments = self.rows(request, &mut left_out)?;
        let table = Table::new(data, &enrolments);
        for &enrolment in &enrolments {
            if table.last_cutoff(enrolment) < u32::from(week.weeks()) {
                *left_out.entry("the week lies in the label window, or after the end, of the course").or_insert(0) += 1;
            }
        }
        let (of_rows, rows): (Vec<usize>, Vec<PredictionRow>) =
            self.judgeable(&table, &enrolments, request.device)?.into_iter().unzip();
        let placed = of_rows.iter().zip(&rows).map(|(&enrolment, row)| (enrolment, u32::from(row.week.weeks())));
        let context = Context::of(data, placed, request).with_survival(self.survival_curves(
            data,
            &enrolments,
            week.weeks(),
            request.device,
        )?);
        let kind = self.kind(request, &enrolments, week);
        Ok(Predictions {
            repeat: 0,
            folds: Vec::new(),
            enrolments: of_rows,
            rows,
            week,
            last_allowed_week: enrolments.iter().map(|&row| table.last_cutoff(row)).max().unwrap_or(0) as u16,
            label_rule: self.manifest.label_rule.to_string(),
            kind,
            references: fitted.references(),
            evaluations_of_this_part: self.times_evaluated(request, kind)?,
            course_names: table.course_names,
            left_out,
            context,
        })
    }

    /// What the run says of `enrolments` at every week that can be judged.
    ///
    /// # Errors
    /// As [`Run::forecast`].
    pub(crate) fn predict_rows(
        &self,
        data: &Dataset,
        enrolments: &[usize],
        device: &ChosenDevice,
    ) -> Result<Vec<PredictionRow>, RunError> {
        let rows = self.judgeable(&Table::new(data, enrolments), enrolments, device)?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// Enrolments with a row for each week that can be judged.
    fn judgeable(
        &self,
        table: &Table<'_>,
        enrolments: &[usize],
        device: &ChosenDevice,
    ) -> Result<Vec<(usize, PredictionRow)>, RunError> {
        let fitted = &self.model()?.fitted;
        let forecasts = self.forecast(table.data, enrolments, device)?;
        let uncalibrated = Calibration::Logistic {};
        let mut rows = Vec::new();
        for (row, &enrolment) in enrolments.iter().enumerate() {
            let last = table.last_cutoff(enrolment).min(forecasts.weeks() as u32) as u16;
            for cut_off in (1..=last).filter_map(CutOff::after_weeks) {
                let logit = forecasts.logit(row, u32::from(cut_off.weeks()));
                // Where the model has no forecast, the week has no fit either, and these values are not looked at.
                let logit = if logit.is_nan() { 0.0 } else { logit };
                // A week without a fit has no place on the report's curve, which says so; its p is the network's own.
                let calibration = fitted.weeks.get(&cut_off.weeks()).map_or(&uncalibrated, |fit| &fit.calibration);
                rows.push((enrolment, table.row(enrolment, cut_off, logit, calibration.apply(logit))));
            }
        }
        Ok(rows)
    }

    /// The enrolments of the run's training side that `data` has.
    pub(crate) fn training_rows(&self, data: &Dataset) -> Vec<usize> {
        let training = &self.split.training;
        let trained = |&row: &usize| {
            let ids = training.get(&data.course_of(row).id);
            ids.is_some_and(|ids| ids.binary_search(&data.enrolments[row].id).is_ok())
        };
        (0..data.enrolments.len()).filter(trained).collect()
    }

    pub(super) fn asked_week(&self, request: &EvaluateRequest<'_>) -> Result<CutOff, ReportError> {
        let weeks = request.week.map_or(self.manifest.target_week, |week| u16::try_from(week).unwrap_or(u16::MAX));
        let present = || (1..=self.manifest.weeks).filter_map(CutOff::after_weeks).collect();
        CutOff::after_weeks(weeks).ok_or_else(|| ReportError::NoRowsAtWeek { week: weeks, present: present() })
    }

    pub(super) fn require_rule(&self, data: &Dataset) -> Result<(), RunError> {
        let (run, data) = (self.manifest.label_rule, data.manifest.labels.rule);
        if run == data { Ok(()) } else { Err(RunError::OtherRule { run: run.to_string(), data: data.to_string() }) }
    }

    pub(super) fn is_own_data(&self, data: &Dataset) -> bool {
        self.manifest.data.fingerprint == data.manifest.fingerprint()
    }

    /// The enrolments to evaluate.
    fn rows(
        &self,
        request: &EvaluateRequest<'_>,
        left_out: &mut BTreeMap<&'static str, u64>,
    ) -> Result<Vec<usize>, RunError> {
        let data = request.data;
        let asked = of_courses(data, request.courses)?;
        let members = |part: &BTreeMap<String, Vec<String>>| {
            let ids = part.iter().flat_map(|(course, ids)| ids.iter().map(move |id| (course.clone(), id.clone())));
            ids.collect::<BTreeSet<(String, String)>>()
        };
        let key = |enrolment: usize| (data.course_of(enrolment).id.clone(), data.enrolments[enrolment].id.clone());
        let rows: Vec<usize> = if request.rows == Rows::InSample {
            asked
        } else {
            let training = members(&self.split.all_trained_on());
            let trained: Vec<usize> = asked.iter().copied().filter(|&row| training.contains(&key(row))).collect();
            // On the run's own data the test part is meant, unless a course was named that has none of it.
            let own = self.is_own_data(data);
            let meant = !own || self.names_a_training_course(request);
            if let Some(&first) = trained.first().filter(|_| meant) {
                // Not its id: that may name a learner, and errors end up in logs.
                let (first, _) = key(first);
                return Err(RunError::TrainingRows { count: trained.len(), rows: asked.len(), first });
            }
            if own {
                let test = members(&self.split.test);
                asked.into_iter().filter(|&row| test.contains(&key(row))).collect()
            } else {
                self.without_training_learners(data, asked, left_out)
            }
        };
        if rows.is_empty() {
            return Err(RunError::NoRows("no enrolment of these courses is in the run's test part".to_owned()));
        }
        Ok(rows)
    }

    /// Whether a course was asked for by name that was trained on and has no test row.
    fn names_a_training_course(&self, request: &EvaluateRequest<'_>) -> bool {
        let split = &self.split;
        let asked = request.courses.unwrap_or_default();
        asked.iter().any(|course| split.trained_in(course) && !split.test.contains_key(course))
    }

    /// Rows whose learner was not trained on: in another course, that is no test of anything either.
    fn without_training_learners(
        &self,
        data: &Dataset,
        asked: Vec<usize>,
        left_out: &mut BTreeMap<&'static str, u64>,
    ) -> Vec<usize> {
        let learners: BTreeSet<&String> = self.split.training_learners.iter().collect();
        let (known, unseen): (Vec<usize>, Vec<usize>) =
            asked.into_iter().partition(|&row| learners.contains(&data.enrolments[row].learner));
        if !known.is_empty() {
            left_out.insert("the learner was trained on, in another course", known.len() as u64);
        }
        unseen
    }

    /// What figures on these rows measure.
    fn kind(&self, request: &EvaluateRequest<'_>, enrolments: &[usize], week: CutOff) -> SplitKind {
        let data = request.data;
        if request.rows == Rows::InSample {
            return SplitKind::InSample;
        }
        if self.is_own_data(data) {
            return self.split.kind;
        }
        if enrolments.iter().any(|&row| self.split.trained_in(&data.course_of(row).id)) {
            return SplitKind::Learner;
        }
        let earliest_cutoff = enrolments
            .iter()
            .map(|&row| data.course_of(row))
            .map(|course| {
                let seen = course.week_grid().end_day(week);
                (!course.nominal_dates).then(|| i64::from(course.start_day) + i64::from(seen))
            })
            .min()
            .flatten();
        match (self.split.training_labels_known_day, earliest_cutoff) {
            (Some(known), Some(cutoff)) if known <= cutoff => SplitKind::Forecast,
            _ => SplitKind::Transfer,
        }
    }

    /// How often a part has been evaluated, this time included: the same data and kind count as the same part.
    pub(super) fn times_evaluated(&self, request: &EvaluateRequest<'_>, kind: SplitKind) -> Result<u32, RunError> {
        let fingerprint = request.data.manifest.fingerprint();
        let same = |record: &&EvaluationRecord| record.data_fingerprint == fingerprint && record.kind == kind;
        Ok(self.evaluations()?.iter().filter(same).count() as u32 + 1)
    }

    /// Records in the run that this part of it has been looked at.
    ///
    /// # Errors
    /// When the record can't be read or written.
    pub fn record(&self, request: &EvaluateRequest<'_>, outcome: &EvaluationOutcome) -> Result<(), RunError> {
        let mut records = self.evaluations()?;
        records.push(EvaluationRecord {
            data_fingerprint: request.data.manifest.fingerprint(),
            kind: outcome.evaluation.kind,
            week: outcome.evaluation.week.weeks(),
            courses: request.courses.unwrap_or_default().to_vec(),
            rows: outcome.evaluation.cohorts.all.n,
            figures: figures(&outcome.evaluation),
        });
        Ok(files::write_json_lines(&self.path.join(EVALUATIONS), records)?)
    }
}

/// The report of predictions: of several repeats, the mean of their reports.
///
/// # Errors
/// When nothing can be reported.
pub fn outcome(predictions: &[Predictions], resampling: Resampling) -> Result<EvaluationOutcome, RunError> {
    let requests: Vec<EvaluationRequest<'_>> = predictions.iter().map(|one| one.request(resampling)).collect();
    let reports = requests.iter().map(evaluate).collect::<Result<Vec<Evaluation>, ReportError>>()?;
    let curves = match requests.as_slice() {
        [only] => plots(only).ok(),
        _ => None,
    };
    let aucs = reports.iter().zip(predictions).map(|(report, one)| RepeatedAuc {
        repeat: one.repeat,
        all: report.cohorts.all.auc.value(),
        active: report.cohorts.active.auc.value(),
    });
    Ok(EvaluationOutcome {
        repeats: if reports.len() > 1 { aucs.collect() } else { Vec::new() },
        plots: curves,
        left_out: predictions[0].left_out.clone(),
        leakage: None,
        evaluation: Evaluation::mean(&reports).expect("a run has predictions"),
    })
}

/// Course and learner numbers of a data set, as the report wants them.
pub(super) struct Table<'a> {
    data: &'a Dataset,
    pub(super) course_names: Vec<String>,
    learner: HashMap<usize, u32>,
    last_cutoff: Vec<u32>,
}

impl<'a> Table<'a> {
    pub(super) fn new(data: &'a Dataset, enrolments: &[usize]) -> Self {
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        for &enrolment in enrolments {
            numbers.insert(&data.enrolments[enrolment].learner, 0);
        }
        for (number, of_learner) in numbers.values_mut().enumerate() {
            *of_learner = number as u32;
        }
        let learner = enrolments.iter().map(|&row| (row, numbers[data.enrolments[row].learner.as_str()])).collect();
        let rule = data.manifest.labels.rule;
        let last_cutoff =
            data.courses.iter().map(|course| course.last_cut_off(rule).map_or(0, |last| last.weeks().into())).collect();
        let course_names = data.courses.iter().map(|course| course.id.clone()).collect();
        Self { data, course_names, learner, last_cutoff }
    }

    /// The latest cut-off of the enrolment's course that is whole, observed, and before the label window.
    pub(super) fn last_cutoff(&self, enrolment: usize) -> u32 {
        self.last_cutoff[self.data.enrolments[enrolment].course]
    }

    pub(super) fn row(&self, enrolment: usize, cut_off: CutOff, score: f64, p: f64) -> PredictionRow {
        let standing = standing(self.data, enrolment, cut_off);
        let withdrawn = standing.exclusion() == Some(Exclusion::Withdrawn);
        // Those already gone are in the cohort `all`.
        let exclusion = standing.exclusion().filter(|_| !withdrawn);
        let about = &self.data.enrolments[enrolment];
        // Where withdrawing is the outcome itself, it is known of those already gone, not forecast: no forecast ranks
        // above it. The probability stays the network's.
        let gone = withdrawn && self.data.manifest.labels.rule.rests_on_outcomes();
        let score = if gone { f64::MAX } else { score };
        PredictionRow {
            enrolment: enrolment as u32,
            course: about.course as u32,
            learner: self.learner[&enrolment],
            week: cut_off,
            score,
            p,
            label: about.dropout,
            known: standing.is_known(),
            active: standing.is_active(),
            days_since_last: days_since_last(self.data, enrolment, cut_off.last_week().position()),
            exclusion,
        }
    }
}
