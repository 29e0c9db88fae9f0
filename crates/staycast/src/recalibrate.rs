//! `staycast recalibrate`: a run carried to other courses, with the outcomes known there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use staycast_forecast::device::DeviceChoice;
use staycast_forecast::{
    PredictionError, RecalibrateRequest, RecalibrationRecord, Refit, WeekRefit, forecasting_work, recalibrate,
};
use staycast_sequences::CutOff;

use crate::console::Console;
use crate::course_names;
use crate::devices;
use crate::display::{LabelledText, align_columns, format_percent, group_digits, quote_for_shell};
use crate::forecast_args::open_run;
use crate::output_place;
use crate::sequences::{course_ids, load};
use crate::status::{Status, usage_from};

/// Carry a run to other courses
///
/// Writes a new run with the same models, whose probabilities fit these courses. In each week, 100 labels or more (20
/// of each outcome) give a new calibration and a new threshold. 10 labels or more shift all probabilities. With fewer,
/// probabilities stay: forecasts alone do not tell how frequent dropout is in another course.
///
/// Learners that the run was trained on are left out. To train the networks further, see `staycast train --from`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast recalibrate run new-course --out run-here
  staycast recalibrate run sequences --courses physics-3 --out run-physics
  staycast score run-here new-course --out scores.csv")]
pub(crate) struct RecalibrateArgs {
    /// Folder that `staycast train` wrote
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Sequences of the courses to carry it to, with the features that the run reads
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// Only these courses
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    courses: Vec<String>,
    /// Folder to write; it must not exist yet, or be empty
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// Holds the record of a recalibration, as `--json` prints it.
#[derive(Serialize)]
struct RecalibrateOutcome<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    out: &'a PathBuf,
    #[serde(flatten)]
    record: &'a RecalibrationRecord,
}

/// Runs the subcommand.
pub(crate) fn run(args: &RecalibrateArgs, console: &Console) -> anyhow::Result<Status> {
    output_place::prepare_whole_folder(&args.out, [args.run.as_path(), &args.sequences])?;
    let run = open_run(&args.run, console)?;
    let data = load(&args.sequences, console)?;
    let device = devices::choose(args.device, &forecasting_work(&run, data.enrolments.len() as u64), console)?;
    let courses = course_names::resolve(&args.courses, &course_ids(&data))?;
    let courses = (!courses.is_empty()).then_some(courses.as_slice());
    let request = RecalibrateRequest { data: &data, courses, out: &args.out, device: &device };
    let carried = recalibrate(&run, &request).map_err(|error| match error {
        PredictionError::UnknownCourses { .. } | PredictionError::CantRecalibrate(_) => usage_from(error),
        other => other.into(),
    })?;
    let record = carried.manifest().recalibrated.as_ref().expect("a recalibrated run says how");
    console.print_summary(&RecalibrateOutcome { out: &args.out, record }, || {
        describe_outcome(args, record, run.manifest().target_week)
    })?;
    Ok(Status::Fine)
}

fn describe_outcome(args: &RecalibrateArgs, record: &RecalibrationRecord, target: CutOff) -> String {
    let mut sheet = LabelledText::default();
    let heads = ["week", "fitted", "with outcome", "without", "mean risk before", "now"].map(str::to_owned);
    let share = |mean: Option<f64>| mean.map_or_else(|| "-".to_owned(), format_percent);
    let row = |(week, refit): (&CutOff, &WeekRefit)| {
        [
            week.to_string(),
            describe_refit(refit.refit).to_owned(),
            group_digits(refit.labelled),
            group_digits(refit.unlabelled),
            share(refit.mean_before),
            share(refit.mean),
        ]
    };
    let rows: Vec<[String; 6]> = std::iter::once(heads).chain(record.weeks.iter().map(row)).collect();
    for line in align_columns(&rows, 2) {
        sheet.verbatim(line);
    }
    sheet.gap();
    let kept: BTreeMap<_, _> = record.weeks.iter().filter(|(_, week)| week.refit == Refit::Kept).collect();
    if kept.contains_key(&target) {
        sheet.paragraph(format!(
            "Nothing could be fitted at week {target}, the run's own: fewer than 10 outcomes are known, and its probabilities stay."
        ));
        sheet.gap();
    }
    sheet.row("Written", args.out.display().to_string());
    let (out, sequences) =
        (quote_for_shell(&args.out.display().to_string()), quote_for_shell(&args.sequences.display().to_string()));
    sheet.gap();
    sheet.verbatim(format!("Next: staycast score {out} {sequences} --out scores.csv"));
    sheet.into_string()
}

/// Describes in a phrase what was fitted.
pub(crate) const fn describe_refit(refit: Refit) -> &'static str {
    match refit {
        Refit::Curve => "calibration and threshold",
        Refit::ShiftToLabels => "shift, to outcomes",
        Refit::ShiftToUnlabelled => "shift, to forecasts",
        Refit::Kept => "nothing",
    }
}
