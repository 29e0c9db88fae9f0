//! Decision trees and forests on binned columns.
//!
//! Slopes of 1 for a dropout and 0 for others, with curvatures of 1, choose the same questions as Gini impurity. The probability
//! of a leaf follows Laplace's rule, on the rows that the tree was grown on: (dropouts + 1) / (rows + 2).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::binned::Binned;
use crate::config::{ForestConfig, TreeConfig};
use crate::grow::{Draws, Grower, Grown, Growth, MOST_KEPT};
use crate::histogram::{Least, Sums};
use crate::newton::logit;
use crate::random::SplitMix;
use crate::tree_data::TreeData;
use crate::weekly::WeeklyInputs;

/// Holds a binary decision tree. Node 0 is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tree {
    /// By node: position of the column to compare, in the weeks laid side by side; 0 in a leaf.
    pub(crate) columns: Vec<u32>,
    /// By node: threshold, where a value up to it means yes; in a leaf its value, a probability of dropout or an addition to
    /// the log odds.
    pub(crate) values: Vec<f32>,
    /// By node: number of the node for yes; the node for no comes right after it. 0 in a leaf.
    pub(crate) yes: Vec<u32>,
}

impl Tree {
    /// Returns the value of the leaf that a row comes to, from its inputs in the weeks laid side by side.
    #[inline]
    pub(crate) fn value(&self, seen: &[f32]) -> f32 {
        let mut node = 0;
        while self.yes[node] != 0 {
            let no = u32::from(seen[self.columns[node] as usize] > self.values[node]);
            node = (self.yes[node] + no) as usize;
        }
        self.values[node]
    }

    /// Converts a tree that was grown. `values` holds by node the value of a leaf.
    pub(crate) fn new(binned: &Binned, grown: &Grown, values: Vec<f32>) -> Self {
        let mut tree = Self { columns: vec![0; values.len()], values, yes: vec![0; grown.nodes.len()] };
        for (node, question) in grown.nodes.iter().enumerate().filter_map(|(at, node)| Some((at, node.question?))) {
            tree.columns[node] = binned.position(question.column);
            tree.values[node] = binned.cut(question.column, question.bin);
            tree.yes[node] = question.yes;
        }
        tree
    }
}

/// Lends the binned rows and columns of one cut-off to a fit.
pub(crate) struct BinnedRows<'a> {
    pub(crate) binned: &'a Binned,
    /// Rows of the training set, as rows of `binned`.
    pub(crate) rows: Vec<u32>,
    pub(crate) labels: &'a [bool],
    /// Columns that a tree may ask about.
    pub(crate) columns: Vec<u32>,
    /// Held-out rows, as rows of `binned`.
    pub(crate) held_out: Vec<u32>,
    pub(crate) held_out_labels: &'a [bool],
    /// Whether the threads share the work on one tree.
    pub(crate) on_all_threads: bool,
}

impl BinnedRows<'_> {
    /// Returns labels by row of the binned inputs; those of other cut-offs are `false`.
    pub(crate) fn labels_by_row(&self) -> Vec<bool> {
        let mut by_row = vec![false; self.binned.rows()];
        self.rows.iter().zip(self.labels).for_each(|(&row, &label)| by_row[row as usize] = label);
        by_row
    }

    /// Converts a grown tree, with Laplace's rule for its leaves.
    fn smoothed(&self, grown: &Grown, labels: &[bool]) -> Tree {
        let chance = |node: usize| {
            let rows = grown.rows_of(node);
            let dropouts = rows.iter().filter(|&&row| labels[row as usize]).count();
            ((dropouts as f64 + 1.0) / (rows.len() as f64 + 2.0)) as f32
        };
        Tree::new(self.binned, grown, (0..grown.nodes.len()).map(chance).collect())
    }
}

/// Returns how far a tree of probabilities grows.
fn growth(depth: u16, rows_in_leaf: usize, on_all_threads: bool) -> Growth {
    let least = Least { penalty: 0.0, curvature: i32::try_from(rows_in_leaf).unwrap_or(i32::MAX) };
    Growth { leaves: usize::MAX, depth: usize::from(depth), least, on_all_threads, kept: MOST_KEPT }
}

/// Returns the slope and curvature of a row that counts `times`.
fn sums_of(label: bool, times: i32) -> Sums {
    Sums::new(if label { times } else { 0 }, times)
}

/// Fits one tree.
pub(crate) fn tree(config: &TreeConfig, data: &BinnedRows<'_>) -> Tree {
    let labels = data.labels_by_row();
    let sums: Vec<Sums> = labels.iter().map(|&label| sums_of(label, 1)).collect();
    let growth = growth(config.depth, config.rows_in_leaf, data.on_all_threads);
    let tree_data = TreeData { sums: &sums, columns: data.columns.clone(), bounding: None };
    let grown = Grower::new(data.binned, growth).grow(data.rows.clone(), &tree_data, None);
    data.smoothed(&grown, &labels)
}

/// Fits a forest. Every tree draws from a random stream of its own, so that the number of threads does not matter.
pub(crate) fn forest(config: &ForestConfig, data: &BinnedRows<'_>, seed: u64) -> Vec<Tree> {
    let labels = data.labels_by_row();
    let share = |all: usize, share: f64| ((all as f64 * share).ceil() as usize).clamp(1, all);
    let wanted = share(data.columns.len(), config.columns_in_tree);
    let growth = growth(config.depth, config.rows_in_leaf, false);
    let one = |at: usize| {
        let mut stream = SplitMix::new(seed, &[at as u64]);
        let rows = stream.sample(data.rows.len(), config.rows_in_tree);
        let rows: Vec<u32> = rows.into_iter().map(|at| data.rows[at]).collect();
        let taken = stream.sample(data.columns.len(), wanted);
        let columns: Vec<u32> = taken.into_iter().map(|at| data.columns[at]).collect();
        // As many rows are drawn with repeats. Who is not drawn is only counted in the leaves.
        let mut times = vec![0; rows.len()];
        (0..rows.len()).for_each(|_| times[(stream.next() % rows.len() as u64) as usize] += 1);
        let mut sums = vec![Sums::default(); data.binned.rows()];
        for (&row, &times) in rows.iter().zip(&times) {
            sums[row as usize] = sums_of(labels[row as usize], times);
        }
        let draws = Draws { wanted: share(columns.len(), config.columns_in_question), stream };
        let tree_data = TreeData { sums: &sums, columns, bounding: None };
        let grown = Grower::new(data.binned, growth).grow(rows, &tree_data, Some(draws));
        data.smoothed(&grown, &labels)
    };
    (0..config.trees).into_par_iter().map(one).collect()
}

/// Computes by row the log odds of the trees' mean probability.
pub(crate) fn logits(trees: &[Tree], inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Vec<f64> {
    let one = |row: usize| {
        let seen = inputs.seen(row, cut_off);
        logit(trees.iter().map(|tree| f64::from(tree.value(seen))).sum::<f64>() / trees.len() as f64)
    };
    (0..inputs.rows).into_par_iter().map(one).collect()
}

/// Checks the trees of a forest that was read from a file; there is at least one.
pub(crate) fn check_forest(trees: &[Tree], seen: usize) -> Result<(), String> {
    if trees.is_empty() {
        return Err("the forest has no trees".to_owned());
    }
    trees.iter().try_for_each(|tree| tree.check_probabilities(seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stairs() -> (Vec<String>, Vec<f32>, Vec<bool>) {
        // Dropout where the first column is above 1, reversed in every tenth row.
        let values: Vec<f32> = (0..200).flat_map(|row| [(row % 4) as f32, ((row * 7) % 5) as f32]).collect();
        let labels = (0..200).map(|row| (row % 4 > 1) != (row % 10 == 0)).collect();
        (["clicks", "noise"].map(String::from).to_vec(), values, labels)
    }

    /// Lends inputs of one week.
    fn inputs<'a>(columns: &'a [String], values: &'a [f32], ends: &'a [u32]) -> WeeklyInputs<'a> {
        WeeklyInputs { rows: ends.len(), weeks: 1, columns, values, raw: &[], course_weeks: ends }
    }

    /// Cuts all columns into bins, and lends all rows to a fit that reads no held-out ones.
    fn binned(inputs: &WeeklyInputs<'_>) -> Binned {
        let rows: Vec<usize> = (0..inputs.rows).collect();
        Binned::new(inputs, &rows, rows.len(), (0..inputs.columns.len() as u32).collect(), 255)
    }

    fn data<'a>(binned: &'a Binned, labels: &'a [bool]) -> BinnedRows<'a> {
        let rows = (0..labels.len() as u32).collect();
        let (held_out, held_out_labels) = (Vec::new(), &[][..]);
        BinnedRows { binned, rows, labels, columns: vec![0, 1], held_out, held_out_labels, on_all_threads: false }
    }

    #[test]
    fn a_tree_asks_what_matters_and_smooths_its_leaves() {
        let (columns, values, labels) = stairs();
        let binned = binned(&inputs(&columns, &values, &[1; 200]));
        let config = TreeConfig { depth: 1, rows_in_leaf: 10 };
        let tree = tree(&config, &data(&binned, &labels));
        assert_eq!(
            tree,
            Tree { columns: vec![0, 0, 0], values: vec![1.5, tree.values[1], tree.values[2]], yes: vec![1, 0, 0] }
        );
        // Of the 100 rows up to 1 those with row % 20 == 0 drop out: 10; above, all but those with row % 20 == 10.
        assert!((f64::from(tree.value(&[1.0, 0.0])) - 11.0 / 102.0).abs() < 1e-6, "{tree:?}");
        assert!((f64::from(tree.value(&[2.0, 0.0])) - 91.0 / 102.0).abs() < 1e-6, "{tree:?}");
    }

    #[test]
    fn a_forest_of_pure_leaves_stays_finite() {
        let (columns, values, _) = stairs();
        let labels: Vec<bool> = (0..200).map(|row| row % 4 > 1).collect();
        let inputs = inputs(&columns, &values, &[1; 200]);
        let binned = binned(&inputs);
        let config = ForestConfig { trees: 20, columns_in_tree: 1.0, rows_in_tree: 150, ..ForestConfig::default() };
        let trees = forest(&config, &data(&binned, &labels), 3);
        assert_eq!(trees.len(), 20);
        let logits = logits(&trees, &inputs, CutOff::after_weeks(1).unwrap());
        assert!(logits.iter().all(|logit| logit.is_finite()));
        assert!(logits.iter().zip(&labels).all(|(&logit, &label)| (logit > 0.0) == label), "{logits:?}");
    }
}
