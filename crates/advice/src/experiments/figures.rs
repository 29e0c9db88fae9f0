//! The figures of a report: arms, and effects on outcomes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::Outcome;

/// Describes an arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmReport {
    /// Name.
    pub arm: String,
    /// Share of learners that it was to get.
    pub share: f64,
    /// Learners.
    pub learners: u64,
    /// Enrolments.
    pub enrolments: u64,
    /// Enrolments with a recorded delivery.
    pub reached: u64,
    /// By outcome: enrolments whose outcome is not known, by reason.
    pub unknown: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
}

/// Holds the effects on one outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeReport {
    /// The outcome.
    pub outcome: Outcome,
    /// Whether the experiment is decided on it.
    pub is_primary: bool,
    /// Effects of the arms, in the order of the plan, without those of whom fewer than 20 learners have a known outcome.
    pub effects: Vec<ArmEffect>,
}

/// Says what an effect shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The outcome is more frequent than in the holdout.
    More,
    /// It is less frequent.
    Less,
    /// Neither is shown.
    NotShown,
    /// There is too little information for any conclusion.
    TooEarly,
}

/// Holds the effect of an arm against the holdout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmEffect {
    /// The arm.
    pub arm: String,
    /// Learners of the arm and the holdout with a known outcome.
    pub learners: u64,
    /// Share with the outcome in the arm, of enrolments.
    pub arm_rate: f64,
    /// Share with the outcome in the holdout.
    pub holdout_rate: f64,
    /// Arm less holdout, adjusted.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end of the interval; of the primary outcome, one that holds over all looks. `None` where it is too early.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Two-sided p-value as of a single look.
    pub p_value: f64,
    /// The effect as a standard normal value of that p-value, which the look's bound is compared with.
    pub z: f64,
    /// Conclusion from the interval.
    pub verdict: Verdict,
    /// Difference of the plain means.
    pub plain_effect: f64,
    /// Its standard error.
    pub plain_standard_error: f64,
    /// Learners that the forecast and the strata were worth.
    pub learners_saved: f64,
}

/// Holds the effect on those who were reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComplierReport {
    /// The arm.
    pub arm: String,
    /// Share of the arm's enrolments that were reached.
    pub arm_reached: f64,
    /// Share of the holdout's.
    pub holdout_reached: f64,
    /// The effect; `None` where the arm reached too few more than the holdout did.
    pub effect: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Lower end of its interval, as of a single look.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}
