//! `staycast tune`: better settings by successive halving.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use staycast_forecast::config::Config;
use staycast_forecast::device::{ChosenDevice, DeviceChoice};
use staycast_forecast::tune::{Trial, best, draw, rungs, space};
use staycast_forecast::{ModelKind, Run, RunState, Start, TrainRequest, Unwatched, run_state};
use staycast_sequences::Dataset;

use crate::console::Console;
use crate::devices;
use crate::display::{LabelledText, format_duration, pluralise, quote_for_shell};
use crate::progress::{BarTemplate, progress_bar};
use crate::sequences::load;
use crate::status::{Status, usage, usage_from};

/// Search for better settings
///
/// Draws settings from a documented space and tries all of them on a small budget. The better third goes on with three
/// times as much, and so on (successive halving). The given configuration is always among them.
///
/// Trials are compared by the AUC of rows that their members held out of the training set; the test part is not looked
/// at. Called again after a kill, it goes on where it was. All trials are in trials.jsonl, and the best settings in
/// best.toml.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast tune sequences --out tuning
  staycast tune sequences my.toml --out tuning --trials 54 --model boosting
  staycast train sequences --out run --config tuning/best.toml")]
pub(crate) struct TuneArgs {
    /// Folder that `staycast preprocess` wrote
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// Settings to start from, in TOML; if not given, the defaults
    #[arg(value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Folder to write; an interrupted search in it goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Settings to try, the given one included
    #[arg(long, value_name = "N", default_value_t = 27, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    trials: u32,
    /// Model whose settings are searched; if not given, the configuration's
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelKind>,
    /// Change one setting for all trials; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Seed from which the settings are drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the space that is searched, and stop
    #[arg(long)]
    space: bool,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// Holds a line of `trials.jsonl`.
#[derive(Clone, Debug, Serialize)]
struct TrialRecord {
    rung: u32,
    trial: u32,
    /// Share of the full budget.
    budget: f64,
    settings: BTreeMap<String, String>,
    /// AUC of held-out rows at the target week; null when it could not be trained.
    held_out_auc: Option<f64>,
    problem: Option<String>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct TuneOutcome {
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
    let mut config = match &args.config {
        Some(path) => Config::load(path).map_err(usage_from)?,
        None => Config::default(),
    };
    for setting in &args.settings {
        config.set(setting).map_err(usage_from)?;
    }
    if let Some(model) = args.model {
        config.model.kind = model;
    }
    let kind = config.model.kind;
    if space(kind).is_empty() {
        return Err(usage(format!("the model {kind} has no settings to search")));
    }
    if args.space {
        let space = space(kind);
        console.print_result(&space, || {
            let mut sheet = LabelledText::default();
            for (key, range) in &space {
                sheet.verbatim(format!("{key:36} {range:?}"));
            }
            sheet.into_string()
        })?;
        return Ok(Status::Fine);
    }
    config.clone().check().map_err(usage_from)?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    begin(args, &config)?;
    let search = Search {
        data: load(&args.sequences)?,
        device: devices::choose(args.device, console)?,
        base: config,
        out: &args.out,
        tried: Mutex::new(Vec::new()),
    };
    let tried = search.climb(&draw(kind, args.trials, args.seed), console)?;
    let best = tried.last().context("nothing was tried")?.clone();
    let trial = Trial { number: best.trial, settings: best.settings.clone() };
    let mut winner = trial.config(&search.base, 1.0)?;
    winner.ensemble.members = search.base.ensemble.members;
    staycast_files::write(&args.out.join("best.toml"), &winner.to_toml())?;
    let given = tried.iter().rev().find(|one| one.trial == 0).cloned();
    let seconds = begun.elapsed().as_secs_f64();
    let found = TuneOutcome { out: args.out.clone(), trials: args.trials, best, given, seconds };
    console.print_summary(&found, || describe_outcome(&found, args))?;
    Ok(Status::Fine)
}

/// Writes the settings of the search, or checks that the interrupted search in the folder is this one.
fn begin(args: &TuneArgs, config: &Config) -> anyhow::Result<()> {
    let path = args.out.join("search.toml");
    let text = format!("# staycast tune --trials {} --seed {}\n{}", args.trials, args.seed, config.to_toml());
    match fs::read_to_string(&path) {
        Ok(before) if before == text => Ok(()),
        Ok(_) => anyhow::bail!(
            "{} holds a search that was begun otherwise (search.toml says how); name another --out",
            args.out.display()
        ),
        Err(_) => Ok(staycast_files::write(&path, &text)?),
    }
}

struct Search<'a> {
    data: Dataset,
    device: ChosenDevice,
    base: Config,
    out: &'a Path,
    tried: Mutex<Vec<TrialRecord>>,
}

impl Search<'_> {
    /// Climbs from rung to rung. Returns everything tried, in the order of rungs and trials, the winner last.
    fn climb(&self, trials: &[Trial], console: &Console) -> anyhow::Result<Vec<TrialRecord>> {
        let mut taking_part: Vec<&Trial> = trials.iter().collect();
        let mut all = Vec::new();
        for (rung, about) in rungs(trials.len() as u32).into_iter().enumerate() {
            let bar = progress_bar(
                console,
                &format!("rung {}", rung + 1),
                Some(taking_part.len() as u64),
                BarTemplate::Steps,
            );
            self.rung(rung as u32, about.budget, &taking_part, &|| bar.inc(1))?;
            bar.finish_and_clear();
            let mut tried = std::mem::take(&mut *self.tried.lock().expect("nobody panics with it"));
            tried.sort_by_key(|one| one.trial);
            let results: Vec<(u32, Option<f64>)> = tried.iter().map(|one| (one.trial, one.held_out_auc)).collect();
            let order = best(&results, tried.len() as u32);
            let leader = tried.iter().find(|one| one.trial == order[0]).expect("it was tried").clone();
            let auc = leader.held_out_auc.map_or_else(|| "none".to_owned(), |auc| format!("{auc:.4}"));
            console.note(&format!(
                "{:12} rung {}: {} on {:.0} % of the budget; the best, trial {}, has a held-out AUC of {auc}",
                "tuning",
                rung + 1,
                pluralise(u64::from(about.trials), "trial"),
                100.0 * about.budget,
                leader.trial
            ));
            all.extend(tried);
            self.write(&all)?;
            let next = (taking_part.len() as u32 / staycast_forecast::tune::REDUCTION).max(1) as usize;
            taking_part = order.iter().take(next).map(|&number| &trials[number as usize]).collect();
        }
        Ok(all)
    }

    /// Tries all of a rung, side by side on a CPU.
    fn rung(&self, rung: u32, budget: f64, trials: &[&Trial], done: &(dyn Fn() + Sync)) -> anyhow::Result<()> {
        let threads = rayon::current_num_threads();
        let workers = if self.device.is_cpu() { threads.min(trials.len()) } else { 1 };
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    let work = || {
                        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                            match self.trial(rung, budget, trial) {
                                Ok(tried) => self.tried.lock().expect("nobody panics with it").push(tried),
                                Err(error) => *failure.lock().expect("nobody panics with it") = Some(error),
                            }
                            done();
                        }
                    };
                    match rayon::ThreadPoolBuilder::new().num_threads((threads / workers).max(1)).build() {
                        Ok(pool) => pool.install(work),
                        Err(_) => work(),
                    }
                });
            }
        });
        match failure.into_inner().expect("nobody panics with it") {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn trial(&self, rung: u32, budget: f64, trial: &Trial) -> anyhow::Result<TrialRecord> {
        let begun = Instant::now();
        let config = trial.config(&self.base, budget)?.check()?;
        let out = self.out.join("runs").join(format!("rung{}-trial{}", rung + 1, trial.number));
        let run = match run_state(&out)? {
            RunState::Finished => Ok(Run::open(&out)?),
            state => {
                let start = if matches!(state, RunState::Interrupted(_)) { Start::Resume } else { Start::Fresh };
                let request = TrainRequest {
                    data: &self.data,
                    config: &config,
                    device: &self.device,
                    out: &out,
                    start,
                    from: None,
                };
                staycast_forecast::train(&request, &Unwatched)
            }
        };
        // Settings that can't be trained (as a loss that is no number) lose; they don't end the search.
        let (held_out_auc, problem) = match run {
            Ok(run) => (run.manifest().held_out_auc, None),
            Err(staycast_forecast::TrainError::Member { problem, .. }) => (None, Some(problem)),
            Err(error) => return Err(error.into()),
        };
        let (seconds, settings) = (begun.elapsed().as_secs_f64(), trial.settings.clone());
        Ok(TrialRecord { rung: rung + 1, trial: trial.number, budget, settings, held_out_auc, problem, seconds })
    }

    fn write(&self, tried: &[TrialRecord]) -> anyhow::Result<()> {
        let mut text = String::new();
        for one in tried {
            text += &serde_json::to_string(one).context("a trial has no JSON form")?;
            text.push('\n');
        }
        Ok(staycast_files::write(&self.out.join("trials.jsonl"), &text)?)
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
    sheet.row("Took", format_duration(std::time::Duration::from_secs_f64(found.seconds)));
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
