//! `staycast recommend`: what each learner could use next, or how good such lists are.

mod args;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use staycast_advice::recommend::{At, CourseSummary, Evaluation, History, evaluate, recommend, write_recommendations};
use staycast_events::Notice;
use staycast_sequences::manifest::{LeftOutRecord, worst_table};
use staycast_sequences::{CutOff, left_out_files, table_rows};

pub(crate) use self::args::RecommendArgs;
use self::args::{RecommendJob, Task};
use crate::console::Console;
use crate::output_place;
use crate::progress::StageProgress;
use crate::status::Status;

/// Counts what was read.
#[derive(Debug, Serialize)]
struct LogCounts {
    format: &'static str,
    rows: u64,
    used: u64,
    rejected: u64,
    set_aside: u64,
    /// Rows that were not used, by reason.
    reasons: BTreeMap<&'static str, u64>,
    enrolments: u64,
    /// Enrolments that are left out because nothing says when their course runs.
    enrolments_without_course: u64,
    /// Enrolments that are not known yet at the instant of the log.
    enrolments_not_yet_known: u64,
    items: u64,
    first_uses: u64,
    notices: Vec<Notice>,
    /// Files that are not read.
    left_out: Vec<LeftOutRecord>,
}

/// Holds what was written, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Recommended {
    #[serde(serialize_with = "crate::display::path_text")]
    out: PathBuf,
    /// Rows of the file.
    rows: u64,
    /// Enrolments by status.
    statuses: BTreeMap<&'static str, u64>,
    courses: Vec<CourseSummary>,
    log: LogCounts,
    seconds: f64,
    max_rejected: f64,
    /// The exit status.
    status: u8,
}

/// Holds the figures, as `--json` prints them and the file has them.
#[derive(Debug, Serialize)]
struct Evaluated {
    kind: &'static str,
    evaluation: Evaluation,
    log: LogCounts,
}

/// Runs the subcommand.
pub(crate) fn run(args: &RecommendArgs, console: &Console) -> anyhow::Result<Status> {
    let job = args.resolve(console)?;
    let begun = Instant::now();
    let out = match &job.task {
        Task::Recommend { out, .. } => Some(out),
        Task::Evaluate { out, .. } => out.as_ref(),
    };
    let console = &match out {
        Some(out) => output_place::prepare_file(out, job.log.paths(), console)?,
        None => *console,
    };
    let beside = out.map_or_else(|| std::env::temp_dir().join("staycast-recommend"), PathBuf::clone);
    let (source, _standard_input) = job.log.open(&beside)?;
    let history = History::read(&source, &StageProgress::new(console))?;
    let tally = history.tally();
    let by_table = table_rows(&source.tables);
    let worst = worst_table(tally.read, tally.rejected(), &by_table);
    let status = if worst.1 > job.max_rejected { Status::TooManyRejected } else { Status::Fine };
    let log = LogCounts {
        format: source.format,
        rows: tally.read,
        used: tally.used,
        rejected: tally.rejected(),
        set_aside: tally.read - tally.used - tally.rejected(),
        reasons: tally.reasons.iter().map(|(reason, count)| (reason.name(), count.rows)).collect(),
        enrolments: source.roster.enrolments.len() as u64,
        enrolments_without_course: source.left_out.total(),
        enrolments_not_yet_known: source.roster.not_yet_known.len() as u64,
        items: history.items(),
        first_uses: history.first_uses(),
        notices: source.notices.iter().cloned().chain(source.overlaps(tally)).collect(),
        left_out: left_out_files(&source),
    };
    match &job.task {
        Task::Recommend { at, enrolments, out } => {
            let asked = Lists { history: &history, at: *at, enrolments: enrolments.as_deref(), out };
            let written = asked.write(&job, log, begun, status)?;
            console.print_summary(&written, || text::describe(&written, console.verbosity.into()))?;
        }
        Task::Evaluate { weeks, out } => test(&history, weeks, job.top, out.as_deref(), log, console)?,
    }
    if status == Status::TooManyRejected {
        console.warn(&text::too_many_rejected(worst, &job));
    }
    Ok(status)
}

/// Holds the lists that are asked for.
struct Lists<'a> {
    history: &'a History<'a>,
    at: At,
    enrolments: Option<&'a [String]>,
    out: &'a Path,
}

impl Lists<'_> {
    fn write(&self, job: &RecommendJob, log: LogCounts, begun: Instant, status: Status) -> anyhow::Result<Recommended> {
        let made = recommend(self.history, self.at, job.top, self.enrolments)?;
        write_recommendations(self.out, &made)?;
        Ok(Recommended {
            out: self.out.to_owned(),
            rows: made.count_rows(),
            statuses: made.statuses,
            courses: made.courses,
            log,
            seconds: begun.elapsed().as_secs_f64(),
            max_rejected: job.max_rejected,
            status: status.code(),
        })
    }
}

fn test(
    history: &History<'_>,
    weeks: &[CutOff],
    top: usize,
    out: Option<&Path>,
    log: LogCounts,
    console: &Console,
) -> anyhow::Result<()> {
    let evaluated = Evaluated { kind: "recommend_evaluation", evaluation: evaluate(history, weeks, top), log };
    if let Some(out) = out {
        staycast_files::write_json(out, &evaluated)?;
    }
    console.print_result(&evaluated, || text::describe_evaluation(&evaluated, out, console.verbosity.into()))
}
