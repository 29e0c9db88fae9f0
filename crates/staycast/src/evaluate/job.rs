//! The evaluation of a run, as `evaluate` and `demo` do it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use staycast_evaluation::metrics::Capacity;
use staycast_evaluation::report::{MinimumSize, Resampling};
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::{
    EvaluateRequest, EvaluationOutcome, Rows, Run, check_leakage, evaluate_predictions, forecasting_work, predictions,
    record_evaluation, write_predictions,
};
use staycast_sequences::Dataset;

use super::report_folder::{PREDICTIONS, REPORT_JSON, REPORT_TEXT, ReportFolder};
use super::{page, report_text};
use crate::console::Console;
use crate::devices;
use crate::forecast_args::{ForecastSelection, as_usage, open_part};
use crate::output_place;
use crate::sequences::{course_ids, load};

/// Holds which forecasts to evaluate, and how.
#[derive(Clone, Debug)]
pub(crate) struct EvaluateJob {
    pub(crate) forecast: ForecastSelection,
    pub(crate) rows: Rows,
    pub(crate) out: Option<PathBuf>,
    pub(crate) resamples: u32,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) smoothing: Option<f64>,
    pub(crate) capacities: Vec<Capacity>,
    pub(crate) minimum_group: u64,
    pub(crate) check_leakage: CheckLeakage,
}

/// Names when to test for leakage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckLeakage {
    /// With every evaluation
    Always,
    /// Not at all
    Never,
}

/// Sets the seed of the bootstrap: a report is the same each time it is made.
pub(crate) const BOOTSTRAP_SEED: u64 = 1;

/// Holds the report of an evaluation, as data and as text.
#[derive(Debug)]
pub(crate) struct EvaluateOutcome {
    pub(crate) outcome: EvaluationOutcome,
    /// The report for a terminal.
    pub(crate) text: String,
}

/// Evaluates, and writes the report where one is asked for.
pub(crate) fn execute(job: &EvaluateJob, console: &Console) -> anyhow::Result<EvaluateOutcome> {
    let selection = &job.forecast;
    if let Some(out) = &job.out {
        output_place::prepare_whole_folder(out, [selection.run.as_path(), &selection.sequences])?;
    }
    let run = open_part(&selection.run, selection.model, console)?;
    let data = load(&selection.sequences, console)?;
    let job = &EvaluateJob { forecast: selection.in_courses(&course_ids(&data))?, ..job.clone() };
    // A folder that can't be made is better known before the test part is looked at.
    let report = job.out.as_deref().map(ReportFolder::begin).transpose()?;
    let outcome = evaluate_into(job, &run, &data, report.as_ref(), console)?;
    if let Some(report) = report {
        report.publish()?;
    }
    Ok(outcome)
}

fn evaluate_into(
    job: &EvaluateJob,
    run: &Run,
    data: &Dataset,
    report: Option<&ReportFolder>,
    console: &Console,
) -> anyhow::Result<EvaluateOutcome> {
    let selection = &job.forecast;
    let folds = run.manifest().folds;
    let device = match folds {
        // Its predictions are stored: there is nothing to compute.
        Some(_) => ChosenDevice::flex(),
        None => devices::choose(selection.device, &forecasting_work(run, data.enrolments.len() as u64), console)?,
    };
    let repeated = folds.is_some_and(|folds| folds.repeats > 1);
    let request = EvaluateRequest {
        data,
        week: selection.week,
        courses: selection.courses.as_deref(),
        rows: job.rows,
        resampling: match job.resamples {
            _ if repeated => Resampling::Off,
            0 => Resampling::Off,
            count => Resampling::Resamples { count, seed: BOOTSTRAP_SEED },
        },
        groups: job.groups.as_deref(),
        smoothing: job.smoothing,
        capacities: &job.capacities,
        minimum_size: MinimumSize { rows: job.minimum_group, per_class: job.minimum_group / 5 },
        device: &device,
    };
    let predictions = predictions(run, &request).map_err(as_usage)?;
    let mut outcome = evaluate_predictions(&predictions, request.resampling).map_err(as_usage)?;
    if job.check_leakage == CheckLeakage::Always {
        outcome.leakage = Some(check_leakage(run, &request, &predictions)?);
    }
    outcome.not_recorded = record_evaluation(run, &request, &mut outcome.evaluation)?;
    if let Some(why) = &outcome.not_recorded {
        console.warn(&format!(
            "this evaluation is not recorded in the run ({why}), so the next will not count it; the more often a test part \
             is looked at while choosing models, the more its figures flatter"
        ));
    }
    let text = report_text::report_text(&outcome, folds, run);
    if let Some(report) = report {
        let out = report.path();
        let written = write_report(out, &outcome, &text)
            .and_then(|()| page::write(out, run, data, &outcome))
            .and_then(|()| Ok(write_predictions(&out.join(PREDICTIONS), data, &predictions)?));
        written.map_err(|error| report.named(error))?;
    }
    if outcome.leakage.as_ref().is_some_and(|report| !report.passed) {
        console.warn(
            "the evaluation failed a test for leakage: its figures are not to be trusted before that is understood",
        );
    }
    Ok(EvaluateOutcome { outcome, text })
}

fn write_report(out: &Path, outcome: &EvaluationOutcome, text: &str) -> anyhow::Result<()> {
    staycast_files::write_json(&out.join(REPORT_JSON), outcome)?;
    Ok(staycast_files::write(&out.join(REPORT_TEXT), text)?)
}
