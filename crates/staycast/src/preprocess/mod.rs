//! `staycast preprocess`: logs in, weekly sequences out.

mod args;
mod job;
mod summary;

pub(crate) use args::PreprocessArgs;
pub(crate) use job::{PreprocessJob, PreprocessOutcome, execute};

use crate::console::Console;
use crate::log_report::{LogReport, describe};
use crate::status::Status;

/// Runs the subcommand.
pub(crate) fn run(args: &PreprocessArgs, console: &Console) -> anyhow::Result<Status> {
    let job = args.resolve(console)?;
    if args.is_dry_run() {
        return dry_run(&job, console);
    }
    job.prepare_place()?;
    let built = execute(&job, console)?;
    console.print_summary(&built, || summary::describe_outcome(&job, &built, console.verbosity.into()))?;
    if built.status() == Status::TooManyRejected {
        console.warn(&summary::too_many_rejected(&built));
    }
    Ok(built.status())
}

/// Reads the log and says what would become of it.
fn dry_run(job: &PreprocessJob, console: &Console) -> anyhow::Result<Status> {
    let (source, _standard_input) = job.log.open(&job.out)?;
    let report = LogReport::read(&source, console)?;
    let next = "Nothing is written. Next: the same command with --out DIR in place of --dry-run";
    console.print_result(&report, || describe(&report, next, console.verbosity.into()))?;
    Ok(if report.rejected_share() > job.max_rejected { Status::TooManyRejected } else { Status::Fine })
}
