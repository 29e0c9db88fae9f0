//! Discrete-time hazards (Singer and Willett 1993, "It's about time: using discrete-time survival analysis to study
//! duration and the timing of events"): pooled logistic regression on the enrolment-weeks to come, given what is seen.
//!
//! At cut-off k, coming week j (from 0, the week after the cut-off) has the log odds of leaving α + δ_j + x·b, where x
//! holds the inputs up to the cut-off. An enrolment counts in each coming week up to the week of leaving or the last
//! observed week.
//!
//! A learner who left before the cut-off counts as leaving in week 0. At the cut-off nobody knows that an inactive learner
//! has left; without these learners the fit would learn that inactive learners come back. Other ends, such as a failed
//! course, are not weeks of leaving: these enrolments count as staying up to the last observed week.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::config::Penalties;
use crate::design::{CHUNK, Design};
use crate::linear::{FitData, Weights, best_of, logit_of_any};
use crate::newton::{Convex, Parameters, log_loss, minimise, sigmoid, softplus};
use crate::weekly::WeeklyInputs;

/// Holds the hazard model of one cut-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hazards {
    /// α, and b by column.
    pub(crate) weights: Weights,
    /// δ by coming week. Later weeks have the value of the last.
    pub(crate) weeks: Vec<f64>,
}

impl Hazards {
    /// Computes the log odds of leaving by the course's end. For a course that is over at the cut-off, these are the log odds
    /// of the next week.
    pub(crate) fn logits(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Vec<f64> {
        let scores = self.weights.scores(inputs, cut_off);
        let ahead = |row: usize| (inputs.course_weeks[row] as usize).saturating_sub(cut_off.count()).max(1);
        scores.into_iter().enumerate().map(|(row, score)| dropout_logit(&self.weeks, score, ahead(row))).collect()
    }

    /// Computes by row the hazard of each coming week of the calendar.
    pub(crate) fn by_week(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Vec<Vec<f32>> {
        let scores = self.weights.scores(inputs, cut_off);
        let ahead = |row: usize| (inputs.course_weeks[row] as usize).saturating_sub(cut_off.count());
        let hazards = |(row, score): (usize, f64)| {
            (0..ahead(row)).map(|week| sigmoid(week_logit(&self.weeks, score, week)) as f32).collect()
        };
        scores.into_iter().enumerate().map(hazards).collect()
    }
}

/// Computes the log odds of leaving in coming week `ahead`, for an enrolment with score α + x·b.
fn week_logit(effects: &[f64], score: f64, ahead: usize) -> f64 {
    score + effects[ahead.min(effects.len() - 1)]
}

/// Computes the log odds of leaving in any of the next `ahead` weeks.
fn dropout_logit(effects: &[f64], score: f64, ahead: usize) -> f64 {
    logit_of_any((0..ahead).map(|week| week_logit(effects, score, week)))
}

/// Computes the mean log loss of dropout by the course's end, from scores and the number of coming weeks by row.
pub(crate) fn dropout_loss(scores: &[f64], effects: &[f64], ahead: &[usize], labels: &[bool]) -> f64 {
    let logits: Vec<f64> =
        scores.iter().zip(ahead).map(|(&score, &ahead)| dropout_logit(effects, score, ahead.max(1))).collect();
    log_loss(&logits, labels)
}

/// Describes the outcome of an enrolment's coming weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spell {
    /// Number of coming weeks in which leaving was possible and would have been observed; at least 1.
    pub(crate) weeks: usize,
    /// Whether the learner left in the last of them.
    pub(crate) left: bool,
}

impl Spell {
    /// Finds the outcome after `cut_off`; `None` if no coming week was observed and the learner had not left before.
    pub(crate) fn after(cut_off: CutOff, exit_week: Option<i32>, observed_weeks: u32) -> Option<Self> {
        let seen = cut_off.count();
        let ahead = (observed_weeks as usize).saturating_sub(seen);
        match exit_week {
            Some(exit) if i64::from(exit) < seen as i64 => Some(Self { weeks: 1, left: true }),
            Some(exit) if (exit as usize) < seen + ahead => Some(Self { weeks: exit as usize - seen + 1, left: true }),
            _ => (ahead > 0).then_some(Self { weeks: ahead, left: false }),
        }
    }
}

/// Fits the hazards of one cut-off.
///
/// `held_out_ahead` counts by held-out row the coming weeks of the calendar. The penalty with the least log loss of dropout
/// on held-out rows is chosen.
pub(crate) fn fit(
    data: &FitData<'_>,
    spells: &[Spell],
    held_out_ahead: &[usize],
    penalties: &Penalties,
    baseline_penalty: f64,
) -> Result<Hazards, String> {
    let width = data.training.width;
    let weeks = spells.iter().map(|spell| spell.weeks).max().unwrap_or(0);
    let fit_one = |penalty: f64, before: Option<&Hazards>| {
        let start = match before {
            Some(before) => Parameters {
                weights: [&before.weights.weights[..], &before.weeks[..]].concat(),
                intercept: before.weights.intercept,
            },
            None => Parameters::zeros(width + weeks),
        };
        let loss = PooledLoss { design: data.training, spells, weeks, penalty, baseline_penalty };
        let Parameters { weights: mut fitted, intercept } = minimise(&loss, start, |_| false)?;
        let by_week = fitted.split_off(width);
        let weights = Weights { penalty, intercept, columns: data.columns.to_vec(), weights: fitted };
        Ok(Hazards { weights, weeks: by_week })
    };
    let held_out_loss = |fitted: &Hazards| {
        let mut scores = data.held_out.times(&fitted.weights.weights);
        scores.iter_mut().for_each(|score| *score += fitted.weights.intercept);
        dropout_loss(&scores, &fitted.weeks, held_out_ahead, data.held_out_labels)
    };
    best_of(penalties, fit_one, held_out_loss)
}

/// Computes Σ log loss of enrolment-weeks + λ/2 Σ b² + μ/2 Σ δ². The weights are b, then δ; the intercept is α.
struct PooledLoss<'a> {
    design: &'a Design,
    spells: &'a [Spell],
    weeks: usize,
    penalty: f64,
    baseline_penalty: f64,
}

/// Sums over one chunk of rows, as parts of the derivatives.
struct WeekSums {
    /// By coming week: residuals.
    residuals: Vec<f64>,
    /// By coming week: second derivatives.
    curvature: Vec<f64>,
    /// `[coming week][column]`: second derivatives times the column.
    columns: Vec<f64>,
}

impl PooledLoss<'_> {
    /// Sums over the rows of chunk number `chunk`.
    fn week_sums(&self, chunk: usize, week_effects: &[f64], scores: &[f64]) -> WeekSums {
        let width = self.design.width;
        let mut part = WeekSums {
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

/// Computes the first and second derivative of a week's loss by its log odds.
fn week_terms(spell: Spell, week: usize, logit: f64) -> (f64, f64) {
    let p = sigmoid(logit);
    let leaves = spell.left && week + 1 == spell.weeks;
    (p - f64::from(u8::from(leaves)), p * (1.0 - p))
}

impl Convex for PooledLoss<'_> {
    /// Holds α + x·b by row.
    type Point = Vec<f64>;

    fn value(&self, at: &Parameters) -> (f64, Vec<f64>) {
        let (columns, week_effects) = at.weights.split_at(self.design.width);
        let mut scores = self.design.times(columns);
        scores.iter_mut().for_each(|score| *score += at.intercept);
        let row_loss = |(score, spell): (&f64, &Spell)| {
            let stays: f64 = week_effects[..spell.weeks].iter().map(|effect| softplus(score + effect)).sum();
            if spell.left { stays - score - week_effects[spell.weeks - 1] } else { stays }
        };
        let loss: f64 = scores.iter().zip(self.spells).map(row_loss).sum();
        let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        let penalty = self.penalty * squares(columns) + self.baseline_penalty * squares(week_effects);
        (loss + 0.5 * penalty, scores)
    }

    fn derivatives(&self, at: &Parameters, scores: &Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let (width, weeks) = (self.design.width, self.weeks);
        let (column_weights, week_effects) = at.weights.split_at(width);
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
        let parts: Vec<WeekSums> = (0..scores.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| self.week_sums(chunk, week_effects, scores))
            .collect();
        let summed = |field: fn(&WeekSums) -> &[f64], length: usize| {
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
        gradient.iter_mut().zip(column_weights).for_each(|(slope, weight)| *slope += self.penalty * weight);
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
        let cut_off = CutOff::after_weeks(4).expect("four weeks");
        let left = |weeks| Some(Spell { weeks, left: true });
        assert_eq!(Spell::after(cut_off, Some(4), 10), left(1));
        assert_eq!(Spell::after(cut_off, Some(9), 10), left(6));
        assert_eq!(Spell::after(cut_off, None, 10), Some(Spell { weeks: 6, left: false }));
        // Left before the cut-off, or before the start: the first coming week.
        assert_eq!(Spell::after(cut_off, Some(3), 10), left(1));
        assert_eq!(Spell::after(cut_off, Some(-3), 4), left(1));
        // Left after the end of the log.
        assert_eq!(Spell::after(cut_off, Some(12), 10), Some(Spell { weeks: 6, left: false }));
        assert_eq!(Spell::after(cut_off, None, 4), None);
    }

    #[test]
    fn derivatives_are_those_of_the_value() {
        let columns = ["a", "b"].map(String::from);
        let values: Vec<f32> = (0..12).map(|at| ((at * 5 + 3) % 7) as f32 / 3.0 - 1.0).collect();
        let ends = [9; 6];
        let inputs =
            WeeklyInputs { rows: 6, weeks: 1, columns: &columns, values: &values, raw: &[], course_weeks: &ends };
        let design = Design::new(&inputs, &[0, 1, 2, 3, 4, 5], CutOff::after_weeks(1).unwrap(), &[0, 1]);
        let spells: Vec<Spell> = [(1, true), (3, false), (2, true), (3, true), (1, false), (2, false)]
            .map(|(weeks, left)| Spell { weeks, left })
            .to_vec();
        let loss = PooledLoss { design: &design, spells: &spells, weeks: 3, penalty: 0.7, baseline_penalty: 0.3 };
        let at = Parameters { weights: vec![0.3, -0.2, 0.1, 0.4, -0.6], intercept: -0.5 };
        let (_, point) = loss.value(&at);
        let (gradient, hessian) = loss.derivatives(&at, &point);
        let step = 1e-5;
        let count = 6;
        for i in 0..count {
            let moved = |by: f64| {
                let mut at = at.clone();
                at[i] += by;
                at
            };
            let (up, down) = (loss.value(&moved(step)), loss.value(&moved(-step)));
            let slope = (up.0 - down.0) / (2.0 * step);
            assert!((slope - gradient[i]).abs() < 1e-6, "{i}: {slope} {}", gradient[i]);
            let (above, _) = loss.derivatives(&moved(step), &up.1);
            let (below, _) = loss.derivatives(&moved(-step), &down.1);
            for j in 0..count {
                let second = (above[j] - below[j]) / (2.0 * step);
                assert!((second - hessian[i * count + j]).abs() < 1e-6, "{i} {j}: {second}");
            }
        }
    }
}
