//! Uplift: how much more an arm does for one learner than for another, and whether that can be told at all.
//!
//! Two models, one of the arm and one of the holdout, are compared with a model of the transformed outcome (Athey & Imbens 2016).
//! Each learner is forecast by models that did not see the learner (five folds). The two models' Qini coefficient decides whether
//! they order learners better than chance. That was settled before any outcome was seen.

use serde::Serialize;

use super::amounts::{interval, points};
use super::data::Data;
use super::effect::{Observation, estimate};
use super::plan::Outcome;
use super::qini::{Qini, Ranked, qini};
use super::ridge::Fit;
use super::scores::ScoredEnrolment;

/// Counts the learners that each side needs.
const LEAST_LEARNERS: usize = 300;
/// Counts the learners of either outcome that each side needs.
const LEAST_OF_OUTCOME: usize = 50;
/// Counts the folds.
const FOLDS: u32 = 5;

/// Says whether effects can be told apart by learner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UpliftReport {
    /// The arm, the first one of the plan.
    pub arm: String,
    /// Why there is no estimate; `None` where there is one.
    pub not_enough: Option<String>,
    /// Whether the two models order learners better than chance: their Qini coefficient's interval is above 0.
    pub orders: bool,
    /// Curve of two models, which decides.
    pub two_models: Option<Qini>,
    /// Curve of the transformed outcome, beside it.
    pub transformed_outcome: Option<Qini>,
    /// Learners beside the experiment whom the sequences lack, so that they have no estimate.
    pub others_not_in_sequences: u64,
    /// Effect on the wanted outcome in the half that two models take to gain most, and in the other half.
    pub halves: Vec<HalfEffect>,
}

/// Holds the effect in one half of the learners.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HalfEffect {
    /// The effect.
    pub effect: f64,
    /// Lower end of its 95% interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Holds the estimate of an enrolment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UpliftRow {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// By how much the arm raises the probability of the wanted outcome.
    pub uplift: f64,
    /// Its standard error.
    pub uplift_standard_error: f64,
}

/// Lends learners who are not in the experiment, with what was known of them.
#[derive(Clone, Copy)]
pub(super) struct Others<'a> {
    pub(super) scores: &'a [ScoredEnrolment],
    /// Events, active days and days since the last event of the last week seen; `None` of those whom the sequences lack.
    pub(super) before: &'a [Option<[f64; 3]>],
}

/// Estimates uplift. Rows are those of the experiment, then `others`; none where learners can't be ordered.
pub(super) fn uplift(data: &Data<'_>, others: Others<'_>) -> (UpliftReport, Vec<UpliftRow>) {
    let outcome = data.plan.file().primary_outcome;
    // A dropout less is what is wanted.
    let wanted = |outcome_value: f64| if outcome == Outcome::Dropout { 1.0 - outcome_value } else { outcome_value };
    let missing = others.before.iter().filter(|before| before.is_none()).count() as u64;
    let arm = data.plan.arms().nth(1).map_or_else(String::new, |arm| arm.name.clone());
    let (places, mut rows) = data.rows(1, outcome, |_| true);
    rows.iter_mut().for_each(|row| row.outcome = wanted(row.outcome));
    let none = |why: String| UpliftReport {
        arm: arm.clone(),
        not_enough: Some(why),
        orders: false,
        two_models: None,
        transformed_outcome: None,
        others_not_in_sequences: missing,
        halves: Vec::new(),
    };
    let count = |treated: bool, value: Option<f64>| {
        let mut learners: Vec<u32> = rows
            .iter()
            .filter(|row| row.treated == treated && value.is_none_or(|value| row.outcome == value))
            .map(|row| row.learner)
            .collect();
        learners.sort_unstable();
        learners.dedup();
        learners.len()
    };
    for treated in [false, true] {
        let side = if treated { arm.as_str() } else { "holdout" };
        let learners = count(treated, None);
        if learners < LEAST_LEARNERS {
            let why = format!("“{side}” has {learners} learners with a known outcome, and {LEAST_LEARNERS} are needed");
            return (none(why), Vec::new());
        }
        for value in [0.0, 1.0] {
            let of_value = count(treated, Some(value));
            if of_value < LEAST_OF_OUTCOME {
                let why = format!("“{side}” has {of_value} learners of one outcome, and {LEAST_OF_OUTCOME} are needed");
                return (none(why), Vec::new());
            }
        }
    }
    let columns: Vec<Vec<f64>> =
        places.iter().map(|&at| columns(data.assignments[at].p_dropout, data.observed[at].before)).collect();
    let scale = Scale::of(&columns);
    let designs: Vec<Vec<f64>> = columns.iter().map(|row| scale.design(row)).collect();
    let share = data.plan.share(1) / (data.plan.share(0) + data.plan.share(1));
    let folds: Vec<u32> = rows.iter().map(|row| row.learner % FOLDS).collect();
    let mut forecasts = vec![(0.0, 0.0, 0.0); rows.len()];
    for fold in 0..FOLDS {
        let Some(models) = Models::fit(&rows, &designs, share, |at| folds[at] != fold) else {
            return (none("the models can't be fitted".to_owned()), Vec::new());
        };
        for at in (0..rows.len()).filter(|&at| folds[at] == fold) {
            let (uplift, error) = models.uplift(&designs[at]);
            forecasts[at] = (uplift, error, models.transformed.forecast(&designs[at]).0);
        }
    }
    let curve = |uplift: &dyn Fn(usize) -> f64| {
        let ranked = |(at, row): (usize, &Observation)| Ranked {
            learner: row.learner,
            uplift: uplift(at),
            treated: row.treated,
            outcome: row.outcome,
        };
        let ranked: Vec<Ranked> = rows.iter().enumerate().map(ranked).collect();
        qini(&ranked, data.plan.file().seed)
    };
    let two_models = curve(&|at| forecasts[at].0);
    let transformed = curve(&|at| forecasts[at].2);
    let mut sorted: Vec<f64> = forecasts.iter().map(|forecast| forecast.0).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted[sorted.len() / 2];
    let half = |is_upper: bool| {
        let of = rows.iter().zip(&forecasts).filter(|(_, forecast)| (forecast.0 >= middle) == is_upper);
        let effect = estimate(&of.map(|(row, _)| *row).collect::<Vec<_>>())?.adjusted;
        let (low, high) = effect.interval_at(0.05);
        Some(HalfEffect { effect: effect.effect, low, high })
    };
    let orders = two_models.low > 0.0;
    let halves: Vec<HalfEffect> = [true, false].into_iter().filter_map(half).collect();
    let mut estimates = Vec::new();
    if let Some(models) = Models::fit(&rows, &designs, share, |_| true).filter(|_| orders) {
        // Whoever taught the models is forecast by those of other folds.
        let mut known = vec![None; data.assignments.len()];
        for (&place, forecast) in places.iter().zip(&forecasts) {
            known[place] = Some((forecast.0, forecast.1));
        }
        for (at, row) in data.assignments.iter().enumerate() {
            let design = || scale.design(&self::columns(row.p_dropout, data.observed[at].before));
            let (uplift, uplift_standard_error) = known[at].unwrap_or_else(|| models.uplift(&design()));
            let (course_id, enrolment_id) = (row.course_id.clone(), row.enrolment_id.clone());
            estimates.push(UpliftRow { course_id, enrolment_id, uplift, uplift_standard_error });
        }
        for (row, before) in others.scores.iter().zip(others.before) {
            let Some((p, before)) = row.p_dropout.zip(*before) else { continue };
            let (uplift, uplift_standard_error) = models.uplift(&scale.design(&self::columns(p, before)));
            let (course_id, enrolment_id) = (row.course_id.clone(), row.enrolment_id.clone());
            estimates.push(UpliftRow { course_id, enrolment_id, uplift, uplift_standard_error });
        }
    }
    let report = UpliftReport {
        arm,
        not_enough: None,
        orders,
        two_models: Some(two_models),
        transformed_outcome: Some(transformed),
        others_not_in_sequences: missing,
        halves,
    };
    (report, estimates)
}

/// Lists the inputs: risk and its square in log-odds, and what was done in the last week seen.
fn columns(p_dropout: f64, [events, active_days, days_since_last]: [f64; 3]) -> Vec<f64> {
    let p = p_dropout.clamp(0.001, 0.999);
    let log_odds = (p / (1.0 - p)).ln();
    vec![log_odds, log_odds * log_odds, events.ln_1p(), active_days, days_since_last.min(60.0)]
}

/// Holds means and deviations of the inputs.
struct Scale(Vec<(f64, f64)>);

impl Scale {
    fn of(rows: &[Vec<f64>]) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        let count = rows.len() as f64;
        let one = |column: usize| {
            let mean = rows.iter().map(|row| row[column]).sum::<f64>() / count;
            let squares = rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / count;
            (mean, if squares > 1e-12 { squares.sqrt() } else { 1.0 })
        };
        Self((0..width).map(one).collect())
    }

    /// Returns a row of the design: 1, then the standardised inputs.
    fn design(&self, row: &[f64]) -> Vec<f64> {
        let scaled = row.iter().zip(&self.0).map(|(value, (mean, deviation))| (value - mean) / deviation);
        std::iter::once(1.0).chain(scaled).collect()
    }
}

/// Holds the models of one fit.
struct Models {
    treated: Fit,
    held: Fit,
    transformed: Fit,
}

impl Models {
    /// Fits on the rows that `takes` takes. `share` is that of the arm.
    fn fit(rows: &[Observation], designs: &[Vec<f64>], share: f64, takes: impl Fn(usize) -> bool) -> Option<Self> {
        let of = |treated: Option<bool>| -> Vec<usize> {
            (0..rows.len())
                .filter(|&at| takes(at) && treated.is_none_or(|treated| rows[at].treated == treated))
                .collect()
        };
        let fit = |places: &[usize], outcome: &dyn Fn(usize) -> f64, with: fn(&[Vec<f64>], &[f64]) -> Option<Fit>| {
            let designs: Vec<Vec<f64>> = places.iter().map(|&at| designs[at].clone()).collect();
            let outcomes: Vec<f64> = places.iter().map(|&at| outcome(at)).collect();
            with(&designs, &outcomes)
        };
        let plain = |at: usize| rows[at].outcome;
        // Its mean, given the inputs, is the effect.
        let transformed = |at: usize| {
            let row = &rows[at];
            if row.treated { row.outcome / share } else { -row.outcome / (1.0 - share) }
        };
        Some(Self {
            treated: fit(&of(Some(true)), &plain, Fit::logistic)?,
            held: fit(&of(Some(false)), &plain, Fit::logistic)?,
            transformed: fit(&of(None), &transformed, Fit::linear)?,
        })
    }

    /// Returns the uplift by the two models, and its standard error.
    fn uplift(&self, design: &[f64]) -> (f64, f64) {
        let ((with, error), (without, error_without)) = (self.treated.forecast(design), self.held.forecast(design));
        (with - without, error.hypot(error_without))
    }
}

impl UpliftReport {
    /// Says in a few sentences what is known.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { arm, not_enough, orders, two_models, halves, .. } = self;
        if let Some(why) = not_enough {
            return format!("Whom “{arm}” helps more can't be told yet: {why}.");
        }
        let curve = two_models.as_ref().map_or_else(String::new, |qini| {
            let figures = format!("{:.4} ({:.4} to {:.4})", qini.coefficient, qini.low, qini.high);
            format!(" Qini coefficient {}.", figures.replace('-', "−"))
        });
        let half = |at: usize| {
            halves.get(at).map_or_else(
                || "–".to_owned(),
                |half| format!("{} points ({})", points(half.effect), interval(Some(half.low), Some(half.high))),
            )
        };
        if *orders {
            format!(
                "Whom “{arm}” helps more can be told better than by chance.{curve} In the half that was expected to gain most \
                 the effect is {}, in the other half {}. uplift.parquet has an estimate for everyone.",
                half(0),
                half(1)
            )
        } else {
            format!(
                "Whom “{arm}” helps more can't be told from chance here.{curve} So no estimates are written; go on with those \
                 of middle risk."
            )
        }
    }
}
