//! Gradient boosting by forust-ml, stopped early on held-out rows.

use std::fmt;

use forust_ml::constraints::{Constraint, ConstraintMap};
use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::metric::Metric;
use forust_ml::{GradientBooster, Matrix};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::config::{BoostingConfig, Direction};
use crate::design::{CHUNK, Design};
use crate::linear::Sides;
use crate::weekly::Weekly;

/// Boosted trees of one cut-off.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boosted {
    /// Positions, in the weeks laid side by side, of the booster's features.
    columns: Vec<u32>,
    /// In forust-ml's own format.
    booster: GradientBooster,
}

impl fmt::Debug for Boosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boosted").field("columns", &self.columns).field("trees", &self.booster.trees.len()).finish()
    }
}

/// Fits the trees. `directions`: by column of the inputs.
pub(crate) fn fit(
    config: &BoostingConfig,
    sides: &Sides<'_>,
    directions: &[Option<Direction>],
    seed: u64,
) -> Result<Boosted, String> {
    let constraints: ConstraintMap = sides
        .columns
        .iter()
        .enumerate()
        .filter_map(|(feature, &position)| {
            let constraint = match directions[position as usize % directions.len()]? {
                Direction::Rising => Constraint::Positive,
                Direction::Falling => Constraint::Negative,
            };
            Some((feature, constraint))
        })
        .collect();
    let mut booster = GradientBooster::default();
    booster.iterations = config.trees;
    booster.learning_rate = config.learning_rate;
    booster.max_depth = config.depth;
    booster.max_leaves = config.leaves;
    booster.l2 = config.penalty;
    booster.min_leaf_weight = config.leaf_weight;
    booster.nbins = config.bins;
    // forust-ml rounds down, and a tree needs a column.
    booster.colsample_bytree = config.columns_in_tree.max((1.0 + 1e-9) / sides.columns.len() as f64).min(1.0);
    booster.seed = seed;
    booster.grow_policy = GrowPolicy::LossGuide;
    booster.evaluation_metric = Some(Metric::LogLoss);
    booster.early_stopping_rounds = Some(config.patience);
    booster.initialize_base_score = true;
    booster.monotone_constraints = (!constraints.is_empty()).then_some(constraints);
    let (training, held_out) = (sides.training.by_column::<f64>(), sides.held_out.by_column::<f64>());
    let matrix = |values, design: &Design| Matrix::new(values, design.rows, design.width);
    let (training, held_out) = (matrix(&training, sides.training), matrix(&held_out, sides.held_out));
    let (y, held_out_y) = (zeros_and_ones(sides.labels), zeros_and_ones(sides.held_out_labels));
    let (weights, held_out_weights) = (vec![1.0; y.len()], vec![1.0; held_out_y.len()]);
    let evaluation = Some(vec![(held_out, &held_out_y[..], &held_out_weights[..])]);
    booster.fit(&training, &y, &weights, evaluation).map_err(|error| error.to_string())?;

    let best = booster.prediction_iteration.unwrap_or(booster.trees.len());
    booster.trees.truncate(best);
    // Read by no forecast; the first is a hash map, whose order in a file is anyone's guess.
    booster.monotone_constraints = None;
    booster.evaluation_history = None;
    Ok(Boosted { columns: sides.columns.to_vec(), booster })
}

fn zeros_and_ones(labels: &[bool]) -> Vec<f64> {
    labels.iter().map(|&label| f64::from(u8::from(label))).collect()
}

impl Boosted {
    /// Log odds of dropout of every row.
    pub(crate) fn logits(&self, inputs: &Weekly<'_>, cutoff: usize) -> Vec<f64> {
        let rows: Vec<usize> = (0..inputs.rows).collect();
        let chunks: Vec<Vec<f64>> = rows
            .par_chunks(CHUNK)
            .map(|rows| {
                let values = Design::new(inputs, rows, cutoff, &self.columns).by_column::<f64>();
                self.booster.predict(&Matrix::new(&values, rows.len(), self.columns.len()), false)
            })
            .collect();
        chunks.concat()
    }
}
