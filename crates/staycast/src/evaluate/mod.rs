//! `staycast evaluate`: how good a run's forecast is.

mod page;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use staycast_evaluation::metrics::Capacity;
use staycast_evaluation::report::{MinimumSize, ReportError, Resampling};
use staycast_evaluation::text;
use staycast_forecast::device::{ChosenDevice, DeviceChoice};
use staycast_forecast::{
    EvaluateRequest, EvaluationOutcome, FoldsRecord, ModelKind, Rows, Run, RunError, outcome, write_predictions,
};

use crate::console::Console;
use crate::status::{Status, usage_from};
use crate::train::load;
use crate::words::{Sheet, grouped};
use crate::{devices, files, values};

/// Say how good a run's forecast is
///
/// Looks at the run's test part (of a cross-validation: at its out-of-fold predictions), or, on other sequences, at
/// everybody who was not trained on. Reports AUC with its interval, precision, recall, calibration and the rest for all
/// learners known by then and for those still active, beside trivial baselines, at one week and as a curve over all weeks.
/// Each evaluation is recorded in the run, and the report says how many there were.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast evaluate run sequences
  staycast evaluate run sequences --week 2 --json
  staycast evaluate run later-sequences --courses physics-4 --out report")]
pub(crate) struct EvaluateArgs {
    /// Folder that `staycast train` wrote
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Folder that `staycast preprocess` wrote
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// At the end of which week; the run's own, usually 4, if not given
    #[arg(long, value_name = "WEEK", value_parser = clap::value_parser!(u32).range(1..))]
    week: Option<u32>,
    /// Only these courses
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    courses: Vec<String>,
    /// What to forecast with, of a run that blends several models: one of its parts; all of them if not given
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelKind>,
    /// Look at rows that were trained on, too; marks every figure
    #[arg(long)]
    in_sample: bool,
    /// Folder to write report.html, report.json, report.txt, predictions.parquet and figures/*.svg to; earlier ones are
    /// replaced
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Resamples of the bootstrap; 0 for none
    #[arg(long, value_name = "N", default_value_t = 500)]
    resamples: u32,
    /// Static columns to report by, as gender,age_band: figures of each group and how far they are apart; all columns with
    /// at most a dozen values if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    groups: Vec<String>,
    /// How many learners can be contacted, for precision, recall and lift: numbers or shares, as 50,10%; a list of the usual
    /// ones if not given
    #[arg(long, value_name = "K,S%", value_delimiter = ',', value_parser = values::capacity)]
    capacities: Vec<Capacity>,
    /// Learners that a course or group needs for figures of its own, a fifth of them of each outcome
    #[arg(long, value_name = "N", default_value_t = MinimumSize::default().rows, value_parser = clap::value_parser!(u64).range(10..))]
    minimum_group: u64,
    /// Also say what smoothing the forecasts over weeks would do, the newest week with this weight, above 0 and up to 1
    #[arg(long, value_name = "WEIGHT", value_parser = values::weight)]
    smoothing: Option<f64>,
    /// Test whether the evaluation sees what it should not: the future, the labels, an input that is the answer. Costs
    /// seconds
    #[arg(long, value_enum, default_value_t = CheckLeakage::Always, value_name = "WHEN")]
    check_leakage: CheckLeakage,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// Whether to test for leakage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckLeakage {
    /// With every evaluation
    Always,
    /// Not at all
    Never,
}

/// What to evaluate.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) run: PathBuf,
    pub(crate) sequences: PathBuf,
    pub(crate) week: Option<u32>,
    pub(crate) courses: Option<Vec<String>>,
    pub(crate) model: Option<ModelKind>,
    pub(crate) rows: Rows,
    pub(crate) out: Option<PathBuf>,
    pub(crate) resamples: u32,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) smoothing: Option<f64>,
    pub(crate) capacities: Vec<Capacity>,
    pub(crate) minimum_group: u64,
    pub(crate) check_leakage: CheckLeakage,
    pub(crate) device: DeviceChoice,
}

/// Seed of the bootstrap: a report is the same each time it is made.
pub(crate) const BOOTSTRAP_SEED: u64 = 1;

/// Runs the subcommand.
pub(crate) fn run(args: &EvaluateArgs, console: &Console) -> anyhow::Result<Status> {
    let plan = Plan {
        run: args.run.clone(),
        sequences: args.sequences.clone(),
        week: args.week,
        courses: (!args.courses.is_empty()).then(|| args.courses.clone()),
        model: args.model,
        rows: if args.in_sample { Rows::InSample } else { Rows::Unseen },
        out: args.out.clone(),
        resamples: args.resamples,
        groups: (!args.groups.is_empty()).then(|| args.groups.clone()),
        smoothing: args.smoothing,
        capacities: args.capacities.clone(),
        minimum_group: args.minimum_group,
        check_leakage: args.check_leakage,
        device: args.device,
    };
    let evaluated = execute(&plan, console)?;
    console.answer(&evaluated.outcome, || evaluated.words.clone())?;
    Ok(Status::Fine)
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Evaluated {
    pub(crate) outcome: EvaluationOutcome,
    /// The report for a terminal.
    pub(crate) words: String,
}

/// Evaluates, and writes the report where one is asked for.
pub(crate) fn execute(plan: &Plan, console: &Console) -> anyhow::Result<Evaluated> {
    let run = open(&plan.run, plan.model)?;
    let data = load(&plan.sequences)?;
    // A folder that can't be made is better known before the test part is looked at.
    if let Some(out) = &plan.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    }
    let folds = run.manifest().folds;
    let device = match folds {
        // Its predictions are stored: there is nothing to compute.
        Some(_) => ChosenDevice::flex(),
        None => devices::choose(plan.device, console)?,
    };
    let repeated = folds.is_some_and(|folds| folds.repeats > 1);
    let request = EvaluateRequest {
        data: &data,
        week: plan.week,
        courses: plan.courses.as_deref(),
        rows: plan.rows,
        resampling: match plan.resamples {
            _ if repeated => Resampling::Off,
            0 => Resampling::Off,
            count => Resampling::Resamples { count, seed: BOOTSTRAP_SEED },
        },
        groups: plan.groups.as_deref(),
        smoothing: plan.smoothing,
        capacities: &plan.capacities,
        minimum_size: MinimumSize { rows: plan.minimum_group, per_class: plan.minimum_group / 5 },
        device: &device,
    };
    let predictions = run.predictions(&request).map_err(as_usage)?;
    let mut outcome = outcome(&predictions, request.resampling).map_err(as_usage)?;
    if plan.check_leakage == CheckLeakage::Always {
        outcome.leakage = Some(run.check_leakage(&request, &predictions)?);
    }
    run.record(&request, &outcome)?;
    let words = words(&outcome, folds);
    if let Some(out) = &plan.out {
        write_report(out, &outcome, &words)?;
        page::write(out, &run, &data, &outcome)?;
        write_predictions(&out.join("predictions.parquet"), &data, &predictions)?;
    }
    if outcome.leakage.as_ref().is_some_and(|report| !report.passed) {
        console.warn(
            "the evaluation failed a test for leakage: its figures are not to be trusted before that is understood",
        );
    }
    Ok(Evaluated { outcome, words })
}

/// The run, or the part of its blend that was asked for.
pub(crate) fn open(path: &Path, model: Option<ModelKind>) -> anyhow::Result<Run> {
    let run = Run::open(path)?;
    match model {
        Some(model) => run.only(model).map_err(usage_from),
        None => Ok(run),
    }
}

/// Weeks, courses and rows that can't be asked for are wrong usage; all else is a failure.
pub(crate) fn as_usage(error: RunError) -> anyhow::Error {
    match &error {
        RunError::WeekNotForecast { .. }
        | RunError::UnknownCourses { .. }
        | RunError::UnknownGroup { .. }
        | RunError::TrainingRows { .. }
        | RunError::Report(
            ReportError::WeekInsideLabelWindow { .. }
            | ReportError::NoRowsAtWeek { .. }
            | ReportError::NoReference { .. },
        ) => usage_from(error),
        _ => error.into(),
    }
}

fn write_report(out: &Path, outcome: &EvaluationOutcome, words: &str) -> anyhow::Result<()> {
    let mut json = serde_json::to_string_pretty(outcome).context("the report has no JSON form")?;
    json.push('\n');
    files::write(&out.join("report.json"), &json)?;
    files::write(&out.join("report.txt"), words)
}

fn words(outcome: &EvaluationOutcome, folds: Option<FoldsRecord>) -> String {
    let evaluation = &outcome.evaluation;
    let mut words = match &outcome.plots {
        Some(plots) => text::render(evaluation, plots),
        None => {
            let blocks = [text::week_table(evaluation), text::course_table(evaluation), text::week_curve(evaluation)];
            let present: Vec<String> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
            format!("{}\n{}", repeated_heading(outcome, folds), present.join("\n"))
        }
    };
    if let Some(leakage) = &outcome.leakage {
        words += &format!("\n{}", page::leakage_words(leakage));
    }
    for (reason, count) in &outcome.left_out {
        words += &format!("Left out: {} enrolments: {reason}.\n", grouped(*count));
    }
    words
}

/// What the figures of a repeated cross-validation are.
fn repeated_heading(outcome: &EvaluationOutcome, folds: Option<FoldsRecord>) -> String {
    let evaluation = &outcome.evaluation;
    let mut sheet = Sheet::default();
    sheet.paragraph(format!("Forecast at the end of week {}", evaluation.week));
    let what = folds.map_or_else(String::new, |folds| format!(", {} folds each", folds.folds));
    sheet.paragraph(format!(
        "Dropout means: {}. {} Every figure is the mean over {} repeats{what}.",
        evaluation.label_rule,
        evaluation.kind.meaning(),
        outcome.repeats.len()
    ));
    if let Some(times @ 2..) = evaluation.evaluations_of_this_part {
        sheet.paragraph(format!("These predictions have now been evaluated {times} times."));
    }
    let all: Vec<f64> = outcome.repeats.iter().filter_map(|repeat| repeat.all).collect();
    let active: Vec<f64> = outcome.repeats.iter().filter_map(|repeat| repeat.active).collect();
    for (name, aucs) in [("everyone known by then", all), ("those still active", active)] {
        if let Some((low, high)) = range(&aucs) {
            sheet.paragraph(format!("AUC by repeat, {name}: {low:.3} to {high:.3}."));
        }
    }
    sheet.finish()
}

fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    Some((low, high))
}
