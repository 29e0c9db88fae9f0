//! Backward elimination of groups, over all folds at once.

use rayon::prelude::*;

use super::inverse::Solution;
use super::ranking::{RankedRows, area_over_courses, mean_auc};
use super::{SelectionRows, Step};
use crate::design::Design;
use crate::error::SelectionError;

/// Holds the sums of one fold's training rows, and the rows that it ranks.
pub(super) struct Fold {
    /// Centred products of columns, `[column][column]`, and of columns and outcomes.
    products: Vec<f64>,
    with_outcome: Vec<f64>,
    /// Means over the training rows.
    columns: Vec<f64>,
    outcome: f64,
    repeat: usize,
    held_out: Vec<usize>,
    ranked: Vec<RankedRows>,
}

/// Holds sums over some rows.
#[derive(Clone)]
struct Sums {
    rows: f64,
    outcomes: f64,
    columns: Vec<f64>,
    products: Vec<f64>,
    with_outcome: Vec<f64>,
}

impl Sums {
    fn of(data: &SelectionRows<'_>, rows: &[usize]) -> Self {
        let width = data.groups.len();
        let design = Design::of_rows(rows.iter().map(|&row| &data.values[row * width..(row + 1) * width]), width);
        let outcomes: Vec<f64> = rows.iter().map(|&row| f64::from(u8::from(data.labels[row]))).collect();
        let ones = vec![1.0; rows.len()];
        Self {
            rows: rows.len() as f64,
            outcomes: outcomes.iter().sum(),
            columns: design.transposed_times(&ones),
            products: design.gram(&ones),
            with_outcome: design.transposed_times(&outcomes),
        }
    }

    fn add(&mut self, other: &Self) {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        self.rows += other.rows;
        self.outcomes += other.outcomes;
        add(&mut self.columns, &other.columns);
        add(&mut self.products, &other.products);
        add(&mut self.with_outcome, &other.with_outcome);
    }

    /// Takes means off the products: those of columns, and those with the outcome.
    fn centred(mut self) -> Self {
        let width = self.columns.len();
        let means: Vec<f64> = self.columns.iter().map(|sum| sum / self.rows).collect();
        for (i, row) in self.products.chunks_exact_mut(width).enumerate() {
            row.iter_mut().zip(&means).for_each(|(value, mean)| *value -= self.rows * means[i] * mean);
        }
        self.with_outcome.iter_mut().zip(&means).for_each(|(value, mean)| *value -= mean * self.outcomes);
        self.columns = means;
        self.outcomes /= self.rows;
        self
    }
}

/// Makes the folds of every repeat that can rank anything.
pub(super) fn folds(data: &SelectionRows<'_>) -> Vec<Fold> {
    let mut made = Vec::new();
    for (repeat, fold_of) in data.folds.iter().enumerate() {
        let count = fold_of.iter().max().map_or(0, |last| *last as usize + 1);
        let mut rows = vec![Vec::new(); count];
        fold_of.iter().enumerate().for_each(|(row, &fold)| rows[fold as usize].push(row));
        let sums: Vec<Sums> = rows.iter().map(|rows| Sums::of(data, rows)).collect();
        for (number, held_out) in rows.into_iter().enumerate() {
            let ranked = RankedRows::of(data, &held_out);
            let others = || sums.iter().enumerate().filter(|&(other, _)| other != number).map(|(_, sums)| sums);
            let Some(first) = others().next().filter(|_| !ranked.is_empty()) else { continue };
            let mut training = first.clone();
            others().skip(1).for_each(|sums| training.add(sums));
            let Sums { products, with_outcome, columns, outcomes, .. } = training.centred();
            made.push(Fold { products, with_outcome, columns, outcome: outcomes, repeat, held_out, ranked });
        }
    }
    made
}

/// Takes groups out, one after the other, until one is left or all that are left are required.
pub(super) fn path(data: &SelectionRows<'_>, folds: &[Fold], penalty: f64) -> Result<Vec<Step>, SelectionError> {
    let solve = |fold: &Fold| {
        let width = data.groups.len();
        let mut matrix = fold.products.clone();
        (0..width).for_each(|i| matrix[i * width + i] += penalty);
        Solution::new(matrix, &fold.with_outcome)
    };
    let mut solutions: Vec<Solution> = folds.par_iter().map(solve).collect::<Result<_, _>>()?;
    let mut columns: Vec<usize> = (0..data.groups.len()).collect();
    let mut groups: Vec<usize> = columns.iter().map(|&column| data.groups[column]).collect();
    groups.sort_unstable();
    groups.dedup();
    let weights: Vec<&[f64]> = solutions.iter().map(|solution| solution.weights.as_slice()).collect();
    let mut steps = vec![Step { groups: groups.clone(), removed: None, aucs: aucs(data, folds, &columns, &weights) }];
    loop {
        let can_go: Vec<usize> = groups.iter().copied().filter(|group| !data.required.contains(group)).collect();
        if can_go.is_empty() || groups.len() == 1 {
            return Ok(steps);
        }
        let divided = |group: usize| -> (Vec<usize>, Vec<usize>) {
            (0..columns.len()).partition(|&at| data.groups[columns[at]] == group)
        };
        let without = |&group: &usize| -> Result<(usize, Vec<f64>), SelectionError> {
            let (removed, left) = divided(group);
            let weights = solutions.iter().map(|solution| solution.weights_without(&removed, &left));
            let weights: Vec<Vec<f64>> = weights.collect::<Result<_, _>>()?;
            let weights: Vec<&[f64]> = weights.iter().map(Vec::as_slice).collect();
            let left: Vec<usize> = left.iter().map(|&at| columns[at]).collect();
            Ok((group, aucs(data, folds, &left, &weights)))
        };
        let tried: Vec<(usize, Vec<f64>)> = can_go.par_iter().map(without).collect::<Result<_, _>>()?;
        let sum = |aucs: &[f64]| aucs.iter().sum::<f64>();
        // The first of equals, so that nothing depends on chance.
        let best = tried.into_iter().reduce(|best, other| if sum(&other.1) > sum(&best.1) { other } else { best });
        let (group, aucs) = best.expect("one can go");
        let (removed, left) = divided(group);
        solutions = solutions.par_iter().map(|solution| solution.without(&removed, &left)).collect::<Result<_, _>>()?;
        columns = left.iter().map(|&at| columns[at]).collect();
        groups.retain(|&other| other != group);
        steps.push(Step { groups: groups.clone(), removed: Some(group), aucs });
    }
}

/// Ranks the held-out rows of every fold by the fold's weights of `columns`: within courses and, where there are several, in
/// equal parts over all courses together, each row scored by the fold that holds it out.
fn aucs(data: &SelectionRows<'_>, folds: &[Fold], columns: &[usize], weights: &[&[f64]]) -> Vec<f64> {
    let width = data.groups.len();
    let scores_of = |(fold, weights): (&Fold, &&[f64])| -> Vec<f64> {
        let mean: f64 = columns.iter().zip(*weights).map(|(&column, weight)| fold.columns[column] * weight).sum();
        let score = |&row: &usize| {
            let values = &data.values[row * width..(row + 1) * width];
            let score: f64 = columns.iter().zip(*weights).map(|(&at, weight)| f64::from(values[at]) * weight).sum();
            fold.outcome + score - mean
        };
        fold.held_out.iter().map(score).collect()
    };
    let scores: Vec<Vec<f64>> = folds.iter().zip(weights).map(scores_of).collect();
    let within = folds.iter().zip(&scores).map(|(fold, scores)| mean_auc(&fold.ranked, scores));
    if data.courses.iter().all(|course| *course == data.courses[0]) {
        return within.collect();
    }
    let over_courses = |repeat: usize| {
        let of_repeat = folds.iter().zip(&scores).filter(|(fold, _)| fold.repeat == repeat);
        let rows: Vec<(f64, usize)> =
            of_repeat.flat_map(|(fold, scores)| scores.iter().copied().zip(fold.held_out.iter().copied())).collect();
        area_over_courses(data, &rows)
    };
    let by_repeat: Vec<f64> = (0..data.folds.len()).map(over_courses).collect();
    within.zip(folds).map(|(within, fold)| f64::midpoint(within, by_repeat[fold.repeat])).collect()
}
