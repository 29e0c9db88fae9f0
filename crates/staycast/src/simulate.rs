//! `staycast simulate`: logs of synthetic learners, whose true probability of dropping out is known.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use staycast_simulator::{
    IfExists, Messages, ReachableAuc, SimulateError, SimulatedFormat, SimulationOptions, SimulationRecord,
    SimulatorConfig, Stage, simulate_with_messages,
};

use crate::console::Console;
use crate::display::{
    LabelledText, format_bytes, format_duration, format_percent, group_digits, pluralise, quote_for_shell,
};
use crate::output_place;
use crate::progress::{BarTemplate, progress_bar};
use crate::status::{Status, usage_from};
use crate::values::Size;

/// Simulate logs of synthetic learners
///
/// Writes a folder with a log, the labels, and each enrolment's true probability of dropping out at every week's end.
/// From these follows the best AUC that any forecast could reach, which is printed and in simulation.json.
///
/// The folder appears whole or not at all. The same settings and seed give the same bytes, for any number of threads.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimulateArgs {
    /// Folder to write; it must not exist yet (see --force)
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Format of the log
    #[arg(long, value_enum, default_value_t = FormatName::Kdd2015)]
    format: FormatName,
    /// Learners to simulate, each in one course or more; if not given, 3200
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    learners: Option<u64>,
    /// Weeks of every course; if not given, 12
    #[arg(long, value_name = "WEEKS", value_parser = clap::value_parser!(u32).range(2..=104))]
    weeks: Option<u32>,
    /// Runs of courses; if not given, 6
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    courses: Option<u32>,
    /// Make the log about this large, as in 1.5GB
    ///
    /// Learners do more or less to that end, and drop out just the same.
    #[arg(long, value_name = "SIZE")]
    size: Option<Size>,
    /// Seed of all randomness; if not given, 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Settings in TOML; a file needs only those that it changes
    ///
    /// configs/simulator.toml has all of them.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Send messages to learners: a CSV with the columns enrolment_id and week, and perhaps arm
    ///
    /// The arm holdout gets none. `staycast experiment assign` writes such a file. What each message does, or would do, is
    /// written to message_effects.csv; the section `messages` of the settings says how much. All other learners stay as they are.
    #[arg(long, value_name = "FILE")]
    messages: Option<PathBuf>,
    /// Replace the folder if it holds a simulation
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  staycast simulate --out logs
  staycast simulate --learners 50000 --weeks 12 --courses 24 --size 1.5GB --out logs
  staycast simulate --format edx --learners 500 --out tracking
  staycast simulate --format oulad --config busy-learners.toml --seed 7 --out oulad

  staycast simulate --messages week-4/assignments.csv --out after     an experiment with a known truth

Then, for logs in edX's format, which have neither dates nor labels:
  staycast preprocess tracking --courses tracking/courses.csv --labels tracking/labels.csv \\
      --out sequences";

/// Names a format in which logs can be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// KDD Cup 2015 (XuetangX): log.csv, enrollment.csv, date.csv, object.csv, truth.csv
    Kdd2015,
    /// Open edX tracking logs, a file a week; courses.csv and labels.csv
    Edx,
    /// Open University Learning Analytics Dataset: its seven tables; labels.csv
    Oulad,
}

impl From<FormatName> for SimulatedFormat {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Kdd2015 => Self::Kdd2015,
            FormatName::Edx => Self::Edx,
            FormatName::Oulad => Self::Oulad,
        }
    }
}

/// Holds the settings of a simulation, and how to write it.
#[derive(Debug)]
struct SimulateJob {
    config: SimulatorConfig,
    request: SimulationOptions,
}

impl SimulateArgs {
    fn resolve(&self) -> anyhow::Result<SimulateJob> {
        let mut config = match &self.config {
            Some(path) => SimulatorConfig::from_file(path).map_err(usage_from)?,
            None => SimulatorConfig::default(),
        };
        config.learners = self.learners.unwrap_or(config.learners);
        config.weeks = self.weeks.unwrap_or(config.weeks);
        config.courses = self.courses.unwrap_or(config.courses);
        config.seed = self.seed.unwrap_or(config.seed);
        Ok(SimulateJob {
            config,
            request: SimulationOptions {
                format: self.format.into(),
                log_bytes: self.size.map(|size| size.0),
                if_exists: if self.force { IfExists::Replace } else { IfExists::Refuse },
            },
        })
    }
}

/// Holds the result of a simulation, as `--json` prints it.
#[derive(Debug, Serialize)]
struct SimulateOutcome {
    #[serde(serialize_with = "crate::display::path_text")]
    out: PathBuf,
    seconds: f64,
    /// Of all tables.
    bytes: u64,
    /// As in simulation.json.
    simulation: SimulationRecord,
}

/// Runs the subcommand.
pub(crate) fn run(args: &SimulateArgs, console: &Console) -> anyhow::Result<Status> {
    let begun = Instant::now();
    let inputs = [args.config.as_deref(), args.messages.as_deref()];
    output_place::prepare_whole_folder(&args.out, inputs.into_iter().flatten())?;
    let SimulateJob { config, request } = args.resolve()?;
    let messages = args.messages.as_deref().map(Messages::read).transpose().map_err(usage_from)?.unwrap_or_default();
    let bar = progress_bar(console, "simulating", Some(config.learners), BarTemplate::Steps);
    let writing = Cell::new(false);
    let simulated = simulate_with_messages(&config, &request, messages, &args.out, &|progress| match progress.stage {
        Stage::Sizing => bar.set_message("finding the size"),
        Stage::Simulating => {
            bar.set_message("");
            bar.set_position(progress.learners);
        }
        Stage::Writing => {
            if !writing.replace(true) {
                bar.set_prefix("writing");
                bar.set_message("events in order of time");
                bar.unset_length();
            }
            bar.set_position(progress.events);
        }
    });
    bar.finish_and_clear();
    let simulated = simulated.map_err(|error| match error {
        SimulateError::Config(_) | SimulateError::SizeOutOfReach { .. } | SimulateError::UnknownEnrolments { .. } => {
            usage_from(error)
        }
        SimulateError::NotEmpty { path } => {
            anyhow::anyhow!("{}: exists already; choose another --out, or replace it with --force", path.display())
        }
        other => other.into(),
    })?;
    let format = request.format;
    let shown = SimulateOutcome {
        out: args.out.clone(),
        seconds: begun.elapsed().as_secs_f64(),
        bytes: simulated.bytes,
        simulation: simulated.record,
    };
    console.print_summary(&shown, || describe_outcome(&shown, format))?;
    Ok(Status::Fine)
}

fn describe_outcome(shown: &SimulateOutcome, format: SimulatedFormat) -> String {
    let SimulationRecord { log, people, .. } = &shown.simulation;
    let record = &shown.simulation;
    let mut sheet = LabelledText::default();
    sheet.row(
        "Simulated",
        format!(
            "{} in {} of {}, of {}; {} drop out",
            pluralise(record.learners, "learner"),
            pluralise(record.enrolments, "enrolment"),
            pluralise(record.courses.into(), "course"),
            pluralise(record.weeks.into(), "week"),
            format_percent(record.dropout_rate),
        ),
    );
    let asked = log.asked_bytes.map_or_else(String::new, |asked| format!(" ({} asked for)", format_bytes(asked)));
    sheet.row("Log", format!("{}, {}{asked}, {}", record.format, format_bytes(log.bytes), pluralise(log.rows, "row")));
    sheet.row(
        "",
        format!(
            "{} broken in addition; {} doubled",
            pluralise(log.broken.values().sum(), "row"),
            pluralise(log.duplicates, "event")
        ),
    );
    sheet.row(
        "Of these",
        format!(
            "{} joined late, {} came back, {} unregistered, {} shared an account, {} had a wrong clock",
            group_digits(people.late_joiners),
            group_digits(people.returners),
            group_digits(people.unregistered),
            group_digits(people.shared_accounts),
            group_digits(people.skewed_clocks),
        ),
    );
    if let Some(messages) = &record.messages {
        let points = |share: f64| format!("{:+.1} points", 100.0 * share);
        sheet.row(
            "Messages",
            format!(
                "{} to {}; on average one changes activity in the week after by {} and dropout by {}",
                group_digits(messages.sent),
                pluralise(messages.enrolments, "enrolment"),
                points(messages.mean_effect_on_activity),
                points(messages.mean_effect_on_dropout)
            ),
        );
    }
    sheet.rows("Best AUC", best(&record.reachable));
    let time = Duration::from_secs_f64(shown.seconds);
    let rate = format_bytes((shown.bytes as f64 / shown.seconds.max(1e-3)) as u64);
    sheet.row(
        "Written",
        format!(
            "{}, {} in {}, {rate}/s",
            quote_for_shell(&shown.out.display().to_string()),
            format_bytes(shown.bytes),
            format_duration(time)
        ),
    );
    sheet.gap();
    sheet.verbatim(format!("Next: {}", preprocess_command(&shown.out, format)));
    sheet.into_string()
}

/// Returns the command that turns the logs into sequences.
fn preprocess_command(logs: &Path, format: SimulatedFormat) -> String {
    let typed = |path: &Path| quote_for_shell(&path.display().to_string());
    let tables = match format {
        // Tracking logs have neither dates nor labels.
        SimulatedFormat::Edx => {
            let (courses, labels) = (logs.join("courses.csv"), logs.join("labels.csv"));
            format!(" --courses {} --labels {}", typed(&courses), typed(&labels))
        }
        SimulatedFormat::Kdd2015 | SimulatedFormat::Oulad => String::new(),
    };
    format!("staycast preprocess {}{tables} --out sequences", typed(logs))
}

/// Lists the best reachable AUC by week, and the simplest forecast's beside it.
fn best(reachable: &[ReachableAuc]) -> Vec<String> {
    let decimal = |auc: Option<f64>| auc.map_or_else(|| "–".to_owned(), |auc| format!("{auc:.3}"));
    let mut lines = vec![
        "of any forecast, by the end of week (in brackets: of inactivity, the days since the last event alone)"
            .to_owned(),
    ];
    for row in reachable.chunks(4) {
        let cells: Vec<String> = row
            .iter()
            .map(|one| format!("{}: {} ({})", one.week, decimal(one.best_auc), decimal(one.recency_auc)))
            .collect();
        lines.push(cells.join(", "));
    }
    lines
}
