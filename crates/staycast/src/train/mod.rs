//! `staycast train`: sequences in, a run out.

mod args;
mod job;
mod summary;
mod track;
mod watch;

pub(crate) use args::TrainArgs;
pub(crate) use job::{StartMode, TrainJob, TrainOutcome, execute, note_adaptations, train_or_keep};

use std::path::Path;

use staycast_forecast::{RunState, run_state};

use crate::console::Console;
use crate::interruption;
use crate::status::Status;

/// Runs the subcommand.
pub(crate) fn run(args: &TrainArgs, console: &Console) -> anyhow::Result<Status> {
    args.prepare_place()?;
    advise_to_resume(args.out());
    let job = args.resolve(console)?;
    let (trained, run) = execute(&job, console)?;
    console.print_summary(&trained, || summary::describe_outcome(&job, &trained, &run))?;
    Ok(Status::Fine)
}

/// Says after an interruption how to go on, where the run was begun.
fn advise_to_resume(out: &Path) {
    let out = out.to_owned();
    interruption::advise(move || match run_state(&out) {
        Ok(RunState::Interrupted(_)) => Some("go on with --resume".to_owned()),
        _ => None,
    });
}
