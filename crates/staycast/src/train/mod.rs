//! `staycast train`: sequences in, a run out.

mod args;
mod job;
mod summary;
mod track;
mod watch;

pub(crate) use args::TrainArgs;
pub(crate) use job::{StartMode, TrainJob, TrainOutcome, execute, train_or_keep};

use crate::console::Console;
use crate::status::Status;

/// Runs the subcommand.
pub(crate) fn run(args: &TrainArgs, console: &Console) -> anyhow::Result<Status> {
    let job = args.resolve()?;
    let (trained, run) = execute(&job, console)?;
    console.print_summary(&trained, || summary::describe_outcome(&job, &trained, &run))?;
    Ok(Status::Fine)
}
