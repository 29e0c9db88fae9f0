//! Gradient boosting by forust-ml, stopped early on held-out rows.

use std::fmt;

use forust_ml::constraints::{Constraint, ConstraintMap};
use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::metric::Metric;
use forust_ml::{GradientBooster, Matrix};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::config::{BoostingConfig, Direction};
use crate::design::{CHUNK, Design};
use crate::linear::FitData;
use crate::sound_numbers::{number, positions};
use crate::weekly::WeeklyInputs;

/// Holds the boosted trees of one cut-off.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boosted {
    /// Positions of the booster's features in the weeks laid side by side.
    columns: Vec<u32>,
    /// Trees, in forust-ml's own format.
    booster: GradientBooster,
}

impl fmt::Debug for Boosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boosted").field("columns", &self.columns).field("trees", &self.booster.trees.len()).finish()
    }
}

/// Fits the trees, with early stopping on held-out rows. `directions` holds a constraint by column of the inputs.
///
/// # Errors
/// The reason that forust-ml gives.
pub(crate) fn fit(
    config: &BoostingConfig,
    data: &FitData<'_>,
    directions: &[Option<Direction>],
    seed: u64,
) -> Result<Boosted, String> {
    let constraints: ConstraintMap = data
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
    // forust-ml rounds the number of columns down, and a tree needs at least one.
    booster.colsample_bytree = config.columns_in_tree.max((1.0 + 1e-9) / data.columns.len() as f64).min(1.0);
    booster.seed = seed;
    booster.grow_policy = GrowPolicy::LossGuide;
    booster.evaluation_metric = Some(Metric::LogLoss);
    booster.early_stopping_rounds = Some(config.patience);
    booster.initialize_base_score = true;
    booster.monotone_constraints = (!constraints.is_empty()).then_some(constraints);
    let (training, held_out) = (data.training.by_column::<f64>(), data.held_out.by_column::<f64>());
    let matrix = |values, design: &Design| Matrix::new(values, design.rows, design.width);
    let (training, held_out) = (matrix(&training, data.training), matrix(&held_out, data.held_out));
    let (y, held_out_y) = (zeros_and_ones(data.labels), zeros_and_ones(data.held_out_labels));
    let (weights, held_out_weights) = (vec![1.0; y.len()], vec![1.0; held_out_y.len()]);
    let evaluation = Some(vec![(held_out, &held_out_y[..], &held_out_weights[..])]);
    booster.fit(&training, &y, &weights, evaluation).map_err(|error| error.to_string())?;

    let best = booster.prediction_iteration.unwrap_or(booster.trees.len());
    booster.trees.truncate(best);
    // No forecast reads these. The first is a hash map, whose order in a file would vary.
    booster.monotone_constraints = None;
    booster.evaluation_history = None;
    Ok(Boosted { columns: data.columns.to_vec(), booster })
}

fn zeros_and_ones(labels: &[bool]) -> Vec<f64> {
    labels.iter().map(|&label| f64::from(u8::from(label))).collect()
}

impl Boosted {
    /// Checks what was read from a file: columns that exist, and trees whose nodes lead forward to leaves.
    pub(crate) fn check(&self, seen: usize) -> Result<(), String> {
        let Self { columns, booster } = self;
        positions(columns, seen)?;
        if columns.is_empty() {
            return Err("it reads no column".to_owned());
        }
        number("its base score", booster.base_score)?;
        if !booster.missing.is_nan() {
            return Err(format!("{} stands for a missing value", booster.missing));
        }
        if booster.prediction_iteration.is_some_and(|used| used > booster.trees.len()) {
            return Err(format!("it has {} trees, and is to use more", booster.trees.len()));
        }
        for tree in &booster.trees {
            let nodes = tree.nodes.len();
            if nodes == 0 {
                return Err("a tree has no nodes".to_owned());
            }
            for (at, node) in tree.nodes.iter().enumerate() {
                number("a weight", f64::from(node.weight_value))?;
                if node.is_leaf {
                    continue;
                }
                number("a threshold", node.split_value)?;
                if node.split_feature >= columns.len() {
                    let (feature, count) = (node.split_feature, columns.len());
                    return Err(format!("node {at} of a tree reads feature {feature} of {count}"));
                }
                let children = [node.left_child, node.right_child, node.missing_node];
                if let Some(child) = children.into_iter().find(|&child| child <= at || child >= nodes) {
                    return Err(format!("node {at} of a tree of {nodes} leads to node {child}"));
                }
            }
        }
        Ok(())
    }

    /// Computes the log odds of dropout of every row.
    pub(crate) fn logits(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Vec<f64> {
        let rows: Vec<usize> = (0..inputs.rows).collect();
        let chunks: Vec<Vec<f64>> = rows
            .par_chunks(CHUNK)
            .map(|rows| {
                let values = Design::new(inputs, rows, cut_off, &self.columns).by_column::<f64>();
                self.booster.predict(&Matrix::new(&values, rows.len(), self.columns.len()), false)
            })
            .collect();
        chunks.concat()
    }
}
