//! Calibrations, thresholds and trivial baselines by cut-off week, fitted on held-out predictions of the training set:
//! `calibration.json` in a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_evaluation::calibration::{Calibration, CalibrationMethod};
use staycast_evaluation::metrics::{Confusion, Ranking};
use staycast_evaluation::report::{RecencyBaseline, WeekReference};
use staycast_evaluation::threshold::{ChosenThreshold, ThresholdRule};
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, WeekIndex};

use crate::examples::Examples;

/// Holds everything that is fitted after training, by cut-off week (weeks seen).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekFits {
    /// The weeks that can be forecast.
    pub weeks: BTreeMap<CutOff, WeekFit>,
    /// Weeks of a sequence that can't be forecast, with the reason.
    pub not_fitted: BTreeMap<CutOff, String>,
}

/// Holds the calibration and threshold of one cut-off week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekFit {
    /// From the ensemble's mean logit to a probability.
    pub calibration: Calibration,
    /// From which probability a learner counts as at risk, with what that does on the held-out rows.
    pub threshold: ChosenThreshold,
    /// Base rate and trivial baselines of the training set.
    pub reference: WeekReference,
    /// Share of the rows that the calibration was fitted on who dropped out.
    #[serde(default)]
    pub base_rate: Option<f64>,
    /// Held-out rows that this was fitted on: forecast, and not withdrawn by then.
    pub rows: u64,
    /// AUC of the held-out predictions on these rows.
    pub held_out_auc: Option<f64>,
}

/// Says what the fits of a run must follow.
pub(crate) struct FitRules {
    /// Weeks that the run forecasts.
    pub(crate) weeks: u16,
    /// How its scores become probabilities.
    pub(crate) calibration: CalibrationMethod,
    /// How its thresholds were chosen.
    pub(crate) threshold: ThresholdRule,
    /// Enrolments of the training set, of which the rows are that they were fitted on.
    pub(crate) training_rows: u64,
    /// Whether they were fitted again since, to other courses.
    pub(crate) is_recalibrated: bool,
}

impl WeekFit {
    /// Returns what ranks a learner among those of other folds: the calibrated log odds under Platt scaling, else the logit.
    pub(crate) fn score(&self, logit: f64) -> f64 {
        match self.calibration {
            Calibration::Platt { slope, intercept } => slope * logit + intercept,
            _ => logit,
        }
    }

    fn check(&self, rules: &FitRules) -> Result<(), String> {
        let require = |sound: bool, problem: &str| if sound { Ok(()) } else { Err(problem.to_owned()) };
        let share = |value: f64| (0.0..=1.0).contains(&value);
        // Recalibration shifts a network's own probability along a logistic curve.
        let method = self.calibration.method();
        let own = method == rules.calibration || method == CalibrationMethod::Platt;
        require(own, "its calibration is by another method than the run's")?;
        require(is_in_range(&self.calibration), "its calibration is out of range")?;
        require(self.threshold.rule == rules.threshold, "its threshold follows another rule than the run's")?;
        require(share(self.threshold.threshold), "its threshold is not from 0 to 1")?;
        require(self.reference.threshold == self.threshold.threshold, "it has two thresholds")?;
        require(share(self.reference.training_base_rate), "its training_base_rate is not from 0 to 1")?;
        require(self.base_rate.is_none_or(share), "its base_rate is not from 0 to 1")?;
        require(self.held_out_auc.is_none_or(share), "its held_out_auc is not from 0 to 1")?;
        let Confusion { true_positives, false_positives, true_negatives, false_negatives } = self.threshold.confusion;
        let counts = [true_positives, false_positives, true_negatives, false_negatives, self.rows];
        require(counts.into_iter().all(|count| count <= 1 << 53), "a count is absurd")?;
        require(self.rows <= rules.training_rows, "it was fitted on more rows than the training set has")?;
        let confusion = &self.threshold.confusion;
        let own_rows = rules.is_recalibrated || confusion.total() == self.rows;
        require(own_rows, "its threshold was chosen on another number of rows")?;
        let dropouts = confusion.positives() as f64 / confusion.total() as f64;
        let own_share = rules.is_recalibrated || self.base_rate.is_none_or(|base_rate| base_rate == dropouts);
        require(own_share, "its base_rate is not that of the rows")?;
        let Some(RecencyBaseline { calibration, threshold, never_active_days }) = &self.reference.recency else {
            return Ok(());
        };
        let days = *never_active_days > 0.0 && *never_active_days <= GREATEST;
        let sound = calibration.method() == CalibrationMethod::Platt && is_in_range(calibration) && share(*threshold);
        require(days && sound, "its baseline by inactivity is out of range")
    }
}

/// Bounds slopes, intercepts and days: fits stay far below it.
const GREATEST: f64 = 1e12;

/// Tells whether a calibration maps finite scores to probabilities.
fn is_in_range(calibration: &Calibration) -> bool {
    match calibration {
        Calibration::Platt { slope, intercept } => slope.abs() <= GREATEST && intercept.abs() <= GREATEST,
        // A curve checks itself where it is read.
        Calibration::Logistic {} | Calibration::Isotonic(_) => true,
        Calibration::Identity {} => false,
    }
}

/// Lends the held-out mean logits of a training set.
pub(crate) struct HeldOut<'a> {
    /// Enrolments of the training set.
    pub(crate) enrolments: &'a [EnrolmentIndex],
    /// `[position][week]`, NaN where no member held the enrolment out.
    pub(crate) logits: &'a [f32],
}

impl WeekFits {
    /// Fits every week that has both classes.
    pub(crate) fn fit(
        data: &Dataset,
        examples: &Examples,
        held_out: &HeldOut<'_>,
        method: CalibrationMethod,
        rule: ThresholdRule,
    ) -> Self {
        let mut fits = Self { weeks: BTreeMap::new(), not_fitted: BTreeMap::new() };
        for cut_off in CutOff::up_to(examples.last_cut_off()) {
            match fit_week(data, examples, held_out, cut_off, method, rule) {
                Ok(fit) => drop(fits.weeks.insert(cut_off, fit)),
                Err(reason) => drop(fits.not_fitted.insert(cut_off, reason)),
            }
        }
        fits
    }

    /// Checks fits that were read from a file: every number is in range and follows the run's rules.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn check(&self, rules: &FitRules) -> Result<(), String> {
        let late = self.weeks.keys().chain(self.not_fitted.keys()).find(|week| week.weeks() > rules.weeks);
        if let Some(week) = late {
            return Err(format!("it has week {week}, and the run forecasts {} weeks", rules.weeks));
        }
        let lacks = |week: &CutOff| !self.weeks.contains_key(week) && !self.not_fitted.contains_key(week);
        let all = CutOff::after_weeks(rules.weeks).map(CutOff::up_to);
        if let Some(week) = all.and_then(|mut all| all.find(lacks)) {
            return Err(format!("it has nothing of week {week}, and the run forecasts {} weeks", rules.weeks));
        }
        self.weeks.iter().try_for_each(|(week, fit)| {
            if self.not_fitted.contains_key(week) {
                return Err(format!("week {week} is fitted and not fitted"));
            }
            fit.check(rules).map_err(|problem| format!("week {week}: {problem}"))
        })
    }

    /// Returns the references for a report, by week.
    #[must_use]
    pub fn references(&self) -> BTreeMap<CutOff, WeekReference> {
        self.weeks.iter().map(|(&week, fit)| (week, fit.reference.clone())).collect()
    }
}

fn fit_week(
    data: &Dataset,
    examples: &Examples,
    held_out: &HeldOut<'_>,
    cut_off: CutOff,
    method: CalibrationMethod,
    rule: ThresholdRule,
) -> Result<WeekFit, String> {
    let (weeks, week) = (examples.weeks(), cut_off.last_week());
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    // The baselines know all who are known, withdrawn or not, as the report's cohort `all` does.
    let (mut inactive_days, mut known) = (Vec::new(), Vec::new());
    for (position, &enrolment) in held_out.enrolments.iter().enumerate() {
        let Some(label) = examples.label(enrolment).filter(|_| examples.is_learnable(enrolment, week)) else {
            continue;
        };
        inactive_days.push(days_since_last(data, enrolment, week));
        known.push(label);
        let logit = held_out.logits[position * weeks + week.position()];
        if examples.exclusion(enrolment, week).is_none() && !logit.is_nan() {
            scores.push(f64::from(logit));
            labels.push(label);
        }
    }
    let calibration = method.fit(&scores, &labels).map_err(|error| error.to_string())?;
    let p = calibration.apply_all(&scores);
    let threshold = rule.choose(&p, &labels).map_err(|error| error.to_string())?;
    let training_base_rate = known.iter().filter(|&&label| label).count() as f64 / known.len() as f64;
    // A rule that the model can follow may be out of a baseline's reach: the report then has none.
    let recency = RecencyBaseline::fit(&inactive_days, &known, cut_off, rule).ok();
    let held_out_auc = Ranking::new(&scores, &labels).ok().and_then(|ranking| ranking.auc().value());
    let reference = WeekReference { threshold: threshold.threshold, training_base_rate, recency };
    let base_rate = Some(labels.iter().filter(|&&label| label).count() as f64 / labels.len() as f64);
    Ok(WeekFit { calibration, threshold, reference, base_rate, rows: scores.len() as u64, held_out_auc })
}

/// Returns the days from the last event to the end of `week`; `None` before the first.
pub(crate) fn days_since_last(data: &Dataset, enrolment: EnrolmentIndex, week: WeekIndex) -> Option<f64> {
    let column = data.feature("days_since_last")?;
    if week.position() >= data.weeks {
        return None;
    }
    let days = data.week(enrolment, week)[column];
    (!days.is_nan()).then(|| f64::from(days))
}
