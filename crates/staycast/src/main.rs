#![doc = include_str!("../README.md")]

mod argument_errors;
mod arguments;
mod bench;
mod cli;
mod command_docs;
mod compare;
mod config_file;
mod console;
mod course_names;
mod database_args;
mod demo;
mod devices;
mod display;
mod evaluate;
mod experiment;
mod explain;
mod failure;
mod forecast_args;
mod hints;
mod input_choice;
mod inspect;
mod interruption;
mod log_args;
mod log_format;
mod log_input;
mod log_report;
mod mapping;
mod messages;
mod model_choice;
mod out_folder;
mod output_place;
mod password;
mod preprocess;
mod progress;
mod recalibrate;
mod recommend;
mod run_description;
mod run_folders;
mod runs;
mod scarcity;
mod score;
mod sequences;
mod sequences_description;
mod simulate;
mod spreadsheet;
mod status;
mod threads;
mod train;
mod transfer;
mod tune;
mod values;
mod worklist;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use staycast_text::escape;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::status::Status;

fn main() -> ExitCode {
    prepare_graphics_libraries();
    std::panic::set_hook(Box::new(|panic| console::print_to_stderr(&failure::of_panic(panic))));
    interruption::watch();
    scarcity::run(run_command_line)
}

fn run_command_line() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(problem) = arguments::misplaced_address(&arguments) {
        console::print_failure_if_asked(&Failure::of_usage(&problem), &arguments);
        console::print_line_to_stderr(&format!("error: {problem}"));
        return Status::WrongUsage.into();
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return end_with_arguments(&error, &arguments),
    };
    let ended = run(&cli);
    interruption::wait_if_interrupted();
    match ended {
        Ok(status) => status.into(),
        Err(error) => {
            let Some(failure) = Failure::of(&error) else { return Status::Fine.into() };
            cli.global.console().print_failure(&failure);
            console::print_line_to_stderr(&format!("error: {}", failure.text()));
            failure.code().into()
        }
    }
}

/// Ends where the arguments ask for help, or can't be understood.
fn end_with_arguments(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;

    let status = if error.use_stderr() { Status::WrongUsage } else { Status::Fine };
    if error.use_stderr() {
        console::print_failure_if_asked(&Failure::of_arguments(error), arguments);
    }
    // Help has nothing of the arguments in it, and may have colours.
    if !error.use_stderr() || error.kind() == DisplayHelpOnMissingArgumentOrSubcommand {
        // When even that fails there is nobody left to tell.
        let _ = error.print();
        return status.into();
    }
    // It repeats arguments, and a line break in one would begin a line of its own: so it is asked about escaped ones.
    let escaped = arguments.iter().map(|argument| escape(&argument.to_string_lossy()).into_owned());
    let message = match Cli::try_parse_from(escaped) {
        Err(error) if error.use_stderr() => argument_errors::message(&error),
        _ => argument_errors::message(error).lines().next().unwrap_or_default().to_owned(),
    };
    console::print_to_stderr(&message);
    status.into()
}

/// Tells the graphics libraries what they need to know.
///
/// Where nobody is logged in, they complain on stderr, line after line, that there is no `XDG_RUNTIME_DIR`. Any folder will
/// do, as no window is ever opened. And NVIDIA's driver keeps compiled kernels on disk, so that the next process need not wait
/// for them, but for root only where it is told to; in containers everybody is root.
fn prepare_graphics_libraries() {
    if !cfg!(unix) {
        return;
    }
    let settings = [("XDG_RUNTIME_DIR", std::env::temp_dir().into_os_string()), ("__GL_SHADER_DISK_CACHE", "1".into())];
    for (name, value) in settings {
        if std::env::var_os(name).is_none() {
            // SAFETY: nothing else runs yet that could read the environment: this is the first thing that main does.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<Status> {
    tracing_subscriber::fmt()
        .with_env_filter(cli.global.log_filter())
        .with_writer(|| console::LogWriter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    let console = cli.global.console();
    threads::start(cli.global.threads(), |text| console.warn(text))?;
    match &cli.command {
        Command::Preprocess(args) => preprocess::run(args, &console),
        Command::Train(args) => train::run(args, &console),
        Command::Evaluate(args) => evaluate::run(args, &console),
        Command::Score(args) => score::run(args, &console),
        Command::Explain(args) => explain::run(args, &console),
        Command::Worklist(args) => worklist::run(args, &console),
        Command::Recalibrate(args) => recalibrate::run(args, &console),
        Command::Recommend(args) => recommend::run(args, &console),
        Command::Inspect(args) => inspect::run(args, &console),
        Command::Mapping(args) => mapping::run(args, &console),
        Command::Compare(args) => compare::run(args, &console),
        Command::Transfer(args) => transfer::run(args, &console),
        Command::Tune(args) => tune::run(args, &console),
        Command::Runs(args) => runs::run(args, &console),
        Command::Sequences(args) => sequences::run(args, &console),
        Command::Devices(args) => devices::run(args, &console),
        Command::Bench(args) => bench::run(args, &console),
        Command::Messages(args) => messages::run(args, &console),
        Command::Experiment(args) => experiment::run(args, &console),
        Command::Simulate(args) => simulate::run(args, &console),
        Command::Demo(args) => demo::run(args, &console),
        Command::Completions(args) => command_docs::print_completions(args, Cli::command()),
        Command::Man(args) => command_docs::write_man_pages(args, Cli::command(), &console),
        Command::ReferenceOfCommands(_) => command_docs::print_command_reference(Cli::command()),
        Command::ReferenceOfFeatures(_) => command_docs::print_feature_reference(),
    }
}
