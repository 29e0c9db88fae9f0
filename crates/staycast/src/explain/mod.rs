//! `staycast explain`: why each forecast is what it is.

mod gather;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use staycast_advice::reasons::{
    BehaviourSummary, Compared, LearnerRow, PageFacts, inputs_batch, reasons_batch, reasons_page, summarise,
};
use staycast_forecast::Detail;
use staycast_sequences::{CutOff, SCORED, write_parquet};

pub(crate) use self::gather::{Gathered, Wanted, Who, gather};
use crate::console::Console;
use crate::display::{LabelledText, align_columns, format_percent, group_digits, pluralise};
use crate::forecast_args::{ForecastArgs, ForecastSelection, Opened, as_usage, run_name};
use crate::status::{Status, usage};
use crate::{output_place, values};

/// Explain forecasts: what each learner did that raises or lowers them
///
/// Splits each forecast among behaviours such as visits, videos or submissions, by two methods. A behaviour is a reason where
/// both methods agree and the learner's own figures show it. Writes one row for each enrolment and behaviour (.parquet), one
/// object for each enrolment (.jsonl), or a page (.html). Whoever can't be forecast is listed with the status.
///
/// A reason says what a forecast rests on, and not why a learner leaves.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast explain run sequences --week 4 --out reasons.html
  staycast explain run sequences --enrolment 1432 --out reasons.jsonl
  staycast explain run sequences --importance --out reasons.html --out reasons.parquet
  staycast explain run sequences --inputs inputs.parquet --out reasons.parquet")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    forecast: ForecastArgs,
    /// Only this enrolment; may be given several times
    #[arg(long, value_name = "ID")]
    enrolment: Vec<String>,
    /// Measure how much the ranking rests on each behaviour, in courses whose outcomes are known
    #[arg(long)]
    importance: bool,
    /// File to write, .parquet, .jsonl or .html; may be given several times; an existing one is replaced
    #[arg(long, value_name = "FILE", required = true)]
    out: Vec<PathBuf>,
    /// Write what each single input of each week adds, as .parquet
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
}

/// Bounds the rows of single inputs, which are in memory with their names: 100 bytes each.
const MOST_CELLS: usize = 50_000_000;

/// Names the form of a file of explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Parquet,
    JsonLines,
    Page,
}

/// Holds what is to be explained and written.
struct ExplainJob {
    forecast: ForecastSelection,
    enrolments: BTreeSet<String>,
    importance: bool,
    out: Vec<(PathBuf, Form)>,
    inputs: Option<PathBuf>,
}

/// Holds the counts of explanations, as `--json` prints them.
#[derive(Debug, Serialize)]
struct ExplainOutcome {
    #[serde(serialize_with = "path_texts")]
    out: Vec<PathBuf>,
    #[serde(serialize_with = "crate::display::optional_path_text", skip_serializing_if = "Option::is_none")]
    inputs: Option<PathBuf>,
    week: CutOff,
    enrolments: u64,
    /// Enrolments by status.
    statuses: BTreeMap<&'static str, u64>,
    /// Explained enrolments with a reason for concern, or something that goes well.
    with_reasons: u64,
    /// Explained enrolments that were compared with the training set, as their courses have too few active learners.
    compared_with_training_set: u64,
    /// Explained enrolments that the run was fitted on.
    trained_on: u64,
    /// Log odds by which what inputs add is off the forecast.
    completeness_error: CompletenessError,
    behaviours: Vec<BehaviourSummary>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct CompletenessError {
    mean: f64,
    greatest: f64,
}

fn path_texts<S: serde::Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.display().to_string()))
}

impl ExplainArgs {
    fn resolve(&self) -> anyhow::Result<ExplainJob> {
        let with_form = |out: &PathBuf| {
            let form = match values::extension(out).as_str() {
                "parquet" => Form::Parquet,
                "jsonl" => Form::JsonLines,
                "html" => Form::Page,
                // Devices have no endings.
                _ if staycast_files::is_stream(out) => Form::JsonLines,
                _ => {
                    let place = out.display();
                    return Err(usage(format!("--out {place}: end the name in .parquet, .jsonl or .html")));
                }
            };
            Ok((out.clone(), form))
        };
        let out = self.out.iter().map(with_form).collect::<anyhow::Result<Vec<_>>>()?;
        if let Some(inputs) = self.inputs.as_ref().filter(|inputs| values::extension(inputs) != "parquet") {
            return Err(usage(format!("--inputs {}: end the name in .parquet", inputs.display())));
        }
        let places: Vec<&PathBuf> = self.out.iter().chain(&self.inputs).collect();
        if let Some(twice) = places.iter().enumerate().find(|(at, place)| places[..*at].contains(place)) {
            return Err(usage(format!("{} is to be written twice; name each file once", twice.1.display())));
        }
        Ok(ExplainJob {
            forecast: self.forecast.resolve(),
            enrolments: self.enrolment.iter().cloned().collect(),
            importance: self.importance,
            out,
            inputs: self.inputs.clone(),
        })
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &ExplainArgs, console: &Console) -> anyhow::Result<Status> {
    let job = args.resolve()?;
    let mut console = *console;
    for place in job.out.iter().map(|(place, _)| place).chain(&job.inputs) {
        let inputs = [job.forecast.run.as_path(), &job.forecast.sequences];
        console = output_place::prepare_file(place, inputs, &console)?;
    }
    let outcome = execute(&job, &console)?;
    console.print_summary(&outcome, || describe(&outcome))?;
    Ok(Status::Fine)
}

fn execute(job: &ExplainJob, console: &Console) -> anyhow::Result<ExplainOutcome> {
    let begun = Instant::now();
    let Opened { run, folder, selection, device, week } = Opened::new(&job.forecast, console)?;
    let wanted = Wanted {
        week,
        courses: selection.courses.as_deref(),
        who: if job.enrolments.is_empty() { Who::Everybody } else { Who::These(&job.enrolments) },
        importance: job.importance,
        detail: if job.inputs.is_some() { Detail::SingleInputs } else { Detail::BothMethods },
        device: &device,
    };
    let Gathered { rows, losses, single_inputs } = gather(&run, &folder, &wanted).map_err(as_usage)?;
    refuse_unknown(job, &rows)?;
    if job.importance && losses.is_empty() {
        console.warn("the importance of behaviours can't be measured: no course has both outcomes known at this week");
    }
    let behaviours = summarise(&rows, &losses);
    let explained = || rows.iter().filter_map(|row| Some((row, row.explained.as_ref()?)));
    let errors: Vec<f64> = explained().map(|(_, one)| one.completeness_error.abs()).collect();
    let completeness_error = CompletenessError {
        mean: errors.iter().sum::<f64>() / errors.len().max(1) as f64,
        greatest: errors.iter().copied().fold(0.0, f64::max),
    };
    for (place, form) in &job.out {
        match form {
            Form::Parquet => {
                let batch = reasons_batch(&rows)?;
                staycast_files::write_with(place, |file| Ok(write_parquet(file, &batch)?))?;
            }
            Form::JsonLines => staycast_files::write_json_lines(place, &rows)?,
            Form::Page => {
                let facts = PageFacts {
                    run: run_name(&run),
                    week,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    greatest_error: completeness_error.greatest,
                };
                staycast_files::write(place, reasons_page(&rows, &behaviours, &facts).as_bytes())?;
            }
        }
    }
    if let Some(place) = &job.inputs {
        let cells: usize = single_inputs.iter().map(Vec::len).sum();
        if cells > MOST_CELLS {
            return Err(usage(format!(
                "--inputs: {} rows are more than {}; choose --courses or --enrolment",
                group_digits(cells as u64),
                group_digits(MOST_CELLS as u64)
            )));
        }
        let names: Vec<String> =
            run.inputs().map_or_else(Vec::new, |inputs| inputs.columns.iter().map(|one| one.source.name()).collect());
        let batch = inputs_batch(&rows, &names, &single_inputs)?;
        staycast_files::write_with(place, |file| Ok(write_parquet(file, &batch)?))?;
    }
    let mut statuses = BTreeMap::new();
    rows.iter().for_each(|row| *statuses.entry(row.status()).or_default() += 1);
    if !rows.is_empty() && !statuses.contains_key(SCORED) {
        console.warn("no enrolment could be forecast; the column `status_reason` says why");
    }
    Ok(ExplainOutcome {
        out: job.out.iter().map(|(place, _)| place.clone()).collect(),
        inputs: job.inputs.clone(),
        week,
        enrolments: rows.len() as u64,
        statuses,
        with_reasons: explained().filter(|(_, one)| one.behaviours.iter().any(|one| one.finding.is_reason())).count()
            as u64,
        compared_with_training_set: explained().filter(|(_, one)| one.compared_with == Compared::TrainingSet).count()
            as u64,
        trained_on: explained().filter(|(row, _)| row.trained_on).count() as u64,
        completeness_error,
        behaviours,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Refuses enrolments that nobody has, without repeating their ids, which may name learners.
fn refuse_unknown(job: &ExplainJob, rows: &[LearnerRow]) -> anyhow::Result<()> {
    let found: BTreeSet<&str> = rows.iter().map(|row| row.enrolment_id.as_str()).collect();
    let places = job.enrolments.iter().filter(|id| !found.contains(id.as_str())).count();
    if places > 0 {
        let which = pluralise(places as u64, "enrolment");
        return Err(usage(format!(
            "--enrolment: {which} of {} asked for {} not in the sequences, or not in the courses asked for; give ids as \
             enrolments.parquet has them",
            job.enrolments.len(),
            if places == 1 { "is" } else { "are" }
        )));
    }
    Ok(())
}

fn describe(outcome: &ExplainOutcome) -> String {
    let mut sheet = LabelledText::default();
    let with_forecast = outcome.statuses.get(SCORED).copied().unwrap_or(0);
    sheet.row("Explained", format!("{} at the end of week {}", pluralise(with_forecast, "forecast"), outcome.week));
    let others = outcome.statuses.iter().filter(|(status, _)| **status != SCORED);
    for (place, (status, rows)) in others.enumerate() {
        let label = if place == 0 { "Without" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*rows), status.replace('_', " ")));
    }
    if with_forecast > 0 {
        let share = |count: u64| format_percent(count as f64 / with_forecast as f64);
        sheet.row("With reasons", format!("{} ({})", group_digits(outcome.with_reasons), share(outcome.with_reasons)));
        sheet.rows("Behaviours", behaviours(&outcome.behaviours, &share));
        sheet.row(
            "Error",
            format!(
                "what inputs add is off the forecast by {:.4} log odds in the mean, {:.3} at most",
                outcome.completeness_error.mean, outcome.completeness_error.greatest
            ),
        );
    }
    if outcome.compared_with_training_set > 0 {
        sheet.row(
            "Compared",
            format!(
                "{} with the training set, as their courses have too few active learners",
                group_digits(outcome.compared_with_training_set)
            ),
        );
    }
    for place in outcome.out.iter().chain(&outcome.inputs) {
        sheet.row("Written", place.display().to_string());
    }
    sheet.into_string()
}

fn behaviours(all: &[BehaviourSummary], share: &dyn Fn(u64) -> String) -> Vec<String> {
    let has_importance = all.iter().any(|one| one.importance.is_some());
    let mut table =
        vec![vec!["".to_owned(), "size".to_owned(), "raises".into(), "lowers".into(), "methods differ".into()]];
    if has_importance {
        table[0].extend(["AUC lost".to_owned(), "95 % over courses".to_owned()]);
    }
    let signed = |value: f64| format!("{value:.3}").replace('-', "−");
    for one in all {
        let of_learner = |count: u64| {
            if one.behaviour.is_of_the_learner() { share(count) } else { "–".to_owned() }
        };
        let mut line = vec![
            one.behaviour.name().to_owned(),
            format!("{:.2}", one.mean_size),
            of_learner(one.raises_risk),
            of_learner(one.lowers_risk),
            share(one.methods_differ),
        ];
        if has_importance {
            let lost = one.importance.as_ref().map_or_else(|| "–".to_owned(), |found| signed(found.auc_lost));
            let interval = one.importance.as_ref().and_then(|found| found.interval);
            let interval =
                interval.map_or_else(|| "–".to_owned(), |[low, high]| format!("{} to {}", signed(low), signed(high)));
            line.extend([lost, interval]);
        }
        table.push(line);
    }
    align_columns(&table, 1)
}
