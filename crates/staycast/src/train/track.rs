//! `--track`: a training run as TensorBoard and MLflow show it. Where it fails a warning says so, and the training goes on.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use staycast_forecast::config::CheckedConfig;
use staycast_forecast::{EpochRecord, MemberSummary, Run, TrainingPlan, TrainingWatch};
use staycast_tracking::mlflow::{RunStatus, TrackedRun, Tracker, TrackerSettings, TrackingServer};
use staycast_tracking::tensorboard::{EventFileError, EventFileOrigin, EventWriter, Hyperparameter, SessionOutcome};

use crate::console::Console;
use crate::run_folders::settings;

/// Names a place where a run is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Event files in the run's folder `tensorboard`.
    TensorBoard,
    /// An MLflow server.
    Mlflow(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "tensorboard" => Ok(Self::TensorBoard),
            Some(("mlflow", url)) if !url.is_empty() => {
                // Addresses that can't be one are better known before the training.
                TrackingServer::new(url, |_| None).map_err(|error| error.to_string())?;
                Ok(Self::Mlflow(url.to_owned()))
            }
            _ => Err("use tensorboard, or mlflow=URL as in mlflow=http://localhost:5000".to_owned()),
        }
    }
}

/// Names the experiment on the server: MLflow's own variable, or this.
const EXPERIMENT: &str = "staycast";
/// Names the file by which a resumed run is found again on the server.
const KEY: &str = "tracking-key";
/// Sends the progress of a training to TensorBoard and MLflow.
pub(super) struct Tracking<'a> {
    /// The run's folder.
    out: &'a Path,
    config: &'a CheckedConfig,
    targets: &'a [Target],
    console: &'a Console,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The run's own event file, and one a member.
    events: BTreeMap<PathBuf, EventWriter>,
    tracker: Option<Tracker>,
    /// True once writing events has failed and a warning said so.
    gave_up: bool,
}

impl<'a> Tracking<'a> {
    pub(super) fn new(out: &'a Path, config: &'a CheckedConfig, targets: &'a [Target], console: &'a Console) -> Self {
        Self { out, config, targets, console, state: Mutex::new(State::default()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self) -> PathBuf {
        self.out.join("tensorboard")
    }

    fn has_tensorboard(&self) -> bool {
        self.targets.contains(&Target::TensorBoard)
    }

    /// Writes events to the file of `folder`, which is begun if it was not.
    fn events(
        &self,
        state: &mut State,
        folder: PathBuf,
        write: impl FnOnce(&mut EventWriter) -> Result<(), EventFileError>,
    ) {
        if state.gave_up {
            return;
        }
        let begin = |folder: &Path| {
            let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned());
            EventWriter::create(
                folder,
                EventFileOrigin { wall_time_seconds: now(), host: &host, process: std::process::id() },
            )
        };
        let written = match state.events.remove(&folder).map_or_else(|| begin(&folder), Ok) {
            Ok(mut writer) => write(&mut writer).and_then(|()| writer.flush()).map(|()| writer),
            Err(error) => Err(error),
        };
        match written {
            Ok(writer) => drop(state.events.insert(folder, writer)),
            Err(error) => {
                state.gave_up = true;
                self.console.warn(&format!("{error}. The training goes on without TensorBoard"));
            }
        }
    }

    /// Returns the key of this training on a server, kept over interruptions.
    fn key(&self) -> String {
        let path = self.out.join("checkpoints").join(KEY);
        let stored = fs::read_to_string(&path).map(|key| key.trim().to_owned());
        stored.ok().filter(|key| !key.is_empty()).unwrap_or_else(|| {
            let key = format!("{:x}-{:x}", milliseconds(), std::process::id());
            // Without it a resumed run is another one on the server, which is no reason to stop.
            if let Err(error) = staycast_files::write(&path, &key) {
                self.console.warn(&format!("{error}; resumed, the run will be another one on the MLflow server"));
            }
            key
        })
    }

    fn start(&self, url: &str) -> anyhow::Result<Tracker> {
        let server = TrackingServer::new(url, |name| std::env::var(name).ok())?;
        let name = self.out.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
        let run = TrackedRun {
            experiment: std::env::var("MLFLOW_EXPERIMENT_NAME").unwrap_or_else(|_| EXPERIMENT.to_owned()),
            name,
            key: self.key(),
            start_time_ms: milliseconds(),
            params: settings(self.config.written()),
            tags: BTreeMap::from([
                ("mlflow.source.name".to_owned(), "staycast train".to_owned()),
                ("staycast.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ]),
        };
        let console = *self.console;
        let problem = move |problem: &staycast_tracking::mlflow::DeliveryProblem| console.warn(&problem.message);
        Ok(Tracker::start(server, run, TrackerSettings::default(), problem)?)
    }

    /// Records how the training ended.
    pub(super) fn finish(self, trained: Result<&Run, &anyhow::Error>) {
        let folder = self.folder();
        let mut state = self.state();
        let figures = trained.map(|run| run.manifest().held_out_auc).ok().flatten();
        if self.has_tensorboard() {
            let end = if trained.is_ok() { SessionOutcome::Success } else { SessionOutcome::Failure };
            self.events(&mut state, folder, |writer| {
                if let Some(auc) = figures {
                    writer.scalars(now(), 0, &[("held_out_auc", auc)])?;
                }
                writer.ended(now(), end)
            });
        }
        let Some(tracker) = state.tracker.take() else { return };
        if let Some(auc) = figures {
            tracker.metrics(milliseconds(), 0, &[("held_out_auc", auc)]);
        }
        for name in trained.map(Run::files).unwrap_or_default() {
            tracker.file(&self.out.join(&name), &name);
        }
        let delivery =
            tracker.finish(if trained.is_ok() { RunStatus::Finished } else { RunStatus::Failed }, milliseconds());
        if delivery.is_complete() {
            self.console.note(&format!("{:12} {delivery}", "tracked"));
        } else {
            self.console.warn(&delivery.to_string());
        }
    }
}

impl TrainingWatch for Tracking<'_> {
    fn planned(&self, _plan: &TrainingPlan) {
        let mut state = self.state();
        if self.has_tensorboard() {
            let parameters = hyperparameters(self.config);
            self.events(&mut state, self.folder(), |writer| writer.hyperparameters(now(), &parameters));
        }
        for target in self.targets {
            let Target::Mlflow(url) = target else { continue };
            match self.start(url) {
                Ok(tracker) => state.tracker = Some(tracker),
                Err(error) => self.console.warn(&format!("{error:#}. The training goes on without MLflow")),
            }
        }
    }

    fn epoch(&self, record: &EpochRecord) -> ControlFlow<()> {
        let values = [
            ("training_loss", record.training_loss),
            ("validation_loss", record.validation_loss),
            ("validation_auc", record.validation_auc),
            ("learning_rate", record.learning_rate),
        ];
        let member = member_name(record.repeat, record.fold, record.member);
        let step = i64::from(record.epoch);
        let mut state = self.state();
        if self.has_tensorboard() {
            self.events(&mut state, self.folder().join(&member), |writer| writer.scalars(now(), step, &values));
        }
        if let Some(tracker) = &state.tracker {
            let named: Vec<(String, f64)> =
                values.iter().map(|(name, value)| (format!("{member}/{name}"), *value)).collect();
            let named: Vec<(&str, f64)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            tracker.metrics(milliseconds(), step, &named);
        }
        ControlFlow::Continue(())
    }

    fn member_finished(&self, member: &MemberSummary) {
        let name = format!("{}/{}", member.model, member_name(member.repeat, member.fold, member.member));
        if let Some(tracker) = &self.state().tracker {
            tracker.metrics(milliseconds(), 0, &[(&format!("{name}/held_out_auc"), member.validation_auc)]);
        }
    }
}

fn member_name(repeat: u32, fold: u32, member: u32) -> String {
    format!("repeat{repeat}-fold{fold}-member{member}")
}

fn hyperparameters(config: &CheckedConfig) -> BTreeMap<String, Hyperparameter> {
    let typed = |value: String| match (value.parse::<f64>(), value.parse::<bool>()) {
        (Ok(number), _) => Hyperparameter::Number(number),
        (_, Ok(flag)) => Hyperparameter::Flag(flag),
        _ => Hyperparameter::Text(value.trim_matches('"').to_owned()),
    };
    settings(config.written()).into_iter().map(|(key, value)| (key, typed(value))).collect()
}

fn since_1970() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn now() -> f64 {
    since_1970().as_secs_f64()
}

fn milliseconds() -> i64 {
    since_1970().as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_others_refused() {
        assert_eq!("tensorboard".parse(), Ok(Target::TensorBoard));
        assert_eq!("mlflow=http://localhost:5000".parse(), Ok(Target::Mlflow("http://localhost:5000".to_owned())));
        for wrong in ["", "wandb", "mlflow", "mlflow=", "mlflow=not a url"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
