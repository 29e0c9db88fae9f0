//! The report of an experiment: what the arms did to the outcomes, how sure that is, and what it does not say.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use staycast_evaluation::metrics::normal::{two_sided_p, upper_quantile};
use staycast_sequences::{CutOff, SequenceFolder};

use super::assignment::Assignment;
use super::deliveries::Delivery;
use super::effect::{Effect, LEAST_IN_ARM, Observation, complier_effect, estimate};
use super::error::ExperimentError;
use super::folder::Experiment;
use super::groups::{GroupEffect, group_effects};
use super::looks::{Look, due_look};
use super::outcomes::{Observed, read_before, read_outcomes};
use super::plan::{Outcome, Plan, PlanFile};
use super::scores::ScoredEnrolment;
use super::uplift::{Others, UpliftReport, UpliftRow, uplift};

/// Sets the p-value below which arms are said to differ in how many outcomes are unknown.
const DIFFERS_BELOW: f64 = 0.01;

/// Holds a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The plan.
    pub plan: PlanFile,
    /// The week at whose end the outcomes were read, where one was asked for.
    pub week: Option<u16>,
    /// The look.
    pub look: LookReport,
    /// What is known of each arm, the holdout first.
    pub arms: Vec<ArmReport>,
    /// The outcome that decides, then the other one.
    pub outcomes: Vec<OutcomeReport>,
    /// Effects on the primary outcome of those who were reached; empty where nothing was recorded.
    pub compliers: Vec<ComplierReport>,
    /// Effects on the primary outcome by course and by band of risk: exploration.
    pub groups: Vec<GroupEffect>,
    /// Whether effects can be told apart by learner, for the primary outcome of the first arm.
    pub uplift: UpliftReport,
    /// What to keep in mind.
    pub warnings: Vec<String>,
    /// What the report takes for granted.
    pub assumptions: Vec<String>,
}

/// Holds a report with what stands beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// The report: the same for the same outcomes, however often it is asked for.
    pub report: Report,
    /// Uplift by enrolment; none where learners can't be ordered.
    pub uplift: Vec<UpliftRow>,
    /// Whether the look was taken before.
    pub is_repeated: bool,
}

/// Describes the look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookReport {
    /// Number, from 1.
    pub number: u32,
    /// Planned looks.
    pub planned: u32,
    /// Learners whose primary outcome is known.
    pub outcomes: u64,
    /// Share of the planned information.
    pub information: f64,
    /// How many standard errors an effect must be from zero at this look; `None` where it is too early for any.
    pub bound: Option<f64>,
    /// Whether no level is left for further looks.
    pub is_last: bool,
    /// Earlier looks.
    pub earlier: Vec<Look>,
}

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
    /// Effects of the arms, in the order of the plan. `None` where fewer than 20 learners of an arm or the holdout have a known
    /// outcome.
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
    /// What is shown.
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

/// Reports on an experiment, and records the look. The same outcomes again are the same look. Uplift is estimated for those in it,
/// and for the `others` of these sequences.
///
/// # Errors
/// When files can't be read or written, no look is left, or too few outcomes are known: then no look is taken.
pub fn report(
    experiment: &Experiment,
    sequences: &SequenceFolder,
    week: Option<CutOff>,
    others: &[ScoredEnrolment],
) -> Result<Reported, ExperimentError> {
    let _turn = experiment.turn()?;
    let plan = experiment.plan();
    let assignments = experiment.assignments()?;
    if assignments.is_empty() {
        return Err(ExperimentError::TooFewOutcomes("nobody was assigned yet".to_owned()));
    }
    let deliveries = experiment.deliveries()?;
    let observed = read_outcomes(&assignments, sequences, week)?;
    let data = Data::new(plan, &assignments, &observed, &deliveries);
    let primary = plan.file().primary_outcome;
    data.require_outcomes(primary)?;
    let mut looks = experiment.looks()?;
    let (outcomes, fingerprint) = data.fingerprint(primary);
    let due = due_look(plan, &looks, outcomes, &fingerprint)?;
    let reports = primary.both().map(|outcome| data.outcome_report(outcome, outcome == primary, due.bound));
    if due.is_new {
        looks.push(Look {
            number: due.number,
            outcomes,
            information: due.information,
            fingerprint,
            week: week.map(CutOff::weeks),
            z: reports[0].effects.iter().map(|effect| effect.effect / effect.standard_error.max(1e-12)).collect(),
            bound: due.bound,
        });
        experiment.write_looks(&looks)?;
    }
    looks.truncate(due.number as usize - 1);
    let others = not_assigned(others, &assignments);
    let before = read_before(&others, sequences)?;
    let (uplift, rows) = uplift(&data, Others { scores: &others, before: &before });
    let report = Report {
        plan: plan.file().clone(),
        week: week.map(CutOff::weeks),
        look: LookReport {
            number: due.number,
            planned: plan.file().looks,
            outcomes,
            information: due.information,
            bound: due.bound,
            is_last: due.information >= 1.0,
            earlier: looks,
        },
        arms: data.arms(),
        outcomes: reports.into(),
        compliers: data.compliers(primary),
        groups: group_effects(&data, primary),
        uplift,
        warnings: data.warnings(primary),
        assumptions: assumptions(),
    };
    Ok(Reported { report, uplift: rows, is_repeated: !due.is_new })
}

/// Lists those with a score who are not in the experiment.
fn not_assigned(scores: &[ScoredEnrolment], assignments: &[Assignment]) -> Vec<ScoredEnrolment> {
    let assigned: BTreeSet<(&str, &str)> =
        assignments.iter().map(|row| (row.course_id.as_str(), row.enrolment_id.as_str())).collect();
    let is_other = |row: &&ScoredEnrolment| {
        row.p_dropout.is_some() && !assigned.contains(&(row.course_id.as_str(), row.enrolment_id.as_str()))
    };
    scores.iter().filter(is_other).cloned().collect()
}

fn assumptions() -> Vec<String> {
    [
        "No spill-over: what one learner got changed nothing for learners of another arm. Where they talk in one forum, it may.",
        "Learners count in the arm that they were assigned to, whether or not anything reached them (intention to treat).",
        "An effect holds for learners like these, in courses like these, and for what was done here.",
    ]
    .map(str::to_owned)
    .into()
}

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
    fn require_outcomes(&self, outcome: Outcome) -> Result<(), ExperimentError> {
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
    fn fingerprint(&self, outcome: Outcome) -> (u64, String) {
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

    fn arms(&self) -> Vec<ArmReport> {
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

    fn outcome_report(&self, outcome: Outcome, is_primary: bool, bound: Option<f64>) -> OutcomeReport {
        let bound = if is_primary { bound } else { Some(upper_quantile(self.plan.alpha_of_arm() / 2.0)) };
        let effect = |arm: usize| {
            let (_, rows) = self.rows(arm, outcome, |_| true);
            Some(arm_effect(self.name(arm), &rows, &estimate(&rows)?, bound))
        };
        OutcomeReport { outcome, is_primary, effects: self.arm_places().filter_map(effect).collect() }
    }

    fn compliers(&self, outcome: Outcome) -> Vec<ComplierReport> {
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

    fn warnings(&self, primary: Outcome) -> Vec<String> {
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
        verdict,
        plain_effect: found.plain.effect,
        plain_standard_error: found.plain.standard_error,
        learners_saved: found.learners_saved(),
    }
}
