//! Fitted models: one fit a cut-off, and what they say of other inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::boosting::{self, Boosted};
use crate::config::BaselineConfig;
use crate::design::{self, Design, informative};
use crate::error::{FitError, ForecastError};
use crate::hazard::{self, Hazards, Spell};
use crate::kind::BaselineKind;
use crate::linear::{self, Sides, Weights};
use crate::random::Stream;
use crate::simple::{Points, Silence};
use crate::trees::{self, Tree};
use crate::weekly::{Forecaster, Training, Weekly};

/// Rows of each class that a cut-off needs to be fitted.
const ROWS_OF_EACH_CLASS: usize = 10;

/// A fitted model. As JSON it reads back to the same bits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    kind: BaselineKind,
    columns: Vec<String>,
    weeks: u16,
    absent: BTreeMap<u16, String>,
    cutoffs: BTreeMap<u16, Fitted>,
}

/// The fit of one cut-off.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fitted {
    DaysSinceLast(Silence),
    Rules(Points),
    Linear(Weights),
    Logistic(Weights),
    Tree(Tree),
    Forest(Vec<Tree>),
    Boosting(Box<Boosted>),
    Hazard(Hazards),
}

/// The weights of a linear model at one cut-off, on standardised inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    /// The intercept.
    pub intercept: f64,
    /// The penalty that was taken.
    pub penalty: f64,
    /// Name, as in `n_events@week 2`, and weight of each input that the cut-off reads.
    pub weights: Vec<(String, f64)>,
}

impl BaselineKind {
    /// Fits the model at every cut-off that can be fitted. What is drawn depends on `training.seed` alone, and nothing on
    /// the number of threads.
    ///
    /// Memory: a copy of the training rows' inputs at the last cut-off, 4 bytes a number; for trees four times, for
    /// boosting five times as much.
    ///
    /// # Errors
    /// When an option is out of its range, slices don't fit together, the data lacks what the model rests on, or no
    /// cut-off can be fitted.
    pub fn fit(self, config: &BaselineConfig, training: &Training<'_>) -> Result<Model, FitError> {
        config.validate()?;
        training.check()?;
        let inputs = &training.inputs;
        self.check_needs(config, training)?;
        let (mut cutoffs, mut absent) = (BTreeMap::new(), BTreeMap::new());
        for cutoff in 1..=inputs.weeks {
            let week = u16::try_from(cutoff).expect("a course has few weeks");
            match fit_cutoff(self, config, training, cutoff) {
                Ok(fitted) => {
                    cutoffs.insert(week, fitted);
                }
                Err(reason) => {
                    absent.insert(week, reason);
                }
            }
        }
        if cutoffs.is_empty() {
            return Err(FitError::NothingFitted { kind: self, absent });
        }
        let weeks = inputs.weeks as u16;
        Ok(Model { kind: self, columns: inputs.columns.to_vec(), weeks, absent, cutoffs })
    }

    fn check_needs(self, config: &BaselineConfig, training: &Training<'_>) -> Result<(), FitError> {
        let inputs = &training.inputs;
        match self {
            Self::DaysSinceLast | Self::Rules if inputs.series("days_since_last").is_none() => {
                Err(FitError::NoSeries { kind: self, name: "days_since_last".to_owned() })
            }
            Self::Boosting => match config.boosting.monotone.keys().find(|&name| !inputs.columns.contains(name)) {
                Some(column) => Err(FitError::NoSuchColumn { column: column.clone() }),
                None => Ok(()),
            },
            Self::Hazard if training.rows.iter().all(|&row| training.exit_week[row].is_none()) => {
                Err(FitError::NoExitWeeks { rows: training.rows.len() })
            }
            _ => Ok(()),
        }
    }

    /// Whether the fit looks at held-out rows.
    fn looks_at_held_out(self, config: &BaselineConfig) -> bool {
        match self {
            Self::DaysSinceLast | Self::Rules | Self::Tree | Self::Forest => false,
            Self::Linear => config.linear.penalties.len() > 1,
            Self::Logistic => config.logistic.penalties.len() > 1,
            Self::Hazard => config.hazard.penalties.len() > 1,
            Self::Boosting => true,
        }
    }
}

fn classes(labels: &[bool]) -> (usize, usize) {
    let dropouts = labels.iter().filter(|&&label| label).count();
    (dropouts, labels.len() - dropouts)
}

/// Fits one cut-off, or says why it is absent.
fn fit_cutoff(
    kind: BaselineKind,
    config: &BaselineConfig,
    training: &Training<'_>,
    cutoff: usize,
) -> Result<Fitted, String> {
    let inputs = &training.inputs;
    let (mut rows, mut labels) = training.examples(training.rows, cutoff);
    let spells = (kind == BaselineKind::Hazard).then(|| with_spells(training, cutoff, &mut rows, &mut labels));
    let (dropouts, others) = match &spells {
        // What is learnt from are weeks of leaving, not labels.
        Some(spells) => classes(&spells.iter().map(|spell| spell.left).collect::<Vec<_>>()),
        None => classes(&labels),
    };
    if dropouts.min(others) < ROWS_OF_EACH_CLASS {
        let what = if spells.is_some() { "with a week of leaving" } else { "who dropped out" };
        return Err(format!(
            "{dropouts} learners {what} and {others} others to learn from, where {ROWS_OF_EACH_CLASS} of each are needed"
        ));
    }
    match kind {
        BaselineKind::DaysSinceLast => {
            let days = inputs.series("days_since_last").expect("checked before");
            return Silence::fit(days, inputs.weeks, &rows, &labels, cutoff).map(Fitted::DaysSinceLast);
        }
        BaselineKind::Rules => return Points::fit(inputs, &config.rules, &rows, &labels, cutoff).map(Fitted::Rules),
        _ => {}
    }

    let (held_out_rows, held_out_labels) =
        if kind.looks_at_held_out(config) { training.examples(training.held_out, cutoff) } else { Default::default() };
    if kind.looks_at_held_out(config) {
        let (dropouts, others) = classes(&held_out_labels);
        if dropouts == 0 || others == 0 {
            return Err(format!(
                "{dropouts} held-out learners who dropped out and {others} others, where both are needed to {}",
                if kind == BaselineKind::Boosting { "stop by" } else { "choose a penalty by" }
            ));
        }
    }
    let columns = informative(inputs, &rows, cutoff)?;
    let design = Design::new(inputs, &rows, cutoff, &columns);
    let held_out = Design::new(inputs, &held_out_rows, cutoff, &columns);
    let sides = Sides {
        columns: &columns,
        training: &design,
        labels: &labels,
        held_out: &held_out,
        held_out_labels: &held_out_labels,
    };
    let seed = Stream::new(training.seed, &[cutoff as u64]).next();
    match kind {
        BaselineKind::DaysSinceLast | BaselineKind::Rules => unreachable!("fitted above"),
        BaselineKind::Linear => linear::ridge(&sides, &config.linear.penalties).map(Fitted::Linear),
        BaselineKind::Logistic => linear::logistic(&sides, &config.logistic.penalties).map(Fitted::Logistic),
        BaselineKind::Tree => trees::tree(&config.tree, &design, &columns, &labels, seed).map(Fitted::Tree),
        BaselineKind::Forest => trees::forest(&config.forest, &design, &columns, &labels, seed).map(Fitted::Forest),
        BaselineKind::Boosting => {
            let directions: Vec<_> =
                inputs.columns.iter().map(|name| config.boosting.monotone.get(name).copied()).collect();
            boosting::fit(&config.boosting, &sides, &directions, seed)
                .map(|boosted| Fitted::Boosting(Box::new(boosted)))
        }
        BaselineKind::Hazard => {
            let ahead: Vec<usize> =
                held_out_rows.iter().map(|&row| (inputs.course_weeks[row] as usize).saturating_sub(cutoff)).collect();
            let spells = spells.expect("made above");
            hazard::fit(&sides, &spells, &ahead, &config.hazard.penalties, config.hazard.baseline_penalty)
                .map(Fitted::Hazard)
        }
    }
}

/// What followed the cut-off, for the rows of which something was observed; the others are taken out of `rows`.
fn with_spells(training: &Training<'_>, cutoff: usize, rows: &mut Vec<usize>, labels: &mut Vec<bool>) -> Vec<Spell> {
    let (mut kept_rows, mut kept_labels, mut spells) = (Vec::new(), Vec::new(), Vec::new());
    for (&row, &label) in rows.iter().zip(labels.iter()) {
        if let Some(spell) = Spell::after(cutoff, training.exit_week[row], training.observed_weeks[row]) {
            kept_rows.push(row);
            kept_labels.push(label);
            spells.push(spell);
        }
    }
    (*rows, *labels) = (kept_rows, kept_labels);
    spells
}

impl Model {
    /// Which model it is.
    #[must_use]
    pub fn kind(&self) -> BaselineKind {
        self.kind
    }

    /// The inputs that it was fitted on, by name.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Weeks of the inputs that it was fitted on: cut-offs 1 to here were looked at.
    #[must_use]
    pub fn weeks(&self) -> usize {
        usize::from(self.weeks)
    }

    /// Cut-offs (weeks seen) that it can't forecast, with the reason.
    #[must_use]
    pub fn absent(&self) -> &BTreeMap<u16, String> {
        &self.absent
    }

    /// The weights at a cut-off, of linear and logistic regression and of hazards; `None` for other models and absent
    /// weeks.
    #[must_use]
    pub fn coefficients(&self, cutoff_week: u16) -> Option<Coefficients> {
        let weights = match self.cutoffs.get(&cutoff_week)? {
            Fitted::Linear(weights) | Fitted::Logistic(weights) => weights,
            Fitted::Hazard(hazards) => &hazards.weights,
            _ => return None,
        };
        let names = weights.columns.iter().map(|&position| design::name(&self.columns, position));
        Some(Coefficients {
            intercept: weights.intercept,
            penalty: weights.penalty,
            weights: names.zip(weights.weights.iter().copied()).collect(),
        })
    }

    /// Hazards at a cut-off, by row: the probability of leaving in each coming week of the calendar, given that the
    /// learner has not left before it. Empty for a course that is over. The product of 1 - hazard is the survival curve.
    /// Weeks further ahead than any that was fitted have the last one's hazard.
    ///
    /// # Errors
    /// When the model has no hazards, the week is absent, or the inputs are not those that it was fitted on.
    pub fn hazards(&self, inputs: &Weekly<'_>, cutoff_week: u16) -> Result<Vec<Vec<f32>>, ForecastError> {
        self.check_inputs(inputs)?;
        let no_hazards = |reason: String| Err(ForecastError::NoHazards { cutoff_week, reason });
        if usize::from(cutoff_week) > inputs.weeks {
            return no_hazards(format!("the inputs have {} weeks", inputs.weeks));
        }
        match self.cutoffs.get(&cutoff_week) {
            Some(Fitted::Hazard(hazards)) => Ok(hazards.by_week(inputs, usize::from(cutoff_week))),
            Some(_) => no_hazards(format!("the model {} has none", self.kind)),
            None => no_hazards(self.absent.get(&cutoff_week).cloned().unwrap_or_else(|| "no such week".to_owned())),
        }
    }

    fn check_inputs(&self, inputs: &Weekly<'_>) -> Result<(), ForecastError> {
        inputs.check()?;
        if inputs.weeks > self.weeks() {
            return Err(ForecastError::TooManyWeeks { found: inputs.weeks, fitted: self.weeks() });
        }
        let longer = self.columns.len().max(inputs.columns.len());
        match (0..longer).find(|&at| self.columns.get(at) != inputs.columns.get(at)) {
            None => Ok(()),
            Some(position) => {
                let at = |columns: &[String]| columns.get(position).cloned().unwrap_or_default();
                Err(ForecastError::OtherColumns { position, found: at(inputs.columns), wanted: at(&self.columns) })
            }
        }
    }
}

impl Fitted {
    fn logits(&self, inputs: &Weekly<'_>, cutoff: usize) -> Result<Vec<f64>, ForecastError> {
        match self {
            Self::DaysSinceLast(silence) => silence.logits(inputs, cutoff),
            Self::Rules(points) => points.logits(inputs, cutoff),
            // The line that touches the log odds at one half: it keeps the order where 0 and 1 are passed.
            Self::Linear(weights) => {
                Ok(weights.scores(inputs, cutoff).into_iter().map(|score| 4.0 * (score - 0.5)).collect())
            }
            Self::Logistic(weights) => Ok(weights.scores(inputs, cutoff)),
            Self::Tree(tree) => Ok(trees::logits(std::slice::from_ref(tree), inputs, cutoff)),
            Self::Forest(trees) => Ok(trees::logits(trees, inputs, cutoff)),
            Self::Boosting(boosted) => Ok(boosted.logits(inputs, cutoff)),
            Self::Hazard(hazards) => Ok(hazards.logits(inputs, cutoff)),
        }
    }
}

impl Forecaster for Model {
    fn forecast(&self, inputs: &Weekly<'_>) -> Result<Vec<f32>, ForecastError> {
        self.check_inputs(inputs)?;
        let mut all = vec![f32::NAN; inputs.rows * inputs.weeks];
        for (&week, fitted) in self.cutoffs.range(..=inputs.weeks as u16) {
            let cutoff = usize::from(week);
            for (row, logit) in fitted.logits(inputs, cutoff)?.into_iter().enumerate() {
                all[row * inputs.weeks + cutoff - 1] = logit as f32;
            }
        }
        Ok(all)
    }
}
