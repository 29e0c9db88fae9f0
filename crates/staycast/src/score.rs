//! `staycast score`: everybody's risk, ranked, in a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use staycast_forecast::device::DeviceChoice;
use staycast_forecast::{ModelKind, RunError, ScoreRow, write_scores};
use staycast_sequences::{FolderError, SequenceFolder};

use crate::console::Console;
use crate::devices;
use crate::evaluate::open;
use crate::status::{Status, usage, usage_from};
use crate::words::{Sheet, counted, grouped, percent};

/// Score learners by their risk of dropping out
///
/// Writes one row an enrolment: course_id, enrolment_id, learner_id, week, p_dropout, at_risk, rank, status, reason. A
/// learner who can't be forecast is in the file with the reason and without a score. Only what happened before the end of
/// the week is looked at.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast score run sequences --out scores.csv
  staycast score run sequences --week 6 --courses physics-3 --out physics.parquet
  staycast score run today --out scores.jsonl              a course that is still running")]
pub(crate) struct ScoreArgs {
    /// Folder that `staycast train` wrote
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Folder that `staycast preprocess` wrote; any that has the features the run reads
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// At the end of which week; the run's own, usually 4, if not given
    #[arg(long, value_name = "WEEK", value_parser = clap::value_parser!(u32).range(1..))]
    week: Option<u32>,
    /// Only these courses
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    courses: Vec<String>,
    /// What to forecast with, of a run that blends several models: one of its parts; all of them if not given
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelKind>,
    /// Smooth the risk over weeks: weight of the newest week in log odds, in (0, 1]; `evaluate --smoothing` says what
    /// it does
    #[arg(long, value_name = "WEIGHT", value_parser = crate::values::weight)]
    smoothing: Option<f64>,
    /// File to write, .parquet, .csv or .jsonl; an existing one is replaced, whole
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// What to score.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) run: PathBuf,
    pub(crate) sequences: PathBuf,
    pub(crate) week: Option<u32>,
    pub(crate) courses: Option<Vec<String>>,
    pub(crate) model: Option<ModelKind>,
    /// Weight of the newest week.
    pub(crate) smoothing: Option<f64>,
    pub(crate) out: PathBuf,
    pub(crate) device: DeviceChoice,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Scored {
    pub(crate) out: PathBuf,
    pub(crate) week: u32,
    pub(crate) rows: u64,
    /// Rows by status.
    pub(crate) statuses: BTreeMap<&'static str, u64>,
    pub(crate) at_risk: u64,
    pub(crate) seconds: f64,
}

/// Endings that a file of scores may have.
const ENDINGS: [&str; 3] = ["parquet", "csv", "jsonl"];

/// Runs the subcommand.
pub(crate) fn run(args: &ScoreArgs, console: &Console) -> anyhow::Result<Status> {
    let ending = args.out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if !ENDINGS.contains(&ending) {
        return Err(usage(format!("--out {}: end the name in .parquet, .csv or .jsonl", args.out.display())));
    }
    let plan = Plan {
        run: args.run.clone(),
        sequences: args.sequences.clone(),
        week: args.week,
        courses: (!args.courses.is_empty()).then(|| args.courses.clone()),
        model: args.model,
        smoothing: args.smoothing,
        out: args.out.clone(),
        device: args.device,
    };
    let (scored, _) = execute(&plan, console)?;
    console.summarise(&scored, || words(&scored))?;
    Ok(Status::Fine)
}

/// Scores and writes.
pub(crate) fn execute(plan: &Plan, console: &Console) -> anyhow::Result<(Scored, Vec<ScoreRow>)> {
    let begun = Instant::now();
    let run = open(&plan.run, plan.model)?;
    let folder = SequenceFolder::open(&plan.sequences)?;
    let device = devices::choose(plan.device, console)?;
    let week = plan.week.unwrap_or(u32::from(run.manifest().target_week));
    let rows =
        run.score_folder(&folder, week, plan.courses.as_deref(), plan.smoothing, &device).map_err(
            |error| match error {
                RunError::WeekNotForecast { .. } | RunError::Folder(FolderError::UnknownCourse { .. }) => {
                    usage_from(error)
                }
                other => other.into(),
            },
        )?;
    write_scores(&plan.out, &rows)?;
    let mut statuses = BTreeMap::new();
    for row in &rows {
        *statuses.entry(row.status).or_default() += 1;
    }
    let scored = Scored {
        out: plan.out.clone(),
        week,
        rows: rows.len() as u64,
        statuses,
        at_risk: rows.iter().filter(|row| row.at_risk == Some(true)).count() as u64,
        seconds: begun.elapsed().as_secs_f64(),
    };
    Ok((scored, rows))
}

fn words(scored: &Scored) -> String {
    let mut sheet = Sheet::default();
    let with_score = scored.statuses.get("scored").copied().unwrap_or(0);
    let share = match with_score {
        0 => String::new(),
        rows => format!(" ({} of those scored)", percent(scored.at_risk as f64 / rows as f64)),
    };
    sheet.row("Scored", format!("{} at the end of week {}", counted(with_score, "enrolment"), scored.week));
    sheet.row("At risk", format!("{}{share}", grouped(scored.at_risk)));
    let others = scored.statuses.iter().filter(|(status, _)| **status != "scored");
    for (place, (status, rows)) in others.enumerate() {
        let label = if place == 0 { "Without" } else { "" };
        sheet.row(label, format!("{} {}", grouped(*rows), status.replace('_', " ")));
    }
    sheet.row("Written", format!("{}, {}", scored.out.display(), counted(scored.rows, "row")));
    sheet.finish()
}
