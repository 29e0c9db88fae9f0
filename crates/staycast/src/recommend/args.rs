//! The arguments of `staycast recommend`, and the job that they ask for.

use std::path::PathBuf;

use clap::Args;
use staycast_advice::recommend::At;
use staycast_events::ObjectNaming;
use staycast_events::formats::OpenOptions;
use staycast_sequences::CutOff;

use crate::console::Console;
use crate::log_args::LogArgs;
use crate::log_input::LogInput;
use crate::status::usage;
use crate::values;

/// Recommend what each learner could use next
///
/// Reads a log and writes an ordered list of items for each learner who is in a course. What is due comes first. The method
/// for the others is chosen on earlier weeks of the same log. Each item comes with the reason why it is on the list.
///
/// Items that the learner has used, or that are not released yet, are never on it. Only what happened before the instant
/// counts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RecommendArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Recommend as of this instant, as if the log had been taken then
    ///
    /// A date stands for its first instant. If not given: the end of the day of the newest event.
    #[arg(long, value_name = "INSTANT", value_parser = values::instant, allow_hyphen_values = true)]
    as_of: Option<i64>,
    /// Recommend at the end of this week of each course
    #[arg(long, value_name = "WEEK", value_parser = values::cut_off, conflicts_with_all = ["as_of", "evaluate"])]
    week: Option<CutOff>,
    /// Items on each list
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    top: u16,
    /// Recommend to these enrolments alone, by their ids, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "evaluate")]
    enrolment: Option<Vec<String>>,
    /// Say how good the lists would have been after these weeks, in place of making them
    ///
    /// Lists are made from what was known at the end of each week, and held against what learners used in the week after.
    #[arg(long, value_name = "WEEKS", value_delimiter = ',', value_parser = values::cut_off)]
    evaluate: Option<Vec<CutOff>>,
    /// File to write, .parquet, .csv or .jsonl; an existing one is replaced. With --evaluate .json
    #[arg(long, value_name = "FILE", required_unless_present = "evaluate")]
    out: Option<PathBuf>,
    /// Exit with status 3 when more than this share of the rows of the log, or of another table, is rejected
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = values::share)]
    max_rejected: f64,
}

const EXAMPLES: &str = "\
Examples:
  staycast recommend logs/ --out next.csv                       what next, for everybody?
  staycast recommend oulad/ --week 6 --top 3 --out next.parquet
  staycast recommend logs/ --as-of 2024-03-11 --enrolment physics-3/ann --out ann.jsonl
  staycast recommend logs/ --evaluate 2,4,6                     how good are the lists?";

/// Says what to do with a log.
#[derive(Debug)]
pub(super) enum Task {
    /// Write lists.
    Recommend { at: At, enrolments: Option<Vec<String>>, out: PathBuf },
    /// Test the methods after these weeks, and write the figures where a file is named.
    Evaluate { weeks: Vec<CutOff>, out: Option<PathBuf> },
}

/// Holds the log to read and what to do with it.
#[derive(Debug)]
pub(super) struct RecommendJob {
    pub(super) log: LogInput,
    pub(super) task: Task,
    pub(super) top: usize,
    pub(super) max_rejected: f64,
}

/// Lists the endings that a file of recommendations may have, in any case.
const ENDINGS: [&str; 3] = ["parquet", "csv", "jsonl"];

impl RecommendArgs {
    pub(super) fn resolve(&self, console: &Console) -> anyhow::Result<RecommendJob> {
        if let Some(out) = &self.out {
            let (known, names): (&[&str], &str) = match self.evaluate {
                Some(_) => (&["json"], ".json"),
                None => (&ENDINGS, ".parquet, .csv or .jsonl"),
            };
            let ending = values::extension(out);
            if !known.contains(&ending.as_str()) && !staycast_files::is_stream(out) {
                return Err(usage(format!("--out {}: end the name in {names}", out.display())));
            }
        }
        let task = match (&self.evaluate, &self.out) {
            (Some(weeks), out) => {
                let mut weeks = weeks.clone();
                weeks.sort_unstable();
                weeks.dedup();
                Task::Evaluate { weeks, out: out.clone() }
            }
            (None, Some(out)) => Task::Recommend {
                at: self.week.map_or(At::Log, At::Week),
                enrolments: self.enrolment.clone(),
                out: out.clone(),
            },
            (None, None) => return Err(usage("name the file to write with --out")),
        };
        Ok(RecommendJob {
            log: LogInput {
                open: OpenOptions { as_of: self.as_of, objects: ObjectNaming::Kept, ..self.log.open_options(console)? },
                ..self.log.input()
            },
            task,
            top: self.top.into(),
            max_rejected: self.max_rejected,
        })
    }
}
