//! `staycast preprocess`: logs in, weekly sequences out.

mod args;
mod job;
mod summary;

pub(crate) use args::PreprocessArgs;
pub(crate) use job::{PreprocessJob, PreprocessOutcome, execute};

use crate::console::Console;
use crate::status::Status;

/// Runs the subcommand.
pub(crate) fn run(args: &PreprocessArgs, console: &Console) -> anyhow::Result<Status> {
    let job = args.resolve()?;
    let built = execute(&job, console)?;
    console.print_summary(&built, || summary::describe_outcome(&job, &built, console.verbosity.into()))?;
    if built.status() == Status::TooManyRejected {
        console.warn(&summary::too_many_rejected(&built));
    }
    Ok(built.status())
}
