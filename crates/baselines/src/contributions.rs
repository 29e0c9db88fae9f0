//! Contributions of inputs to a forecast, against a reference.
//!
//! Linear models split by their weights. Trees split by the Shapley values of the game in which an absent input has the
//! reference's value (Lundberg et al. 2020, "From local explanations to global understanding with explainable AI for trees",
//! interventional, with one reference). Both are exact: what is added sums up to the difference from the reference's forecast.

use rayon::prelude::*;
use staycast_weeks::CutOff;

use crate::cut_off_model::CutOffModel;
use crate::error::ForecastError;
use crate::linear::Weights;
use crate::model::BaselineModel;
use crate::newton::logit;
use crate::trees::Tree;
use crate::weekly::WeeklyInputs;

/// Counts the inputs on one path through a tree, up to which the shares of a leaf are computed once.
const SHARES: usize = 24;

/// Is the difference of two scores below which a curve between them is taken by its slope.
const NEAR: f64 = 1e-9;

/// Holds what the inputs of rows add to the log odds of dropout at one cut-off.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// By row, the log odds.
    pub logits: Vec<f64>,
    /// By row, the log odds if the row had the reference's inputs.
    pub reference_logits: Vec<f64>,
    /// `[row][week][column]` in the weeks seen, in log odds. Those of a row sum up to its log odds less the reference's.
    pub values: Vec<f32>,
}

impl BaselineModel {
    /// Splits the forecast of every row after `cut_off` into what its inputs add to that of `reference`, which has the weeks
    /// seen as `[week][column]`.
    ///
    /// Forests, trees and hazards add up on another scale; what they add is stretched, alike for all inputs of a row, to the
    /// difference in log odds.
    ///
    /// # Errors
    /// [`ForecastError`], when the inputs differ from those of the fit, the model was not fitted at the cut-off, or it reads
    /// features that are no inputs, as rules do.
    ///
    /// # Panics
    /// When `reference` has another length.
    pub fn contributions(
        &self,
        inputs: &WeeklyInputs<'_>,
        reference: &[f32],
        cut_off: CutOff,
    ) -> Result<Contributions, ForecastError> {
        let fitted = self.fitted_at(inputs, cut_off)?;
        let width = cut_off.count() * inputs.columns.len();
        assert_eq!(reference.len(), width, "one value a week seen and column");
        let split = match fitted {
            CutOffModel::DaysSinceLast(_) | CutOffModel::Rules(_) => {
                return Err(ForecastError::NoContributions { kind: self.kind() });
            }
            CutOffModel::Linear(weights) => Split::Line { weights, scale: 4.0 },
            CutOffModel::Logistic(weights) => Split::Line { weights, scale: 1.0 },
            CutOffModel::Hazard(hazards) => Split::Line { weights: &hazards.weights, scale: 1.0 },
            CutOffModel::Tree(tree) => Split::Trees(std::slice::from_ref(tree)),
            CutOffModel::Forest(trees) => Split::Trees(trees),
            CutOffModel::Boosting(boosted) => Split::Trees(&boosted.trees),
        };
        let logits = fitted.logits(inputs, cut_off)?;
        let same_for_all: Vec<f32> = (0..inputs.rows)
            .flat_map(|_| reference.iter().copied().chain(std::iter::repeat_n(0.0, width_left(inputs, cut_off))))
            .collect();
        let reference_logits = fitted.logits(&WeeklyInputs { values: &same_for_all, ..*inputs }, cut_off)?;
        let mut values = vec![0.0_f32; inputs.rows * width];
        values.par_chunks_mut(width.max(1)).enumerate().with_min_len(16).for_each_init(
            || vec![0.0_f64; width],
            |added, (row, values)| {
                added.fill(0.0);
                let seen = inputs.seen(row, cut_off);
                split.add(seen, reference, added);
                let scale = stretch(fitted, added, logits[row], reference_logits[row]);
                values.iter_mut().zip(&*added).for_each(|(value, &added)| *value = (scale * added) as f32);
            },
        );
        Ok(Contributions { logits, reference_logits, values })
    }

    /// Computes the log odds of dropout of every row after `cut_off` alone.
    ///
    /// # Errors
    /// [`ForecastError`], when the inputs differ from those of the fit, or the model was not fitted at the cut-off.
    pub fn logits_at(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Result<Vec<f64>, ForecastError> {
        self.fitted_at(inputs, cut_off)?.logits(inputs, cut_off)
    }

    fn fitted_at(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Result<&CutOffModel, ForecastError> {
        self.check_inputs(inputs)?;
        let not_fitted = |reason: String| ForecastError::NotFitted { cut_off, reason };
        if cut_off.count() > inputs.weeks {
            return Err(not_fitted(format!("the inputs have {} weeks", inputs.weeks)));
        }
        self.cut_offs().get(&cut_off).ok_or_else(|| {
            not_fitted(self.absent().get(&cut_off).cloned().unwrap_or_else(|| "it was not tried".to_owned()))
        })
    }
}

/// Says how a forecast is split on the model's own scale.
enum Split<'a> {
    /// By weights, times a scale.
    Line { weights: &'a Weights, scale: f64 },
    /// Into Shapley values of a sum of trees.
    Trees(&'a [Tree]),
}

impl Split<'_> {
    /// Adds what each input of a row adds.
    fn add(&self, seen: &[f32], reference: &[f32], added: &mut [f64]) {
        match self {
            Self::Line { weights, scale } => split_line(weights, seen, reference, *scale, added),
            Self::Trees(trees) => split_trees(trees, seen, reference, added),
        }
    }
}

/// Counts the values of a row after the weeks seen.
fn width_left(inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> usize {
    (inputs.weeks - cut_off.count()) * inputs.columns.len()
}

fn split_line(weights: &Weights, seen: &[f32], reference: &[f32], scale: f64, added: &mut [f64]) {
    for (&column, weight) in weights.columns.iter().zip(&weights.weights) {
        let column = column as usize;
        added[column] += scale * weight * (f64::from(seen[column]) - f64::from(reference[column]));
    }
}

/// Adds the Shapley values of the sum of some trees.
fn split_trees(trees: &[Tree], seen: &[f32], reference: &[f32], added: &mut [f64]) {
    let mut walk = TreeWalk { seen, reference, added, path: Vec::new() };
    trees.iter().for_each(|tree| walk.split(tree, 0, 0, 0));
}

/// Walks a tree along all paths that a row takes with some of its inputs replaced by the reference's.
struct TreeWalk<'a> {
    seen: &'a [f32],
    reference: &'a [f32],
    added: &'a mut [f64],
    /// Inputs that decide the path, as row and reference answer differently, and whether it follows the row.
    path: Vec<(u32, bool)>,
}

impl TreeWalk<'_> {
    /// Goes on from a node. `own` and `others` count the inputs on the path by whom it follows.
    fn split(&mut self, tree: &Tree, mut node: usize, own: usize, others: usize) {
        loop {
            let yes = tree.yes[node];
            if yes == 0 {
                return self.leaf(f64::from(tree.values[node]), own, others);
            }
            let (column, cut) = (tree.columns[node], tree.values[node]);
            let after = |value: f32| (yes + u32::from(value > cut)) as usize;
            let [mine, its] = [self.seen, self.reference].map(|values| after(values[column as usize]));
            if mine == its {
                node = mine;
                continue;
            }
            match self.path.iter().find(|(on_path, _)| *on_path == column) {
                Some((_, true)) => node = mine,
                Some((_, false)) => node = its,
                None => {
                    self.path.push((column, true));
                    self.split(tree, mine, own + 1, others);
                    self.path.last_mut().expect("pushed above").1 = false;
                    self.split(tree, its, own, others + 1);
                    self.path.pop();
                    return;
                }
            }
        }
    }

    /// Shares a leaf's value among the inputs that lead to it: it is reached where all `own` inputs are the row's and all
    /// `others` the reference's.
    fn leaf(&mut self, value: f64, own: usize, others: usize) {
        if own + others == 0 {
            return;
        }
        let (gain, loss) = (value * share(own, others), value * share(others, own));
        for &(column, is_own) in &self.path {
            self.added[column as usize] += if is_own { gain } else { -loss };
        }
    }
}

/// Returns (a - 1)! b! / (a + b)!, the share of orders in which one input of `a` comes last of these and before `b` others; 0
/// for no input.
fn share(a: usize, b: usize) -> f64 {
    static TABLE: std::sync::LazyLock<Vec<f64>> =
        std::sync::LazyLock::new(|| (0..SHARES * SHARES).map(|at| compute_share(at / SHARES, at % SHARES)).collect());
    if a < SHARES && b < SHARES { TABLE[a * SHARES + b] } else { compute_share(a, b) }
}

fn compute_share(a: usize, b: usize) -> f64 {
    if a == 0 {
        return 0.0;
    }
    // 1 / (a C(a + b, b)), factor by factor.
    (1..=b).fold(1.0 / a as f64, |share, k| share * k as f64 / (a + k) as f64)
}

/// Returns by how much what was added on the model's own scale is stretched to log odds.
fn stretch(fitted: &CutOffModel, added: &[f64], logit_found: f64, reference_logit: f64) -> f64 {
    let total: f64 = added.iter().sum();
    let by_slope = |slope: f64| if total.abs() > NEAR { (logit_found - reference_logit) / total } else { slope };
    match fitted {
        CutOffModel::Linear(_) | CutOffModel::Logistic(_) | CutOffModel::Boosting(_) => 1.0,
        // A mean of probabilities, of which the log odds have the slope 1 / (p (1 - p)).
        CutOffModel::Tree(_) => by_slope(slope_at(reference_logit)),
        CutOffModel::Forest(trees) => {
            let trees = trees.len() as f64;
            by_slope(slope_at(reference_logit) / trees)
        }
        // Log odds of leaving in any week, which move nearly as those of one.
        CutOffModel::Hazard(_) => by_slope(1.0),
        CutOffModel::DaysSinceLast(_) | CutOffModel::Rules(_) => unreachable!("refused before"),
    }
}

fn slope_at(log_odds: f64) -> f64 {
    let p = 1.0 / (1.0 + (-log_odds).exp());
    debug_assert!((logit(p) - log_odds).abs() < 1e-6 || !log_odds.is_finite());
    1.0 / (p * (1.0 - p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    /// Makes a tree of random questions about `columns` columns, which may ask about one again.
    fn random_tree(stream: &mut SplitMix, columns: u32, depth: u32) -> Tree {
        let mut tree = Tree { columns: vec![0], values: vec![0.0], yes: vec![0] };
        let mut open = vec![(0, 0)];
        while let Some((node, level)) = open.pop() {
            let draw = (stream.next() >> 40) as f32 / (1 << 24) as f32;
            if level == depth {
                tree.values[node] = draw;
                continue;
            }
            let yes = tree.yes.len();
            (tree.columns[node], tree.values[node]) = ((stream.next() % u64::from(columns)) as u32, draw);
            tree.yes[node] = yes as u32;
            for child in [yes, yes + 1] {
                tree.columns.push(0);
                tree.values.push(0.0);
                tree.yes.push(0);
                open.push((child, level + 1));
            }
        }
        tree
    }

    /// Computes Shapley values by their definition, over all sets of inputs.
    fn by_definition(tree: &Tree, seen: &[f32], reference: &[f32]) -> Vec<f64> {
        let n = seen.len();
        let value = |set: usize| {
            let mixed: Vec<f32> = (0..n).map(|at| if set >> at & 1 == 1 { seen[at] } else { reference[at] }).collect();
            f64::from(tree.value(&mixed))
        };
        (0..n)
            .map(|at| {
                (0..1_usize << n)
                    .filter(|set| set >> at & 1 == 0)
                    .map(|set| {
                        let size = set.count_ones() as usize;
                        // |S|! (n - |S| - 1)! / n!
                        let weight = compute_share(size + 1, n - size - 1);
                        weight * (value(set | 1 << at) - value(set))
                    })
                    .sum()
            })
            .collect()
    }

    #[test]
    fn shares_are_those_of_the_formula() {
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        for a in 1..8 {
            for b in 0..8 {
                let wanted = factorial(a - 1) * factorial(b) / factorial(a + b);
                assert!((share(a, b) - wanted).abs() < 1e-15, "{a} {b}");
            }
        }
        assert_eq!((share(0, 3), share(1, 0)), (0.0, 1.0));
        assert!(share(SHARES + 1, 2) > 0.0);
    }

    #[test]
    fn trees_are_split_as_shapley_defines() {
        let mut stream = SplitMix::new(5, &[]);
        for case in 0..200 {
            let tree = random_tree(&mut stream, 6, 5);
            let mut draw = || (0..6).map(|_| (stream.next() >> 40) as f32 / (1 << 24) as f32).collect::<Vec<f32>>();
            let (seen, reference) = (draw(), draw());
            let mut added = vec![0.0; 6];
            split_trees(std::slice::from_ref(&tree), &seen, &reference, &mut added);
            let wanted = by_definition(&tree, &seen, &reference);
            for (found, wanted) in added.iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-12, "{case}: {added:?} {wanted:?}");
            }
            let whole = f64::from(tree.value(&seen)) - f64::from(tree.value(&reference));
            assert!((added.iter().sum::<f64>() - whole).abs() < 1e-12);
        }
    }
}
