//! Chooses the groups of inputs that help on courses that a model has not seen.
//!
//! A ridge regression of the outcome on all inputs is fitted once for each fold, on all rows but the fold's. Then groups are
//! taken out one after the other, at each step the one without which the held-out rows are ranked best (backward
//! elimination). A ranking is judged by the area under the curve, half within each course and
//! half over all courses together: a course team ranks its own learners, an institution those of all courses. The level of a
//! course counts only as far as other courses told it. Of all sets on the way, the choice is the smallest that is within one standard
//! error of the best, and no more than [`MOST_LOSS`] below it (the one-standard-error rule; Hastie, Tibshirani and Friedman,
//! "The Elements of Statistical Learning", 2nd edition, section 7.10).
//!
//! A ridge regression ranks nearly as a logistic one does, and a group leaves it at little cost: the solution without some
//! columns follows from the inverse of the normal equations.

mod elimination;
mod inverse;
mod ranking;

use crate::error::SelectionError;

/// Lists the ridge penalties that are tried, on sums over rows of standardised inputs.
const PENALTIES: [f64; 3] = [10.0, 100.0, 1000.0];

/// Bounds what a smaller set may lose against the best, as a difference of areas under the curve.
pub const MOST_LOSS: f64 = 0.003;

/// Bounds from below what counts as a loss: less is noise whatever the standard error.
const LEAST_LOSS: f64 = 0.0005;

/// Borrows the rows that groups are chosen on: one a learner, at one cut-off.
#[derive(Clone, Copy, Debug)]
pub struct SelectionRows<'a> {
    /// By column: the number of its group, from 0 without gaps.
    pub groups: &'a [usize],
    /// Numbers of the groups that stay, whatever they bring.
    pub required: &'a [usize],
    /// Values as `[row][column]`, standardised, all finite.
    pub values: &'a [f32],
    /// By row: whether the learner dropped out.
    pub labels: &'a [bool],
    /// By row: whether the learner is in the cohort of those still active, which is ranked by itself too.
    pub active: &'a [bool],
    /// By row: the number of its course. Rows are ranked within courses.
    pub courses: &'a [u32],
    /// By repeat, then by row: the fold that holds the row out.
    pub folds: &'a [Vec<u32>],
}

/// Describes how groups of inputs were chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Numbers of the groups that are kept, in increasing order.
    pub kept: Vec<usize>,
    /// Mean area under the curve of held-out rows, half within their courses and half over all, with the kept groups.
    pub auc: f64,
    /// The same of all groups, with the penalty that is best for them.
    pub auc_of_all: f64,
    /// The groups left out, in the order in which they left.
    pub left_out: Vec<LeftOutGroup>,
}

/// Describes a group that is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeftOutGroup {
    /// Its number.
    pub group: usize,
    /// Gain in the area under the curve without it, beside the groups that were left then; below 0 for a loss.
    pub gain: f64,
    /// Standard error of this difference, over folds.
    pub error: f64,
}

impl SelectionRows<'_> {
    /// Chooses among the groups.
    ///
    /// Takes the threads of the current rayon pool; the result does not depend on their number. Holds the normal equations of
    /// each fold and penalty (columns² × 8 bytes each).
    ///
    /// # Errors
    /// [`SelectionError`], when the lengths do not fit, a value is not finite, or there are not two folds whose held-out rows
    /// have both outcomes within a course.
    pub fn select(&self) -> Result<Selection, SelectionError> {
        self.check()?;
        let folds = elimination::folds(self);
        if folds.len() < 2 {
            return Err(SelectionError::TooFewFolds { folds: folds.len() });
        }
        let repeats = self.folds.len() as f64;
        let paths = PENALTIES.iter().map(|&penalty| elimination::path(self, &folds, penalty));
        let paths: Vec<Vec<Step>> = paths.collect::<Result<_, _>>()?;
        Ok(choose(&paths, repeats))
    }

    fn check(&self) -> Result<(), SelectionError> {
        let (rows, columns) = (self.labels.len(), self.groups.len());
        let mut lengths = vec![
            ("values", self.values.len(), rows * columns),
            ("active", self.active.len(), rows),
            ("courses", self.courses.len(), rows),
        ];
        lengths.extend(self.folds.iter().map(|folds| ("folds", folds.len(), rows)));
        if let Some(&(what, found, wanted)) = lengths.iter().find(|(_, found, wanted)| found != wanted) {
            return Err(SelectionError::Length { what, found, wanted });
        }
        if self.values.iter().any(|value| !value.is_finite()) {
            return Err(SelectionError::NotFinite);
        }
        Ok(())
    }
}

/// Holds one set of groups on the way, and how well it ranks.
#[derive(Clone, Debug)]
struct Step {
    /// The groups left.
    groups: Vec<usize>,
    /// The group that left last; none at the start.
    removed: Option<usize>,
    /// By fold: area under the curve.
    aucs: Vec<f64>,
}

impl Step {
    fn mean(&self) -> f64 {
        self.aucs.iter().sum::<f64>() / self.aucs.len() as f64
    }
}

/// Returns the mean of first − second over folds, and its standard error. Folds of another repeat are no further evidence.
fn difference(first: &[f64], second: &[f64], repeats: f64) -> (f64, f64) {
    let count = first.len() as f64;
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|difference| (difference - mean) * (difference - mean)).sum();
    (mean, (squares / (count - 1.0) / (count / repeats)).sqrt())
}

/// Chooses among all steps of the paths of all penalties.
fn choose(paths: &[Vec<Step>], repeats: f64) -> Selection {
    let steps = || paths.iter().flatten();
    let best = steps().reduce(|best, step| if step.mean() > best.mean() { step } else { best });
    let best = best.expect("a path has at least the set of all groups");
    let is_as_good = |step: &Step| {
        let (loss, error) = difference(&best.aucs, &step.aucs, repeats);
        loss <= error.clamp(LEAST_LOSS, MOST_LOSS)
    };
    let (path, at) = paths
        .iter()
        .flat_map(|path| (0..path.len()).map(move |at| (path, at)))
        .filter(|&(path, at)| is_as_good(&path[at]))
        .reduce(|chosen, other| {
            let rank = |(path, at): (&[Step], usize)| (path[at].groups.len(), -path[at].mean());
            if rank((other.0, other.1)) < rank((chosen.0, chosen.1)) { other } else { chosen }
        })
        .expect("the best is as good as itself");
    let mut kept = path[at].groups.clone();
    kept.sort_unstable();
    let left_out = path[..=at].windows(2).filter_map(|pair| {
        let (gain, error) = difference(&pair[1].aucs, &pair[0].aucs, repeats);
        Some(LeftOutGroup { group: pair[1].removed?, gain, error })
    });
    let left_out = left_out.collect();
    let auc_of_all = paths.iter().map(|path| path[0].mean()).fold(f64::MIN, f64::max);
    Selection { kept, auc: path[at].mean(), auc_of_all, left_out }
}

#[cfg(test)]
mod tests;
