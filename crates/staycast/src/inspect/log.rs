//! `staycast inspect` on a log.

use super::args::InspectArgs;
use crate::console::Console;
use crate::display::quote_for_shell;
use crate::log_report::{LogReport, describe};

pub(super) fn run(args: &InspectArgs, console: &Console) -> anyhow::Result<()> {
    let source = staycast_events::formats::open(&args.paths, &args.open_options(console)?)?;
    let report = LogReport::read(&source, console)?;
    let next = next(source.format, args, &report);
    console.print_result(&report, || describe(&report, &next, console.verbosity.into()))
}

fn next(format: &str, args: &InspectArgs, report: &LogReport) -> String {
    // An address may have a password in it, which is not for the screen.
    let input = if args.database.is_given() { "--source URL".to_owned() } else { report.inputs_for_shell(&args.paths) };
    let mut command = format!("Next: staycast preprocess {input} --out sequences");
    if let Some(mapping) = &args.mapping {
        command += &format!(" --format {format} --mapping {}", quote_for_shell(&mapping.display().to_string()));
    }
    command
}
