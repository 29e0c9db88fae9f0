//! The search by successive halving: trials on small budgets, and the better third on three times as much. Figures are
//! compared within a rung, whose trials have the same budget and the same held-out rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use staycast_forecast::config::Config;
use staycast_forecast::device::ChosenDevice;
use staycast_forecast::tune::{Trial, best, climbers, rungs};
use staycast_forecast::{Run, RunState, Start, TrainRequest, Unwatched, run_state};
use staycast_sequences::Dataset;

use crate::console::Console;
use crate::display::pluralise;
use crate::progress::{BarTemplate, progress_bar};

/// The folder of the trials' runs, in that of the search.
pub(super) const RUNS: &str = "runs";
/// The file of everything that was tried.
pub(super) const TRIALS: &str = "trials.jsonl";

/// Holds a line of `trials.jsonl`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TrialRecord {
    pub(super) rung: u32,
    pub(super) trial: u32,
    /// Share of the full budget.
    pub(super) budget: f64,
    pub(super) settings: BTreeMap<String, String>,
    /// AUC of held-out rows at the target week; null when it could not be trained.
    pub(super) held_out_auc: Option<f64>,
    /// How many these rows are. They are the same for all trials of a rung.
    pub(super) held_out_rows: Option<u64>,
    pub(super) problem: Option<String>,
    pub(super) seconds: f64,
}

/// Holds what all trials of a search share.
pub(super) struct Search<'a> {
    pub(super) data: Dataset,
    pub(super) device: ChosenDevice,
    pub(super) base: Config,
    pub(super) out: &'a Path,
    pub(super) tried: Mutex<Vec<TrialRecord>>,
}

impl Search<'_> {
    /// Runs the rungs one after the other. Returns everything tried, in the order of rungs and, in each, of AUC, the best first.
    pub(super) fn run_rungs(&self, trials: &[Trial], console: &Console) -> anyhow::Result<Vec<TrialRecord>> {
        let mut taking_part: Vec<&Trial> = trials.iter().collect();
        let mut all = Vec::new();
        let rungs = rungs(trials.len() as u32);
        for (rung, about) in rungs.iter().enumerate() {
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
            tried.sort_by_key(|one| order.iter().position(|&trial| trial == one.trial));
            console.note(&format!(
                "{:12} rung {}: {} on {:.0} % of the budget; the best is {}",
                "tuning",
                rung + 1,
                pluralise(tried.len() as u64, "trial"),
                100.0 * about.budget,
                if order[0] == 0 { "the one as given".to_owned() } else { format!("trial {}", order[0]) }
            ));
            all.extend(tried);
            self.write(&all)?;
            let next = rungs.get(rung + 1).map_or(0, |next| next.trials);
            taking_part = climbers(&order, next).into_iter().map(|number| &trials[number as usize]).collect();
        }
        Ok(all)
    }

    /// Tries all of a rung, side by side on a CPU, and one at a time on each GPU.
    fn rung(&self, rung: u32, budget: f64, trials: &[&Trial], done: &(dyn Fn() + Sync)) -> anyhow::Result<()> {
        let threads = rayon::current_num_threads();
        let places = if self.device.is_cpu() {
            vec![self.device.clone(); threads.min(trials.len())]
        } else {
            self.device.deal(trials.len())
        };
        let each = threads.checked_div(places.len()).unwrap_or(1).max(1);
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        std::thread::scope(|scope| {
            for device in &places {
                let (next, failure) = (&next, &failure);
                scope.spawn(move || {
                    let work = || {
                        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                            match self.trial(rung, budget, trial, device) {
                                Ok(tried) => self.tried.lock().expect("nobody panics with it").push(tried),
                                Err(error) => *failure.lock().expect("nobody panics with it") = Some(error),
                            }
                            done();
                        }
                    };
                    match rayon::ThreadPoolBuilder::new().num_threads(each).build() {
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

    fn trial(&self, rung: u32, budget: f64, trial: &Trial, device: &ChosenDevice) -> anyhow::Result<TrialRecord> {
        let begun = Instant::now();
        let config = trial.config(&self.base, budget)?.check()?;
        let out = self.out.join(RUNS).join(format!("rung{}-trial{}", rung + 1, trial.number));
        let run = match run_state(&out)? {
            RunState::Finished => {
                let run = Run::open(&out)?;
                // A search of an earlier version had other budgets.
                anyhow::ensure!(
                    run.config().written() == config.written(),
                    "{} holds a run of another search; name another --out",
                    out.display()
                );
                Ok(run)
            }
            state => {
                let start = if matches!(state, RunState::Interrupted(_)) { Start::Resume } else { Start::Fresh };
                let request = TrainRequest { data: &self.data, config: &config, device, out: &out, start, from: None };
                staycast_forecast::train(&request, &Unwatched)
            }
        };
        // Settings that can't be trained (as a loss that is no number) lose; they don't end the search.
        let (run, problem) = match run {
            Ok(run) => (Some(run), None),
            Err(staycast_forecast::TrainError::Member { problem, .. }) => (None, Some(problem)),
            Err(error) => return Err(error.into()),
        };
        Ok(TrialRecord {
            rung: rung + 1,
            trial: trial.number,
            budget,
            settings: trial.settings.clone(),
            held_out_auc: run.as_ref().and_then(|run| run.manifest().held_out_auc),
            held_out_rows: run.as_ref().and_then(held_out_rows),
            problem,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    fn write(&self, tried: &[TrialRecord]) -> anyhow::Result<()> {
        let mut text = String::new();
        for one in tried {
            text += &serde_json::to_string(one).context("a trial has no JSON form")?;
            text.push('\n');
        }
        Ok(staycast_files::write(&self.out.join(TRIALS), &text)?)
    }
}

/// Counts the held-out rows at the target week; `None` for a cross-validation.
fn held_out_rows(run: &Run) -> Option<u64> {
    run.week_fits()?.weeks.get(&run.manifest().target_week).map(|fit| fit.rows)
}
