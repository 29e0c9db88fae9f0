//! Decision trees and forests: grown by smartcore, then smoothed and kept in a form of our own.
//!
//! smartcore's regression trees on 0 and 1 choose the questions that Gini impurity chooses. What a leaf says is then
//! counted anew, on the rows that the tree was grown from, by Laplace's rule: (dropouts + 1) / (rows + 2).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::tree::decision_tree_regressor::{DecisionTreeRegressor, DecisionTreeRegressorParameters};

use crate::config::{ForestConfig, TreeConfig};
use crate::design::Design;
use crate::newton::logit;
use crate::random::Stream;
use crate::weekly::Weekly;

/// A tree of yes-or-no questions. Node 0 is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tree {
    /// By node: position, in the weeks laid side by side, of what is asked about; 0 in a leaf.
    columns: Vec<u32>,
    /// By node: at most this is a yes; in a leaf the probability of dropout.
    values: Vec<f32>,
    /// By node: where a yes leads; a no leads to the node behind it. 0 in a leaf.
    yes: Vec<u32>,
}

impl Tree {
    /// The leaf that a row comes to.
    fn leaf(&self, value: impl Fn(u32) -> f32) -> usize {
        let mut node = 0;
        while self.yes[node] != 0 {
            let no = u32::from(value(self.columns[node]) > self.values[node]);
            node = (self.yes[node] + no) as usize;
        }
        node
    }

    /// Probability of dropout, above 0 and below 1.
    pub(crate) fn probability(&self, seen: &[f32]) -> f64 {
        f64::from(self.values[self.leaf(|column| seen[column as usize])])
    }

    /// The tree that smartcore grew, with leaves counted on `rows`, and its questions about `columns` of the design.
    fn new(grown: &[GrownNode], columns: &[u32], rows: &[(&[f32], bool)]) -> Result<Self, String> {
        let mut tree = Self { columns: Vec::new(), values: Vec::new(), yes: Vec::new() };
        for node in grown {
            match (node.true_child, node.false_child, node.split_value) {
                (Some(yes), Some(no), Some(at_most)) if no == yes + 1 => {
                    tree.columns.push(node.split_feature as u32);
                    tree.values.push(below(at_most));
                    tree.yes.push(yes as u32);
                }
                (None, None, _) => {
                    tree.columns.push(0);
                    tree.values.push(0.0);
                    tree.yes.push(0);
                }
                _ => return Err("smartcore's tree has a shape that is not understood".to_owned()),
            }
        }
        let mut counts = vec![(0_u32, 0_u32); tree.yes.len()];
        for &(row, label) in rows {
            let (dropouts, all) = &mut counts[tree.leaf(|column| row[column as usize])];
            *dropouts += u32::from(label);
            *all += 1;
        }
        for (node, (dropouts, all)) in counts.into_iter().enumerate() {
            if tree.yes[node] == 0 {
                tree.values[node] = ((f64::from(dropouts) + 1.0) / (f64::from(all) + 2.0)) as f32;
            } else {
                tree.columns[node] = columns[tree.columns[node] as usize];
            }
        }
        Ok(tree)
    }
}

/// The greatest 32-bit number that is not above `threshold`: no 32-bit value changes sides by it.
fn below(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

/// What smartcore stores of a node.
#[derive(Deserialize)]
struct GrownNode {
    split_feature: usize,
    split_value: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

#[derive(Deserialize)]
struct GrownTree {
    nodes: Vec<GrownNode>,
}

#[derive(Deserialize)]
struct GrownForest {
    trees: Vec<GrownTree>,
}

#[derive(Deserialize)]
struct FittedTree {
    tree_regressor: GrownTree,
}

#[derive(Deserialize)]
struct FittedForest {
    forest_regressor: GrownForest,
}

/// smartcore's trees are private, and its serde format is the way to them.
fn nodes_of<T: for<'de> Deserialize<'de>>(fitted: &impl Serialize) -> Result<T, String> {
    let value = serde_json::to_value(fitted).map_err(|error| format!("smartcore's tree can't be stored: {error}"))?;
    serde_json::from_value(value).map_err(|error| format!("smartcore's tree is stored in another form: {error}"))
}

/// smartcore counts the root as a level.
fn levels(depth: u16) -> u16 {
    depth + 1
}

/// Fits one tree.
pub(crate) fn tree(
    config: &TreeConfig,
    design: &Design,
    columns: &[u32],
    labels: &[bool],
    seed: u64,
) -> Result<Tree, String> {
    let x = matrix(design.rows, design.width, design.by_column())?;
    let parameters = DecisionTreeRegressorParameters {
        max_depth: Some(levels(config.depth)),
        min_samples_leaf: config.rows_in_leaf,
        min_samples_split: 2 * config.rows_in_leaf,
        seed: Some(seed),
    };
    let fitted =
        DecisionTreeRegressor::fit(&x, &zeros_and_ones(labels), parameters).map_err(|error| error.to_string())?;
    drop(x);
    let grown: FittedTree = nodes_of(&fitted)?;
    let rows: Vec<(&[f32], bool)> = (0..design.rows).map(|row| (design.row(row), labels[row])).collect();
    Tree::new(&grown.tree_regressor.nodes, columns, &rows)
}

/// Fits a forest. Every tree draws from a stream of its own, so that threads don't matter.
pub(crate) fn forest(
    config: &ForestConfig,
    design: &Design,
    columns: &[u32],
    labels: &[bool],
    seed: u64,
) -> Result<Vec<Tree>, String> {
    let share = |all: usize, share: f64| ((all as f64 * share).ceil() as usize).clamp(1, all);
    let wanted = share(design.width, config.columns_in_tree);
    let one = |at: usize| {
        let mut stream = Stream::new(seed, &[at as u64]);
        let rows = stream.sample(design.rows, config.rows_in_tree);
        let taken = stream.sample(design.width, wanted);
        let values = taken.iter().flat_map(|&column| rows.iter().map(move |&row| design.row(row)[column])).collect();
        let x = matrix(rows.len(), taken.len(), values)?;
        let drawn: Vec<bool> = rows.iter().map(|&row| labels[row]).collect();
        let parameters = RandomForestRegressorParameters {
            max_depth: Some(levels(config.depth)),
            min_samples_leaf: config.rows_in_leaf,
            min_samples_split: 2 * config.rows_in_leaf,
            n_trees: 1,
            m: Some(share(taken.len(), config.columns_in_question)),
            keep_samples: false,
            seed: stream.next(),
        };
        let fitted =
            RandomForestRegressor::fit(&x, &zeros_and_ones(&drawn), parameters).map_err(|error| error.to_string())?;
        let grown: FittedForest = nodes_of(&fitted)?;
        let [grown] = &grown.forest_regressor.trees[..] else { return Err("smartcore grew no tree".to_owned()) };
        let rows: Vec<Vec<f32>> =
            rows.iter().map(|&row| taken.iter().map(|&column| design.row(row)[column]).collect()).collect();
        let rows: Vec<(&[f32], bool)> = rows.iter().map(Vec::as_slice).zip(drawn).collect();
        let taken: Vec<u32> = taken.into_iter().map(|column| columns[column]).collect();
        Tree::new(&grown.nodes, &taken, &rows)
    };
    (0..config.trees).into_par_iter().map(one).collect()
}

/// Log odds of the trees' mean probability.
pub(crate) fn logits(trees: &[Tree], inputs: &Weekly<'_>, cutoff: usize) -> Vec<f64> {
    let one = |row: usize| {
        let seen = inputs.seen(row, cutoff);
        logit(trees.iter().map(|tree| tree.probability(seen)).sum::<f64>() / trees.len() as f64)
    };
    (0..inputs.rows).into_par_iter().map(one).collect()
}

fn matrix(rows: usize, columns: usize, values: Vec<f32>) -> Result<DenseMatrix<f32>, String> {
    DenseMatrix::new(rows, columns, values, true).map_err(|error| error.to_string())
}

fn zeros_and_ones(labels: &[bool]) -> Vec<f32> {
    labels.iter().map(|&label| f32::from(u8::from(label))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_rounded_down_so_that_no_value_changes_sides() {
        let (low, high) = (1.0_f32, 1.0_f32.next_up());
        let middle = f64::midpoint(f64::from(low), f64::from(high));
        assert_eq!(below(middle), low);
        assert_eq!(below(0.5), 0.5);
        for threshold in [0.1, -0.1, 1.0 / 3.0, -1.0 / 3.0, 1e-30, -7.0] {
            let kept = below(threshold);
            assert!(f64::from(kept) <= threshold && f64::from(kept.next_up()) > threshold, "{threshold} {kept}");
        }
    }

    fn stairs() -> (Vec<String>, Vec<f32>, Vec<bool>) {
        // Dropout where the first column is above 1, but for every tenth row.
        let values: Vec<f32> = (0..200).flat_map(|row| [(row % 4) as f32, ((row * 7) % 5) as f32]).collect();
        let labels = (0..200).map(|row| (row % 4 > 1) != (row % 10 == 0)).collect();
        (["clicks", "noise"].map(String::from).to_vec(), values, labels)
    }

    #[test]
    fn a_tree_asks_what_matters_and_smooths_its_leaves() {
        let (columns, values, labels) = stairs();
        let ends = vec![1; 200];
        let inputs = Weekly { rows: 200, weeks: 1, columns: &columns, values: &values, raw: &[], course_weeks: &ends };
        let rows: Vec<usize> = (0..200).collect();
        let design = Design::new(&inputs, &rows, 1, &[0, 1]);
        let config = TreeConfig { depth: 1, rows_in_leaf: 10 };
        let tree = tree(&config, &design, &[0, 1], &labels, 1).unwrap();
        assert_eq!(
            tree,
            Tree { columns: vec![0, 0, 0], values: vec![1.5, tree.values[1], tree.values[2]], yes: vec![1, 0, 0] }
        );
        // Of the 100 rows up to 1 those with row % 20 == 0 drop out: 10; above, all but those with row % 20 == 10.
        assert!((tree.probability(&[1.0, 0.0]) - 11.0 / 102.0).abs() < 1e-6, "{tree:?}");
        assert!((tree.probability(&[2.0, 0.0]) - 91.0 / 102.0).abs() < 1e-6, "{tree:?}");
    }

    #[test]
    fn a_forest_of_pure_leaves_stays_finite() {
        let (columns, values, _) = stairs();
        let labels: Vec<bool> = (0..200).map(|row| row % 4 > 1).collect();
        let ends = vec![1; 200];
        let inputs = Weekly { rows: 200, weeks: 1, columns: &columns, values: &values, raw: &[], course_weeks: &ends };
        let rows: Vec<usize> = (0..200).collect();
        let design = Design::new(&inputs, &rows, 1, &[0, 1]);
        let config = ForestConfig { trees: 20, columns_in_tree: 1.0, rows_in_tree: 150, ..ForestConfig::default() };
        let trees = forest(&config, &design, &[0, 1], &labels, 3).unwrap();
        assert_eq!(trees.len(), 20);
        let logits = logits(&trees, &inputs, 1);
        assert!(logits.iter().all(|logit| logit.is_finite()));
        assert!(logits.iter().zip(&labels).all(|(&logit, &label)| (logit > 0.0) == label), "{logits:?}");
    }
}
