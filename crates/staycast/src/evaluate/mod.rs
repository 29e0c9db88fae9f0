//! `staycast evaluate`: how good a run's forecast is.

mod args;
mod job;
mod leakage_text;
mod page;
mod report_folder;
mod report_text;

pub(crate) use args::EvaluateArgs;
pub(crate) use job::{BOOTSTRAP_SEED, CheckLeakage, EvaluateJob, execute};

use crate::console::Console;
use crate::status::Status;

/// Runs the subcommand.
pub(crate) fn run(args: &EvaluateArgs, console: &Console) -> anyhow::Result<Status> {
    let evaluated = execute(&args.resolve(), console)?;
    console.print_result(&evaluated.outcome, || evaluated.text.clone())?;
    Ok(Status::Fine)
}
