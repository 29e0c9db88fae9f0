//! The sections of a configuration. Defaults were chosen on validation parts only.

use serde::{Deserialize, Serialize};
use staycast_baselines::BaselineKind;
use staycast_evaluation::calibration::CalibrationMethod;
use staycast_evaluation::proxy::ProxyRule;
use staycast_evaluation::threshold::ThresholdRule;

use super::ConfigError;
use crate::model::ModelKind;

#[allow(clippy::needless_pass_by_value)] // Numbers and texts, as the callers have them.
pub(super) fn require(
    holds: impl FnOnce() -> bool,
    key: &'static str,
    value: impl ToString,
    problem: &'static str,
) -> Result<(), ConfigError> {
    if holds() { Ok(()) } else { Err(ConfigError::Invalid { key, value: value.to_string(), problem }) }
}

/// What the network reads in each week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputsConfig {
    /// Weekly features to use, of those that the source knows; `*` stands for any text.
    pub include: Vec<String>,
    /// Weekly features not to use, in the same notation; wins over `include`.
    pub exclude: Vec<String>,
    /// Numbers of an enrolment that stay the same over the weeks: any of `pre_start_events`, `pre_start_active_days`,
    /// `enrolled_day`.
    pub fixed: Vec<String>,
    /// Static columns of the source (demographics, previous attempts …) to use, one input a value. None by default.
    pub statics: Vec<String>,
    /// Where in the course the week lies: any of `week` (weeks since the start), `weeks_left` (to the course's end).
    pub calendar: Vec<String>,
    /// Standardised inputs are cut to ± this many standard deviations, so that one extreme log can't take over.
    pub clip: f64,
}

impl Default for InputsConfig {
    fn default() -> Self {
        let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            include: texts(&["*"]),
            exclude: Vec::new(),
            fixed: texts(&["pre_start_events", "pre_start_active_days", "enrolled_day"]),
            statics: Vec::new(),
            calendar: texts(&["week", "weeks_left"]),
            clip: 5.0,
        }
    }
}

impl InputsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        require(|| !self.include.is_empty(), "inputs.include", "[]", "name at least one feature, or \"*\" for all")?;
        let fixed = ["pre_start_events", "pre_start_active_days", "enrolled_day"];
        for name in &self.fixed {
            require(
                || fixed.contains(&name.as_str()),
                "inputs.fixed",
                name,
                "use pre_start_events, pre_start_active_days, enrolled_day",
            )?;
        }
        for name in &self.calendar {
            require(
                || ["week", "weeks_left"].contains(&name.as_str()),
                "inputs.calendar",
                name,
                "use week, weeks_left",
            )?;
        }
        require(|| self.clip > 0.0 && self.clip.is_finite(), "inputs.clip", self.clip, "must be above 0")
    }
}

/// Which model, and the network's shape: stacked LSTM layers, then a layer from the last one's outputs to one logit a
/// week. Models without a network leave the shape alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// `lstm`, a model to beat (`days-since-last`, `rules`, `linear`, `logistic`, `tree`, `forest`, `boosting`,
    /// `hazard`), or `blend`.
    pub kind: ModelKind,
    /// What `blend` is made of.
    pub blend: Vec<ModelKind>,
    /// Units of each LSTM layer.
    pub hidden: usize,
    /// LSTM layers on top of each other.
    pub layers: usize,
    /// Units of a hidden layer between the LSTM and the logit; 0 for none.
    pub head_hidden: usize,
    /// Share of the LSTM's outputs that training sets to zero, the same ones in every week of a sequence, in `[0, 1)`.
    pub dropout: f64,
    /// The same for the inputs.
    pub input_dropout: f64,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            kind: ModelKind::Lstm,
            blend: vec![
                ModelKind::Lstm,
                ModelKind::Baseline(BaselineKind::Boosting),
                ModelKind::Baseline(BaselineKind::Logistic),
            ],
            hidden: 32,
            layers: 1,
            head_hidden: 0,
            dropout: 0.3,
            input_dropout: 0.1,
        }
    }
}

impl ModelConfig {
    /// The models that are trained: one, or those of the blend.
    pub(crate) fn parts(&self) -> Vec<ModelKind> {
        if self.kind == ModelKind::Blend { self.blend.clone() } else { vec![self.kind] }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let names = || self.blend.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",");
        let distinct: std::collections::BTreeSet<&ModelKind> = self.blend.iter().collect();
        require(
            || distinct.len() == self.blend.len() && distinct.len() >= 2 && !distinct.contains(&ModelKind::Blend),
            "model.blend",
            names(),
            "name two models or more, each once, and not blend itself",
        )?;
        require(|| (1..=4096).contains(&self.hidden), "model.hidden", self.hidden, "must be from 1 to 4096")?;
        require(|| (1..=8).contains(&self.layers), "model.layers", self.layers, "must be from 1 to 8")?;
        require(|| self.head_hidden <= 4096, "model.head_hidden", self.head_hidden, "must be at most 4096")?;
        require(
            || (0.0..1.0).contains(&self.dropout),
            "model.dropout",
            self.dropout,
            "must be at least 0 and below 1",
        )?;
        require(
            || (0.0..1.0).contains(&self.input_dropout),
            "model.input_dropout",
            self.input_dropout,
            "must be at least 0 and below 1",
        )
    }
}

/// How the classes weigh in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Both classes weigh the same in total. Bends the raw probabilities, which calibration undoes.
    #[default]
    Balanced,
    /// Every row weighs the same.
    None,
}

/// How one member of the ensemble is trained: AdamW, warm-up and cosine, early stopping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Cut-off week (weeks seen) that the run is for: early stopping looks at the AUC there, the threshold is chosen
    /// there, and evaluating and scoring take it by default.
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
    /// whether the learner is active in the week that follows each. 0 for none; dropout itself has the weight 1.
    pub next_week: f64,
    /// Weeks a sequence is trained on at most; 0 for all that the label allows.
    pub weeks: u32,
    /// Share of `learning_rate` with which networks of another run are trained on (`--from`).
    pub fine_tuning: f64,
    /// Days of silence that stand for dropout in training where a course is still running and the answer is not known;
    /// 0 for learning from known answers alone (see [`staycast_evaluation::proxy`]).
    pub proxy_days: f64,
    /// Weeks before a course's end from which on activity stands for staying, with `proxy_days`.
    pub proxy_weeks_left: f64,
    /// From it all randomness of the run is drawn.
    pub seed: u64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            target_week: 4,
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

impl TrainingConfig {
    /// Sequences a step, for so many training rows.
    pub(crate) fn batch_for(&self, rows: usize) -> usize {
        if self.batch_size > 0 {
            return self.batch_size;
        }
        let wanted = (rows as f64 / 20.0).max(1.0).log2().round() as u32;
        1 << wanted.clamp(5, 9)
    }

    /// The rule for labels by proxy, of a checked configuration that has one.
    pub(crate) fn proxy_rule(&self) -> Option<ProxyRule> {
        (self.proxy_days > 0.0).then(|| ProxyRule::new(self.proxy_days, self.proxy_weeks_left).expect("checked"))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let above_zero = |value: f64| value > 0.0 && value.is_finite();
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        require(|| self.target_week >= 1, "training.target_week", self.target_week, "must be at least 1")?;
        require(|| self.epochs >= 1, "training.epochs", self.epochs, "must be at least 1")?;
        require(|| self.patience >= 1, "training.patience", self.patience, "must be at least 1")?;
        require(|| above_zero(self.learning_rate), "training.learning_rate", self.learning_rate, "must be above 0")?;
        require(
            || not_negative(self.warmup_epochs),
            "training.warmup_epochs",
            self.warmup_epochs,
            "must be at least 0",
        )?;
        require(
            || (0.0..=1.0).contains(&self.final_learning_rate),
            "training.final_learning_rate",
            self.final_learning_rate,
            "must be from 0 to 1",
        )?;
        require(|| not_negative(self.weight_decay), "training.weight_decay", self.weight_decay, "must be at least 0")?;
        require(|| above_zero(self.clip_norm), "training.clip_norm", self.clip_norm, "must be above 0")?;
        require(
            || not_negative(self.target_emphasis),
            "training.target_emphasis",
            self.target_emphasis,
            "must be at least 0",
        )?;
        require(|| not_negative(self.next_week), "training.next_week", self.next_week, "must be at least 0")?;
        require(
            || self.weeks == 0 || self.weeks >= self.target_week,
            "training.weeks",
            self.weeks,
            "must be 0 (all) or at least training.target_week",
        )?;
        require(|| above_zero(self.fine_tuning), "training.fine_tuning", self.fine_tuning, "must be above 0")?;
        require(|| not_negative(self.proxy_days), "training.proxy_days", self.proxy_days, "must be at least 0")?;
        require(
            || not_negative(self.proxy_weeks_left),
            "training.proxy_weeks_left",
            self.proxy_weeks_left,
            "must be at least 0",
        )?;
        // TOML's integers are signed.
        require(|| i64::try_from(self.seed).is_ok(), "training.seed", self.seed, "must be below 2^63")
    }
}

/// How many networks a run has, and what each of them holds out for early stopping and calibration.
///
/// The training side is cut into `validation_folds` folds, the way the test was split off. Member m is trained on all
/// but fold m modulo their number, and stopped early on that one. The held-out predictions of all members together
/// cover the training side and fit calibration and thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnsembleConfig {
    /// Networks; a forecast is the mean of their logits.
    pub members: u32,
    /// Folds of the training side.
    pub validation_folds: u32,
}

impl Default for EnsembleConfig {
    fn default() -> Self {
        Self { members: 5, validation_folds: 5 }
    }
}

impl EnsembleConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        require(|| (1..=100).contains(&self.members), "ensemble.members", self.members, "must be from 1 to 100")?;
        require(
            || (2..=100).contains(&self.validation_folds),
            "ensemble.validation_folds",
            self.validation_folds,
            "must be from 2 to 100",
        )
    }
}

/// How scores become probabilities; fitted on held-out predictions of the training side, one fit a cut-off week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalibrationConfig {
    /// `platt` (a logistic curve), `isotonic` (a staircase) or `none` (the network's own probability).
    pub method: String,
}

impl Default for CalibrationConfig {
    fn default() -> Self {
        Self { method: "platt".to_owned() }
    }
}

impl CalibrationConfig {
    /// The method, of a checked configuration.
    pub(crate) fn fit_by(&self) -> CalibrationMethod {
        match self.method.as_str() {
            "isotonic" => CalibrationMethod::Isotonic,
            "none" => CalibrationMethod::Logistic,
            _ => CalibrationMethod::Platt,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        require(
            || ["platt", "isotonic", "none"].contains(&self.method.as_str()),
            "calibration.method",
            &self.method,
            "use platt, isotonic or none",
        )
    }
}

/// From which probability a learner counts as at risk; chosen on held-out predictions of the training side, for every
/// cut-off week by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThresholdConfig {
    /// `f1` (the best), `precision>=x`, `recall>=x`, `top=k` (the k with the highest risk) or `youden`.
    pub rule: String,
}

impl Default for ThresholdConfig {
    fn default() -> Self {
        Self { rule: "f1".to_owned() }
    }
}

impl ThresholdConfig {
    /// The rule, of a checked configuration.
    pub(crate) fn chosen_by(&self) -> ThresholdRule {
        self.rule.parse().expect("checked")
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        require(
            || self.rule.parse::<ThresholdRule>().is_ok(),
            "threshold.rule",
            &self.rule,
            "use f1, precision>=x, recall>=x, top=k or youden",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_with_the_data() {
        let auto = TrainingConfig::default();
        assert_eq!([10, 1_100, 5_000, 30_000].map(|rows| auto.batch_for(rows)), [32, 64, 256, 512]);
        assert_eq!(TrainingConfig { batch_size: 7, ..auto }.batch_for(30_000), 7);
    }
}
