//! Options of the baselines, one struct each. Unknown keys are errors, and so are values out of range.
//!
//! [`BaselineConfig`] is what was written; a fit takes [`CheckedBaselines`], which [`BaselineConfig::check`] makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::binned::MOST_BINS;

/// Says which option is out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{option} is {found}; it must be {wanted}")]
pub struct ConfigError {
    /// The option, with its section.
    pub option: &'static str,
    /// The value given.
    pub found: String,
    /// The values allowed.
    pub wanted: &'static str,
}

fn within(option: &'static str, value: f64, wanted: &'static str, ok: bool) -> Result<(), ConfigError> {
    if ok && value.is_finite() { Ok(()) } else { Err(ConfigError { option, found: value.to_string(), wanted }) }
}

/// Holds the options of all baselines, as written; a baseline reads its own section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BaselineConfig {
    /// Options of [`BaselineKind::Rules`](crate::BaselineKind::Rules).
    pub rules: RulesConfig,
    /// Options of [`BaselineKind::Linear`](crate::BaselineKind::Linear).
    pub linear: LinearConfig,
    /// Options of [`BaselineKind::Logistic`](crate::BaselineKind::Logistic).
    pub logistic: LogisticConfig,
    /// Options of [`BaselineKind::Tree`](crate::BaselineKind::Tree).
    pub tree: TreeConfig,
    /// Options of [`BaselineKind::Forest`](crate::BaselineKind::Forest).
    pub forest: ForestConfig,
    /// Options of [`BaselineKind::Boosting`](crate::BaselineKind::Boosting).
    pub boosting: BoostingConfig,
    /// Options of [`BaselineKind::Hazard`](crate::BaselineKind::Hazard).
    pub hazard: HazardConfig,
}

/// Holds the options of all baselines, each within its range. Made by [`BaselineConfig::check`] only.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedBaselines {
    pub(crate) rules: RulesConfig,
    pub(crate) linear: Penalties,
    pub(crate) logistic: Penalties,
    pub(crate) tree: TreeConfig,
    pub(crate) forest: ForestConfig,
    pub(crate) boosting: BoostingConfig,
    pub(crate) hazard: Penalties,
    /// Penalty of the hazard model's week effects, above 0.
    pub(crate) hazard_baseline: f64,
}

/// Holds the weight of a sum of squares in what a fit minimises: above 0 and finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Penalty(f64);

impl Penalty {
    /// Takes a penalty; `None` unless it is above 0 and finite.
    #[must_use]
    pub const fn new(penalty: f64) -> Option<Self> {
        if penalty > 0.0 && penalty.is_finite() { Some(Self(penalty)) } else { None }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// Holds one or more penalties.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Penalties(Vec<Penalty>);

impl CheckedBaselines {
    /// Returns the options with this penalty for logistic regression, in place of a choice.
    #[must_use]
    pub fn with_logistic_penalty(&self, penalty: Penalty) -> Self {
        Self { logistic: Penalties(vec![penalty]), ..self.clone() }
    }

    /// Returns the options with this penalty for hazards, in place of a choice.
    #[must_use]
    pub fn with_hazard_penalty(&self, penalty: Penalty) -> Self {
        Self { hazard: Penalties(vec![penalty]), ..self.clone() }
    }
}

impl BaselineConfig {
    /// Checks every section.
    ///
    /// # Errors
    /// Names the first option that is out of its range.
    pub fn check(&self) -> Result<CheckedBaselines, ConfigError> {
        let Self { rules, linear, logistic, tree, forest, boosting, hazard } = self;
        rules.check()?;
        let linear = Penalties::new("linear.penalties", &linear.penalties)?;
        let logistic = Penalties::new("logistic.penalties", &logistic.penalties)?;
        tree.check()?;
        forest.check()?;
        boosting.check()?;
        let hazard_penalties = Penalties::new("hazard.penalties", &hazard.penalties)?;
        let hazard_baseline = hazard.baseline_penalty;
        within("hazard.baseline_penalty", hazard_baseline, "above 0", hazard_baseline > 0.0)?;
        Ok(CheckedBaselines {
            rules: rules.clone(),
            linear,
            logistic,
            tree: tree.clone(),
            forest: forest.clone(),
            boosting: boosting.clone(),
            hazard: hazard_penalties,
            hazard_baseline,
        })
    }
}

impl Penalties {
    /// Takes the penalties that `option` lists.
    pub(crate) fn new(option: &'static str, penalties: &[f64]) -> Result<Self, ConfigError> {
        const WANTED: &str = "one or more numbers above 0";
        let refuse = |found: String| ConfigError { option, found, wanted: WANTED };
        if penalties.is_empty() {
            return Err(refuse("empty".to_owned()));
        }
        let checked = penalties.iter().map(|&given| Penalty::new(given).ok_or_else(|| refuse(given.to_string())));
        Ok(Self(checked.collect::<Result<_, _>>()?))
    }

    /// Tells whether there are several, of which held-out rows choose one.
    pub(crate) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// Lists them, strongest first, each once.
    pub(crate) fn strongest_first(&self) -> Vec<f64> {
        let mut order: Vec<f64> = self.0.iter().map(|penalty| penalty.0).collect();
        order.sort_by(|a, b| b.total_cmp(a));
        order.dedup();
        order
    }
}

/// Holds `[rules]`: where the warning signs begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Days without activity that earn a point each time one of them is reached; increasing. Default 7 and 14.
    pub silent_days: Vec<f32>,
    /// A week with at most this many active days earns a point. Default 1.
    pub few_active_days: f32,
    /// A week with fewer events than this share of the learner's own mean week before earns a point; 0 to 1.
    /// Default 0.5.
    pub fallen_to: f32,
    /// A rank in the course's week below this share earns a point; 0 to 1. Default 0.25, the first quartile.
    pub lowest_share: f32,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self { silent_days: vec![7.0, 14.0], few_active_days: 1.0, fallen_to: 0.5, lowest_share: 0.25 }
    }
}

impl RulesConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let rising = self.silent_days.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || self.silent_days.is_empty() || self.silent_days.iter().any(|days| !(0.0..=1000.0).contains(days))
        {
            return Err(ConfigError {
                option: "rules.silent_days",
                found: format!("{:?}", self.silent_days),
                wanted: "one or more numbers of days from 0 to 1000, increasing",
            });
        }
        let days = f64::from(self.few_active_days);
        within("rules.few_active_days", days, "from 0 to 7", (0.0..=7.0).contains(&days))?;
        let fallen = f64::from(self.fallen_to);
        within("rules.fallen_to", fallen, "from 0 to 1", (0.0..=1.0).contains(&fallen))?;
        let lowest = f64::from(self.lowest_share);
        within("rules.lowest_share", lowest, "from 0 to 1", (0.0..=1.0).contains(&lowest))
    }
}

/// Holds `[linear]`: ridge regression on targets 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearConfig {
    /// λ in Σ (y - a - x·b)² + λ Σ b², scikit-learn's `alpha`. Of several the one with the least squared error on the
    /// held-out rows is taken, at each cut-off. Default 1, 30 and 1000.
    pub penalties: Vec<f64>,
}

impl Default for LinearConfig {
    fn default() -> Self {
        Self { penalties: vec![1.0, 30.0, 1000.0] }
    }
}

/// Holds `[logistic]`: logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticConfig {
    /// λ in Σ log loss + λ/2 Σ b², the inverse of scikit-learn's `C`. Of several the one with the least log loss on the
    /// held-out rows is taken, at each cut-off. Default 1, 10 and 100.
    pub penalties: Vec<f64>,
}

impl Default for LogisticConfig {
    fn default() -> Self {
        Self { penalties: vec![1.0, 10.0, 100.0] }
    }
}

/// Holds `[tree]`: one decision tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TreeConfig {
    /// Questions from the root to a leaf, at most; 1 to 30. Default 6.
    pub depth: u16,
    /// Training rows in a leaf, at least. Default 50.
    pub rows_in_leaf: usize,
}

impl Default for TreeConfig {
    fn default() -> Self {
        Self { depth: 6, rows_in_leaf: 50 }
    }
}

impl TreeConfig {
    fn check(&self) -> Result<(), ConfigError> {
        within("tree.depth", f64::from(self.depth), "from 1 to 30", (1..=30).contains(&self.depth))?;
        within("tree.rows_in_leaf", self.rows_in_leaf as f64, "at least 1", self.rows_in_leaf > 0)
    }
}

/// Holds `[forest]`: a random forest. The defaults bound the work: a tree looks at no more than `rows_in_tree ×
/// columns_in_tree` numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForestConfig {
    /// Trees; 1 to 5000. Default 100.
    pub trees: usize,
    /// Questions from the root to a leaf, at most; 1 to 30. Default 8.
    pub depth: u16,
    /// Drawn rows in a leaf, at least. Default 20.
    pub rows_in_leaf: usize,
    /// Rows that a tree is grown on, drawn without repeats for each tree, of which it then draws as many with repeats; all
    /// there are, if fewer. Default 4000.
    pub rows_in_tree: usize,
    /// Share of the columns that a tree may ask about, drawn for each tree; above 0, to 1. Default 0.3.
    pub columns_in_tree: f64,
    /// Share of the tree's columns among which a question is chosen, drawn for each; above 0, to 1. Default 0.2.
    pub columns_in_question: f64,
}

impl Default for ForestConfig {
    fn default() -> Self {
        Self {
            trees: 100,
            depth: 8,
            rows_in_leaf: 20,
            rows_in_tree: 4000,
            columns_in_tree: 0.3,
            columns_in_question: 0.2,
        }
    }
}

impl ForestConfig {
    fn check(&self) -> Result<(), ConfigError> {
        within("forest.trees", self.trees as f64, "from 1 to 5000", (1..=5000).contains(&self.trees))?;
        within("forest.depth", f64::from(self.depth), "from 1 to 30", (1..=30).contains(&self.depth))?;
        within("forest.rows_in_leaf", self.rows_in_leaf as f64, "at least 1", self.rows_in_leaf > 0)?;
        within("forest.rows_in_tree", self.rows_in_tree as f64, "at least 20", self.rows_in_tree >= 20)?;
        for (option, share) in
            [("forest.columns_in_tree", self.columns_in_tree), ("forest.columns_in_question", self.columns_in_question)]
        {
            within(option, share, "above 0, to 1", share > 0.0 && share <= 1.0)?;
        }
        Ok(())
    }
}

/// Names the way in which a forecast may move with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More of it never makes dropout less likely.
    Rising,
    /// More of it never makes dropout likelier.
    Falling,
}

/// Holds `[boosting]`: gradient boosting of trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoostingConfig {
    /// Trees at most; 1 to 10,000. Default 1000.
    pub trees: usize,
    /// Trees without a better log loss on the held-out rows after which it stops; the best number of trees is kept.
    /// Default 30.
    pub patience: usize,
    /// Share of a tree that counts; above 0, to 1. Default 0.05.
    pub learning_rate: f32,
    /// Leaves of a tree, at most; 2 to 1024. Default 15.
    pub leaves: usize,
    /// Questions from the root to a leaf, at most; 1 to 30. Default 8.
    pub depth: usize,
    /// Sum of p (1 - p) over the rows of a leaf, at least, XGBoost's `min_child_weight`; at least 0. Default 5.
    pub leaf_weight: f32,
    /// L2 penalty on the leaves, XGBoost's `lambda`; at least 0. Default 10.
    pub penalty: f32,
    /// Bins that a column is cut into, at most; 2 to 256. Default 63.
    pub bins: u16,
    /// Share of the columns that a tree may ask about, drawn for each; above 0, to 1. Default 0.5.
    pub columns_in_tree: f64,
    /// Columns of the inputs by which the forecast may move in one direction only, in every week. Default none.
    pub monotone: BTreeMap<String, Direction>,
}

impl Default for BoostingConfig {
    fn default() -> Self {
        Self {
            trees: 1000,
            patience: 30,
            learning_rate: 0.05,
            leaves: 15,
            depth: 8,
            leaf_weight: 5.0,
            penalty: 10.0,
            bins: 63,
            columns_in_tree: 0.5,
            monotone: BTreeMap::new(),
        }
    }
}

impl BoostingConfig {
    fn check(&self) -> Result<(), ConfigError> {
        within("boosting.trees", self.trees as f64, "from 1 to 10000", (1..=10_000).contains(&self.trees))?;
        within("boosting.patience", self.patience as f64, "at least 1", self.patience > 0)?;
        let rate = f64::from(self.learning_rate);
        within("boosting.learning_rate", rate, "above 0, to 1", rate > 0.0 && rate <= 1.0)?;
        within("boosting.leaves", self.leaves as f64, "from 2 to 1024", (2..=1024).contains(&self.leaves))?;
        within("boosting.depth", self.depth as f64, "from 1 to 30", (1..=30).contains(&self.depth))?;
        let weight = f64::from(self.leaf_weight);
        within("boosting.leaf_weight", weight, "at least 0", weight >= 0.0)?;
        let penalty = f64::from(self.penalty);
        within("boosting.penalty", penalty, "at least 0", penalty >= 0.0)?;
        within("boosting.bins", f64::from(self.bins), "from 2 to 256", (2..=MOST_BINS).contains(&self.bins))?;
        let share = self.columns_in_tree;
        within("boosting.columns_in_tree", share, "above 0, to 1", share > 0.0 && share <= 1.0)
    }
}

/// Holds `[hazard]`: discrete-time hazards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HazardConfig {
    /// λ in Σ log loss of enrolment-weeks + λ/2 Σ b². Of several the one with the least log loss of dropout by the end on
    /// the held-out rows is taken, at each cut-off. Default 1, 10 and 100.
    pub penalties: Vec<f64>,
    /// The same for what each coming week adds to or takes from the mean week's hazard; it keeps weeks in which nobody
    /// left finite. Above 0. Default 0.1.
    pub baseline_penalty: f64,
}

impl Default for HazardConfig {
    fn default() -> Self {
        Self { penalties: vec![1.0, 10.0, 100.0], baseline_penalty: 0.1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_read_back() {
        let config = BaselineConfig::default();
        config.check().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<BaselineConfig>(&json).unwrap(), config);
        assert_eq!(serde_json::from_str::<BaselineConfig>("{}").unwrap(), config);
    }

    #[test]
    fn unknown_keys_and_values_out_of_range_are_errors_by_name() {
        let unknown = serde_json::from_str::<BaselineConfig>(r#"{"tree": {"dept": 3}}"#).unwrap_err();
        assert!(unknown.to_string().contains("unknown field `dept`"), "{unknown}");
        for (json, message) in [
            (r#"{"tree": {"depth": 0}}"#, "tree.depth is 0; it must be from 1 to 30"),
            (r#"{"linear": {"penalties": []}}"#, "linear.penalties is empty; it must be one or more numbers above 0"),
            (
                r#"{"logistic": {"penalties": [1, 0]}}"#,
                "logistic.penalties is 0; it must be one or more numbers above 0",
            ),
            (r#"{"forest": {"columns_in_tree": 1.5}}"#, "forest.columns_in_tree is 1.5; it must be above 0, to 1"),
            (
                r#"{"rules": {"silent_days": [14, 7]}}"#,
                "rules.silent_days is [14.0, 7.0]; it must be one or more numbers of days from 0 to 1000, increasing",
            ),
            (r#"{"boosting": {"learning_rate": 0}}"#, "boosting.learning_rate is 0; it must be above 0, to 1"),
            (r#"{"hazard": {"baseline_penalty": 0}}"#, "hazard.baseline_penalty is 0; it must be above 0"),
        ] {
            let config: BaselineConfig = serde_json::from_str(json).unwrap();
            assert_eq!(config.check().unwrap_err().to_string(), message);
        }
    }
}
