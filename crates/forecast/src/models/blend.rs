//! Several models as one: weights by cut-off week, fitted on rows of the training set that the members held out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_baselines::Blend;
use staycast_sequences::{CutOff, EnrolmentIndex};

use crate::examples::Examples;
use crate::model_kind::SingleModel;
use crate::week_fits::{FitRules, WeekFits};

/// Maps each cut-off week (weeks seen) to the weights of the parts.
pub(crate) type Weights = BTreeMap<CutOff, Blend>;

/// Holds a blend: `blend.json` in a run. Each part keeps its own calibration and thresholds, so that it can forecast by
/// itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlendRecord {
    /// By cut-off week, the weights. Their logits are in the order of `parts`.
    pub weights: BTreeMap<CutOff, Blend>,
    /// Calibration and thresholds of each part alone.
    pub parts: BTreeMap<SingleModel, WeekFits>,
}

impl BlendRecord {
    /// Checks a record that was read from a file: the weights and fits of `parts`, in their order, wherever the run, whose
    /// own fits are given, forecasts.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn check(&self, parts: &[SingleModel], rules: &FitRules, fits: &WeekFits) -> Result<(), String> {
        if !self.parts.keys().eq(parts) {
            return Err("it has the fits of other models than the run's".to_owned());
        }
        if let Some(week) = fits.weeks.keys().find(|week| !self.weights.contains_key(week)) {
            return Err(format!("it has no weights at week {week}, which the run forecasts"));
        }
        for (week, blend) in &self.weights {
            if week.weeks() > rules.weeks {
                return Err(format!("it has week {week}, and the run forecasts {} weeks", rules.weeks));
            }
            blend.check(parts.iter().map(|kind| kind.name())).map_err(|problem| format!("week {week}: {problem}"))?;
        }
        let check = |(kind, fits): (&SingleModel, &WeekFits)| fits.check(rules).map_err(|why| format!("{kind}: {why}"));
        self.parts.iter().try_for_each(check)
    }

    /// Returns blended logits, `[row][week]`; NaN at weeks without weights. `logits`: by part, in the order of
    /// [`BlendRecord::parts`].
    pub(crate) fn apply(&self, logits: &[Vec<f32>], weeks: usize) -> Vec<f32> {
        apply(&self.weights, logits, weeks)
    }
}

/// Fits weights for every week, and explains why some weeks have none. `logits`: by part, `[position][week]`, NaN where
/// nobody held the position out.
pub(crate) fn fit(
    examples: &Examples,
    enrolments: &[EnrolmentIndex],
    parts: &[SingleModel],
    logits: &[Vec<f32>],
) -> (Weights, BTreeMap<CutOff, String>) {
    let names: Vec<&str> = parts.iter().map(|kind| kind.name()).collect();
    let (mut weights, mut not_fitted) = (Weights::new(), BTreeMap::new());
    for cut_off in CutOff::up_to(examples.last_cut_off()) {
        let WeekColumns { columns, labels, .. } = columns_at(examples, enrolments, logits, cut_off);
        let columns: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
        match Blend::fit(&names, &columns, &labels) {
            Ok(blend) => drop(weights.insert(cut_off, blend)),
            Err(error) => drop(not_fitted.insert(cut_off, error.to_string())),
        }
    }
    (weights, not_fitted)
}

/// Holds the logits of the rows that can be judged at one cut-off, and that every part has forecast.
pub(crate) struct WeekColumns {
    /// Logits by part, `[row]`.
    pub(crate) columns: Vec<Vec<f32>>,
    pub(crate) labels: Vec<bool>,
    /// By row: its position among the enrolments.
    pub(crate) positions: Vec<usize>,
}

/// Collects them at a cut-off. `logits`: by part, `[position][week]`, NaN where nobody held the position out.
pub(crate) fn columns_at(
    examples: &Examples,
    enrolments: &[EnrolmentIndex],
    logits: &[Vec<f32>],
    cut_off: CutOff,
) -> WeekColumns {
    let (weeks, week) = (examples.weeks(), cut_off.last_week());
    let mut found = WeekColumns { columns: vec![Vec::new(); logits.len()], labels: Vec::new(), positions: Vec::new() };
    for (position, &enrolment) in enrolments.iter().enumerate() {
        let Some(label) = examples.label(enrolment).filter(|_| examples.is_evaluable(enrolment, week)) else {
            continue;
        };
        let row: Vec<f32> = logits.iter().map(|logits| logits[position * weeks + week.position()]).collect();
        if row.iter().all(|logit| logit.is_finite()) {
            found.columns.iter_mut().zip(row).for_each(|(column, logit)| column.push(logit));
            found.labels.push(label);
            found.positions.push(position);
        }
    }
    found
}

/// Blends logits as [`BlendRecord::apply`] does.
pub(crate) fn apply(weights: &Weights, logits: &[Vec<f32>], weeks: usize) -> Vec<f32> {
    let rows = logits[0].len() / weeks;
    let mut blended = vec![f32::NAN; rows * weeks];
    for (&cut_off, blend) in weights {
        let week = cut_off.last_week().position();
        if week >= weeks {
            continue;
        }
        let column = |logits: &Vec<f32>| logits.iter().skip(week).step_by(weeks).copied().collect::<Vec<f32>>();
        let columns: Vec<Vec<f32>> = logits.iter().map(column).collect();
        let columns: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
        // Rows without a logit of each part, as those that nobody held out, stay without.
        let whole: Vec<usize> = (0..rows).filter(|&row| columns.iter().all(|column| column[row].is_finite())).collect();
        let picked: Vec<Vec<f32>> =
            columns.iter().map(|column| whole.iter().map(|&row| column[row]).collect()).collect();
        let picked: Vec<&[f32]> = picked.iter().map(Vec::as_slice).collect();
        let values = blend.apply(&picked).expect("as many finite logits as the blend was fitted on");
        for (&row, value) in whole.iter().zip(values) {
            blended[row * weeks + week] = value;
        }
    }
    blended
}
