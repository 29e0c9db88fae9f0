//! Fits of the linear models over many columns, cut-off after cut-off.
//!
//! The columns of a cut-off are the first of those of the next. So inputs, their products and the Cholesky factors are held
//! once and grow, and each fit starts from the weights of the cut-off before.

use rayon::prelude::*;
use staycast_weeks::CutOff;

use crate::config::Penalties;
use crate::cut_off_data::CutOffRows;
use crate::design::informative;
use crate::gram::{Factor, Gram};
use crate::linear::{Weights, least};
use crate::pooled::{Outcomes, Pooled, PooledLoss};
use crate::shared::SharedDesign;
use crate::truncated::{Tolerance, minimise};
use crate::weekly::TrainingData;

/// Bounds rows × columns² of fits by Newton steps on all second derivatives. They are quicker where it is small.
const SMALL: usize = 20_000_000;

/// Counts the rows for each column, at most, that the products are summed over.
const ROWS_FOR_EACH_COLUMN: usize = 8;

/// Counts the rows that are always taken, if there are as many.
const FEWEST_ROWS: usize = 2048;

/// Bounds the ratio of the second derivatives to those that a factor was made for.
const FAR: f64 = 3.0;

/// Lists how well the fits of several penalties are solved in turn, each time without those whose mean loss on held-out rows
/// was farther above the least than a rougher fit's own error explains.
const STAGES: [(Tolerance, f64); 3] =
    [(Tolerance::ROUGHEST, f64::INFINITY), (Tolerance::ROUGH, 0.2), (Tolerance::LOOSE, 0.02)];

/// Tells whether a fit is quicker by Newton steps on all second derivatives.
pub(crate) fn is_small(rows: usize, columns: usize) -> bool {
    rows * columns * columns <= SMALL
}

/// Fits one kind of linear model at one cut-off after the other.
pub(crate) struct WideFits {
    effect_penalty: f64,
    inputs: Option<WideInputs>,
    /// By penalty, strongest first.
    chains: Vec<Chain>,
}

/// Holds the inputs of every row that may be learnt from at some cut-off, and of the held-out rows.
struct WideInputs {
    design: SharedDesign,
    /// By row of the inputs: row of the design, or [`NO_ROW`].
    places: Vec<u32>,
    gram: Gram,
    /// By row of the design: whether the products were summed over it or the rows that it stands for.
    in_gram: Vec<bool>,
}

/// Stands for a row that is not in the design.
const NO_ROW: u32 = u32::MAX;

/// Holds what one penalty's fit leaves to the next cut-off's.
struct Chain {
    penalty: f64,
    factor: Option<(Factor, f64)>,
    last: Pooled,
}

/// Holds a fit of the chosen penalty.
pub(crate) struct WideFit {
    pub(crate) weights: Weights,
    /// By coming week: the addition to the log-odds of leaving.
    pub(crate) effects: Vec<f64>,
}

/// Computes the mean loss by which a penalty is chosen, from the scores of the held-out rows and the effects.
pub(crate) type HeldOutLoss<'a> = dyn Fn(&[f64], &[f64]) -> f64 + Sync + 'a;

impl WideFits {
    /// Begins without any fit.
    pub(crate) fn new(penalties: &Penalties, effect_penalty: f64) -> Self {
        let chains = penalties.strongest_first().into_iter();
        let chains = chains.map(|penalty| Chain { penalty, factor: None, last: Pooled::default() });
        Self { effect_penalty, inputs: None, chains: chains.collect() }
    }

    /// Fits with each penalty, and returns the fit with the least `held_out_loss`. `effects` counts the coming weeks that have
    /// an effect of their own.
    ///
    /// # Errors
    /// The reason why a fit did not converge.
    pub(crate) fn fit(
        &mut self,
        training: &TrainingData<'_>,
        rows: &CutOffRows,
        outcomes: Outcomes<'_>,
        effects: usize,
        held_out_loss: &HeldOutLoss<'_>,
    ) -> Result<WideFit, String> {
        let Self { effect_penalty, inputs, chains } = self;
        if inputs.is_none() {
            *inputs = Some(WideInputs::new(training, &rows.rows)?);
        }
        let inputs = inputs.as_mut().expect("made above");
        if inputs.has_other_rows(&rows.rows) {
            inputs.renew_gram(&rows.rows);
            chains.iter_mut().for_each(|chain| chain.factor = None);
        }
        let WideInputs { design, places, gram, .. } = inputs;
        let design: &SharedDesign = design;
        let place = |rows: &[usize]| rows.iter().map(|&row| places[row]).collect::<Vec<u32>>();
        let view = design.view(place(&rows.rows), &rows.columns);
        gram.extend(design, view.leading());
        let gram: &Gram = gram;
        let loss_of = |penalty: f64| PooledLoss { view: &view, outcomes, penalty, effect_penalty: *effect_penalty };
        let held_out = design.view(place(&rows.held_out_rows), &rows.columns);
        let go_on = |chain: &mut Chain, to: Tolerance| -> Result<f64, String> {
            chain.fit(&loss_of(chain.penalty), gram, effects, to)?;
            let mut scores = held_out.times(&chain.last.weights);
            scores.iter_mut().for_each(|score| *score += chain.last.intercept);
            Ok(held_out_loss(&scores, &chain.last.effects))
        };
        let mut losses = vec![0.0; chains.len()];
        for (tolerance, far) in STAGES {
            let least = losses[least(&losses)];
            let near = |loss: f64| loss - least <= far;
            if losses.iter().filter(|&&loss| near(loss)).count() == 1 {
                break;
            }
            chains.par_iter_mut().zip(&mut losses).filter(|(_, loss)| near(**loss)).try_for_each(|(chain, loss)| {
                *loss = go_on(chain, tolerance)?;
                Ok::<(), String>(())
            })?;
        }
        let chain = &mut chains[least(&losses)];
        chain.fit(&loss_of(chain.penalty), gram, effects, Tolerance::TIGHT)?;
        let weights = Weights {
            penalty: chain.penalty,
            intercept: chain.last.intercept,
            columns: rows.columns.clone(),
            weights: view.gather(&chain.last.weights),
        };
        Ok(WideFit { weights, effects: chain.last.effects.clone() })
    }
}

impl WideInputs {
    /// Copies the columns that carry information at some cut-off, and prepares products over `rows`.
    fn new(training: &TrainingData<'_>, rows: &[usize]) -> Result<Self, String> {
        let inputs = &training.inputs;
        let learnt: Vec<usize> = training.rows.iter().copied().filter(|&row| training.is_ever_learnable(row)).collect();
        let last = CutOff::after_weeks(inputs.weeks as u16).ok_or("the inputs have no weeks")?;
        let positions = informative(inputs, &learnt, last)?;
        let mut places = vec![NO_ROW; inputs.rows];
        let held_out = training.held_out.iter().copied().filter(|&row| training.is_ever_learnable(row));
        let copied: Vec<usize> = learnt.iter().copied().chain(held_out).collect();
        copied.iter().enumerate().for_each(|(place, &row)| places[row] = place as u32);
        let design = SharedDesign::new(inputs, &copied, positions);
        let mut made = Self { design, places, gram: Gram::new(&[], 0), in_gram: Vec::new() };
        made.renew_gram(rows);
        Ok(made)
    }

    /// Begins the products anew, over `rows`.
    fn renew_gram(&mut self, rows: &[usize]) {
        let rows: Vec<u32> = rows.iter().map(|&row| self.places[row]).collect();
        self.gram = Gram::new(&rows, FEWEST_ROWS.max(ROWS_FOR_EACH_COLUMN * self.design.width()));
        self.in_gram = vec![false; self.places.len()];
        rows.iter().for_each(|&place| self.in_gram[place as usize] = true);
    }

    /// Tells whether many of the rows that the products stand for are not among `rows`, or the other way round.
    fn has_other_rows(&self, rows: &[usize]) -> bool {
        let shared = rows.iter().filter(|&&row| self.in_gram[self.places[row] as usize]).count();
        let before = self.in_gram.iter().filter(|&&here| here).count();
        4 * shared < 3 * rows.len().max(before)
    }
}

impl Chain {
    /// Goes on from the last fit, of this cut-off or the one before.
    fn fit(&mut self, loss: &PooledLoss<'_>, gram: &Gram, effects: usize, to: Tolerance) -> Result<(), String> {
        let mut start = std::mem::take(&mut self.last);
        start.weights.resize(loss.view.width(), 0.0);
        loss.view.restrict(&mut start.weights);
        start.effects.resize(effects, 0.0);
        let scale = loss.point(&start).total_curvature() / gram.rows() as f64;
        let near = |made_for: f64| made_for / scale < FAR && scale / made_for < FAR;
        if !self.factor.as_ref().is_some_and(|&(_, made_for)| near(made_for)) {
            self.factor = Some((Factor::new(loss.penalty / scale), scale));
        }
        let Some((factor, scale)) = &mut self.factor else { unreachable!("made above") };
        factor.extend(gram);
        self.last = minimise(loss, start, factor, *scale, to)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use staycast_weeks::CutOff;

    use super::*;
    use crate::cut_off_data::{HeldOutUse, LearntRows};
    use crate::hazard::{self, Hazards, Spell};
    use crate::linear::{self, mean_squared_error};
    use crate::newton::log_loss;
    use crate::random::SplitMix;
    use crate::weekly::WeeklyInputs;

    /// Holds learners whose outcomes follow a few of many columns.
    struct Case {
        rows: usize,
        weeks: usize,
        columns: Vec<String>,
        values: Vec<f32>,
        labels: Vec<Option<bool>>,
        learnable: Vec<bool>,
        exit_week: Vec<Option<i32>>,
        ends: Vec<u32>,
    }

    impl Case {
        /// Draws `rows` learners; `share` drop out. Every column from the fifth on is nearly the one four before where
        /// `alike` says so.
        fn new(rows: usize, weeks: usize, width: usize, share: f64, alike: bool, seed: u64) -> Self {
            let mut stream = SplitMix::new(seed, &[]);
            let mut draw = move || (stream.next() >> 11) as f64 / (1_u64 << 53) as f64;
            let mut case = Self {
                rows,
                weeks,
                columns: (0..width).map(|at| format!("c{at}")).collect(),
                values: Vec::new(),
                labels: Vec::new(),
                learnable: Vec::new(),
                exit_week: Vec::new(),
                ends: vec![weeks as u32 + 5; rows],
            };
            for row in 0..rows {
                let drive = draw() + draw() - 1.0;
                let leaves = draw() < share * (1.0 + drive);
                for week in 0..weeks {
                    let start = case.values.len();
                    for at in 0..width {
                        let fresh = draw() * 2.0 - 1.0 + if at % 3 == 0 { drive } else { 0.0 };
                        let value = match at.checked_sub(4) {
                            Some(before) if alike => f64::from(case.values[start + before]) + 1e-3 * fresh,
                            _ => fresh,
                        };
                        case.values.push(value as f32);
                    }
                    // A few learners leave, and are not learnt from any more.
                    case.learnable.push(week == 0 || row % 17 != 0);
                }
                case.labels.push(Some(leaves));
                case.exit_week.push(leaves.then(|| weeks as i32 + (draw() * 5.0) as i32));
            }
            case
        }

        /// Fits all cut-offs by both ways with these penalties, and compares them.
        fn check(&self, name: &str, penalties: &[f64]) {
            let penalties = Penalties::new("penalties", penalties).expect("penalties");
            let (rows, held_out): (Vec<usize>, Vec<usize>) = (0..self.rows).partition(|row| row % 4 != 3);
            let training = TrainingData {
                inputs: WeeklyInputs {
                    rows: self.rows,
                    weeks: self.weeks,
                    columns: &self.columns,
                    values: &self.values,
                    raw: &[],
                    course_weeks: &self.ends,
                },
                rows: &rows,
                held_out: &held_out,
                labels: &self.labels,
                learnable: &self.learnable,
                exit_week: &self.exit_week,
                observed_weeks: &self.ends,
                seed: 1,
            };
            let baseline = 0.1;
            let [mut linear, mut logistic, mut hazards] = [0.0, 0.0, baseline].map(|by| WideFits::new(&penalties, by));
            for cut_off in CutOff::up_to(CutOff::after_weeks(self.weeks as u16).expect("weeks")) {
                let (learnt, spells) = LearntRows::with_spells(&training, cut_off).expect("rows of both classes");
                let rows = CutOffRows::new(&training, cut_off, learnt, HeldOutUse::ChoosePenalty).expect("rows");
                let ahead = rows.held_out_weeks_ahead(&training, cut_off);
                let weeks = spells.iter().map(|spell: &Spell| spell.weeks).max().expect("spells");
                let labels = rows.held_out_labels.clone();
                let linear = linear
                    .fit(&training, &rows, Outcomes::Squares(&rows.labels), 0, &|scores, _| {
                        mean_squared_error(scores, &labels)
                    })
                    .expect("linear");
                let logistic = logistic
                    .fit(&training, &rows, Outcomes::Labels(&rows.labels), 0, &|scores, _| log_loss(scores, &labels))
                    .expect("logistic");
                let hazards = hazards
                    .fit(&training, &rows, Outcomes::Spells(&spells), weeks, &|scores, effects| {
                        hazard::dropout_loss(scores, effects, &ahead, &labels)
                    })
                    .expect("hazards");
                let data = rows.copy(&training, cut_off);
                let data = data.fit_data();
                assert_close(name, "linear", &linear, &linear::ridge(&data, &penalties).expect("linear"), &[]);
                assert_close(name, "logistic", &logistic, &linear::logistic(&data, &penalties).expect("logistic"), &[]);
                let Hazards { weights, weeks } =
                    hazard::fit(&data, &spells, &ahead, &penalties, baseline).expect("hazards");
                assert_close(name, "hazard", &hazards, &weights, &weeks);
            }
        }
    }

    fn assert_close(name: &str, kind: &str, found: &WideFit, wanted: &Weights, effects: &[f64]) {
        assert_eq!(
            (found.weights.penalty, &found.weights.columns),
            (wanted.penalty, &wanted.columns),
            "{name}, {kind}"
        );
        assert_eq!(found.effects.len(), effects.len());
        let pairs = found.weights.weights.iter().zip(&wanted.weights).chain(found.effects.iter().zip(effects));
        for (at, (a, b)) in pairs.chain([(&found.weights.intercept, &wanted.intercept)]).enumerate() {
            assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()), "{name}, {kind}, {at}: {a} {b}");
        }
    }

    #[test]
    fn fits_are_those_of_newton_steps_on_all_second_derivatives() {
        Case::new(400, 3, 9, 0.5, false, 1).check("few columns", &[1.0, 10.0, 100.0]);
        Case::new(120, 3, 60, 0.5, false, 2).check("more columns than rows", &[1.0, 30.0]);
        Case::new(500, 2, 20, 0.4, true, 3).check("nearly equal columns", &[1.0, 10.0]);
        Case::new(1500, 2, 12, 0.02, false, 4).check("one class almost empty", &[1.0, 10.0]);
        Case::new(900, 2, 10, 0.5, false, 5).check("hardly a penalty", &[1e-6]);
    }
}
