//! `staycast tune`: better settings by successive halving.

mod args;
mod search;

pub(crate) use args::TuneArgs;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use staycast_forecast::config::Config;
use staycast_forecast::device::Work;
use staycast_forecast::tune::{Trial, draw, rungs, space};
use staycast_forecast::{ModelKind, training_work};
use staycast_sequences::Dataset;

use self::search::{RUNS, Search, TRIALS, TrialRecord};
use crate::config_file;
use crate::console::Console;
use crate::devices;
use crate::display::{LabelledText, align_columns, format_duration, group_digits, pluralise, quote_for_shell};
use crate::interruption::advise_to_repeat;
use crate::out_folder::OutFolder;
use crate::output_place;
use crate::sequences::load;
use crate::status::{Status, usage};
use crate::train::note_adaptations;

/// The file of a search's folder that says how it was begun.
const SEARCH: &str = "search.toml";
/// The setting of the weight of the networks' second task.
const SECOND_TASK: &str = "training.next_week";
/// The file of the settings that did best.
const BEST: &str = "best.toml";

/// Holds the result of a search, as `--json` prints it.
#[derive(Debug, Serialize)]
struct TuneOutcome {
    #[serde(serialize_with = "crate::display::path_text")]
    out: PathBuf,
    trials: u32,
    /// The best of the last rung; the given configuration where nothing was better.
    best: TrialRecord,
    /// The given configuration in the last rung: on the same rows and the same budget.
    given: TrialRecord,
    /// All of the last rung, the best first.
    last_rung: Vec<TrialRecord>,
    /// The rungs before, whose figures are comparable within each alone.
    earlier_rungs: Vec<RungSummary>,
    seconds: f64,
}

/// Sums up a rung.
#[derive(Debug, Serialize)]
struct RungSummary {
    rung: u32,
    budget: f64,
    trials: u64,
    held_out_rows: Option<u64>,
    best_auc: Option<f64>,
    given_auc: Option<f64>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &TuneArgs, console: &Console) -> anyhow::Result<Status> {
    let begun = Instant::now();
    let config = args.resolve_config()?;
    let kind = config.model.kind;
    if space(kind).is_empty() {
        return Err(usage(format!("the model {kind} has no settings to search")));
    }
    if args.space {
        return print_space(kind, console);
    }
    let checked = config_file::check(&config, args.config.as_deref())?;
    let inputs = std::iter::once(&args.sequences).chain(&args.config).map(PathBuf::as_path);
    output_place::prepare_folder(&args.out, &[SEARCH, TRIALS, BEST], inputs)?;
    advise_to_repeat(&args.out);
    let data = load(&args.sequences, console)?;
    let device = devices::choose(args.device, &work(args.trials, &config, &data)?, console)?;
    let folder = OutFolder::make(&args.out)?;
    begin(args, &config)?;
    note_adaptations(&checked, &data, console);
    let mut trials = draw(kind, args.trials, args.seed);
    if !checked.adapted_to(&data).has_second_task() {
        // There is nothing that its weight could change.
        trials.iter_mut().for_each(|trial| drop(trial.settings.remove(SECOND_TASK)));
    }
    let search = Search { data, device, base: config, out: &args.out, tried: Mutex::new(Vec::new()) };
    let tried = search.run_rungs(&trials, console).inspect_err(|_| {
        if !args.out.join(RUNS).exists() {
            folder.take_back(SEARCH);
        }
    })?;
    folder.keep();
    let found = outcome(args, tried, begun.elapsed().as_secs_f64())?;
    let trial = Trial { number: found.best.trial, settings: found.best.settings.clone() };
    let mut winner = trial.config(&search.base, 1.0)?;
    winner.ensemble.members = search.base.ensemble.members;
    staycast_files::write(&args.out.join(BEST), winner.to_toml())?;
    console.print_summary(&found, || describe_outcome(&found, args))?;
    Ok(Status::Fine)
}

/// Estimates the work of all rungs: as many networks of the given shape as there are trials, each for the rung's budget.
fn work(trials: u32, config: &Config, data: &Dataset) -> anyhow::Result<Work> {
    let given = Trial { number: 0, settings: BTreeMap::new() };
    rungs(trials).iter().try_fold(Work::none(), |all, rung| {
        Ok(all.and(training_work(data, &given.config(config, rung.budget)?.check()?).times(rung.trials.into())))
    })
}

/// Sums up what was tried, in the order of rungs and, in each, of AUC. The winner is that of the last rung.
fn outcome(args: &TuneArgs, tried: Vec<TrialRecord>, seconds: f64) -> anyhow::Result<TuneOutcome> {
    let mut rungs: Vec<Vec<TrialRecord>> = Vec::new();
    for one in tried {
        match rungs.last_mut() {
            Some(rung) if rung[0].rung == one.rung => rung.push(one),
            _ => rungs.push(vec![one]),
        }
    }
    let last_rung = rungs.pop().context("nothing was tried")?;
    let given = |rung: &[TrialRecord]| rung.iter().find(|one| one.trial == 0).cloned();
    let earlier_rungs = rungs.iter().map(|rung| RungSummary {
        rung: rung[0].rung,
        budget: rung[0].budget,
        trials: rung.len() as u64,
        held_out_rows: rung[0].held_out_rows,
        best_auc: rung[0].held_out_auc,
        given_auc: given(rung).and_then(|given| given.held_out_auc),
    });
    Ok(TuneOutcome {
        out: args.out.clone(),
        trials: args.trials,
        best: last_rung[0].clone(),
        given: given(&last_rung).context("the given configuration is in every rung")?,
        earlier_rungs: earlier_rungs.collect(),
        last_rung,
        seconds,
    })
}

/// Prints the settings that are searched, each with its range.
fn print_space(kind: ModelKind, console: &Console) -> anyhow::Result<Status> {
    let space = space(kind);
    console.print_result(&space, || {
        let mut text = LabelledText::default();
        for (key, range) in &space {
            text.verbatim(format!("{key:36} {range:?}"));
        }
        text.into_string()
    })?;
    Ok(Status::Fine)
}

/// Writes the settings of the search, or checks that the interrupted search in the folder is this one.
fn begin(args: &TuneArgs, config: &Config) -> anyhow::Result<()> {
    let path = args.out.join(SEARCH);
    let text = format!("# staycast tune --trials {} --seed {}\n{}", args.trials, args.seed, config.to_toml());
    match fs::read_to_string(&path) {
        Ok(before) if before == text => Ok(()),
        Ok(_) => anyhow::bail!(
            "{} holds a search with other settings (see its search.toml); name another --out",
            args.out.display()
        ),
        Err(_) => Ok(staycast_files::write(&path, &text)?),
    }
}

fn describe_outcome(found: &TuneOutcome, args: &TuneArgs) -> String {
    let mut sheet = LabelledText::default();
    let (best, given) = (&found.best, &found.given);
    let is_given = best.trial == given.trial;
    sheet.row(
        "Best",
        if is_given {
            "the configuration as given: nothing that was tried is better".to_owned()
        } else {
            format!("trial {} of {}", best.trial, found.trials)
        },
    );
    for (key, value) in &best.settings {
        sheet.row("", format!("{key} = {value}"));
    }
    sheet.row("Took", format_duration(Duration::from_secs_f64(found.seconds)));
    sheet.row("Written", format!("{} (best.toml; all that was tried in trials.jsonl)", found.out.display()));
    sheet.gap();
    sheet.paragraph(format!("On the whole budget, all on the same {}:", describe_rows(best.held_out_rows)));
    let mut table = vec![["trial", "held-out AUC", "against given"].map(str::to_owned)];
    for one in &found.last_rung {
        let (name, against) = match (one.trial, one.held_out_auc, given.held_out_auc) {
            (0, ..) => ("as given".to_owned(), String::new()),
            (trial, Some(auc), Some(given)) => (trial.to_string(), format!("{:+.4}", auc - given)),
            (trial, ..) => (trial.to_string(), "–".to_owned()),
        };
        table.push([name, four_digits(one.held_out_auc), against]);
    }
    for line in align_columns(&table, 1) {
        sheet.verbatim(line);
    }
    if !found.earlier_rungs.is_empty() {
        sheet.gap();
        sheet.paragraph(
            "Rungs before it have smaller budgets and other held-out rows; compare the two figures of a rung, and no rung \
             with another:",
        );
        let mut table = vec![["rung", "trials", "budget", "held-out rows", "best AUC", "as given"].map(str::to_owned)];
        for rung in &found.earlier_rungs {
            table.push([
                rung.rung.to_string(),
                rung.trials.to_string(),
                format!("{:.0} %", 100.0 * rung.budget),
                rung.held_out_rows.map_or_else(|| "–".to_owned(), group_digits),
                four_digits(rung.best_auc),
                four_digits(rung.given_auc),
            ]);
        }
        for line in align_columns(&table, 1) {
            sheet.verbatim(line);
        }
    }
    sheet.gap();
    sheet.paragraph(
        "The best of many trials looks better than it is: judge it by `staycast evaluate`, on the test part.",
    );
    let (sequences, best) = (args.sequences.display().to_string(), found.out.join("best.toml").display().to_string());
    sheet.gap();
    sheet.verbatim(format!(
        "Next: staycast train {} --out run --config {}",
        quote_for_shell(&sequences),
        quote_for_shell(&best)
    ));
    sheet.into_string()
}

fn describe_rows(rows: Option<u64>) -> String {
    rows.map_or_else(|| "held-out rows".to_owned(), |rows| pluralise(rows, "held-out row"))
}

fn four_digits(auc: Option<f64>) -> String {
    auc.map_or_else(|| "none".to_owned(), |auc| format!("{auc:.4}"))
}
