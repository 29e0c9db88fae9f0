//! Discrete-time hazards (Singer and Willett 1993, "It's about time: using discrete-time survival analysis to study
//! duration and the timing of events"): pooled logistic regression on the enrolment-weeks to come, given what is seen.
//!
//! At cut-off k, coming week j (from 0, the week after the cut-off) has the log odds of leaving α + δ_j + x·b, where x is
//! what was seen up to the cut-off. An enrolment counts in each coming week up to the one in which it leaves or that is
//! the last observed. Who left before the cut-off counts as leaving in week 0: at the cut-off nobody knows that a silent
//! learner has left, and without them the fit would learn that the silent come back. Ends other than leaving, a failed
//! course say, are no weeks of leaving: these enrolments count as staying up to the last observed week.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::design::{CHUNK, Design};
use crate::linear::{Sides, Weights, any_of, best_of};
use crate::newton::{Convex, log_loss, minimise, sigmoid, softplus};
use crate::weekly::Weekly;

/// The hazards of one cut-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hazards {
    /// α, and b by column.
    pub(crate) weights: Weights,
    /// δ by coming week. Weeks beyond the last have its value.
    pub(crate) weeks: Vec<f64>,
}

impl Hazards {
    /// Log odds of leaving in coming week `ahead` for an enrolment of score α + x·b.
    fn week_logit(&self, score: f64, ahead: usize) -> f64 {
        score + self.weeks[ahead.min(self.weeks.len() - 1)]
    }

    fn dropout_logit(&self, score: f64, ahead: usize) -> f64 {
        any_of((0..ahead).map(|week| self.week_logit(score, week)))
    }

    /// Log odds of leaving by the course's end. Where the course is over at the cut-off, those of its next week.
    pub(crate) fn logits(&self, inputs: &Weekly<'_>, cutoff: usize) -> Vec<f64> {
        let scores = self.weights.scores(inputs, cutoff);
        let ahead = |row: usize| (inputs.course_weeks[row] as usize).saturating_sub(cutoff).max(1);
        scores.into_iter().enumerate().map(|(row, score)| self.dropout_logit(score, ahead(row))).collect()
    }

    /// By row, the hazard of each coming week of the calendar.
    pub(crate) fn by_week(&self, inputs: &Weekly<'_>, cutoff: usize) -> Vec<Vec<f32>> {
        let scores = self.weights.scores(inputs, cutoff);
        let ahead = |row: usize| (inputs.course_weeks[row] as usize).saturating_sub(cutoff);
        let hazards = |(row, score): (usize, f64)| {
            (0..ahead(row)).map(|week| sigmoid(self.week_logit(score, week)) as f32).collect()
        };
        scores.into_iter().enumerate().map(hazards).collect()
    }
}

/// How an enrolment's coming weeks went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spell {
    /// Coming weeks in which leaving was possible and would have been seen; at least 1.
    pub(crate) weeks: usize,
    /// Whether the last of them is the week of leaving.
    pub(crate) left: bool,
}

impl Spell {
    /// What followed cut-off `cutoff`; `None` where no coming week was observed and nobody left before.
    pub(crate) fn after(cutoff: usize, exit_week: Option<i32>, observed_weeks: u32) -> Option<Self> {
        let ahead = (observed_weeks as usize).saturating_sub(cutoff);
        match exit_week {
            Some(exit) if i64::from(exit) < cutoff as i64 => Some(Self { weeks: 1, left: true }),
            Some(exit) if (exit as usize) < cutoff + ahead => {
                Some(Self { weeks: exit as usize - cutoff + 1, left: true })
            }
            _ => (ahead > 0).then_some(Self { weeks: ahead, left: false }),
        }
    }
}

/// Fits the hazards. `ahead`: coming weeks of the held-out rows' calendars.
pub(crate) fn fit(
    sides: &Sides<'_>,
    spells: &[Spell],
    held_out_ahead: &[usize],
    penalties: &[f64],
    baseline_penalty: f64,
) -> Result<Hazards, String> {
    let width = sides.training.width;
    let weeks = spells.iter().map(|spell| spell.weeks).max().unwrap_or(0);
    let fit_one = |penalty: f64, before: Option<&Hazards>| {
        let start = match before {
            Some(before) => [&before.weights.weights[..], &before.weeks[..], &[before.weights.intercept]].concat(),
            None => vec![0.0; width + weeks + 1],
        };
        let loss = PooledLoss { design: sides.training, spells, weeks, penalty, baseline_penalty };
        let mut fitted = minimise(&loss, start, |_| false)?;
        let intercept = fitted.pop().expect("the intercept comes last");
        let by_week = fitted.split_off(width);
        let weights = Weights { penalty, intercept, columns: sides.columns.to_vec(), weights: fitted };
        Ok(Hazards { weights, weeks: by_week })
    };
    let held_out_loss = |fitted: &Hazards| {
        let products = sides.held_out.times(&fitted.weights.weights);
        let logits: Vec<f64> = products
            .iter()
            .zip(held_out_ahead)
            .map(|(product, &ahead)| fitted.dropout_logit(fitted.weights.intercept + product, ahead.max(1)))
            .collect();
        log_loss(&logits, sides.held_out_labels)
    };
    best_of(penalties, fit_one, held_out_loss)
}

/// Σ log loss of enrolment-weeks + λ/2 Σ b² + μ/2 Σ δ², of b, δ and, last, α.
struct PooledLoss<'a> {
    design: &'a Design,
    spells: &'a [Spell],
    weeks: usize,
    penalty: f64,
    baseline_penalty: f64,
}

/// What one chunk of rows adds to the derivatives.
struct Part {
    /// By coming week: residuals, second derivatives, and the latter times each column.
    residuals: Vec<f64>,
    curvature: Vec<f64>,
    columns: Vec<f64>,
}

impl PooledLoss<'_> {
    fn weeks_part(&self, chunk: usize, week_effects: &[f64], scores: &[f64]) -> Part {
        let width = self.design.width;
        let mut part = Part {
            residuals: vec![0.0; self.weeks],
            curvature: vec![0.0; self.weeks],
            columns: vec![0.0; self.weeks * width],
        };
        let first = chunk * CHUNK;
        let last = (first + CHUNK).min(scores.len());
        for ((row, score), &spell) in (first..last).zip(&scores[first..last]).zip(&self.spells[first..last]) {
            for (week, effect) in week_effects.iter().enumerate().take(spell.weeks) {
                let (residual, curvature) = week_terms(spell, week, score + effect);
                part.residuals[week] += residual;
                part.curvature[week] += curvature;
                let sums = &mut part.columns[week * width..(week + 1) * width];
                for (sum, &x) in sums.iter_mut().zip(self.design.row(row)) {
                    *sum += curvature * f64::from(x);
                }
            }
        }
        part
    }
}

/// First and second derivative of a week's loss by its log odds.
fn week_terms(spell: Spell, week: usize, logit: f64) -> (f64, f64) {
    let p = sigmoid(logit);
    let leaves = spell.left && week + 1 == spell.weeks;
    (p - f64::from(u8::from(leaves)), p * (1.0 - p))
}

impl Convex for PooledLoss<'_> {
    /// α + x·b by row.
    type Point = Vec<f64>;

    fn value(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let width = self.design.width;
        let week_effects = &at[width..width + self.weeks];
        let mut scores = self.design.times(&at[..width]);
        scores.iter_mut().for_each(|score| *score += at[width + self.weeks]);
        let row_loss = |(score, spell): (&f64, &Spell)| {
            let stays: f64 = week_effects[..spell.weeks].iter().map(|effect| softplus(score + effect)).sum();
            if spell.left { stays - score - week_effects[spell.weeks - 1] } else { stays }
        };
        let loss: f64 = scores.iter().zip(self.spells).map(row_loss).sum();
        let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        let penalty = self.penalty * squares(&at[..width]) + self.baseline_penalty * squares(week_effects);
        (loss + 0.5 * penalty, scores)
    }

    fn derivatives(&self, at: &[f64], scores: &Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let (width, weeks) = (self.design.width, self.weeks);
        let week_effects = &at[width..width + weeks];
        let by_row: Vec<(f64, f64)> = scores
            .par_iter()
            .zip(self.spells)
            .map(|(score, &spell)| {
                (0..spell.weeks).fold((0.0, 0.0), |(residual, curvature), week| {
                    let (r, c) = week_terms(spell, week, score + week_effects[week]);
                    (residual + r, curvature + c)
                })
            })
            .collect();
        let (residuals, curvature): (Vec<f64>, Vec<f64>) = by_row.into_iter().unzip();
        let parts: Vec<Part> = (0..scores.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| self.weeks_part(chunk, week_effects, scores))
            .collect();
        let summed = |field: fn(&Part) -> &[f64], length: usize| {
            let mut sums = vec![0.0; length];
            for part in &parts {
                sums.iter_mut().zip(field(part)).for_each(|(sum, value)| *sum += value);
            }
            sums
        };
        let week_residuals = summed(|part| &part.residuals, weeks);
        let week_curvature = summed(|part| &part.curvature, weeks);
        let week_columns = summed(|part| &part.columns, weeks * width);

        let mut gradient = self.design.transposed_times(&residuals);
        gradient.iter_mut().zip(at).for_each(|(slope, weight)| *slope += self.penalty * weight);
        gradient.extend(
            week_residuals.iter().zip(week_effects).map(|(slope, effect)| slope + self.baseline_penalty * effect),
        );
        gradient.push(residuals.iter().sum());

        let size = width + weeks + 1;
        let last = size - 1;
        let gram = self.design.gram(&curvature);
        let border = self.design.transposed_times(&curvature);
        let mut hessian = vec![0.0; size * size];
        let mut set = |i: usize, j: usize, value: f64| {
            hessian[i * size + j] = value;
            hessian[j * size + i] = value;
        };
        for i in 0..width {
            for j in 0..i {
                set(i, j, gram[i * width + j]);
            }
            set(i, i, gram[i * width + i] + self.penalty);
            set(i, last, border[i]);
        }
        for week in 0..weeks {
            for column in 0..width {
                set(width + week, column, week_columns[week * width + column]);
            }
            set(width + week, width + week, week_curvature[week] + self.baseline_penalty);
            set(width + week, last, week_curvature[week]);
        }
        set(last, last, curvature.iter().sum());
        (gradient, hessian)
    }

    fn rows(&self) -> usize {
        self.spells.iter().map(|spell| spell.weeks).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_run_to_the_week_of_leaving_or_the_last_observed() {
        let left = |weeks| Some(Spell { weeks, left: true });
        assert_eq!(Spell::after(4, Some(4), 10), left(1));
        assert_eq!(Spell::after(4, Some(9), 10), left(6));
        assert_eq!(Spell::after(4, None, 10), Some(Spell { weeks: 6, left: false }));
        // Left before the cut-off, or before the start: the first coming week.
        assert_eq!(Spell::after(4, Some(3), 10), left(1));
        assert_eq!(Spell::after(4, Some(-3), 4), left(1));
        // A leaving that the log does not reach.
        assert_eq!(Spell::after(4, Some(12), 10), Some(Spell { weeks: 6, left: false }));
        assert_eq!(Spell::after(4, None, 4), None);
    }

    #[test]
    fn derivatives_are_those_of_the_value() {
        let columns = ["a", "b"].map(String::from);
        let values: Vec<f32> = (0..12).map(|at| ((at * 5 + 3) % 7) as f32 / 3.0 - 1.0).collect();
        let ends = [9; 6];
        let inputs = Weekly { rows: 6, weeks: 1, columns: &columns, values: &values, raw: &[], course_weeks: &ends };
        let design = Design::new(&inputs, &[0, 1, 2, 3, 4, 5], 1, &[0, 1]);
        let spells: Vec<Spell> = [(1, true), (3, false), (2, true), (3, true), (1, false), (2, false)]
            .map(|(weeks, left)| Spell { weeks, left })
            .to_vec();
        let loss = PooledLoss { design: &design, spells: &spells, weeks: 3, penalty: 0.7, baseline_penalty: 0.3 };
        let at = [0.3, -0.2, 0.1, 0.4, -0.6, -0.5];
        let (_, point) = loss.value(&at);
        let (gradient, hessian) = loss.derivatives(&at, &point);
        let step = 1e-5;
        for i in 0..at.len() {
            let moved = |by: f64| {
                let mut at = at;
                at[i] += by;
                at
            };
            let (up, down) = (loss.value(&moved(step)), loss.value(&moved(-step)));
            let slope = (up.0 - down.0) / (2.0 * step);
            assert!((slope - gradient[i]).abs() < 1e-6, "{i}: {slope} {}", gradient[i]);
            let (above, _) = loss.derivatives(&moved(step), &up.1);
            let (below, _) = loss.derivatives(&moved(-step), &down.1);
            for j in 0..at.len() {
                let second = (above[j] - below[j]) / (2.0 * step);
                assert!((second - hessian[i * at.len() + j]).abs() < 1e-6, "{i} {j}: {second}");
            }
        }
    }
}
