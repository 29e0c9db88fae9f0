//! The arguments of `staycast preprocess`, and the job that they ask for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use staycast_events::EnrolledAgain;
use staycast_events::formats::OpenOptions;
use staycast_sequences::{BuildMode, BuildOptions, DropoutRule, FeatureSet, RawKinds};

use super::job::PreprocessJob;
use crate::console::Console;
use crate::log_args::LogArgs;
use crate::log_input::LogInput;
use crate::values::{self, Size};

/// Turn logs into weekly sequences
///
/// Reads log files, or a folder of them, plain or packed by gzip or zstd. Writes a folder with a table of weekly
/// features (sequences.parquet), tables of enrolments and courses, and a manifest.
///
/// The folder appears whole or not at all. Every row of the log is used, or counted with the reason why not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PreprocessArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Folder to write; it must not exist yet (see --resume and --force)
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Read everything and say what would become of it, but write nothing
    ///
    /// Lists every file with what its rows hold, and every reason for which rows would be rejected or set aside.
    #[arg(long, conflicts_with_all = ["resume", "force"])]
    dry_run: bool,
    /// Keep at most the first N weeks of each course
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=520))]
    weeks: Option<u32>,
    /// Cut weeks so that one ends with this date
    ///
    /// That week holds the seven days up to and including the date, and the others keep step with it. A course's first
    /// week may then be short. If not given, weeks count from each course's start.
    #[arg(long, value_name = "DATE", value_parser = values::date)]
    week_ending: Option<i32>,
    /// Count as dropout what this rule says
    ///
    /// Rules: inactive-last N (no event in the last N weeks), no-activity-after D (none in the D days after the
    /// course), withdrawn, withdrawn-or-failed, not-completed, labels-file. If not given: the outcome that the source
    /// records, or else `inactive-last 2`.
    #[arg(long, value_name = "RULE")]
    dropout: Option<DropoutRule>,
    /// Use the labels in this file in place of the source's own
    ///
    /// A CSV file with two columns: the enrolment id, and 1 for dropout or 0.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Which enrolment counts when a learner enrolled in a course again, on another date
    ///
    /// Needs a table of enrolments with dates. `each` makes an enrolment of each; an event is then of the one that began
    /// last before it.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = EnrolmentName::First)]
    enrolment: EnrolmentName,
    /// Ignore everything from this instant on, as if the log had been taken then
    ///
    /// A date stands for its first instant. Weeks that are not over by then are not observed. If not given: the end of
    /// the day of the newest event.
    #[arg(long, value_name = "INSTANT", value_parser = values::instant, allow_hyphen_values = true)]
    as_of: Option<i64>,
    /// Features to compute
    #[arg(long, value_enum, default_value_t = FeaturesName::All)]
    features: FeaturesName,
    /// Add a column n_raw_KIND for each of the source's own kinds of event
    #[arg(long)]
    raw_kinds: bool,
    /// Days from a submission until its score is known
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    score_lag_days: u32,
    /// Memory for events; what is more goes through the disk
    #[arg(long, value_name = "SIZE", default_value = "512MiB")]
    memory: Size,
    /// Exit with status 3 when more than this share of the rows of the log, or of another table, is rejected
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = values::share)]
    max_rejected: f64,
    /// Take a checkpoint for --resume after reading this much, between two files
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    checkpoint: Size,
    /// Keep the folder if it is finished, or go on with a build that was killed
    ///
    /// A finished folder is kept if it is of the same input and options. A killed build of the same goes on from its
    /// last checkpoint. Otherwise a new build begins.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace the folder if it exists
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  staycast preprocess kdd2015/ --out sequences
  staycast preprocess log_train.csv.gz enrollment_train.csv date.csv truth_train.csv --out sequences
  staycast preprocess oulad/ --dropout withdrawn --raw-kinds --out sequences
  staycast preprocess clicks/ --mapping clicks.toml --dropout 'inactive-last 3' --out sequences
  staycast preprocess --source postgres://reader@db.example/moodle --password-prompt --out sequences
  staycast preprocess --institution north=north/ --institution south=south/ --out sequences
  ssh host cat tracking.log.gz | staycast preprocess - --format edx --courses courses.csv --out sequences
  staycast preprocess logs/ --dry-run                        what would become of these files?
  staycast preprocess logs/ --as-of 2024-03-11 --out today   a course that is still running";

/// Names the enrolment that counts when a learner enrolled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EnrolmentName {
    /// The first
    First,
    /// The last, which nobody knew of before it happened
    Last,
    /// Each, as an enrolment of its own
    Each,
}

/// Names a set of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FeaturesName {
    /// All of them
    All,
    /// Counts, active days, objects, sessions, seconds, and days since the last activity
    Core,
}

impl PreprocessArgs {
    /// Tells whether nothing is to be written.
    pub(super) const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    pub(super) fn resolve(&self, console: &Console) -> anyhow::Result<PreprocessJob> {
        Ok(PreprocessJob {
            log: LogInput {
                open: OpenOptions {
                    enrolled_again: match self.enrolment {
                        EnrolmentName::First => EnrolledAgain::First,
                        EnrolmentName::Last => EnrolledAgain::Last,
                        EnrolmentName::Each => EnrolledAgain::Each,
                    },
                    as_of: self.as_of,
                    labels: self.labels.clone(),
                    ..self.log.open_options(console)?
                },
                ..self.log.input()
            },
            build: BuildOptions {
                weeks: self.weeks,
                week_ending: self.week_ending,
                rule: self.dropout,
                features: match self.features {
                    FeaturesName::All => FeatureSet::All,
                    FeaturesName::Core => FeatureSet::Core,
                },
                raw_kinds: if self.raw_kinds { RawKinds::Keep } else { RawKinds::Drop },
                score_lag_days: self.score_lag_days,
                memory_bytes: self.memory.0,
                checkpoint_bytes: self.checkpoint.0,
            },
            out: self.out.clone().unwrap_or_else(|| std::env::temp_dir().join("staycast-dry-run")),
            if_exists: match (self.resume, self.force) {
                (true, _) => BuildMode::Resume,
                (_, true) => BuildMode::Replace,
                _ => BuildMode::Refuse,
            },
            max_rejected: self.max_rejected,
        })
    }
}
