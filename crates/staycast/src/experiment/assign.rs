//! `staycast experiment assign`: who is in which arm.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use staycast_advice::experiments::{
    ASSIGNMENTS_CSV, ASSIGNMENTS_FILE, AssignmentCounts, Experiment, learners_by_arm, read_scores,
};

use crate::console::Console;
use crate::display::{LabelledText, group_digits, pluralise};
use crate::status::Status;

/// Assign learners to arms by chance; whoever has an arm keeps it
///
/// Writes assignments.csv and assignments.parquet into the experiment. Learners are drawn within strata, in blocks, from
/// the plan's seed. Newcomers in later scores are added. All enrolments of a learner get one arm.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast experiment assign week-4 scores.csv
  staycast experiment assign week-4 scores-of-week-5.parquet     newcomers too")]
pub(super) struct AssignArgs {
    /// Folder that `staycast experiment new` wrote
    #[arg(value_name = "EXPERIMENT")]
    experiment: PathBuf,
    /// Files that `staycast score` wrote
    #[arg(value_name = "SCORES", required = true)]
    scores: Vec<PathBuf>,
}

/// Describes an assignment, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Assigned<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    experiment: &'a Path,
    #[serde(flatten)]
    counts: AssignmentCounts,
    /// Learners by arm, in the order of the plan, those of earlier calls included.
    learners: Vec<ArmLearners>,
}

#[derive(Debug, Serialize)]
struct ArmLearners {
    arm: String,
    learners: u64,
}

/// Runs the subcommand.
pub(super) fn run(args: &AssignArgs, console: &Console) -> anyhow::Result<Status> {
    let experiment = Experiment::open(&args.experiment)?;
    staycast_files::clean_up(experiment.path());
    let scores = read_scores(args.scores.iter().map(PathBuf::as_path))?;
    let (rows, counts) = experiment.assign(&scores)?;
    let learners = learners_by_arm(experiment.plan(), &rows);
    let learners = learners.into_iter().map(|(arm, learners)| ArmLearners { arm, learners }).collect();
    let assigned = Assigned { experiment: &args.experiment, counts, learners };
    console.print_summary(&assigned, || describe(&assigned))?;
    Ok(Status::Fine)
}

fn describe(assigned: &Assigned<'_>) -> String {
    let counts = &assigned.counts;
    let mut sheet = LabelledText::default();
    sheet.row(
        "Assigned",
        format!("{} of {}", pluralise(counts.assigned, "enrolment"), pluralise(counts.new_learners, "new learner")),
    );
    if counts.already_assigned > 0 {
        sheet.row("Kept", format!("{} that had an arm", pluralise(counts.already_assigned, "enrolment")));
    }
    for (place, (reason, rows)) in counts.set_aside.iter().enumerate() {
        let label = if place == 0 { "Set aside" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*rows), reason.replace('_', " ")));
    }
    let arms = assigned.learners.iter().map(|of| format!("{} {}", of.arm, group_digits(of.learners)));
    sheet.row("Learners", arms.collect::<Vec<_>>().join(", "));
    let folder = assigned.experiment;
    sheet.row("Written", folder.join(ASSIGNMENTS_CSV).display().to_string());
    sheet.row("", folder.join(ASSIGNMENTS_FILE).display().to_string());
    sheet.into_string()
}
