//! `staycast tune`: better settings by successive halving.

mod args;
mod search;

pub(crate) use args::TuneArgs;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use staycast_forecast::ModelKind;
use staycast_forecast::config::Config;
use staycast_forecast::tune::{Trial, draw, space};

use self::search::{RUNS, Search, TRIALS, TrialRecord};
use crate::config_file;
use crate::console::Console;
use crate::devices;
use crate::display::{LabelledText, format_duration, quote_for_shell};
use crate::interruption::advise_to_repeat;
use crate::out_folder::OutFolder;
use crate::output_place;
use crate::sequences::load;
use crate::status::{Status, usage};

/// The file of a search's folder that says how it was begun.
const SEARCH: &str = "search.toml";
/// The file of the settings that did best.
const BEST: &str = "best.toml";

/// Holds the result of a search, as `--json` prints it.
#[derive(Debug, Serialize)]
struct TuneOutcome {
    #[serde(serialize_with = "crate::display::path_text")]
    out: PathBuf,
    trials: u32,
    best: TrialRecord,
    /// The given configuration at the budget of the last rung that it reached.
    given: Option<TrialRecord>,
    seconds: f64,
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
    config_file::check(&config, args.config.as_deref())?;
    let inputs = std::iter::once(&args.sequences).chain(&args.config).map(PathBuf::as_path);
    output_place::prepare_folder(&args.out, &[SEARCH, TRIALS, BEST], inputs)?;
    advise_to_repeat(&args.out);
    let data = load(&args.sequences, console)?;
    let device = devices::choose(args.device, console)?;
    let folder = OutFolder::make(&args.out)?;
    begin(args, &config)?;
    let search = Search { data, device, base: config, out: &args.out, tried: Mutex::new(Vec::new()) };
    let tried = search.run_rungs(&draw(kind, args.trials, args.seed), console).inspect_err(|_| {
        if !args.out.join(RUNS).exists() {
            folder.take_back(SEARCH);
        }
    })?;
    folder.keep();
    let best = tried.last().context("nothing was tried")?.clone();
    let trial = Trial { number: best.trial, settings: best.settings.clone() };
    let mut winner = trial.config(&search.base, 1.0)?;
    winner.ensemble.members = search.base.ensemble.members;
    staycast_files::write(&args.out.join(BEST), winner.to_toml())?;
    let given = tried.iter().rev().find(|one| one.trial == 0).cloned();
    let seconds = begun.elapsed().as_secs_f64();
    let found = TuneOutcome { out: args.out.clone(), trials: args.trials, best, given, seconds };
    console.print_summary(&found, || describe_outcome(&found, args))?;
    Ok(Status::Fine)
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
    let best = &found.best;
    let auc = |tried: &TrialRecord| tried.held_out_auc.map_or_else(|| "none".to_owned(), |auc| format!("{auc:.4}"));
    sheet.row("Best", format!("trial {} of {}, held-out AUC {}", best.trial, found.trials, auc(best)));
    for (key, value) in &best.settings {
        sheet.row("", format!("{key} = {value}"));
    }
    if let Some(given) = found.given.as_ref().filter(|given| given.trial != best.trial) {
        let share = 100.0 * given.budget;
        sheet.row("As given", format!("held-out AUC {}, on {share:.0} % of the budget", auc(given)));
    }
    sheet.row("Took", format_duration(Duration::from_secs_f64(found.seconds)));
    sheet.row("Written", format!("{} (best.toml; all that was tried in trials.jsonl)", found.out.display()));
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
