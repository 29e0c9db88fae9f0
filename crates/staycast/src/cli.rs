//! The command line. Parsing does no work: each subcommand resolves its arguments to a job of a type of its own.

use std::num::NonZeroUsize;

use clap::{ArgAction, Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::console::{Console, OutputForm, Verbosity};
use crate::{
    bench, command_docs, compare, demo, devices, evaluate, experiment, explain, inspect, mapping, messages, preprocess,
    recalibrate, recommend, runs, score, sequences, simulate, train, transfer, tune, worklist,
};

/// Forecast who stays in an online course and who is about to leave
///
/// Staycast turns clickstream logs into weekly sequences and trains an LSTM on them. It measures how good the forecast is
/// at the end of week 4, and scores learners by their risk of dropping out.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Stages:
  logs -> preprocess -> sequences -> train -> run -> evaluate, score

Examples:
  staycast demo                                  see it all on simulated logs, in seconds
  staycast preprocess my-logs/ --out sequences   weekly sequences from logs
  staycast train sequences --out run             LSTMs, calibrated, some courses kept for the test
  staycast evaluate run sequences                how good is the forecast at the end of week 4?
  staycast score run sequences --out scores.csv  everybody's risk, ranked
  staycast compare sequences --out models        is the LSTM worth it? It beside every baseline

Exit status: 0 done; 1 failed; 2 wrong usage; 3 done, but more input was rejected than
--max-rejected allows. Ended by Ctrl-C, SIGTERM or SIGHUP, it removes what is unfinished
first, and a shell shows 130, 143 or 129; a second signal ends it at once.";

/// Holds the flags of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalArgs {
    /// Print nothing but errors and the results asked for
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print every detail, and log what happens to stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Print exactly one JSON object on stdout, and nothing else there; after a failure it says what failed
    #[arg(long, global = true)]
    json: bool,
    /// Threads to compute on; if not given, as many as there are cores. At most 4 for each core, or 64. Results don't
    /// depend on it
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl GlobalArgs {
    /// Returns the console that the flags ask for.
    pub(crate) fn console(&self) -> Console {
        Console {
            form: if self.json { OutputForm::Json } else { OutputForm::Text },
            verbosity: match (self.quiet, self.verbose) {
                (true, _) => Verbosity::Quiet,
                (false, 0) => Verbosity::Normal,
                (false, _) => Verbosity::Detailed,
            },
            output_on_stdout: false,
        }
    }

    /// Returns what is logged. The database client logs nothing but problems with a password file: it knows the password.
    pub(crate) fn log_filter(&self) -> EnvFilter {
        let level = match (self.quiet, self.verbose) {
            (true, _) => LevelFilter::ERROR,
            (false, 0) => LevelFilter::WARN,
            (false, 1) => LevelFilter::INFO,
            (false, _) => LevelFilter::DEBUG,
        };
        let of_client = ["sqlx=off", "sqlx_postgres::options::pgpass=warn"];
        of_client.iter().fold(EnvFilter::default().add_directive(level.into()), |filter, directive| {
            filter.add_directive(directive.parse().expect("the directives are fixed and tested"))
        })
    }

    /// Returns the number of threads, where it is given.
    pub(crate) const fn threads(&self) -> Option<NonZeroUsize> {
        self.threads
    }
}

/// Names the subcommands, in the order of the work.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Preprocess(preprocess::PreprocessArgs),
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
    Score(score::ScoreArgs),
    Explain(explain::ExplainArgs),
    Worklist(worklist::WorklistArgs),
    Messages(messages::MessagesArgs),
    Experiment(experiment::ExperimentArgs),
    Recalibrate(recalibrate::RecalibrateArgs),
    Recommend(recommend::RecommendArgs),
    Inspect(inspect::InspectArgs),
    Mapping(mapping::MappingArgs),
    Compare(compare::CompareArgs),
    Transfer(transfer::TransferArgs),
    Tune(tune::TuneArgs),
    Runs(runs::RunsArgs),
    Sequences(sequences::SequencesArgs),
    Devices(devices::DevicesArgs),
    Bench(bench::BenchArgs),
    Simulate(simulate::SimulateArgs),
    Demo(demo::DemoArgs),
    Completions(command_docs::CompletionsArgs),
    #[command(hide = true)]
    Man(command_docs::ManArgs),
    #[command(hide = true, name = "command-reference")]
    ReferenceOfCommands(command_docs::CommandReferenceArgs),
    #[command(hide = true, name = "feature-reference")]
    ReferenceOfFeatures(command_docs::FeatureReferenceArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_database_client_logs_problems_with_a_password_file_alone() {
        let cli = Cli::parse_from(["staycast", "-vv", "devices"]);
        let filter = cli.global.log_filter().to_string();
        assert_eq!(filter, "sqlx_postgres::options::pgpass=warn,sqlx=off,debug");
    }
}
