//! `staycast experiment`: randomised experiments, from the plan to what they show.

mod assign;
mod new;
mod record;
mod report;
mod report_folder;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::console::Console;
use crate::status::Status;
use crate::values;

/// Find out by experiment whether what is done for learners works
///
/// Chance decides who gets a message and who does not yet. Afterwards both groups are compared, which tells cause from
/// coincidence. docs/randomised-experiments.md explains each step.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast experiment new --name \"Week 4 message\" --arms message --population scores.csv \\
      --out week-4
  staycast experiment assign week-4 scores.csv     who gets what: week-4/assignments.csv
  staycast experiment record week-4 sent.csv       who was reached
  staycast experiment report week-4 sequences-of-week-5 --out report")]
pub(crate) struct ExperimentArgs {
    #[command(subcommand)]
    command: ExperimentCommand,
}

#[derive(Debug, Subcommand)]
enum ExperimentCommand {
    New(new::NewArgs),
    Assign(assign::AssignArgs),
    /// Record what was delivered to whom, each delivery once
    ///
    /// Reads a CSV with the columns enrolment_id, when and what, and perhaps course_id. A row that was recorded before
    /// changes nothing. Rows of enrolments outside the experiment are counted and set aside.
    #[command(after_help = "\
Examples:
  staycast experiment record week-4 sent.csv")]
    Record {
        /// Folder that `staycast experiment new` wrote
        #[arg(value_name = "EXPERIMENT")]
        experiment: PathBuf,
        /// CSV file of deliveries
        #[arg(value_name = "DELIVERIES")]
        deliveries: PathBuf,
        /// Share of rows that may be rejected; more, and the exit status is 3
        #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = values::share)]
        max_rejected: f64,
    },
    Report(report::ReportArgs),
}

/// Runs the subcommand.
pub(crate) fn run(args: &ExperimentArgs, console: &Console) -> anyhow::Result<Status> {
    match &args.command {
        ExperimentCommand::New(args) => new::run(args, console),
        ExperimentCommand::Assign(args) => assign::run(args, console),
        ExperimentCommand::Record { experiment, deliveries, max_rejected } => {
            record::run(experiment, deliveries, *max_rejected, console)
        }
        ExperimentCommand::Report(args) => report::run(args, console),
    }
}
