#![doc = include_str!("../README.md")]

mod bench;
mod cli;
mod command_docs;
mod compare;
mod console;
mod course_names;
mod demo;
mod devices;
mod display;
mod evaluate;
mod failure;
mod forecast_args;
mod hints;
mod inspect;
mod interruption;
mod log_format;
mod log_report;
mod mapping;
mod out_folder;
mod output_place;
mod preprocess;
mod progress;
mod recalibrate;
mod run_description;
mod run_folders;
mod runs;
mod score;
mod sequences;
mod sequences_description;
mod simulate;
mod spreadsheet;
mod status;
mod train;
mod tune;
mod values;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::status::Status;

fn main() -> ExitCode {
    quiet_graphics_libraries();
    interruption::watch();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return end_with_arguments(&error),
    };
    let ended = run(&cli);
    interruption::wait_if_interrupted();
    match ended {
        Ok(status) => status.into(),
        Err(error) => {
            let Some(failure) = Failure::of(&error) else { return Status::Fine.into() };
            cli.global.console().print_failure(&failure);
            console::print_to_stderr(&format!("error: {}", failure.text()));
            failure.code().into()
        }
    }
}

/// Ends where the arguments ask for help, or can't be understood.
fn end_with_arguments(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        console::print_json_failure(&Failure::of_arguments(error));
    }
    // When even that fails there is nobody left to tell.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Names a folder for the graphics libraries.
///
/// Where nobody is logged in, they complain on stderr, line after line, that there is no `XDG_RUNTIME_DIR`. Any folder will
/// do, as no window is ever opened.
fn quiet_graphics_libraries() {
    const NAME: &str = "XDG_RUNTIME_DIR";
    if cfg!(unix) && std::env::var_os(NAME).is_none() {
        // SAFETY: nothing else runs yet that could read the environment: this is the first thing that main does.
        unsafe { std::env::set_var(NAME, std::env::temp_dir()) };
    }
}

fn run(cli: &Cli) -> anyhow::Result<Status> {
    tracing_subscriber::fmt()
        .with_max_level(cli.global.log_level())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    if let Some(threads) = cli.global.threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.with_context(|| format!("cannot start {}", display::pluralise(threads as u64, "thread")))?;
    }
    let console = cli.global.console();
    match &cli.command {
        Command::Preprocess(args) => preprocess::run(args, &console),
        Command::Train(args) => train::run(args, &console),
        Command::Evaluate(args) => evaluate::run(args, &console),
        Command::Score(args) => score::run(args, &console),
        Command::Recalibrate(args) => recalibrate::run(args, &console),
        Command::Inspect(args) => inspect::run(args, &console),
        Command::Mapping(args) => mapping::run(args, &console),
        Command::Compare(args) => compare::run(args, &console),
        Command::Tune(args) => tune::run(args, &console),
        Command::Runs(args) => runs::run(args, &console),
        Command::Sequences(args) => sequences::run(args, &console),
        Command::Devices(args) => devices::run(args, &console),
        Command::Bench(args) => bench::run(args, &console),
        Command::Simulate(args) => simulate::run(args, &console),
        Command::Demo(args) => demo::run(args, &console),
        Command::Completions(args) => command_docs::print_completions(args, Cli::command()),
        Command::Man(args) => command_docs::write_man_pages(args, Cli::command(), &console),
        Command::ReferenceOfCommands(_) => command_docs::print_command_reference(Cli::command()),
        Command::ReferenceOfFeatures(_) => command_docs::print_feature_reference(),
    }
}
