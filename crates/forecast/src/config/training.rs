//! The section `[training]`: how one member of the ensemble is trained. Defaults were chosen on validation parts only.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use staycast_evaluation::proxy::{ProxyRule, ProxyRuleError};
use staycast_sequences::CutOff;

use super::error::{ConfigError, require};

/// Names how the classes weigh in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Both classes weigh the same in total. Bends the raw probabilities, which calibration undoes.
    #[default]
    Balanced,
    /// Every row weighs the same.
    None,
}

/// Holds `[training]` as written: AdamW, warm-up and cosine, early stopping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Cut-off week (weeks seen) that the run is for: early stopping looks at the AUC there, the threshold is chosen
    /// there, and evaluating and scoring take it by default. 0 for 4 or, where the courses of more than half of the
    /// enrolments are too short for that, the last that they allow.
    pub target_week: u32,
    /// Most passes over the training rows.
    pub epochs: u32,
    /// Passes without a better validation AUC after which training stops.
    pub patience: u32,
    /// Sequences a step; 0 for the power of two nearest to a twentieth of the training rows, from 32 to 512, so that
    /// small data gets enough steps and large data quick ones.
    pub batch_size: usize,
    /// AdamW's highest learning rate.
    pub learning_rate: f64,
    /// Passes over which the learning rate rises from 0 to its highest.
    pub warmup_epochs: f64,
    /// Learning rate at the last pass, as a share of the highest; a cosine leads there.
    pub final_learning_rate: f64,
    /// AdamW's decoupled weight decay, on weights and not on biases.
    pub weight_decay: f64,
    /// Greatest global norm of the gradient; longer ones are shortened to it.
    pub clip_norm: f64,
    /// How the classes weigh in the loss.
    pub class_weights: ClassWeights,
    /// How much more the target week weighs in the loss than a week far from it: weight 1 + this at the target,
    /// falling by half for every week away.
    pub target_emphasis: f64,
    /// Weight in the loss of a second task that shapes what the networks keep of the weeks, and is dropped afterwards:
    /// whether the learner is active in the week that follows each. 0 for none; dropout itself has the weight 1. The
    /// default stands for none where the data has no next week to learn from.
    pub next_week: f64,
    /// Weeks a sequence is trained on at most; 0 for all that the label allows.
    pub weeks: u32,
    /// Share of `learning_rate` with which networks of another run are trained on.
    pub fine_tuning: f64,
    /// Days of inactivity that stand for dropout in training where a course is still running and the outcome is not
    /// known; 0 for learning from known outcomes alone (see [`staycast_evaluation::proxy`]).
    pub proxy_days: f64,
    /// Weeks before a course's end from which on activity stands for staying, with `proxy_days`.
    pub proxy_weeks_left: f64,
    /// From it all randomness of the run is drawn.
    pub seed: u64,
}

impl TrainingConfig {
    /// Stands for a target week that the data decides.
    pub const TARGET_BY_DATA: u32 = 0;
    /// Sets the target week where none is set and the data allows it.
    pub const USUAL_TARGET_WEEK: u16 = 4;
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            target_week: Self::TARGET_BY_DATA,
            epochs: 30,
            patience: 6,
            batch_size: 0,
            learning_rate: 4e-3,
            warmup_epochs: 1.0,
            final_learning_rate: 0.05,
            weight_decay: 0.02,
            clip_norm: 1.0,
            class_weights: ClassWeights::Balanced,
            target_emphasis: 3.0,
            next_week: 0.5,
            weeks: 0,
            fine_tuning: 0.25,
            proxy_days: 0.0,
            proxy_weeks_left: 1.0,
            seed: 1,
        }
    }
}

/// Says how many sequences are in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// The power of two nearest to a twentieth of the training rows, from 32 to 512.
    ByRows,
    /// This many.
    Fixed(NonZeroUsize),
}

impl BatchSize {
    /// Returns the sequences a step for so many training rows.
    pub(crate) fn for_rows(self, rows: usize) -> usize {
        match self {
            Self::Fixed(size) => size.get(),
            Self::ByRows => {
                let wanted = (rows as f64 / 20.0).max(1.0).log2().round() as u32;
                1 << wanted.clamp(5, 9)
            }
        }
    }
}

/// Says how AdamW steps, and at which learning rate: up in a straight line, then down along a cosine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OptimiserSettings {
    /// Most passes over the training rows, at least 1.
    pub(crate) epochs: u32,
    /// The highest learning rate, above 0.
    pub(crate) learning_rate: f64,
    /// Passes over which the learning rate rises from 0 to its highest, at least 0.
    pub(crate) warmup_epochs: f64,
    /// Learning rate at the last pass, as a share of the highest, 0 to 1.
    pub(crate) final_learning_rate: f64,
    /// Decoupled weight decay, on weights and not on biases, at least 0.
    pub(crate) weight_decay: f64,
    /// Greatest global norm of the gradient, above 0.
    pub(crate) clip_norm: f64,
}

impl Default for OptimiserSettings {
    fn default() -> Self {
        Self::from(&TrainingConfig::default())
    }
}

impl From<&TrainingConfig> for OptimiserSettings {
    fn from(written: &TrainingConfig) -> Self {
        Self {
            epochs: written.epochs,
            learning_rate: written.learning_rate,
            warmup_epochs: written.warmup_epochs,
            final_learning_rate: written.final_learning_rate,
            weight_decay: written.weight_decay,
            clip_norm: written.clip_norm,
        }
    }
}

/// Holds `[training]`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedTraining {
    /// The cut-off that the run is for; the usual one, until adapted to data, where none is set.
    pub(crate) target: CutOff,
    /// Passes without a better validation AUC after which training stops, at least 1.
    pub(crate) patience: u32,
    pub(crate) batch_size: BatchSize,
    pub(crate) optimiser: OptimiserSettings,
    pub(crate) class_weights: ClassWeights,
    /// How much more the target week weighs in the loss, at least 0.
    pub(crate) target_emphasis: f64,
    /// Weight of the second task in the loss, above 0; none where there is no second task.
    pub(crate) next_week: Option<f64>,
    /// The last cut-off that is trained on, at least `target`; none for all that the label allows.
    pub(crate) last_cut_off: Option<CutOff>,
    /// Share of the learning rate with which networks of another run are trained on, above 0.
    pub(crate) fine_tuning: f64,
    /// Labels by proxy, where there are any.
    pub(crate) proxy: Option<ProxyRule>,
    pub(crate) seed: u64,
}

fn above_zero(key: &'static str, value: f64) -> Result<(), ConfigError> {
    require(value > 0.0 && value.is_finite(), key, value, "must be above 0")
}

fn not_negative(key: &'static str, value: f64) -> Result<(), ConfigError> {
    require(value >= 0.0 && value.is_finite(), key, value, "must be at least 0")
}

impl TrainingConfig {
    pub(super) fn check(&self) -> Result<CheckedTraining, ConfigError> {
        let target = self.target()?;
        require(self.epochs >= 1, "training.epochs", self.epochs, "must be at least 1")?;
        require(self.patience >= 1, "training.patience", self.patience, "must be at least 1")?;
        above_zero("training.learning_rate", self.learning_rate)?;
        not_negative("training.warmup_epochs", self.warmup_epochs)?;
        let (key, share) = ("training.final_learning_rate", self.final_learning_rate);
        require((0.0..=1.0).contains(&share), key, share, "must be from 0 to 1")?;
        not_negative("training.weight_decay", self.weight_decay)?;
        above_zero("training.clip_norm", self.clip_norm)?;
        not_negative("training.target_emphasis", self.target_emphasis)?;
        not_negative("training.next_week", self.next_week)?;
        let last_cut_off = self.last_cut_off(target)?;
        above_zero("training.fine_tuning", self.fine_tuning)?;
        let proxy = self.proxy()?;
        // TOML's integers are signed.
        require(i64::try_from(self.seed).is_ok(), "training.seed", self.seed, "must be below 2^63")?;
        Ok(CheckedTraining {
            target,
            patience: self.patience,
            batch_size: NonZeroUsize::new(self.batch_size).map_or(BatchSize::ByRows, BatchSize::Fixed),
            optimiser: OptimiserSettings::from(self),
            class_weights: self.class_weights,
            target_emphasis: self.target_emphasis,
            next_week: (self.next_week > 0.0).then_some(self.next_week),
            last_cut_off,
            fine_tuning: self.fine_tuning,
            proxy,
            seed: self.seed,
        })
    }

    fn target(&self) -> Result<CutOff, ConfigError> {
        let (key, weeks) = ("training.target_week", self.target_week);
        if weeks == Self::TARGET_BY_DATA {
            let usual = u16::try_from(self.weeks).ok().filter(|&weeks| weeks > 0).unwrap_or(u16::MAX);
            let usual = usual.min(Self::USUAL_TARGET_WEEK);
            return Ok(CutOff::after_weeks(usual).expect("above 0"));
        }
        let weeks = u16::try_from(weeks).map_err(|_| ConfigError::invalid(key, weeks, "must be at most 65535"))?;
        CutOff::after_weeks(weeks).ok_or_else(|| ConfigError::invalid(key, weeks, "must be at least 1"))
    }

    fn last_cut_off(&self, target: CutOff) -> Result<Option<CutOff>, ConfigError> {
        // No course has more weeks than a cut-off can see: more than that is all of them.
        let last = u16::try_from(self.weeks).unwrap_or(u16::MAX);
        let last = CutOff::after_weeks(last);
        let problem = "must be 0 (all) or at least training.target_week";
        require(last.is_none_or(|last| last >= target), "training.weeks", self.weeks, problem)?;
        Ok(last)
    }

    fn proxy(&self) -> Result<Option<ProxyRule>, ConfigError> {
        let (days, weeks_left) = (self.proxy_days, self.proxy_weeks_left);
        if days == 0.0 {
            not_negative("training.proxy_weeks_left", weeks_left)?;
            return Ok(None);
        }
        let rule = ProxyRule::new(days, weeks_left).map_err(|error| match error {
            ProxyRuleError::InactiveDays { given } => ("training.proxy_days", given),
            ProxyRuleError::StayedWeeksLeft { given } => ("training.proxy_weeks_left", given),
        });
        rule.map(Some).map_err(|(key, given)| ConfigError::invalid(key, given, "must be at least 0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_with_the_data() {
        assert_eq!([10, 1_100, 5_000, 30_000].map(|rows| BatchSize::ByRows.for_rows(rows)), [32, 64, 256, 512]);
        let written = TrainingConfig { batch_size: 7, ..TrainingConfig::default() };
        assert_eq!(written.check().expect("a batch size").batch_size.for_rows(30_000), 7);
    }

    #[test]
    fn a_zero_that_stands_for_nothing_becomes_nothing() {
        let checked = TrainingConfig::default().check().expect("the default");
        assert_eq!(checked.target.weeks(), 4);
        assert_eq!((checked.batch_size, checked.last_cut_off), (BatchSize::ByRows, None));
        assert_eq!((checked.next_week, checked.proxy), (Some(0.5), None));

        let written =
            TrainingConfig { next_week: 0.0, weeks: 9, proxy_days: 14.0, proxy_weeks_left: 2.0, ..Default::default() };
        let checked = written.check().expect("a rule for proxies");
        assert_eq!((checked.next_week, checked.last_cut_off), (None, CutOff::after_weeks(9)));
        assert_eq!(checked.proxy, Some(ProxyRule::new(14.0, 2.0).expect("a rule")));

        let few = TrainingConfig { weeks: 2, ..TrainingConfig::default() };
        assert_eq!(few.check().expect("the last of two weeks").target.weeks(), 2);
        let all = TrainingConfig { weeks: 1_000_000, ..TrainingConfig::default() };
        assert_eq!(all.check().expect("more than all").last_cut_off, CutOff::after_weeks(u16::MAX));
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        let default = TrainingConfig::default;
        for (written, message) in [
            (
                TrainingConfig { target_week: 70_000, ..default() },
                "`training.target_week` = 70000: must be at most 65535",
            ),
            (TrainingConfig { epochs: 0, ..default() }, "`training.epochs` = 0: must be at least 1"),
            (TrainingConfig { patience: 0, ..default() }, "`training.patience` = 0: must be at least 1"),
            (TrainingConfig { learning_rate: 0.0, ..default() }, "`training.learning_rate` = 0: must be above 0"),
            (TrainingConfig { warmup_epochs: -1.0, ..default() }, "`training.warmup_epochs` = -1: must be at least 0"),
            (
                TrainingConfig { final_learning_rate: 2.0, ..default() },
                "`training.final_learning_rate` = 2: must be from 0 to 1",
            ),
            (TrainingConfig { weight_decay: -1.0, ..default() }, "`training.weight_decay` = -1: must be at least 0"),
            (TrainingConfig { clip_norm: f64::NAN, ..default() }, "`training.clip_norm` = NaN: must be above 0"),
            (
                TrainingConfig { target_emphasis: -1.0, ..default() },
                "`training.target_emphasis` = -1: must be at least 0",
            ),
            (TrainingConfig { next_week: -1.0, ..default() }, "`training.next_week` = -1: must be at least 0"),
            (
                TrainingConfig { target_week: 4, weeks: 3, ..default() },
                "`training.weeks` = 3: must be 0 (all) or at least training.target_week",
            ),
            (TrainingConfig { fine_tuning: 0.0, ..default() }, "`training.fine_tuning` = 0: must be above 0"),
            (TrainingConfig { proxy_days: -1.0, ..default() }, "`training.proxy_days` = -1: must be at least 0"),
            (
                TrainingConfig { proxy_weeks_left: -1.0, ..default() },
                "`training.proxy_weeks_left` = -1: must be at least 0",
            ),
            (
                TrainingConfig { seed: u64::MAX, ..default() },
                "`training.seed` = 18446744073709551615: must be below 2^63",
            ),
        ] {
            assert_eq!(written.check().expect_err(message).to_string(), message);
        }
    }
}
