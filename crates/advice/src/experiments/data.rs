//! Everything about the learners of an experiment, and the parts of the report that are made of it.

use std::collections::{BTreeMap, BTreeSet};

use staycast_evaluation::metrics::normal::{two_sided_p, upper_quantile};

use super::assignment::Assignment;
use super::deliveries::Delivery;
use super::effect::{Effect, LEAST_IN_ARM, Observation, complier_effect, estimate};
use super::error::ExperimentError;
use super::figures::{ArmEffect, ArmReport, ComplierReport, OutcomeReport, Verdict};
use super::outcomes::Observed;
use super::plan::{Outcome, Plan};

/// Sets the p-value below which arms are said to differ in how many outcomes are unknown.
const DIFFERS_BELOW: f64 = 0.01;

/// Holds everything about the learners that estimates are made of.
pub(super) struct Data<'a> {
    pub(super) plan: &'a Plan,
    pub(super) assignments: &'a [Assignment],
    pub(super) observed: &'a [Observed],
    /// By row: the place of the arm in the plan.
    pub(super) arms: Vec<usize>,
    /// By row: number of the learner.
    pub(super) learners: Vec<u32>,
    /// By row: number of the stratum.
    strata: Vec<u32>,
    /// By row: whether a delivery was recorded.
    reached: Vec<bool>,
    has_deliveries: bool,
}

impl<'a> Data<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        assignments: &'a [Assignment],
        observed: &'a [Observed],
        deliveries: &[Delivery],
    ) -> Self {
        let numbered = |text: fn(&Assignment) -> &str| -> Vec<u32> {
            let names: BTreeSet<&str> = assignments.iter().map(text).collect();
            let numbers: BTreeMap<&str, u32> = names.into_iter().zip(0..).collect();
            assignments.iter().map(|row| numbers[text(row)]).collect()
        };
        let delivered: BTreeSet<(&str, &str)> =
            deliveries.iter().map(|row| (row.course_id.as_str(), row.enrolment_id.as_str())).collect();
        Self {
            plan,
            assignments,
            observed,
            arms: assignments.iter().map(|row| plan.arm_named(&row.arm).expect("assignments are checked")).collect(),
            learners: numbered(|row| &row.learner_id),
            strata: numbered(|row| &row.stratum),
            reached: assignments
                .iter()
                .map(|row| delivered.contains(&(row.course_id.as_str(), row.enrolment_id.as_str())))
                .collect(),
            has_deliveries: !deliveries.is_empty(),
        }
    }

    /// Lists the rows of an arm and the holdout with a known outcome, of those that `takes` takes.
    pub(super) fn rows(
        &self,
        arm: usize,
        outcome: Outcome,
        takes: impl Fn(usize) -> bool,
    ) -> (Vec<usize>, Vec<Observation>) {
        let row = |at: usize| {
            let known = self.observed[at].outcome(outcome).ok()?;
            let is_in = (self.arms[at] == arm || self.arms[at] == 0) && takes(at);
            is_in.then(|| Observation {
                learner: self.learners[at],
                stratum: self.strata[at],
                treated: self.arms[at] == arm,
                outcome: f64::from(u8::from(known)),
                covariate: self.assignments[at].p_dropout,
            })
        };
        (0..self.assignments.len()).filter_map(|at| Some((at, row(at)?))).unzip()
    }

    fn arm_places(&self) -> std::ops::Range<usize> {
        1..self.plan.arms().len()
    }

    fn name(&self, arm: usize) -> String {
        self.plan.arms().nth(arm).map_or_else(String::new, |arm| arm.name.clone())
    }

    /// Refuses a look for which some arm has too few known outcomes.
    pub(super) fn require_outcomes(&self, outcome: Outcome) -> Result<(), ExperimentError> {
        for arm in 0..self.plan.arms().len() {
            let of_arm = |at: &usize| self.arms[*at] == arm;
            let known = |at: &usize| self.observed[*at].outcome(outcome).is_ok();
            let learners: BTreeSet<u32> =
                (0..self.arms.len()).filter(of_arm).filter(known).map(|at| self.learners[at]).collect();
            if (learners.len() as u64) < LEAST_IN_ARM {
                let unknown = self.unknown(arm, outcome);
                let reasons: Vec<String> =
                    unknown.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
                let reasons = if reasons.is_empty() { "none is unknown".to_owned() } else { reasons.join(", ") };
                return Err(ExperimentError::TooFewOutcomes(format!(
                    "“{}” has {} learners whose outcome ({}) is known, and {LEAST_IN_ARM} are needed; not known: {reasons}. \
                     No look was taken",
                    self.name(arm),
                    learners.len(),
                    outcome.describe()
                )));
            }
        }
        Ok(())
    }

    fn unknown(&self, arm: usize, outcome: Outcome) -> BTreeMap<&'static str, u64> {
        let mut unknown = BTreeMap::new();
        for (observed, _) in self.observed.iter().zip(&self.arms).filter(|(_, of)| **of == arm) {
            if let Err(reason) = observed.outcome(outcome) {
                *unknown.entry(reason.name()).or_default() += 1;
            }
        }
        unknown
    }

    /// Returns the learners whose outcome is known, and a hash of all outcomes.
    pub(super) fn fingerprint(&self, outcome: Outcome) -> (u64, String) {
        let mut hasher = blake3::Hasher::new();
        let mut learners = BTreeSet::new();
        for (at, row) in self.assignments.iter().enumerate() {
            if let Ok(known) = self.observed[at].outcome(outcome) {
                learners.insert(self.learners[at]);
                for id in [&row.course_id, &row.enrolment_id] {
                    hasher.update(&(id.len() as u64).to_le_bytes());
                    hasher.update(id.as_bytes());
                }
                hasher.update(&[u8::from(known)]);
            }
        }
        (learners.len() as u64, hasher.finalize().to_hex().to_string())
    }

    pub(super) fn arms(&self) -> Vec<ArmReport> {
        let arm = |place: usize| {
            let rows = || (0..self.arms.len()).filter(|&at| self.arms[at] == place);
            let unknown = |outcome: Outcome| (outcome.name(), self.unknown(place, outcome));
            ArmReport {
                arm: self.name(place),
                share: self.plan.share(place),
                learners: rows().map(|at| self.learners[at]).collect::<BTreeSet<_>>().len() as u64,
                enrolments: rows().count() as u64,
                reached: rows().filter(|&at| self.reached[at]).count() as u64,
                unknown: self.plan.file().primary_outcome.both().into_iter().map(unknown).collect(),
            }
        };
        (0..self.plan.arms().len()).map(arm).collect()
    }

    pub(super) fn outcome_report(&self, outcome: Outcome, is_primary: bool, bound: Option<f64>) -> OutcomeReport {
        let bound = if is_primary { bound } else { Some(upper_quantile(self.plan.alpha_of_arm() / 2.0)) };
        let effect = |arm: usize| {
            let (_, rows) = self.rows(arm, outcome, |_| true);
            Some(arm_effect(self.name(arm), &rows, &estimate(&rows)?, bound))
        };
        OutcomeReport { outcome, is_primary, effects: self.arm_places().filter_map(effect).collect() }
    }

    pub(super) fn compliers(&self, outcome: Outcome) -> Vec<ComplierReport> {
        if !self.has_deliveries {
            return Vec::new();
        }
        let of_arm = |arm: usize| {
            let (places, rows) = self.rows(arm, outcome, |_| true);
            let reached: Vec<bool> = places.iter().map(|&at| self.reached[at]).collect();
            let share = |treated: bool| {
                let of = || rows.iter().zip(&reached).filter(move |(row, _)| row.treated == treated);
                of().filter(|(_, reached)| **reached).count() as f64 / (of().count() as f64).max(1.0)
            };
            let found = complier_effect(&rows, &reached).map(|found| found.estimate);
            let interval = found.map(|found| found.interval_at(self.plan.alpha_of_arm()));
            ComplierReport {
                arm: self.name(arm),
                arm_reached: share(true),
                holdout_reached: share(false),
                effect: found.map(|found| found.effect),
                standard_error: found.map(|found| found.standard_error),
                low: interval.map(|(low, _)| low),
                high: interval.map(|(_, high)| high),
            }
        };
        self.arm_places().map(of_arm).collect()
    }

    pub(super) fn warnings(&self, primary: Outcome) -> Vec<String> {
        let mut warnings = Vec::new();
        for arm in self.arm_places() {
            let share = |place: usize| {
                let total = self.arms.iter().filter(|of| **of == place).count() as f64;
                (self.unknown(place, primary).values().sum::<u64>() as f64, total)
            };
            let ((unknown, total), (held, held_total)) = (share(arm), share(0));
            let pooled = (unknown + held) / (total + held_total);
            let error = (pooled * (1.0 - pooled) * (1.0 / total + 1.0 / held_total)).sqrt();
            let gap = unknown / total - held / held_total;
            if error > 0.0 && two_sided_p(gap / error) < DIFFERS_BELOW {
                warnings.push(format!(
                    "Outcomes are unknown for {:.1}% of “{}” and {:.1}% of the holdout. That may be an effect itself, and \
                     biases the others.",
                    100.0 * unknown / total,
                    self.name(arm),
                    100.0 * held / held_total
                ));
            }
        }
        let contaminated = (0..self.arms.len()).filter(|&at| self.arms[at] == 0 && self.reached[at]).count();
        if contaminated > 0 {
            warnings.push(format!(
                "{contaminated} enrolments of the holdout were reached all the same. The effect of the assignment is smaller \
                 for that."
            ));
        }
        warnings
    }
}

fn arm_effect(arm: String, rows: &[Observation], found: &Effect, bound: Option<f64>) -> ArmEffect {
    let rate = |treated: bool| {
        let of = || rows.iter().filter(move |row| row.treated == treated);
        of().map(|row| row.outcome).sum::<f64>() / of().count() as f64
    };
    let interval = bound.map(|bound| found.adjusted.interval(bound));
    let verdict = match interval {
        None => Verdict::TooEarly,
        Some((low, _)) if low > 0.0 => Verdict::More,
        Some((_, high)) if high < 0.0 => Verdict::Less,
        Some(_) => Verdict::NotShown,
    };
    ArmEffect {
        arm,
        learners: found.learners,
        arm_rate: rate(true),
        holdout_rate: rate(false),
        effect: found.adjusted.effect,
        standard_error: found.adjusted.standard_error,
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
        p_value: found.adjusted.p_value(),
        z: found.adjusted.z(),
        verdict,
        plain_effect: found.plain.effect,
        plain_standard_error: found.plain.standard_error,
        learners_saved: found.learners_saved(),
    }
}
