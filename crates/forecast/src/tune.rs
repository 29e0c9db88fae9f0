//! The search for better settings: a documented space, drawn from a seed, and successive halving.
//!
//! Successive halving (Jamieson & Talwalkar 2016; the inner loop of Hyperband, Li et al. 2018): many settings are tried
//! with a small budget, the better third of them with three times as much, and so on to the full budget, which at most three
//! reach. The budget is training epochs, of networks, and members otherwise. The held-out AUC of the training set is
//! compared, at the target week; the test part is not looked at.
//!
//! Fewer members hold out fewer rows, so figures are compared within a rung only: the same rows, the same budget. The
//! configuration as it was given is in every rung, and so beside the winner in the last.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use staycast_baselines::BaselineKind;

use crate::config::{Config, ConfigError};
use crate::model_kind::ModelKind;
use crate::random::{Purpose, shuffle, stream, unit};

/// Sets how many settings are kept from a rung: one in this many, and this many times the budget for them.
pub const REDUCTION: u32 = 3;

/// Describes the values that a setting may have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// One of these, as TOML.
    OneOf(Vec<&'static str>),
    /// Between these, evenly in the logarithm.
    Logarithmic(f64, f64),
    /// Between these.
    Even(f64, f64),
}

/// Lists the settings that are searched for a model, by key, with the range of each.
#[must_use]
pub fn space(kind: ModelKind) -> BTreeMap<&'static str, Range> {
    let network = [
        ("model.hidden", Range::OneOf(vec!["16", "32", "64", "96"])),
        ("model.layers", Range::OneOf(vec!["1", "1", "2"])),
        ("model.head_hidden", Range::OneOf(vec!["0", "0", "16"])),
        ("model.dropout", Range::Even(0.0, 0.6)),
        ("model.input_dropout", Range::Even(0.0, 0.4)),
        ("training.learning_rate", Range::Logarithmic(5e-4, 1e-2)),
        ("training.weight_decay", Range::Logarithmic(1e-3, 0.3)),
        ("training.target_emphasis", Range::OneOf(vec!["0.0", "1.0", "3.0", "10.0"])),
        ("training.next_week", Range::OneOf(vec!["0.0", "0.2", "0.5", "1.0"])),
        ("training.class_weights", Range::OneOf(vec!["balanced", "none"])),
    ];
    let boosting = [
        ("baselines.boosting.learning_rate", Range::Logarithmic(0.01, 0.2)),
        ("baselines.boosting.leaves", Range::OneOf(vec!["4", "8", "15", "31"])),
        ("baselines.boosting.penalty", Range::Logarithmic(0.1, 100.0)),
        ("baselines.boosting.leaf_weight", Range::Logarithmic(1.0, 100.0)),
        ("baselines.boosting.columns_in_tree", Range::OneOf(vec!["0.3", "0.5", "0.8", "1.0"])),
    ];
    let forest = [
        ("baselines.forest.depth", Range::OneOf(vec!["6", "8", "10", "12"])),
        ("baselines.forest.rows_in_leaf", Range::OneOf(vec!["5", "10", "25", "50"])),
    ];
    let tree = [
        ("baselines.tree.depth", Range::OneOf(vec!["2", "3", "4", "5", "6", "8"])),
        ("baselines.tree.rows_in_leaf", Range::OneOf(vec!["10", "25", "50", "100", "200"])),
    ];
    match kind {
        ModelKind::Lstm => network.into(),
        ModelKind::Baseline(BaselineKind::Boosting) => boosting.into(),
        ModelKind::Baseline(BaselineKind::Forest) => forest.into(),
        ModelKind::Baseline(BaselineKind::Tree) => tree.into(),
        ModelKind::Baseline(_) => BTreeMap::new(),
        ModelKind::Auto | ModelKind::Blend => network.into_iter().chain(boosting).collect(),
    }
}

/// Holds one set of settings to try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0. Trial 0 is the configuration as it was given.
    pub number: u32,
    /// Settings by key, each with its value as `key=value` takes it.
    pub settings: BTreeMap<String, String>,
}

/// Draws `count` trials for a model from `seed`; each setting is spread evenly over its range (a Latin hypercube).
#[must_use]
pub fn draw(kind: ModelKind, count: u32, seed: u64) -> Vec<Trial> {
    let mut trials: Vec<Trial> = (0..count).map(|number| Trial { number, settings: BTreeMap::new() }).collect();
    let drawn = trials.len().saturating_sub(1);
    for (place, (key, range)) in space(kind).into_iter().enumerate() {
        let mut rng = stream(seed, Purpose::Trials, place as u64);
        let mut slots: Vec<usize> = (0..drawn).collect();
        shuffle(&mut slots, &mut rng);
        for (trial, slot) in trials.iter_mut().skip(1).zip(slots) {
            trial.settings.insert(key.to_owned(), range.at(slot, drawn, &mut rng));
        }
    }
    trials
}

impl Range {
    /// Draws a value from slot `slot` of `slots` equal parts.
    fn at(&self, slot: usize, slots: usize, rng: &mut ChaCha8Rng) -> String {
        let share = (slot as f64 + f64::from(unit(rng))) / slots as f64;
        match self {
            Self::OneOf(values) => values[((share * values.len() as f64) as usize).min(values.len() - 1)].to_owned(),
            Self::Even(low, high) => three_digits(low + share * (high - low)),
            Self::Logarithmic(low, high) => three_digits((low.ln() + share * (high / low).ln()).exp()),
        }
    }
}

/// Rounds to three digits, as people read these and type them again.
fn three_digits(value: f64) -> String {
    let text = format!("{value:.2e}");
    let number: f64 = text.parse().expect("a number was printed");
    format!("{number:?}")
}

impl Trial {
    /// Returns the configuration that it tries, at a share of the full budget.
    ///
    /// # Errors
    /// When the configuration does not take one of its settings.
    pub fn config(&self, base: &Config, budget: f64) -> Result<Config, ConfigError> {
        let mut config = base.clone();
        for (key, value) in &self.settings {
            config.set(&format!("{key}={value}"))?;
        }
        let part = |whole: u32| ((f64::from(whole) * budget).round() as u32).max(1);
        config.training.epochs = part(config.training.epochs).max(2.min(config.training.epochs));
        config.ensemble.members = part(config.ensemble.members);
        Ok(config)
    }
}

/// Describes a rung: so many trials, each with a share of the full budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// Trials that climb to it, the first rung's all. Trial 0 takes part in every rung, whether it is among them or not.
    pub trials: u32,
    /// Share of the full budget, above 0 and at most 1.
    pub budget: f64,
}

/// Returns the rungs for `count` trials: the best third goes on to the next, which has three times the budget; the last has all of
/// it, and at most three.
#[must_use]
pub fn rungs(count: u32) -> Vec<Rung> {
    let mut sizes = vec![count.max(1)];
    while let Some(&last) = sizes.last()
        && last > REDUCTION
    {
        sizes.push((last / REDUCTION).max(1));
    }
    let top = sizes.len() as i32 - 1;
    let budget = |rung: usize| f64::from(REDUCTION).powi(rung as i32 - top);
    sizes.iter().enumerate().map(|(rung, &trials)| Rung { trials, budget: budget(rung) }).collect()
}

/// Returns the trials of the next rung, in the order of `order`, the best of this one first: the `keep` first, and trial 0.
#[must_use]
pub fn climbers(order: &[u32], keep: u32) -> Vec<u32> {
    let (climb, rest) = order.split_at(order.len().min(keep as usize));
    climb.iter().chain(rest.iter().filter(|&&trial| trial == 0)).copied().collect()
}

/// Returns the `keep` best trials of a rung by AUC, the best first; equal ones in the order of their numbers. Trials without an
/// AUC come last.
#[must_use]
pub fn best(results: &[(u32, Option<f64>)], keep: u32) -> Vec<u32> {
    let mut sorted = results.to_vec();
    let order = |auc: Option<f64>| auc.unwrap_or(f64::NEG_INFINITY);
    sorted.sort_by(|a, b| order(b.1).total_cmp(&order(a.1)).then(a.0.cmp(&b.0)));
    sorted.into_iter().take(keep as usize).map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_climbs_and_the_last_has_the_whole_budget() {
        let found = rungs(27);
        assert_eq!(found.iter().map(|rung| rung.trials).collect::<Vec<_>>(), [27, 9, 3]);
        assert_eq!(found.last().expect("there is one").budget, 1.0);
        assert!((found[0].budget - 1.0 / 9.0).abs() < 1e-12);
        let third = 1.0 / 3.0;
        assert_eq!(rungs(4), [Rung { trials: 4, budget: third }, Rung { trials: 1, budget: 1.0 }]);
        for few in 1..=3 {
            assert_eq!(rungs(few), [Rung { trials: few, budget: 1.0 }]);
        }
    }

    #[test]
    fn the_given_configuration_is_in_every_rung() {
        assert_eq!(climbers(&[4, 2, 0, 3], 2), [4, 2, 0]);
        assert_eq!(climbers(&[4, 0, 2, 3], 2), [4, 0]);
        assert_eq!(climbers(&[0, 1], 3), [0, 1]);
    }

    #[test]
    fn every_setting_drawn_is_one_that_a_configuration_takes() {
        for kind in ModelKind::all() {
            for trial in draw(kind, 12, 7) {
                let config = trial.config(&Config::default(), 0.1).unwrap_or_else(|error| panic!("{kind}: {error}"));
                config.check().unwrap_or_else(|error| panic!("{kind}, trial {}: {error}", trial.number));
            }
        }
        let first = &draw(ModelKind::Lstm, 3, 7)[0];
        assert!(first.settings.is_empty(), "the first trial is what was given");
    }

    #[test]
    fn draws_cover_their_ranges_and_depend_on_the_seed_alone() {
        let drawn = |seed| draw(ModelKind::Lstm, 41, seed);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let rates: Vec<f64> =
            drawn(1).iter().skip(1).map(|trial| trial.settings["training.learning_rate"].parse().unwrap()).collect();
        assert!(rates.iter().all(|rate| (5e-4..=1e-2).contains(rate)));
        // A Latin hypercube has as many below the middle as above.
        assert_eq!(rates.iter().filter(|&&rate| rate < (5e-4_f64 * 1e-2).sqrt()).count(), 20);
    }

    #[test]
    fn the_best_climb_and_those_without_a_figure_do_not() {
        assert_eq!(best(&[(0, Some(0.7)), (1, None), (2, Some(0.8)), (3, Some(0.7))], 3), [2, 0, 3]);
    }
}
