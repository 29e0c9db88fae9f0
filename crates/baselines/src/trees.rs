//! Decision trees and forests, grown by smartcore, then smoothed and stored in this crate's own form.
//!
//! smartcore's regression trees on targets 0 and 1 choose the same splits as Gini impurity. The probability of a leaf is
//! then computed anew by Laplace's rule, on the rows that the tree was grown on: (dropouts + 1) / (rows + 2).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::tree::decision_tree_regressor::{DecisionTreeRegressor, DecisionTreeRegressorParameters};
use staycast_weeks::CutOff;

use crate::config::{ForestConfig, TreeConfig};
use crate::linear::FitData;
use crate::newton::logit;
use crate::random::SplitMix;
use crate::weekly::WeeklyInputs;

/// Holds a binary decision tree. Node 0 is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tree {
    /// By node: position of the column to compare, in the weeks laid side by side; 0 in a leaf.
    pub(crate) columns: Vec<u32>,
    /// By node: threshold, where a value up to it means yes; in a leaf the probability of dropout.
    pub(crate) values: Vec<f32>,
    /// By node: number of the node for yes; the node for no comes right after it. 0 in a leaf.
    pub(crate) yes: Vec<u32>,
}

impl Tree {
    /// Finds the leaf of a row.
    fn leaf(&self, value: impl Fn(u32) -> f32) -> usize {
        let mut node = 0;
        while self.yes[node] != 0 {
            let no = u32::from(value(self.columns[node]) > self.values[node]);
            node = (self.yes[node] + no) as usize;
        }
        node
    }

    /// Returns the probability of dropout, above 0 and below 1.
    pub(crate) fn probability(&self, seen: &[f32]) -> f64 {
        f64::from(self.values[self.leaf(|column| seen[column as usize])])
    }

    /// Converts a tree that smartcore grew. Leaves are counted on `rows`; `columns` holds the position of each design column.
    fn new(grown: &[GrownNode], columns: &[u32], rows: &[(&[f32], bool)]) -> Result<Self, String> {
        let mut tree = Self { columns: Vec::new(), values: Vec::new(), yes: Vec::new() };
        for node in grown {
            match (node.true_child, node.false_child, node.split_value) {
                (Some(yes), Some(no), Some(at_most)) if no == yes + 1 => {
                    tree.columns.push(node.split_feature as u32);
                    tree.values.push(round_down(at_most));
                    tree.yes.push(yes as u32);
                }
                (None, None, _) => {
                    tree.columns.push(0);
                    tree.values.push(0.0);
                    tree.yes.push(0);
                }
                _ => return Err("smartcore's tree has an unexpected shape; this is a bug in Staycast".to_owned()),
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

/// Returns the greatest 32-bit number that is not above `threshold`, so that every 32-bit value stays on its side.
fn round_down(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

/// Holds a node as smartcore stores it.
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

/// Reads the nodes of a fitted model from smartcore's serde form, as its fields are private.
fn nodes_of<T: for<'de> Deserialize<'de>>(fitted: &impl Serialize) -> Result<T, String> {
    let value = serde_json::to_value(fitted).map_err(|error| format!("smartcore's tree can't be stored: {error}"))?;
    serde_json::from_value(value).map_err(|error| format!("smartcore's tree is stored in another form: {error}"))
}

/// Converts a depth to smartcore's count of levels, which includes the root.
fn levels(depth: u16) -> u16 {
    depth + 1
}

/// Fits one tree.
///
/// # Errors
/// The reason that smartcore gives.
pub(crate) fn tree(config: &TreeConfig, data: &FitData<'_>, seed: u64) -> Result<Tree, String> {
    let (design, labels) = (data.training, data.labels);
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
    Tree::new(&grown.tree_regressor.nodes, data.columns, &rows)
}

/// Fits a forest. Every tree draws from a random stream of its own, so that the number of threads does not matter.
///
/// # Errors
/// The reason that smartcore gives.
pub(crate) fn forest(config: &ForestConfig, data: &FitData<'_>, seed: u64) -> Result<Vec<Tree>, String> {
    let (design, labels) = (data.training, data.labels);
    let share = |all: usize, share: f64| ((all as f64 * share).ceil() as usize).clamp(1, all);
    let wanted = share(design.width, config.columns_in_tree);
    let one = |at: usize| {
        let mut stream = SplitMix::new(seed, &[at as u64]);
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
        let taken: Vec<u32> = taken.into_iter().map(|column| data.columns[column]).collect();
        Tree::new(&grown.nodes, &taken, &rows)
    };
    (0..config.trees).into_par_iter().map(one).collect()
}

/// Computes by row the log odds of the trees' mean probability.
pub(crate) fn logits(trees: &[Tree], inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Vec<f64> {
    let one = |row: usize| {
        let seen = inputs.seen(row, cut_off);
        logit(trees.iter().map(|tree| tree.probability(seen)).sum::<f64>() / trees.len() as f64)
    };
    (0..inputs.rows).into_par_iter().map(one).collect()
}

/// Checks the trees of a forest that was read from a file; there is at least one.
pub(crate) fn check_forest(trees: &[Tree], seen: usize) -> Result<(), String> {
    if trees.is_empty() {
        return Err("the forest has no trees".to_owned());
    }
    trees.iter().try_for_each(|tree| tree.check(seen))
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
    use crate::design::Design;
    use crate::linear::FitData;

    #[test]
    fn thresholds_are_rounded_down_so_that_no_value_changes_sides() {
        let (low, high) = (1.0_f32, 1.0_f32.next_up());
        let middle = f64::midpoint(f64::from(low), f64::from(high));
        assert_eq!(round_down(middle), low);
        assert_eq!(round_down(0.5), 0.5);
        for threshold in [0.1, -0.1, 1.0 / 3.0, -1.0 / 3.0, 1e-30, -7.0] {
            let kept = round_down(threshold);
            assert!(f64::from(kept) <= threshold && f64::from(kept.next_up()) > threshold, "{threshold} {kept}");
        }
    }

    /// Lends a design of all columns to a fit that reads no held-out rows.
    fn fit_data<'a>(design: &'a Design, labels: &'a [bool]) -> FitData<'a> {
        FitData { columns: &[0, 1], training: design, labels, held_out: design, held_out_labels: &[] }
    }

    fn stairs() -> (Vec<String>, Vec<f32>, Vec<bool>) {
        // Dropout where the first column is above 1, reversed in every tenth row.
        let values: Vec<f32> = (0..200).flat_map(|row| [(row % 4) as f32, ((row * 7) % 5) as f32]).collect();
        let labels = (0..200).map(|row| (row % 4 > 1) != (row % 10 == 0)).collect();
        (["clicks", "noise"].map(String::from).to_vec(), values, labels)
    }

    #[test]
    fn a_tree_asks_what_matters_and_smooths_its_leaves() {
        let (columns, values, labels) = stairs();
        let ends = vec![1; 200];
        let inputs =
            WeeklyInputs { rows: 200, weeks: 1, columns: &columns, values: &values, raw: &[], course_weeks: &ends };
        let rows: Vec<usize> = (0..200).collect();
        let design = Design::new(&inputs, &rows, CutOff::after_weeks(1).unwrap(), &[0, 1]);
        let config = TreeConfig { depth: 1, rows_in_leaf: 10 };
        let tree = tree(&config, &fit_data(&design, &labels), 1).unwrap();
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
        let inputs =
            WeeklyInputs { rows: 200, weeks: 1, columns: &columns, values: &values, raw: &[], course_weeks: &ends };
        let rows: Vec<usize> = (0..200).collect();
        let design = Design::new(&inputs, &rows, CutOff::after_weeks(1).unwrap(), &[0, 1]);
        let config = ForestConfig { trees: 20, columns_in_tree: 1.0, rows_in_tree: 150, ..ForestConfig::default() };
        let trees = forest(&config, &fit_data(&design, &labels), 3).unwrap();
        assert_eq!(trees.len(), 20);
        let logits = logits(&trees, &inputs, CutOff::after_weeks(1).unwrap());
        assert!(logits.iter().all(|logit| logit.is_finite()));
        assert!(logits.iter().zip(&labels).all(|(&logit, &label)| (logit > 0.0) == label), "{logits:?}");
    }
}
