//! The arguments of `staycast preprocess`, and the job that they ask for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use staycast_events::formats::institutions::Institution;
use staycast_events::formats::{DatabaseUrl, OpenOptions};
use staycast_sequences::{BuildOptions, DropoutRule, FeatureSet, IfExists, RawKinds};

use super::job::PreprocessJob;
use crate::log_format::{FormatName, format};
use crate::values::{self, Size};

/// Turn logs into weekly sequences
///
/// Reads files, or one folder that holds a format's files, plain, gzip or zstd, and writes a folder with
/// sequences.parquet (a row for each enrolment and week, a column for each feature), enrolments.parquet, courses.parquet
/// and manifest.json. The folder appears whole or not at all. Every row of the log is used, or counted under a reason.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PreprocessArgs {
    /// Log files, patterns of them ('logs/*.gz'), one folder that holds a format's files, or - for standard input
    #[arg(required_unless_present_any = ["source", "institutions"], value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// A log of one of several institutions, in place of INPUT; give it once for each, or for each of its files. Ids become
    /// NAME:ID, and a static column says which institution an enrolment is of
    #[arg(long = "institution", value_name = "NAME=PATH", value_parser = values::named_path, conflicts_with_all = ["inputs", "source"])]
    institutions: Vec<(String, PathBuf)>,
    /// Read Moodle's log from its database instead: mysql://USER:PASSWORD@HOST/DATABASE, mariadb://… or postgres://…, with
    /// ?prefix=PREFIX where its tables do not begin with mdl_
    #[arg(long, value_name = "URL", conflicts_with = "inputs")]
    source: Option<DatabaseUrl>,
    /// What the files are; `auto` tells from their names and headers
    #[arg(long, value_enum, default_value_t = FormatName::Auto)]
    format: FormatName,
    /// For `--format table`: a TOML file that says which column is what
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Folder to write; it must not exist yet (see --resume and --force)
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Keep at most the first N weeks of each course
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=520))]
    weeks: Option<u32>,
    /// Cut weeks so that one ends with this date, as the seven days up to and including it, and the others in step;
    /// a course's first week may then be short. If not given, weeks count from each course's start
    #[arg(long, value_name = "DATE", value_parser = values::date)]
    week_ending: Option<i32>,
    /// What counts as dropout: inactive-last N (weeks), no-activity-after D (days), withdrawn, withdrawn-or-failed,
    /// not-completed, labels-file. If not given: what the source records, or else `inactive-last 2`
    #[arg(long, value_name = "RULE")]
    dropout: Option<DropoutRule>,
    /// Labels to use in place of the source's own: CSV of enrolment id and 1 for dropout or 0
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// When each course runs: CSV with course_id, from, to (dates, both included)
    #[arg(long, value_name = "FILE")]
    courses: Option<PathBuf>,
    /// When the log was taken, as a date (its first instant) or date and time; weeks not over by then are not
    /// observed. If not given: the end of the day of the newest event
    #[arg(long, value_name = "INSTANT", value_parser = values::instant, allow_hyphen_values = true)]
    as_of: Option<i64>,
    /// Which features to compute
    #[arg(long, value_enum, default_value_t = FeaturesName::All)]
    features: FeaturesName,
    /// Add a column n_raw_KIND for each of the source's own kinds of event
    #[arg(long)]
    raw_kinds: bool,
    /// Days from a submission until its score is known
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    score_lag_days: u32,
    /// Memory for events; more than that goes through the disk
    #[arg(long, value_name = "SIZE", default_value = "512MiB")]
    memory: Size,
    /// Exit with status 3 when a greater share of the rows than this was rejected
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = values::share)]
    max_rejected: f64,
    /// Input read between checkpoints, taken between two files, that --resume goes on from
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    checkpoint: Size,
    /// Keep the folder if it is finished and of the same input and options; go on from the last checkpoint if a build
    /// of the same was killed; build it otherwise
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
  staycast preprocess --source postgres://reader:PASSWORD@db.example/moodle --out sequences
  staycast preprocess --institution north=north/ --institution south=south/ --out sequences
  ssh host cat tracking.log.gz | staycast preprocess - --format edx --courses courses.csv --out sequences
  staycast preprocess logs/ --as-of 2024-03-11 --out today   a course that is still running";

/// The sets of features by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FeaturesName {
    /// All of them
    All,
    /// Counts, active days, objects, sessions, seconds, and days since the last activity
    Core,
}

impl PreprocessArgs {
    pub(super) fn resolve(&self) -> anyhow::Result<PreprocessJob> {
        Ok(PreprocessJob {
            inputs: self.inputs.clone(),
            institutions: self.institutions(),
            open: OpenOptions {
                format: format(self.format, self.mapping.as_deref())?,
                mapping: self.mapping.clone(),
                courses: self.courses.clone(),
                labels: self.labels.clone(),
                source: self.source.clone(),
            },
            build: BuildOptions {
                weeks: self.weeks,
                week_ending: self.week_ending,
                rule: self.dropout,
                as_of: self.as_of,
                features: match self.features {
                    FeaturesName::All => FeatureSet::All,
                    FeaturesName::Core => FeatureSet::Core,
                },
                raw_kinds: if self.raw_kinds { RawKinds::Keep } else { RawKinds::Drop },
                score_lag_days: self.score_lag_days,
                memory_bytes: self.memory.0,
                checkpoint_bytes: self.checkpoint.0,
            },
            out: self.out.clone(),
            if_exists: match (self.resume, self.force) {
                (true, _) => IfExists::Resume,
                (_, true) => IfExists::Replace,
                _ => IfExists::Refuse,
            },
            max_rejected: self.max_rejected,
        })
    }
}

impl PreprocessArgs {
    /// The institutions with all their files, in the order they are first named.
    fn institutions(&self) -> Vec<Institution> {
        let mut all: Vec<Institution> = Vec::new();
        for (name, path) in &self.institutions {
            match all.iter_mut().find(|known| known.name == *name) {
                Some(known) => known.inputs.push(path.clone()),
                None => all.push(Institution { name: name.clone(), inputs: vec![path.clone()] }),
            }
        }
        all
    }
}
