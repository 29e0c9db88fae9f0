//! Does an evaluation see what it should not? Three tests that do not rely on the code they test.
//!
//! 1. **Nothing from the future**: everything after the cut-off, outcomes included, is replaced by noise; neither a score
//!    nor who is in a cohort may change by a bit.
//! 2. **Nothing through the rows**: labels are shuffled among all enrolments, of both parts of the split, and a cheap
//!    model is trained and tested on them as usual; over twenty draws its mean AUC must lie within four standard errors
//!    of 0.5. Rows that are in both parts, or features that identify the outcome's row, would raise it.
//! 3. **No outcome among the inputs**: an input that alone separates the classes with an AUC above [`SUSPICIOUS_AUC`] is
//!    named: it may be the outcome under another name, which a person has to judge.

use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use staycast_baselines::{BaselineKind, Forecaster, Penalty};
use staycast_evaluation::metrics::Ranking;
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, WeekIndex};

use super::error::PredictionError;
use super::predictions::Predictions;
use super::request::EvaluateRequest;
use super::row_table::predict_rows;
use super::selection::training_rows;
use crate::artifact::Run;
use crate::device::ChosenDevice;
use crate::examples::Examples;
use crate::inputs::Inputs;
use crate::models::baseline_targets::BaselineTargets;
use crate::models::enrolment_inputs::{EnrolmentInputs, RawFeatures};
use crate::random::{Purpose, shuffle, stream, unit};

/// Sets the penalty of the logistic regressions on shuffled labels.
const PENALTY: Penalty = Penalty::new(10.0).expect("above 0");
/// Sets how often labels are shuffled.
const DRAWS: u32 = 20;
/// Sets the AUC of a single input above which it is named.
pub const SUSPICIOUS_AUC: f64 = 0.97;
/// Bounds the distance of shuffled labels' mean AUC from 0.5, in standard errors.
const STANDARD_ERRORS: f64 = 4.0;
/// Bounds the rows of either part that the cheap model sees.
const MOST_ROWS: usize = 5_000;
/// Bounds the enrolments whose future is replaced.
const MOST_ENROLMENTS: usize = 20_000;

/// Reports the findings of the tests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakageReport {
    /// The cut-off week that was looked at.
    pub week: CutOff,
    /// The first test; `None` for a cross-validation, whose models are not kept.
    pub future: Option<FutureTest>,
    /// The second test; `None` where it could not be run.
    #[serde(rename = "dealt_labels")]
    pub shuffled_labels: Option<ShuffledLabelsTest>,
    /// Why the second test was not run.
    #[serde(rename = "dealt_labels_not_run", skip_serializing_if = "Option::is_none")]
    pub shuffled_labels_not_run: Option<String>,
    /// The third test: inputs that are suspicious, the most so first.
    pub suspicious_inputs: Vec<SuspiciousInput>,
    /// Whether the first two passed, as far as they were done. A suspicious input is no failure by itself.
    pub passed: bool,
}

/// Reports the first test: everything after the cut-off replaced by noise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FutureTest {
    /// Rows whose predictions were compared.
    pub rows: u64,
    /// Rows of them that changed; 0 passes.
    pub changed: u64,
}

/// Reports the second test: labels shuffled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShuffledLabelsTest {
    /// Draws.
    pub draws: u32,
    /// Mean AUC over the draws.
    pub mean_auc: f64,
    /// Standard error of that mean.
    pub standard_error: f64,
    /// Whether it is within four standard errors of 0.5.
    pub passed: bool,
}

/// Names an input that nearly is the outcome.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuspiciousInput {
    /// Its name.
    pub input: String,
    /// AUC of it alone, the better of both directions.
    pub auc: f64,
}

/// Runs the tests for an evaluation. Takes at most 20,000 enrolments for the first and 5,000 a side for the second, so
/// that it costs seconds.
///
/// # Errors
/// As [`predictions`](super::predictions()).
pub fn check_leakage(
    run: &Run,
    request: &EvaluateRequest<'_>,
    predictions: &[Predictions],
) -> Result<LeakageReport, PredictionError> {
    let data = request.data;
    let week = predictions[0].week;
    let future = match run.inputs() {
        Some(_) => Some(future_test(run, data, request.device, &predictions[0])?),
        None => None,
    };
    let parts = LabelledParts::new(run, data, &predictions[0]);
    let examples = Examples::new(data, week);
    let (shuffled_labels, shuffled_labels_not_run) = match &parts {
        Some(parts) => match shuffled_labels_test(run, data, &examples, parts)? {
            Ok(test) => (Some(test), None),
            Err(reason) => (None, Some(reason)),
        },
        None => (None, Some("the run was not trained on this data, and the test needs the training rows".to_owned())),
    };
    let suspicious_inputs = suspicious_inputs(run, data, &examples, &predictions[0])?;
    let passed =
        future.as_ref().is_none_or(|test| test.changed == 0) && shuffled_labels.as_ref().is_none_or(|test| test.passed);
    Ok(LeakageReport { week, future, shuffled_labels, shuffled_labels_not_run, suspicious_inputs, passed })
}

/// Runs the first test.
fn future_test(
    run: &Run,
    data: &Dataset,
    device: &ChosenDevice,
    predictions: &Predictions,
) -> Result<FutureTest, PredictionError> {
    let week = predictions.week;
    let at_week: Vec<EnrolmentIndex> = predictions
        .enrolments
        .iter()
        .zip(&predictions.rows)
        .filter_map(|(&enrolment, row)| (row.week == week).then_some(enrolment))
        .collect();
    let chosen = spread(&at_week, MOST_ENROLMENTS);
    let before = visible_rows(run, &part_of(data, &chosen, None), week, device)?;
    let after = visible_rows(run, &part_of(data, &chosen, Some(week)), week, device)?;
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count() as u64;
    Ok(FutureTest { rows: before.len() as u64, changed })
}

/// Runs the second test, or explains why its draws are of no use.
fn shuffled_labels_test(
    run: &Run,
    data: &Dataset,
    examples: &Examples,
    parts: &LabelledParts,
) -> Result<Result<ShuffledLabelsTest, String>, PredictionError> {
    let weeks = examples.weeks();
    let all: Vec<EnrolmentIndex> = parts.training.iter().chain(&parts.test).copied().collect();
    let inputs = match run.inputs() {
        Some(inputs) => inputs.clone(),
        None => Inputs::fit(&run.config().inputs, data, examples, &parts.training)?,
    };
    // The last week's inputs are enough to carry an outcome, and a model of them is fitted in no time.
    let last_week = EnrolmentInputs::new(data, &inputs, &all, weeks, RawFeatures::Included)?.last_week();
    let training: Vec<usize> = (0..parts.training.len()).collect();
    let test: Vec<usize> = (parts.training.len()..all.len()).collect();
    let test_inputs = last_week.pick_rows(&test);
    let mut labels: Vec<bool> = all.iter().map(|&row| data.enrolment(row).dropout == Some(true)).collect();
    let config = run.config().baselines.with_logistic_penalty(PENALTY);
    let mut aucs = Vec::new();
    let mut problem = "the training set or the test part has one class only".to_owned();
    for draw in 0..DRAWS {
        shuffle(&mut labels, &mut stream(run.manifest().seed, Purpose::Labels, u64::from(draw)));
        let targets = BaselineTargets::from_labels(&labels);
        let model = last_week.lend(|inputs| {
            BaselineKind::Logistic.fit(&config, &targets.training(inputs, &training, &[], u64::from(draw)))
        });
        let logits = match model {
            Ok(model) => test_inputs.lend(|inputs| model.forecast(inputs))?,
            // A draw of no use, as one with a single class.
            Err(error) => {
                problem = error.to_string();
                continue;
            }
        };
        let scores: Vec<f64> = logits.into_iter().map(f64::from).collect();
        let ranking = Ranking::new(&scores, &labels[parts.training.len()..]);
        aucs.extend(ranking.ok().and_then(|ranking| ranking.auc().value()));
    }
    if aucs.len() < DRAWS as usize / 2 {
        return Ok(Err(format!("only {} of {DRAWS} draws could be used: {problem}", aucs.len())));
    }
    let count = aucs.len() as f64;
    let mean = aucs.iter().sum::<f64>() / count;
    let variance = aucs.iter().map(|auc| (auc - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let standard_error = (variance / count).sqrt();
    let passed = (mean - 0.5).abs() <= STANDARD_ERRORS * standard_error;
    Ok(Ok(ShuffledLabelsTest { draws: aucs.len() as u32, mean_auc: mean, standard_error, passed }))
}

/// Names the inputs that separate the classes alone.
fn suspicious_inputs(
    run: &Run,
    data: &Dataset,
    examples: &Examples,
    predictions: &Predictions,
) -> Result<Vec<SuspiciousInput>, PredictionError> {
    let judged: Vec<EnrolmentIndex> = predictions
        .enrolments
        .iter()
        .zip(&predictions.rows)
        .filter(|(_, row)| row.week == predictions.week && row.place().is_ok())
        .map(|(&enrolment, _)| enrolment)
        .collect();
    let rows = spread(&judged, MOST_ENROLMENTS);
    let labels: Vec<bool> = rows.iter().map(|&row| data.enrolment(row).dropout == Some(true)).collect();
    let inputs = match run.inputs() {
        Some(inputs) => inputs.clone(),
        None => Inputs::fit(&run.config().inputs, data, examples, &rows)?,
    };
    let last_week = EnrolmentInputs::new(data, &inputs, &rows, examples.weeks(), RawFeatures::Included)?.last_week();
    let width = inputs.width();
    let auc = |column: usize| {
        let values: Vec<f64> =
            last_week.values().iter().skip(column).step_by(width).map(|&value| f64::from(value)).collect();
        let auc = Ranking::new(&values, &labels).ok()?.auc().value()?;
        Some(auc.max(1.0 - auc))
    };
    let mut found: Vec<SuspiciousInput> = inputs
        .columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| Some(SuspiciousInput { input: column.source.name(), auc: auc(at)? }))
        .filter(|input| input.auc > SUSPICIOUS_AUC)
        .collect();
    found.sort_by(|a, b| b.auc.total_cmp(&a.auc));
    Ok(found)
}

/// Lists all that is known of the rows at `week` but their outcomes.
fn visible_rows(
    run: &Run,
    data: &Dataset,
    week: CutOff,
    device: &ChosenDevice,
) -> Result<Vec<VisibleRow>, PredictionError> {
    let all: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let predictions = predict_rows(run, data, &all, device)?;
    let visible = predictions.into_iter().filter(|row| row.week == week).map(|row| {
        let excluded = row.exclusion.is_some();
        // Nobody is shown the forecast of a row that is left out, as of one who had not enrolled yet: the day of
        // enrolment, which networks read, is then still to come.
        let shown = |bits: u64| if excluded { 0 } else { bits };
        VisibleRow {
            // Where the outcome itself is known by the cut-off, it decides the score; else the model does.
            score: shown(row.score.to_bits()),
            p: shown(row.p.to_bits()),
            known: row.known,
            active: row.active,
            days_since_last: row.days_since_last.map(f64::to_bits),
            excluded,
        }
    });
    Ok(visible.collect())
}

/// Holds what is known of a row but its outcome, as bits.
#[derive(PartialEq, Eq)]
struct VisibleRow {
    score: u64,
    p: u64,
    known: bool,
    active: bool,
    days_since_last: Option<u64>,
    excluded: bool,
}

/// Lists labelled enrolments of the training set and of the test part, at most [`MOST_ROWS`] each.
struct LabelledParts {
    training: Vec<EnrolmentIndex>,
    test: Vec<EnrolmentIndex>,
}

impl LabelledParts {
    /// Returns `None` where `data` is not what the run was trained on.
    fn new(run: &Run, data: &Dataset, predictions: &Predictions) -> Option<Self> {
        if run.manifest().data.fingerprint != data.manifest.fingerprint() {
            return None;
        }
        let training = training_rows(run, data);
        let mut test: Vec<EnrolmentIndex> = predictions.enrolments.clone();
        test.dedup();
        let labelled = |rows: Vec<EnrolmentIndex>| -> Vec<EnrolmentIndex> {
            rows.into_iter().filter(|&row| data.enrolment(row).dropout.is_some()).collect()
        };
        let mut parts = Self { training: labelled(training), test: labelled(test) };
        if run.manifest().folds.is_some() {
            // Everyone is in both parts of a cross-validation, in different folds: any cut will do.
            let all = std::mem::take(&mut parts.test);
            let (test, training): (Vec<_>, Vec<_>) = all.iter().enumerate().partition(|(at, _)| at % 5 == 0);
            parts.test = test.into_iter().map(|(_, &row)| row).collect();
            parts.training = training.into_iter().map(|(_, &row)| row).collect();
        }
        parts.training = spread(&parts.training, MOST_ROWS);
        parts.test = spread(&parts.test, MOST_ROWS);
        Some(parts)
    }
}

/// Picks at most `most` items, evenly spread.
fn spread(items: &[EnrolmentIndex], most: usize) -> Vec<EnrolmentIndex> {
    let step = items.len().div_ceil(most).max(1);
    items.iter().step_by(step).copied().collect()
}

/// Returns some enrolments of a data set and, where a cut-off is given, noise in place of all that is known only after it.
fn part_of(data: &Dataset, rows: &[EnrolmentIndex], noise_after: Option<CutOff>) -> Dataset {
    let mut rng = stream(1, Purpose::Noise, 0);
    let width = data.features.len();
    let mut values = Vec::with_capacity(rows.len() * data.weeks * width);
    let mut enrolments = Vec::with_capacity(rows.len());
    for &row in rows {
        let mut about = data.enrolment(row).clone();
        for week in (0..data.weeks).map(WeekIndex::from_position) {
            match noise_after {
                Some(cut_off) if !cut_off.sees(week) => values.extend((0..width).map(|_| noise(&mut rng))),
                _ => values.extend_from_slice(data.week(row, week)),
            }
        }
        if let Some(cut_off) = noise_after {
            let cut_off_day = f64::from(data.course_of(row).week_grid().end_day(cut_off));
            let earlier = |day: Option<f64>| day.filter(|&day| day < cut_off_day);
            about.dropout = about.dropout.map(|dropout| !dropout);
            about.left_week = about.left_week.filter(|&week| week < i32::from(cut_off.weeks()));
            about.outcome = None;
            about.withdrawal_day = earlier(about.withdrawal_day);
            // An event at another instant after the cut-off.
            about.first_event_day = about.first_event_day.map(|day| if day < cut_off_day { day } else { day + 1.0 });
            about.enrolled_day = about.enrolled_day.map(|day| if day < cut_off_day { day } else { day + 1.0 });
        }
        enrolments.push(about);
    }
    let courses = data.courses.clone();
    Dataset::from_parts(data.manifest.clone(), courses, enrolments, data.features.clone(), data.weeks, values)
}

fn noise(rng: &mut ChaCha8Rng) -> f32 {
    100.0 * unit(rng)
}
