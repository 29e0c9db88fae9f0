//! A run carried to other courses: its models as they are, probabilities and thresholds fitted to what is known there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use staycast_evaluation::calibration::{Calibration, CalibrationMethod, shift_to_labels, shift_to_unlabelled};
use staycast_files::{FolderDraft, IfExists};
use staycast_sequences::Dataset;

use super::score::of_courses;
use super::{
    BASELINES, BLEND, CALIBRATION, CONFIG, MANIFEST, METRICS, MODEL, Run, RunError, RunManifest, SCALER, SPLIT,
    SURVIVAL, SplitRecord,
};
use crate::device::ChosenDevice;
use crate::examples::Examples;
use crate::files::{self, FileError};
use crate::fitted::{Fitted, WeekFit};

/// Labelled rows of a week, and of each class among them, from which on the whole curve is fitted anew.
const ROWS_FOR_A_CURVE: usize = 100;
const CLASS_FOR_A_CURVE: usize = 20;
/// Labelled rows from which on they are asked for the shift, rather than the unlabelled ones.
const ROWS_FOR_A_SHIFT: usize = 10;
/// Unlabelled rows from which on they are asked for the shift.
const UNLABELLED_FOR_A_SHIFT: usize = 50;

/// What to carry a run to.
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

/// What was fitted anew for a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refit {
    /// Slope and intercept of the calibration, and the threshold: 100 labelled rows or more, 20 of each class.
    Curve,
    /// One shift of all log odds, to the labels: from 10 labelled rows on.
    ShiftToLabels,
    /// One shift of all log odds, to what the forecasts themselves say of rows without labels: from 50 of them on.
    ShiftToUnlabelled,
    /// Nothing: too few rows.
    Kept,
}

/// What became of a week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekRefit {
    /// What was fitted.
    pub refit: Refit,
    /// Rows with a label.
    pub labelled: u64,
    /// Rows without.
    pub unlabelled: u64,
    /// Mean probability of dropout of all these rows, as the run gave it before and gives it now; `None` without rows.
    pub mean_before: Option<f64>,
    /// The same with what was fitted.
    pub mean: Option<f64>,
}

/// How a run was carried to other courses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecalibrationRecord {
    /// Fingerprint of the sequences.
    pub data_fingerprint: String,
    /// The courses, where not all of the sequences.
    pub courses: Vec<String>,
    /// By cut-off week.
    pub weeks: BTreeMap<u16, WeekRefit>,
}

impl Run {
    /// Writes a run to `request.out` that forecasts with the models of this one, calibrated to other courses: on labels
    /// where there are enough, else by the base rate alone. Rows that the run was trained on are left out, and the new run
    /// counts the labelled rows among those.
    ///
    /// # Errors
    /// When the run is a cross-validation or has an isotonic calibration, the data does not fit it, no row is left, or the
    /// folder can't be written.
    pub fn recalibrate(&self, request: &RecalibrateRequest<'_>) -> Result<Self, RunError> {
        let model = self.model()?;
        let data = request.data;
        self.require_rule(data)?;
        if model.fitted.weeks.values().any(|fit| matches!(fit.calibration, Calibration::Isotonic(_))) {
            return Err(RunError::CantRecalibrate(
                "its calibration is a staircase, which can't be shifted; train with calibration.method=platt"
                    .to_owned(),
            ));
        }
        if request.out.exists() && fs::read_dir(request.out).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(RunError::CantRecalibrate(format!(
                "{} is not empty; name a new folder",
                request.out.display()
            )));
        }
        let enrolments = self.not_trained_on(data, of_courses(data, request.courses)?);
        if enrolments.is_empty() {
            return Err(RunError::CantRecalibrate("the run was trained on all of these enrolments".to_owned()));
        }
        let forecasts = self.forecast(data, &enrolments, request.device)?;
        let examples = Examples::of(data, forecasts.weeks());
        let mut fitted = model.fitted.clone();
        let mut weeks = BTreeMap::new();
        for (&week, fit) in &mut fitted.weeks {
            let rows = WeekRows::of(data, &examples, &enrolments, week, |row| forecasts.logit(row, u32::from(week)));
            weeks.insert(week, rows.refit(fit, self));
        }
        let fitted_on = |&&enrolment: &&usize| {
            (0..examples.weeks()).any(|week| {
                let used = weeks.get(&(week as u16 + 1)).is_some_and(|week: &WeekRefit| week.refit.reads_labels());
                used && examples.judged(enrolment, week)
            })
        };
        let labelled: Vec<usize> = enrolments.iter().filter(fitted_on).copied().collect();
        let record = RecalibrationRecord {
            data_fingerprint: data.manifest.fingerprint(),
            courses: request.courses.unwrap_or_default().to_vec(),
            weeks,
        };
        let manifest = RunManifest { recalibrated: Some(record), ..self.manifest.clone() };
        self.write_recalibrated(request.out, &manifest, &fitted, &self.split_with(data, &labelled))?;
        Self::open(request.out)
    }

    /// Of `enrolments`, those of which neither they nor their learners were trained on.
    fn not_trained_on(&self, data: &Dataset, enrolments: Vec<usize>) -> Vec<usize> {
        let trained = self.split.all_trained_on();
        let learners: BTreeSet<&String> = self.split.training_learners.iter().collect();
        let fresh = |&enrolment: &usize| {
            let row = &data.enrolments[enrolment];
            let ids = trained.get(&data.course_of(enrolment).id);
            ids.is_none_or(|ids| ids.binary_search(&row.id).is_err()) && !learners.contains(&row.learner)
        };
        enrolments.into_iter().filter(fresh).collect()
    }

    /// The split with enrolments that the new run was fitted on besides.
    fn split_with(&self, data: &Dataset, labelled: &[usize]) -> SplitRecord {
        let mut split = self.split.clone();
        for &enrolment in labelled {
            let ids = split.before.entry(data.course_of(enrolment).id.clone()).or_default();
            ids.push(data.enrolments[enrolment].id.clone());
        }
        for ids in split.before.values_mut() {
            ids.sort_unstable();
            ids.dedup();
        }
        if data.manifest.capabilities.learners {
            split.training_learners.extend(labelled.iter().map(|&row| data.enrolments[row].learner.clone()));
            split.training_learners.sort_unstable();
            split.training_learners.dedup();
        }
        split
    }

    fn write_recalibrated(
        &self,
        out: &Path,
        manifest: &RunManifest,
        fitted: &Fitted,
        split: &SplitRecord,
    ) -> Result<(), RunError> {
        let draft = FolderDraft::begin(out).map_err(FileError::from)?;
        self.fill_recalibrated(draft.path(), manifest, fitted, split).map_err(|error| error.named_by(&draft))?;
        Ok(draft.publish(IfExists::Refuse).map_err(FileError::from)?)
    }

    fn fill_recalibrated(
        &self,
        folder: &Path,
        manifest: &RunManifest,
        fitted: &Fitted,
        split: &SplitRecord,
    ) -> Result<(), FileError> {
        for name in [CONFIG, MODEL, BASELINES, BLEND, SURVIVAL, SCALER, METRICS] {
            let from = self.path.join(name);
            if from.exists() {
                files::write(&folder.join(name), &files::read(&from)?)?;
            }
        }
        files::write_json(&folder.join(CALIBRATION), fitted)?;
        files::write_json(&folder.join(SPLIT), split)?;
        files::write_json(&folder.join(MANIFEST), manifest)
    }
}

impl Refit {
    /// Whether labels were fitted to.
    #[must_use]
    pub const fn reads_labels(self) -> bool {
        matches!(self, Self::Curve | Self::ShiftToLabels)
    }
}

/// Rows of a week that are forecast and not gone: their mean logits.
struct WeekRows {
    logits: Vec<f64>,
    labels: Vec<bool>,
    unlabelled: Vec<f64>,
}

impl WeekRows {
    fn of(data: &Dataset, examples: &Examples, enrolments: &[usize], week: u16, logit: impl Fn(usize) -> f64) -> Self {
        let mut found = Self { logits: Vec::new(), labels: Vec::new(), unlabelled: Vec::new() };
        let index = usize::from(week) - 1;
        if index >= examples.weeks() {
            return found;
        }
        for (row, &enrolment) in enrolments.iter().enumerate() {
            let course = data.course_of(enrolment);
            let over = course.last_observed().is_some_and(|last| week <= last.weeks());
            if !over || examples.exclusion(enrolment, index).is_some() || !logit(row).is_finite() {
                continue;
            }
            match examples.label(enrolment) {
                Some(label) if examples.judged(enrolment, index) => {
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

    /// Fits what the rows allow into `fit`.
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

    fn fit(&self, fit: &mut WeekFit, run: &Run) -> Refit {
        let (slope, intercept) = match fit.calibration {
            Calibration::Platt { slope, intercept } => (slope, intercept),
            _ => (1.0, 0.0),
        };
        let odds = |logits: &[f64]| logits.iter().map(|logit| slope * logit + intercept).collect::<Vec<f64>>();
        let dropouts = self.labels.iter().filter(|&&label| label).count();
        let rarer = dropouts.min(self.labels.len() - dropouts);
        if self.labels.len() >= ROWS_FOR_A_CURVE
            && rarer >= CLASS_FOR_A_CURVE
            && let Ok(calibration) = CalibrationMethod::Platt.fit(&self.logits, &self.labels)
        {
            let p = calibration.apply_all(&self.logits);
            // A rule that these rows can't follow, as a precision that none reaches, leaves the threshold that there was.
            if let Ok(threshold) = run.config.threshold.choose(&p, &self.labels) {
                fit.reference.threshold = threshold.threshold;
                fit.threshold = threshold;
            }
            fit.calibration = calibration;
            return Refit::Curve;
        }
        let (refit, shift) = if self.labels.len() >= ROWS_FOR_A_SHIFT {
            (Refit::ShiftToLabels, Some(shift_to_labels(&odds(&self.logits), &self.labels)))
        } else if self.unlabelled.len() >= UNLABELLED_FOR_A_SHIFT {
            // Of those who are not gone, whom the calibration was fitted on, as nearly as is known.
            let base_rate = fit.base_rate.unwrap_or(fit.reference.training_base_rate);
            (Refit::ShiftToUnlabelled, shift_to_unlabelled(&odds(&self.unlabelled), base_rate))
        } else {
            (Refit::Kept, None)
        };
        match shift {
            Some(shift) => {
                fit.calibration = Calibration::Platt { slope, intercept: intercept + shift };
                refit
            }
            None => Refit::Kept,
        }
    }
}
