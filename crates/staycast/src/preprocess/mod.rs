//! `staycast preprocess`: logs in, weekly sequences out.

mod summary;

pub(crate) use summary::{contents as describe_contents, input as describe_input, reason_in_words};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;
use staycast_events::Source;
use staycast_events::formats::institutions::{self, Institution};
use staycast_events::formats::{self, DatabaseUrl, Format, OpenOptions};
use staycast_sequences::manifest::Manifest;
use staycast_sequences::{BuildOptions, DropoutRule, FeatureSet, IfExists, RawKinds, build, peak_memory_bytes};
use tempfile::TempDir;

use crate::console::{Console, Stages};
use crate::status::{Status, usage};
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

/// The formats by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// Told from names and headers
    Auto,
    /// KDD Cup 2015 (XuetangX): log*.csv, enrollment*.csv, date.csv; object.csv and truth*.csv if there
    Kdd2015,
    /// Open University Learning Analytics Dataset: its seven tables
    Oulad,
    /// Tracking logs of Open edX: JSON lines; dates of courses from --courses, or inferred
    Edx,
    /// xAPI statements, as JSON lines or arrays
    Xapi,
    /// Caliper 1.2 events, as JSON lines, arrays or envelopes
    Caliper,
    /// XuetangX 2019 (MOOCData): *_log.csv; *_truth.csv and course_info.csv if there
    Xuetangx2019,
    /// Moodle's standard log as CSV; tables of courses, enrolments and roles if there (or see --source)
    Moodle,
    /// Coursera's clickstream export: CSV of 16 columns without a header
    Coursera,
    /// FutureLearn's exports: RUN_enrolments.csv, RUN_step-activity.csv and more, of any number of runs
    Futurelearn,
    /// Any CSV, JSON lines or Parquet files, described by --mapping
    Table,
}

/// The sets of features by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FeaturesName {
    /// All of them
    All,
    /// Counts, active days, objects, sessions, seconds, and days since the last activity
    Core,
}

/// What to build, from what.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) institutions: Vec<Institution>,
    pub(crate) open: OpenOptions,
    pub(crate) build: BuildOptions,
    pub(crate) out: PathBuf,
    pub(crate) if_exists: IfExists,
    pub(crate) max_rejected: f64,
}

impl PreprocessArgs {
    fn resolve(&self) -> anyhow::Result<Plan> {
        Ok(Plan {
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

impl Plan {
    /// Opens the log. Standard input is written beside the output first, as some formats are read twice; the folder that
    /// holds it is to be kept until the log is read.
    fn open(&self) -> anyhow::Result<(Source, Option<TempDir>)> {
        if !self.institutions.is_empty() {
            return Ok((institutions::open(&self.institutions, &self.open)?, None));
        }
        let mut inputs = self.inputs.clone();
        let mut kept = None;
        if let Some(place) = inputs.iter().position(|input| input == Path::new("-")) {
            if inputs.iter().filter(|input| *input == Path::new("-")).count() > 1 {
                return Err(usage("standard input can be read once: give - once"));
            }
            let parent = self.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let written = (|| {
                fs::create_dir_all(parent)?;
                let folder = tempfile::Builder::new().prefix(".standard-input-").tempdir_in(parent)?;
                let path = folder.path().join("standard-input");
                io::copy(&mut io::stdin().lock(), &mut fs::File::create_new(&path)?)?;
                Ok::<_, io::Error>((folder, path))
            })();
            let (folder, path) = written
                .with_context(|| format!("standard input can't be kept in {} until it is read", parent.display()))?;
            inputs[place] = path;
            kept = Some(folder);
        }
        Ok((formats::open(&inputs, &self.open)?, kept))
    }
}

/// The format that a name and a mapping ask for; `None` to tell it from the files.
pub(crate) fn format(name: FormatName, mapping: Option<&Path>) -> anyhow::Result<Option<Format>> {
    let format = match name {
        FormatName::Auto => None,
        FormatName::Kdd2015 => Some(Format::Kdd2015),
        FormatName::Oulad => Some(Format::Oulad),
        FormatName::Edx => Some(Format::Edx),
        FormatName::Xapi => Some(Format::Xapi),
        FormatName::Caliper => Some(Format::Caliper),
        FormatName::Xuetangx2019 => Some(Format::Xuetangx2019),
        FormatName::Moodle => Some(Format::Moodle),
        FormatName::Coursera => Some(Format::Coursera),
        FormatName::Futurelearn => Some(Format::Futurelearn),
        FormatName::Table => Some(Format::Table),
    };
    match (format, mapping) {
        (Some(Format::Table), None) => {
            Err(usage("--format table needs --mapping FILE, which says which column is what"))
        }
        // Without a format, a mapping is of tables; opening takes it for that.
        (None | Some(Format::Table), _) | (Some(_), None) => Ok(format),
        (Some(_), Some(_)) => Err(usage("--mapping describes tables of no known format: it goes with --format table")),
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Built {
    /// The folder written.
    pub(crate) out: PathBuf,
    /// Whether it was there already, finished, and has been kept.
    pub(crate) kept: bool,
    pub(crate) seconds: f64,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) max_rejected: f64,
    /// The exit status.
    pub(crate) status: u8,
    pub(crate) manifest: Manifest,
}

impl Built {
    pub(crate) fn status(&self) -> Status {
        let rejected = self.manifest.rows.rejected_share;
        if rejected > self.max_rejected { Status::TooManyRejected } else { Status::Fine }
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &PreprocessArgs, console: &Console) -> anyhow::Result<Status> {
    let plan = args.resolve()?;
    let built = execute(&plan, console)?;
    console.summarise(&built, || summary::words(&plan, &built))?;
    if built.status() == Status::TooManyRejected {
        console.warn(&summary::too_many_rejected(&built));
    }
    Ok(built.status())
}

/// Builds the sequences.
pub(crate) fn execute(plan: &Plan, console: &Console) -> anyhow::Result<Built> {
    let begun = Instant::now();
    let was_there = plan.out.join("manifest.json").is_file();
    let (source, _standard_input) = plan.open()?;
    tracing::info!(
        format = source.format,
        courses = source.roster.courses.len(),
        enrolments = source.roster.enrolments.len(),
        event_files = source.events.len(),
        threads = rayon::current_num_threads(),
        "log opened"
    );
    let manifest = build(&source, &plan.build, &plan.out, plan.if_exists, &Stages::new(console))
        .context("no sequences were written")?;
    let mut built = Built {
        out: plan.out.clone(),
        kept: was_there && plan.if_exists == IfExists::Resume,
        seconds: begun.elapsed().as_secs_f64(),
        peak_memory_bytes: peak_memory_bytes(),
        max_rejected: plan.max_rejected,
        status: 0,
        manifest,
    };
    built.status = built.status().code();
    Ok(built)
}
