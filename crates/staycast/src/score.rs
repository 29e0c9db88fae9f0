//! `staycast score`: everybody's risk, ranked, in a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use staycast_forecast::{SCORE_COLUMNS, ScoreRequest, ScoreRow, score_folder, write_scores};
use staycast_sequences::{CutOff, SCORED};

use crate::console::Console;
use crate::display::{LabelledText, format_percent, group_digits, pluralise};
use crate::forecast_args::{ForecastArgs, ForecastSelection, Opened, as_usage};
use crate::status::{Status, usage};
use crate::{output_place, spreadsheet, values};

/// Score learners by their risk of dropping out
///
/// Writes one row an enrolment: course_id, enrolment_id, learner_id, week, p_dropout, at_risk, rank, status, reason,
/// trained_on. A learner who can't be forecast is in the file with the reason and without a score. The last column marks
/// learners whom the run was fitted on: their scores look better than those of new learners.
///
/// Only what happened before the end of the week counts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast score run sequences --out scores.csv
  staycast score run sequences --out scores.csv --excel    to open in a spreadsheet
  staycast score run sequences --week 6 --courses physics-3 --out physics.parquet
  staycast score run today --out scores.jsonl              a course that is still running")]
pub(crate) struct ScoreArgs {
    #[command(flatten)]
    forecast: ForecastArgs,
    /// Smooth the risk over weeks, the newest week with this weight, above 0 and up to 1
    ///
    /// `staycast evaluate --smoothing` says what it does to the forecast.
    #[arg(long, value_name = "WEIGHT", value_parser = values::weight)]
    smoothing: Option<f64>,
    /// File to write, .parquet, .csv or .jsonl; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write .csv for Excel and other spreadsheets
    ///
    /// The file begins with a byte-order mark. A cell that a spreadsheet would run as a formula gets a single quote in
    /// front.
    #[arg(long)]
    excel: bool,
}

/// Names how CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CsvStyle {
    /// As programs read it.
    Plain,
    /// As people open it in a spreadsheet.
    Spreadsheet,
}

/// Holds which learners to score, and the file to write.
#[derive(Debug)]
pub(crate) struct ScoreJob {
    pub(crate) forecast: ForecastSelection,
    /// Weight of the newest week.
    pub(crate) smoothing: Option<f64>,
    pub(crate) out: PathBuf,
    pub(crate) csv: CsvStyle,
}

/// Holds the counts of a score file, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct ScoreOutcome {
    #[serde(serialize_with = "crate::display::path_text")]
    pub(crate) out: PathBuf,
    pub(crate) week: CutOff,
    pub(crate) rows: u64,
    /// Rows by status.
    pub(crate) statuses: BTreeMap<&'static str, u64>,
    pub(crate) at_risk: u64,
    /// Scored enrolments that the run was fitted on, or whose learners it was fitted on elsewhere.
    pub(crate) trained_on: u64,
    pub(crate) seconds: f64,
}

/// Lists the endings that a file of scores may have, in any case.
const ENDINGS: [&str; 3] = ["parquet", "csv", "jsonl"];

impl ScoreArgs {
    fn resolve(&self) -> anyhow::Result<ScoreJob> {
        let ending = values::extension(&self.out);
        // Devices have no endings.
        let is_bare = !ENDINGS.contains(&ending.as_str()) && staycast_files::is_stream(&self.out);
        let extension = if is_bare { "csv".to_owned() } else { ending };
        if !ENDINGS.contains(&extension.as_str()) {
            return Err(usage(format!("--out {}: end the name in .parquet, .csv or .jsonl", self.out.display())));
        }
        if self.excel && extension != "csv" {
            return Err(usage(format!("--out {}: --excel is for .csv; end the name so", self.out.display())));
        }
        Ok(ScoreJob {
            forecast: self.forecast.resolve(),
            smoothing: self.smoothing,
            out: self.out.clone(),
            csv: if self.excel { CsvStyle::Spreadsheet } else { CsvStyle::Plain },
        })
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &ScoreArgs, console: &Console) -> anyhow::Result<Status> {
    let job = args.resolve()?;
    let console = &prepare(&job, console)?;
    let (scored, _) = execute(&job, console)?;
    console.print_summary(&scored, || describe_outcome(&scored))?;
    Ok(Status::Fine)
}

/// Prepares the place of the scores. Returns the console for what is said of them.
fn prepare(job: &ScoreJob, console: &Console) -> anyhow::Result<Console> {
    output_place::prepare_file(&job.out, [job.forecast.run.as_path(), &job.forecast.sequences], console)
}

/// Scores and writes.
pub(crate) fn execute(job: &ScoreJob, console: &Console) -> anyhow::Result<(ScoreOutcome, Vec<ScoreRow>)> {
    let begun = Instant::now();
    let console = &prepare(job, console)?;
    let Opened { run, folder, selection, device, week } = Opened::new(&job.forecast, console)?;
    let courses = selection.courses.as_deref();
    let request = ScoreRequest { week, courses, smoothing: job.smoothing, device: &device };
    let rows = score_folder(&run, &folder, &request).map_err(as_usage)?;
    match job.csv {
        CsvStyle::Plain => write_scores(&job.out, &rows)?,
        CsvStyle::Spreadsheet => spreadsheet::write_csv(&job.out, &SCORE_COLUMNS, &rows)?,
    }
    let mut statuses = BTreeMap::new();
    for row in &rows {
        *statuses.entry(row.status()).or_default() += 1;
    }
    if !rows.is_empty() && !statuses.contains_key(SCORED) {
        console.warn("no enrolment could be scored; the column `reason` says why");
    }
    let scored = ScoreOutcome {
        out: job.out.clone(),
        week,
        rows: rows.len() as u64,
        statuses,
        at_risk: rows.iter().filter(|row| row.at_risk == Some(true)).count() as u64,
        trained_on: rows.iter().filter(|row| row.trained_on && row.exclusion.is_none()).count() as u64,
        seconds: begun.elapsed().as_secs_f64(),
    };
    Ok((scored, rows))
}

fn describe_outcome(scored: &ScoreOutcome) -> String {
    let mut sheet = LabelledText::default();
    let with_score = scored.statuses.get(SCORED).copied().unwrap_or(0);
    let share = match with_score {
        0 => String::new(),
        rows => format!(" ({} of those scored)", format_percent(scored.at_risk as f64 / rows as f64)),
    };
    sheet.row("Scored", format!("{} at the end of week {}", pluralise(with_score, "enrolment"), scored.week));
    sheet.row("At risk", format!("{}{share}", group_digits(scored.at_risk)));
    let others = scored.statuses.iter().filter(|(status, _)| **status != SCORED);
    for (place, (status, rows)) in others.enumerate() {
        let label = if place == 0 { "Without" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*rows), status.replace('_', " ")));
    }
    if scored.trained_on > 0 {
        sheet.row(
            "Trained on",
            format!(
                "{} of learners in the training set (column trained_on): they fit better than those of new learners",
                pluralise(scored.trained_on, "score")
            ),
        );
    }
    sheet.row("Written", format!("{}, {}", scored.out.display(), pluralise(scored.rows, "row")));
    sheet.into_string()
}
