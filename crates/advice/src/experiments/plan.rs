//! The plan of an experiment: what is compared, on whom, and what it can see. Written once, before anybody is assigned.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::bounds::Spending;
use super::error::PlanError;

/// Names the file of the plan in the folder of an experiment.
pub const PLAN_FILE: &str = "plan.toml";
/// Sets the version of the plan that this program writes and reads.
const PLAN_VERSION: u32 = 1;
/// Names the arm to which nothing is done, unless the plan names it otherwise.
pub const HOLDOUT: &str = "holdout";
/// Bounds the length of a block, so that small strata come out balanced too.
const LONGEST_BLOCK: u32 = 100;
/// Bounds the planned looks.
const MOST_LOOKS: u32 = 20;
/// Bounds the arms beside the holdout.
const MOST_ARMS: usize = 9;

/// Names an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// At least one event in the week after the assignment.
    #[default]
    ActiveNextWeek,
    /// The label of the sequences.
    Dropout,
}

impl Outcome {
    /// Returns the name as plans and tables have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActiveNextWeek => "active-next-week",
            Self::Dropout => "dropout",
        }
    }

    /// Describes the outcome as people say it.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::ActiveNextWeek => "active in the week after",
            Self::Dropout => "dropped out",
        }
    }

    /// Returns the outcomes of a plan: this one, and the other as the second.
    #[must_use]
    pub const fn both(self) -> [Self; 2] {
        match self {
            Self::ActiveNextWeek => [self, Self::Dropout],
            Self::Dropout => [self, Self::ActiveNextWeek],
        }
    }
}

/// Names what strata are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StratifyBy {
    /// The course.
    Course,
    /// The band of the forecast probability.
    Risk,
}

impl StratifyBy {
    /// Returns the name as plans and tables have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Course => "course",
            Self::Risk => "risk",
        }
    }
}

/// Describes an arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Name: letters, digits, hyphens and underscores.
    pub name: String,
    /// How many learners of a block it gets.
    pub weight: u32,
}

/// Holds a plan as its file has it. [`PlanFile::check`] turns it into a [`Plan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// Version of this contract.
    pub plan_version: u32,
    /// Name of the experiment.
    pub name: String,
    /// Seed of the randomisation.
    pub seed: u64,
    /// Outcome on which the experiment is decided.
    pub primary_outcome: Outcome,
    /// Level of the two-sided test, over all looks and arms.
    pub alpha: f64,
    /// Probability to find an effect of the least size.
    pub power: f64,
    /// Smallest effect worth finding, as a share: 0.05 are five points.
    pub least_effect: f64,
    /// Share with the primary outcome that is expected in the holdout.
    pub base_rate: f64,
    /// Where the base rate is from.
    pub base_rate_from: BaseRateFrom,
    /// Learners that the experiment is to have in the end.
    pub planned_learners: u64,
    /// Looks at the outcomes that are planned.
    pub looks: u32,
    /// How the level is spent over the looks.
    pub spending: Spending,
    /// Properties that make up strata; learners of a stratum are randomised among themselves.
    pub strata: Vec<StratifyBy>,
    /// Probabilities at which a new band begins, increasing, between 0 and 1.
    pub risk_bands: Vec<f64>,
    /// Only learners with this probability of dropout or more take part.
    pub risk_from: f64,
    /// Only learners with a probability below this take part; 1 for all.
    pub risk_below: f64,
    /// Effect that is found with the power at the planned learners; not written where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detectable_effect: Option<f64>,
    /// Learners that the least effect needs; not written where no number suffices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learners_needed: Option<u64>,
    /// The arm to which nothing is done.
    pub holdout: Arm,
    /// The arms beside it.
    pub arms: Vec<Arm>,
}

/// Names where the base rate of a plan is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseRateFrom {
    /// Given by who planned.
    Given,
    /// Mean of the forecast probabilities.
    Forecast,
    /// 0.5, at which shares vary most: nothing was known.
    MostCautious,
}

/// Holds a plan that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    file: PlanFile,
}

impl PlanFile {
    /// Returns a plan with the version of this program; nothing is checked.
    #[must_use]
    pub const fn version() -> u32 {
        PLAN_VERSION
    }

    /// Checks that the plan makes sense.
    ///
    /// # Errors
    /// [`PlanError`], naming the key and what is allowed.
    pub fn check(self) -> Result<Plan, PlanError> {
        let wrong = |key: &'static str, expected: &str| Err(PlanError::Value { key, expected: expected.to_owned() });
        let inside = |value: f64| value > 0.0 && value < 1.0;
        if self.plan_version != PLAN_VERSION {
            return Err(PlanError::Version { found: self.plan_version, known: PLAN_VERSION });
        }
        if self.name.trim().is_empty() {
            return wrong("name", "some text");
        }
        if i64::try_from(self.seed).is_err() {
            return wrong("seed", "0 to 2^63 - 1");
        }
        if !(self.alpha > 0.0 && self.alpha <= 0.5) {
            return wrong("alpha", "above 0, up to 0.5");
        }
        if !(0.5..1.0).contains(&self.power) {
            return wrong("power", "0.5 up to below 1");
        }
        if !inside(self.least_effect) {
            return wrong("least_effect", "above 0 and below 1");
        }
        if !inside(self.base_rate) {
            return wrong("base_rate", "above 0 and below 1");
        }
        if !(1..=u64::from(u32::MAX)).contains(&self.planned_learners) {
            return wrong("planned_learners", "1 to 4294967295");
        }
        if !(1..=MOST_LOOKS).contains(&self.looks) {
            return wrong("looks", &format!("1 to {MOST_LOOKS}"));
        }
        if self.strata.iter().collect::<BTreeSet<_>>().len() != self.strata.len() {
            return wrong("strata", "each of course and risk at most once");
        }
        let rising = self.risk_bands.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || !self.risk_bands.iter().all(|&band| inside(band)) {
            return wrong("risk_bands", "numbers between 0 and 1, increasing");
        }
        let range = 0.0..=1.0;
        if !(range.contains(&self.risk_from) && range.contains(&self.risk_below) && self.risk_from < self.risk_below) {
            return wrong("risk_from", "0 to 1, and less than risk_below");
        }
        self.check_arms()?;
        Ok(Plan { file: self })
    }

    fn check_arms(&self) -> Result<(), PlanError> {
        let all = || std::iter::once(&self.holdout).chain(&self.arms);
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 40
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if let Some(arm) = all().find(|arm| !is_name(&arm.name)) {
            return Err(PlanError::ArmName(arm.name.clone()));
        }
        if self.arms.is_empty() || self.arms.len() > MOST_ARMS {
            let expected = format!("1 to {MOST_ARMS} arms beside the holdout");
            return Err(PlanError::Value { key: "arms", expected });
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = all().find(|arm| !names.insert(&arm.name)) {
            return Err(PlanError::ArmTwice(twice.name.clone()));
        }
        let longest = LONGEST_BLOCK;
        let total = all().try_fold(0_u32, |total, arm| total.checked_add(arm.weight));
        if all().any(|arm| arm.weight == 0) || total.is_none_or(|total| total > longest) {
            let expected = format!("whole numbers from 1 that add up to {longest} at most");
            return Err(PlanError::Value { key: "weight", expected });
        }
        Ok(())
    }
}

impl Plan {
    /// Parses a plan.
    ///
    /// # Errors
    /// [`PlanError`], with line and column where it is no TOML of this contract.
    pub fn from_toml(text: &str) -> Result<Self, PlanError> {
        let file: PlanFile = toml::from_str(text)
            .map_err(|error| PlanError::Parse(staycast_text::parse_problem(text, error.span(), error.message())))?;
        file.check()
    }

    /// Returns the plan as its file has it.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(&self.file).expect("a checked plan has a TOML form");
        format!(
            "# The plan of a randomised experiment. Learners are assigned by it: a change makes their places wrong.\n{text}"
        )
    }

    /// Returns what the file says.
    #[must_use]
    pub const fn file(&self) -> &PlanFile {
        &self.file
    }

    /// Lists the arms, the holdout first.
    pub fn arms(&self) -> impl ExactSizeIterator<Item = &Arm> {
        let arms: Vec<&Arm> = std::iter::once(&self.file.holdout).chain(&self.file.arms).collect();
        arms.into_iter()
    }

    /// Returns the place of an arm by name; the holdout's is 0.
    #[must_use]
    pub fn arm_named(&self, name: &str) -> Option<usize> {
        self.arms().position(|arm| arm.name == name)
    }

    /// Returns the share of learners that the arm at `place` gets.
    #[must_use]
    pub fn share(&self, place: usize) -> f64 {
        let total: u32 = self.arms().map(|arm| arm.weight).sum();
        self.arms().nth(place).map_or(0.0, |arm| f64::from(arm.weight) / f64::from(total))
    }

    /// Returns the level of each arm's comparison with the holdout: the level over their number (Bonferroni).
    #[must_use]
    pub fn alpha_of_arm(&self) -> f64 {
        self.file.alpha / self.file.arms.len() as f64
    }

    /// Tells whether a learner of this probability takes part.
    #[must_use]
    pub fn takes(&self, p_dropout: f64) -> bool {
        let upper = self.file.risk_below;
        p_dropout >= self.file.risk_from && (p_dropout < upper || upper >= 1.0)
    }

    /// Returns the number of the band of a probability, from 0.
    #[must_use]
    pub fn band(&self, p_dropout: f64) -> usize {
        self.file.risk_bands.partition_point(|&from| from <= p_dropout)
    }

    /// Describes a band as people read it.
    #[must_use]
    pub fn describe_band(&self, band: usize) -> String {
        let bands = &self.file.risk_bands;
        let percent = |share: f64| (share * 1000.0).round() / 10.0;
        let from = band.checked_sub(1).and_then(|below| bands.get(below));
        match (from, bands.get(band)) {
            (None, None) => "any risk".to_owned(),
            (None, Some(&below)) => format!("risk under {}%", percent(below)),
            (Some(&from), Some(&below)) => format!("risk {}% to {}%", percent(from), percent(below)),
            (Some(&from), None) => format!("risk {}% or more", percent(from)),
        }
    }

    /// Names the stratum of a learner of a course with a probability: the same for equals, different for others.
    #[must_use]
    pub fn stratum(&self, course: &str, p_dropout: f64) -> String {
        let part = |by: &StratifyBy| match by {
            StratifyBy::Course => course.to_owned(),
            StratifyBy::Risk => self.describe_band(self.band(p_dropout)),
        };
        self.file.strata.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Makes a plan of one arm beside a holdout of the same size, changed.
    pub(in crate::experiments) fn plan(change: impl Fn(&mut PlanFile)) -> Plan {
        let mut file = PlanFile {
            plan_version: PLAN_VERSION,
            name: "test".to_owned(),
            seed: 1,
            primary_outcome: Outcome::ActiveNextWeek,
            alpha: 0.05,
            power: 0.8,
            least_effect: 0.05,
            base_rate: 0.5,
            base_rate_from: BaseRateFrom::MostCautious,
            planned_learners: 1_000,
            looks: 1,
            spending: Spending::ObrienFleming,
            strata: vec![StratifyBy::Course, StratifyBy::Risk],
            risk_bands: vec![0.25, 0.5, 0.75],
            risk_from: 0.0,
            risk_below: 1.0,
            detectable_effect: Some(0.09),
            learners_needed: Some(3_000),
            holdout: Arm { name: HOLDOUT.to_owned(), weight: 2 },
            arms: vec![Arm { name: "message".to_owned(), weight: 2 }],
        };
        change(&mut file);
        file.check().expect("a plan")
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        let plan = plan(|_| {});
        assert_eq!(Plan::from_toml(&plan.to_toml()).expect("a plan"), plan);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let text = plan(|_| {}).to_toml();
        for (from, to, named) in [
            ("plan_version = 1", "plan_version = 2", "plan_version 2"),
            ("alpha = 0.05", "alpha = 0.7", "`alpha`"),
            ("looks = 1", "looks = 0", "`looks`"),
            ("risk_bands = [0.25, 0.5, 0.75]", "risk_bands = [0.5, 0.25]", "`risk_bands`"),
            ("risk_from = 0.0", "risk_from = 1.0", "`risk_from`"),
            ("name = \"message\"", "name = \"holdout\"", "`holdout` is there twice"),
            ("name = \"message\"", "name = \"a b\"", "`a b`"),
            ("weight = 2", "weight = 0", "`weight`"),
            ("seed = 1", "sed = 1", "line 4"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = Plan::from_toml(&text.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn bands_are_described_as_they_are() {
        let plan = plan(|_| {});
        let described: Vec<String> = [0.0, 0.25, 0.6, 1.0].map(|p| plan.describe_band(plan.band(p))).into();
        assert_eq!(described, ["risk under 25%", "risk 25% to 50%", "risk 50% to 75%", "risk 75% or more"]);
    }
}
