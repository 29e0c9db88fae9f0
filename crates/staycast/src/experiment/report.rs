//! `staycast experiment report`: what the experiment shows.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use staycast_advice::experiments::{Experiment, LastLook, Report, Reported, read_scores, report};
use staycast_sequences::CutOff;

use super::report_folder;
use crate::console::Console;
use crate::display::optional_path_text;
use crate::status::Status;
use crate::{output_place, sequences, values};

/// Compare the arms on the outcomes of a later log
///
/// Reads the outcomes from sequences of a log that was taken later. A look is recorded in the experiment, and no more looks
/// are taken than planned. The same outcomes again are the same look.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast experiment report week-4 sequences-of-week-5
  staycast experiment report week-4 sequences-of-week-5 --out report     a page, JSON, Parquet
  staycast experiment report week-4 sequences --week 6                   as of the end of week 6")]
pub(super) struct ReportArgs {
    /// Folder that `staycast experiment new` wrote
    #[arg(value_name = "EXPERIMENT")]
    experiment: PathBuf,
    /// Folder that `staycast preprocess` wrote, of a log taken after the assignment
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// Look as at the end of this week of each course: what came later is not read
    #[arg(long, value_name = "WEEK", value_parser = values::cut_off)]
    week: Option<CutOff>,
    /// Take the last planned look now, though outcomes are missing
    ///
    /// Without it, the last look waits until 95% of the planned learners have a known outcome.
    #[arg(long)]
    last_look_now: bool,
    /// Estimate uplift for these learners too: files that `staycast score` wrote, of learners in SEQUENCES
    #[arg(long, value_name = "SCORES", num_args = 1..)]
    uplift_for: Vec<PathBuf>,
    /// Folder to write: report.html, report.txt, report.json, effects.parquet, uplift.parquet
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Holds a report and where it was written, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Whether these are the outcomes of a look that was taken before.
    is_repeated: bool,
    #[serde(serialize_with = "optional_path_text")]
    out: Option<&'a Path>,
}

/// Runs the subcommand.
pub(super) fn run(args: &ReportArgs, console: &Console) -> anyhow::Result<Status> {
    if let Some(out) = &args.out {
        let inputs = [&args.experiment, &args.sequences].into_iter().chain(&args.uplift_for);
        output_place::prepare_whole_folder(out, inputs.map(PathBuf::as_path))?;
        report_folder::check(out)?;
    }
    let experiment = Experiment::open(&args.experiment)?;
    staycast_files::clean_up(experiment.path());
    let folder = sequences::open(&args.sequences, console)?;
    let others = read_scores(args.uplift_for.iter().map(PathBuf::as_path))?;
    let last_look = if args.last_look_now { LastLook::Now } else { LastLook::WhenComplete };
    let Reported { report, uplift, is_repeated } = report(&experiment, &folder, args.week, last_look, &others)?;
    if let Some(out) = &args.out {
        report_folder::write(out, &report, &uplift)?;
    }
    if is_repeated {
        console.note(&format!("{:12} these outcomes were looked at before, so it is the same look", "look"));
    }
    let shown = Shown { report: &report, is_repeated, out: args.out.as_deref() };
    console.print_result(&shown, || report.to_text())?;
    Ok(Status::Fine)
}
