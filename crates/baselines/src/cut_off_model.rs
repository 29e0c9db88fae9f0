//! The fit of one cut-off, whatever the model.

use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::boosting::Boosted;
use crate::error::ForecastError;
use crate::hazard::Hazards;
use crate::linear::Weights;
use crate::simple::{Inactivity, WarningPoints};
use crate::trees::{self, Tree};
use crate::weekly::WeeklyInputs;

/// Holds the fit of one cut-off.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CutOffModel {
    DaysSinceLast(Inactivity),
    Rules(WarningPoints),
    Linear(Weights),
    Logistic(Weights),
    Tree(Tree),
    Forest(Vec<Tree>),
    Boosting(Box<Boosted>),
    Hazard(Hazards),
}

impl CutOffModel {
    /// Computes the log odds of dropout of every row.
    pub(crate) fn logits(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Result<Vec<f64>, ForecastError> {
        match self {
            Self::DaysSinceLast(inactivity) => inactivity.logits(inputs, cut_off),
            Self::Rules(points) => points.logits(inputs, cut_off),
            // The tangent to the log odds at one half keeps the order of scores below 0 and above 1.
            Self::Linear(weights) => {
                Ok(weights.scores(inputs, cut_off).into_iter().map(|score| 4.0 * (score - 0.5)).collect())
            }
            Self::Logistic(weights) => Ok(weights.scores(inputs, cut_off)),
            Self::Tree(tree) => Ok(trees::logits(std::slice::from_ref(tree), inputs, cut_off)),
            Self::Forest(trees) => Ok(trees::logits(trees, inputs, cut_off)),
            Self::Boosting(boosted) => Ok(boosted.logits(inputs, cut_off)),
            Self::Hazard(hazards) => Ok(hazards.logits(inputs, cut_off)),
        }
    }
}
