//! A run carried to other courses: its models as they are, probabilities and thresholds fitted to the outcomes known there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use staycast_evaluation::calibration::{Calibration, CalibrationMethod, shift_to_labels};
use staycast_files::{FolderDraft, IfExists};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex};

use super::error::PredictionError;
use super::forecasts::Forecasts;
use super::selection::{enrolments_in, require_rule};
use crate::artifact::layout::{CALIBRATION, EVALUATIONS, MANIFEST, SPLIT};
use crate::artifact::{RecalibrationRecord, Refit, Run, RunManifest, SplitRecord, WeekRefit};
use crate::device::ChosenDevice;
use crate::examples::Examples;
use crate::files::{self, FileError};
use crate::week_fits::{WeekFit, WeekFits};

/// Counts the labelled rows of a week, and of each class among them, from which on the whole curve is fitted anew.
const ROWS_FOR_A_CURVE: usize = 100;
const CLASS_FOR_A_CURVE: usize = 20;
/// Counts the labelled rows from which on a shift is fitted to them.
const ROWS_FOR_A_SHIFT: usize = 10;

/// Asks for a run to be carried to other courses.
#[derive(Clone, Copy, Debug)]
pub struct RecalibrateRequest<'a> {
    /// Sequences of the new courses, with whatever labels there are.
    pub data: &'a Dataset,
    /// Only these courses.
    pub courses: Option<&'a [String]>,
    /// The new run's folder; it must not exist, or be empty.
    pub out: &'a Path,
    /// Where to compute.
    pub device: &'a ChosenDevice,
}

/// Writes a run to `request.out` that forecasts with the models of this one, calibrated to other courses, as far as
/// outcomes are known there. Rows that the run was trained on are left out, and the new run
/// counts the labelled rows among those.
///
/// # Errors
/// When the run is a cross-validation or has an isotonic calibration, the data does not fit it, no row is left, or the
/// folder can't be written.
pub fn recalibrate(run: &Run, request: &RecalibrateRequest<'_>) -> Result<Run, PredictionError> {
    let model = run.model()?;
    let data = request.data;
    require_rule(run, data)?;
    if model.fits.weeks.values().any(|fit| matches!(fit.calibration, Calibration::Isotonic(_))) {
        return Err(PredictionError::CantRecalibrate(
            "its isotonic calibration is a step function, which can't be shifted; train with calibration.method=platt"
                .to_owned(),
        ));
    }
    if request.out.exists() && fs::read_dir(request.out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(PredictionError::CantRecalibrate(format!(
            "{} is not empty; name a new folder",
            request.out.display()
        )));
    }
    let enrolments = not_trained_on(run, data, enrolments_in(data, request.courses)?);
    if enrolments.is_empty() {
        return Err(PredictionError::CantRecalibrate("the run was trained on all of these enrolments".to_owned()));
    }
    let forecasts = Forecasts::compute(run, data, &enrolments, request.device)?;
    let examples = Examples::new(data, forecasts.last_cut_off());
    let mut fits = model.fits.clone();
    let mut weeks = BTreeMap::new();
    for (&week, fit) in &mut fits.weeks {
        let rows = WeekRows::new(data, &examples, &enrolments, week, |row| forecasts.logit(row, week));
        weeks.insert(week, rows.refit(fit, run));
    }
    let fitted_on = |&&enrolment: &&EnrolmentIndex| {
        CutOff::up_to(examples.last_cut_off()).any(|cut_off| {
            let used = weeks.get(&cut_off).is_some_and(|week: &WeekRefit| week.refit.reads_labels());
            used && examples.is_evaluable(enrolment, cut_off.last_week())
        })
    };
    let labelled: Vec<EnrolmentIndex> = enrolments.iter().filter(fitted_on).copied().collect();
    let record = RecalibrationRecord {
        data_fingerprint: data.manifest.fingerprint(),
        courses: request.courses.unwrap_or_default().to_vec(),
        weeks,
    };
    let manifest = RunManifest { recalibrated: Some(record), ..run.manifest().clone() };
    write_recalibrated(run, request.out, &manifest, &fits, &split_with(run, data, &labelled))?;
    Ok(Run::open(request.out)?)
}

/// Keeps those of `enrolments` that were not trained on, nor their learners elsewhere.
fn not_trained_on(run: &Run, data: &Dataset, enrolments: Vec<EnrolmentIndex>) -> Vec<EnrolmentIndex> {
    let trained = run.split().all_trained_on();
    let learners: BTreeSet<&String> = run.split().training_learners.iter().collect();
    let fresh = |&enrolment: &EnrolmentIndex| {
        let row = data.enrolment(enrolment);
        let ids = trained.get(&data.course_of(enrolment).id);
        ids.is_none_or(|ids| ids.binary_search(&row.id).is_err()) && !learners.contains(&row.learner)
    };
    enrolments.into_iter().filter(fresh).collect()
}

/// Returns the split with the enrolments that the new run was fitted on besides.
fn split_with(run: &Run, data: &Dataset, labelled: &[EnrolmentIndex]) -> SplitRecord {
    let mut split = run.split().clone();
    for &enrolment in labelled {
        let ids = split.before.entry(data.course_of(enrolment).id.clone()).or_default();
        ids.push(data.enrolment(enrolment).id.clone());
    }
    for ids in split.before.values_mut() {
        ids.sort_unstable();
        ids.dedup();
    }
    if data.manifest.capabilities.learners {
        split.training_learners.extend(labelled.iter().map(|&row| data.enrolment(row).learner.clone()));
        split.training_learners.sort_unstable();
        split.training_learners.dedup();
    }
    split
}

/// Writes the new run, whole or not at all.
fn write_recalibrated(
    run: &Run,
    out: &Path,
    manifest: &RunManifest,
    fits: &WeekFits,
    split: &SplitRecord,
) -> Result<(), PredictionError> {
    let draft = FolderDraft::begin(out)?;
    fill_recalibrated(run, draft.path(), manifest, fits, split).map_err(|error| error.named_by(&draft))?;
    // A run that can't be opened never gets its name.
    Run::open(draft.path())?;
    Ok(draft.publish(IfExists::Refuse)?)
}

fn fill_recalibrated(
    run: &Run,
    folder: &Path,
    manifest: &RunManifest,
    fits: &WeekFits,
    split: &SplitRecord,
) -> Result<(), FileError> {
    // All but what is written anew, and the record of evaluations, which were of the other run.
    for name in run.files().iter().filter(|name| ![CALIBRATION, SPLIT, MANIFEST, EVALUATIONS].contains(&name.as_str()))
    {
        staycast_files::write(&folder.join(name), &files::read(&run.path().join(name))?)?;
    }
    staycast_files::write_json(&folder.join(CALIBRATION), fits)?;
    staycast_files::write_json(&folder.join(SPLIT), split)?;
    let manifest = manifest.clone().sealed(folder)?;
    Ok(staycast_files::write_json(&folder.join(MANIFEST), &manifest)?)
}

/// Holds the mean logits of a week's rows that are forecast and not withdrawn.
struct WeekRows {
    logits: Vec<f64>,
    labels: Vec<bool>,
    unlabelled: Vec<f64>,
}

impl WeekRows {
    fn new(
        data: &Dataset,
        examples: &Examples,
        enrolments: &[EnrolmentIndex],
        week: CutOff,
        logit: impl Fn(usize) -> f64,
    ) -> Self {
        let mut found = Self { logits: Vec::new(), labels: Vec::new(), unlabelled: Vec::new() };
        if week > examples.last_cut_off() {
            return found;
        }
        for (row, &enrolment) in enrolments.iter().enumerate() {
            let course = data.course_of(enrolment);
            let over = course.last_observed().is_some_and(|last| week <= last);
            if !over || examples.exclusion(enrolment, week.last_week()).is_some() || !logit(row).is_finite() {
                continue;
            }
            match examples.label(enrolment) {
                Some(label) if examples.is_evaluable(enrolment, week.last_week()) => {
                    found.logits.push(logit(row));
                    found.labels.push(label);
                }
                // In the label's window: neither a case to learn from nor one that is open.
                Some(_) => {}
                None => found.unlabelled.push(logit(row)),
            }
        }
        found
    }

    /// Fits into `fit` as much as the rows allow.
    fn refit(&self, fit: &mut WeekFit, run: &Run) -> WeekRefit {
        let before = fit.calibration.clone();
        let refit = self.fit(fit, run);
        let mean = |calibration: &Calibration| {
            let all = self.logits.iter().chain(&self.unlabelled);
            let count = self.logits.len() + self.unlabelled.len();
            (count > 0).then(|| all.map(|&logit| calibration.apply(logit)).sum::<f64>() / count as f64)
        };
        WeekRefit {
            refit,
            labelled: self.labels.len() as u64,
            unlabelled: self.unlabelled.len() as u64,
            mean_before: mean(&before),
            mean: mean(&fit.calibration),
        }
    }

    /// Fits a new curve, a shift or nothing, by the number of rows.
    fn fit(&self, fit: &mut WeekFit, run: &Run) -> Refit {
        let (slope, intercept) = match fit.calibration {
            Calibration::Platt { slope, intercept } => (slope, intercept),
            _ => (1.0, 0.0),
        };
        let dropouts = self.labels.iter().filter(|&&label| label).count();
        let rarer = dropouts.min(self.labels.len() - dropouts);
        if self.labels.len() >= ROWS_FOR_A_CURVE
            && rarer >= CLASS_FOR_A_CURVE
            && let Ok(calibration) = CalibrationMethod::Platt.fit(&self.logits, &self.labels)
        {
            let p = calibration.apply_all(&self.logits);
            // A rule that these rows can't follow, as a precision that none reaches, leaves the threshold that there was.
            if let Ok(threshold) = run.config().threshold.choose(&p, &self.labels) {
                fit.reference.threshold = threshold.threshold;
                fit.threshold = threshold;
            }
            fit.calibration = calibration;
            return Refit::Curve;
        }
        // Forecasts alone do not tell how frequent dropout is: without labels the calibration stays.
        if self.labels.len() < ROWS_FOR_A_SHIFT {
            return Refit::Kept;
        }
        let odds: Vec<f64> = self.logits.iter().map(|logit| slope * logit + intercept).collect();
        let shift = shift_to_labels(&odds, &self.labels);
        fit.calibration = Calibration::Platt { slope, intercept: intercept + shift };
        Refit::ShiftToLabels
    }
}
