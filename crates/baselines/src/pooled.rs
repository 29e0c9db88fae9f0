//! The losses of the linear models over the rows of a shared design: values, gradients, and products with the second
//! derivatives, without a matrix of them.

use rayon::prelude::*;

use crate::hazard::Spell;
use crate::newton::{sigmoid, softplus};
use crate::shared::View;

/// Holds the parameters: weights by leading column of a view, the intercept, and what each coming week adds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pooled {
    pub(crate) weights: Vec<f64>,
    pub(crate) intercept: f64,
    pub(crate) effects: Vec<f64>,
}

impl Pooled {
    /// Makes parameters that are all 0.
    pub(crate) fn zeros(weights: usize, effects: usize) -> Self {
        Self { weights: vec![0.0; weights], intercept: 0.0, effects: vec![0.0; effects] }
    }

    fn numbers(&self) -> impl Iterator<Item = &f64> {
        self.weights.iter().chain(&self.effects).chain(std::iter::once(&self.intercept))
    }

    fn numbers_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        self.weights.iter_mut().chain(&mut self.effects).chain(std::iter::once(&mut self.intercept))
    }

    /// Computes the sum of products.
    pub(crate) fn dot(&self, other: &Self) -> f64 {
        self.numbers().zip(other.numbers()).map(|(a, b)| a * b).sum()
    }

    /// Adds `factor × other`.
    pub(crate) fn add(&mut self, factor: f64, other: &Self) {
        self.numbers_mut().zip(other.numbers()).for_each(|(to, by)| *to += factor * by);
    }

    /// Multiplies every number by `factor`.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.numbers_mut().for_each(|number| *number *= factor);
    }
}

/// Names what a row's loss is made of.
#[derive(Clone, Copy)]
pub(crate) enum Outcomes<'a> {
    /// Half the squared difference from 0 or 1.
    Squares(&'a [bool]),
    /// The log loss of a label.
    Labels(&'a [bool]),
    /// The log loss of every coming week.
    Spells(&'a [Spell]),
}

/// Computes Σ loss + λ/2 Σ b² + μ/2 Σ δ² over the rows of a view.
pub(crate) struct PooledLoss<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) outcomes: Outcomes<'a>,
    pub(crate) penalty: f64,
    pub(crate) effect_penalty: f64,
}

/// Holds the loss and its derivatives at one place.
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) gradient: Pooled,
    /// By row: α + x·b.
    scores: Vec<f64>,
    curvature: Curvature,
    /// Xᵀ D, by column.
    pub(crate) border: Vec<f64>,
}

/// Holds the second derivatives of the rows' losses by their scores.
struct Curvature {
    /// By row, over all of its weeks.
    rows: Vec<f64>,
    /// By row and coming week, at the row's place in `first`; empty without effects.
    weeks: Vec<f64>,
    first: Vec<usize>,
}

/// Holds what the rows of one band add up to.
struct Band {
    value: f64,
    scores: Vec<f64>,
    slope: f64,
    rows: Vec<f64>,
    weeks: Vec<f64>,
    effect_slopes: Vec<f64>,
}

fn squares(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

impl PooledLoss<'_> {
    /// Counts the losses that the value sums over, which sets the tolerance.
    pub(crate) fn terms(&self) -> usize {
        match self.outcomes {
            Outcomes::Squares(labels) | Outcomes::Labels(labels) => labels.len(),
            Outcomes::Spells(spells) => spells.iter().map(|spell| spell.weeks).sum(),
        }
    }

    fn penalties(&self, at: &Pooled) -> f64 {
        0.5 * (self.penalty * squares(&at.weights) + self.effect_penalty * squares(&at.effects))
    }

    /// Computes the loss of a row with this score.
    fn row_loss(&self, row: usize, score: f64, effects: &[f64]) -> f64 {
        match self.outcomes {
            Outcomes::Squares(labels) => 0.5 * (score - f64::from(u8::from(labels[row]))).powi(2),
            Outcomes::Labels(labels) => softplus(if labels[row] { -score } else { score }),
            Outcomes::Spells(spells) => {
                let spell = spells[row];
                let stays: f64 = effects[..spell.weeks].iter().map(|effect| softplus(score + effect)).sum();
                if spell.left { stays - score - effects[spell.weeks - 1] } else { stays }
            }
        }
    }

    /// Computes the loss after a step from `point` by `share` of `step`, whose scores change by `moves`.
    pub(crate) fn value_after(&self, point: &Point, at: &Pooled, moves: &[f64], share: f64) -> f64 {
        let losses: Vec<f64> = point
            .scores
            .par_chunks(crate::shared::TASK)
            .zip(moves.par_chunks(crate::shared::TASK))
            .enumerate()
            .map(|(task, (scores, moves))| {
                let first = task * crate::shared::TASK;
                let rows = scores.iter().zip(moves).enumerate();
                rows.map(|(at_row, (score, by))| self.row_loss(first + at_row, score + share * by, &at.effects)).sum()
            })
            .collect();
        losses.iter().sum::<f64>() + self.penalties(at)
    }

    /// Computes the loss and its derivatives.
    pub(crate) fn point(&self, at: &Pooled) -> Point {
        let (bands, [mut slopes, border]) = self.view.pass(&at.weights, |first, products| {
            let (band, residuals) = self.band(first, products, at);
            let curvature = band.rows.clone();
            (band, [residuals, curvature])
        });
        slopes.iter_mut().zip(&at.weights).for_each(|(slope, weight)| *slope += self.penalty * weight);
        let mut gradient = Pooled { weights: slopes, intercept: 0.0, effects: Vec::new() };
        gradient.effects = at.effects.iter().map(|effect| self.effect_penalty * effect).collect();
        let mut point = Point {
            value: self.penalties(at),
            gradient,
            scores: Vec::with_capacity(self.view.rows()),
            curvature: Curvature { rows: Vec::with_capacity(self.view.rows()), weeks: Vec::new(), first: Vec::new() },
            border,
        };
        for band in bands {
            point.value += band.value;
            point.gradient.intercept += band.slope;
            point.gradient.effects.iter_mut().zip(&band.effect_slopes).for_each(|(slope, by)| *slope += by);
            point.scores.extend(band.scores);
            point.curvature.rows.extend(band.rows);
            point.curvature.weeks.extend(band.weeks);
        }
        if let Outcomes::Spells(spells) = self.outcomes {
            let mut next = 0;
            point.curvature.first.extend(spells.iter().map(|spell| {
                next += spell.weeks;
                next - spell.weeks
            }));
        }
        point
    }

    /// Computes the losses of a band of rows from x·b; returns their first derivatives by the scores beside them.
    fn band(&self, first: usize, products: &[f64], at: &Pooled) -> (Band, Vec<f64>) {
        let mut band = Band {
            value: 0.0,
            scores: products.iter().map(|product| product + at.intercept).collect(),
            slope: 0.0,
            rows: Vec::with_capacity(products.len()),
            weeks: Vec::new(),
            effect_slopes: vec![0.0; at.effects.len()],
        };
        let mut residuals = Vec::with_capacity(products.len());
        for place in 0..products.len() {
            let (row, score) = (first + place, band.scores[place]);
            let (residual, curvature) = match self.outcomes {
                Outcomes::Squares(labels) => (score - f64::from(u8::from(labels[row])), 1.0),
                Outcomes::Labels(labels) => {
                    let p = sigmoid(score);
                    (p - f64::from(u8::from(labels[row])), p * (1.0 - p))
                }
                Outcomes::Spells(spells) => {
                    let spell = spells[row];
                    let (mut residual, mut curvature) = (0.0, 0.0);
                    for (week, effect) in at.effects.iter().enumerate().take(spell.weeks) {
                        let p = sigmoid(score + effect);
                        let slope = p - f64::from(u8::from(spell.left && week + 1 == spell.weeks));
                        band.effect_slopes[week] += slope;
                        band.weeks.push(p * (1.0 - p));
                        residual += slope;
                        curvature += p * (1.0 - p);
                    }
                    (residual, curvature)
                }
            };
            band.value += self.row_loss(row, score, &at.effects);
            band.slope += residual;
            band.rows.push(curvature);
            residuals.push(residual);
        }
        (band, residuals)
    }

    /// Multiplies by the second derivatives at `point`. Returns the change of each row's score beside the product.
    pub(crate) fn curvature_times(&self, point: &Point, direction: &Pooled) -> (Vec<f64>, Pooled) {
        let Curvature { rows: by_row, weeks, first: starts } = &point.curvature;
        let (bands, [products]) = self.view.pass(&direction.weights, |first, products| {
            let moves: Vec<f64> = products.iter().map(|product| product + direction.intercept).collect();
            let mut factors: Vec<f64> = moves.iter().zip(&by_row[first..]).map(|(by, curve)| by * curve).collect();
            let mut effects = vec![0.0; direction.effects.len()];
            if let Outcomes::Spells(spells) = self.outcomes {
                for (place, factor) in factors.iter_mut().enumerate() {
                    let row = first + place;
                    let weeks = &weeks[starts[row]..starts[row] + spells[row].weeks];
                    for ((sum, curve), effect) in effects.iter_mut().zip(weeks).zip(&direction.effects) {
                        *sum += curve * (moves[place] + effect);
                        *factor += curve * effect;
                    }
                }
            }
            ((moves, factors.iter().sum::<f64>(), effects), [factors])
        });
        let mut product = Pooled { weights: products, intercept: 0.0, effects: Vec::new() };
        product.weights.iter_mut().zip(&direction.weights).for_each(|(to, weight)| *to += self.penalty * weight);
        product.effects = direction.effects.iter().map(|effect| self.effect_penalty * effect).collect();
        let mut moves = Vec::with_capacity(self.view.rows());
        for (by, slope, effects) in bands {
            moves.extend(by);
            product.intercept += slope;
            product.effects.iter_mut().zip(effects).for_each(|(to, by)| *to += by);
        }
        (moves, product)
    }

    /// Sums the second derivatives by coming week.
    pub(crate) fn week_curvature(&self, point: &Point) -> Vec<f64> {
        let mut by_week = vec![0.0; point.gradient.effects.len()];
        if let Outcomes::Spells(spells) = self.outcomes {
            for (spell, &start) in spells.iter().zip(&point.curvature.first) {
                let weeks = &point.curvature.weeks[start..start + spell.weeks];
                by_week.iter_mut().zip(weeks).for_each(|(sum, curve)| *sum += curve);
            }
        }
        by_week
    }
}

impl Point {
    /// Sums the second derivatives of all rows by their scores.
    pub(crate) fn total_curvature(&self) -> f64 {
        self.curvature.rows.iter().sum()
    }
}
