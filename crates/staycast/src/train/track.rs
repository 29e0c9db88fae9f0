//! `--track`: a training run as TensorBoard and MLflow show it. Where it fails a warning says so, and the training goes on.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use staycast_forecast::config::CheckedConfig;
use staycast_forecast::{EpochRecord, MemberSummary, Run, TrainingPlan, TrainingWatch};
use staycast_tracking::mlflow::{RunEnder, RunStatus, TrackedRun, Tracker, TrackerSettings, TrackingServer};
use staycast_tracking::tensorboard::{EventFileError, EventFileOrigin, EventWriter, Hyperparameter, SessionOutcome};

use crate::console::{Console, note_on_terminal};
use crate::interruption::{SuddenEnd, set_farewell};
use crate::run_folders::settings;
use crate::status::{usage, usage_from};

/// Names a place where a run is tracked.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Event files in the run's folder `tensorboard`.
    TensorBoard,
    /// An MLflow server, with the user's credentials, and how long to wait for it.
    Mlflow(TrackingServer, TrackerSettings),
}

impl Target {
    /// Reads a target as `--track` names it. Credentials that the address does not have are those of the environment.
    ///
    /// # Errors
    /// When it is none. The message shows nothing of the text, which may have a password in it.
    pub(super) fn parse(text: &str, console: &Console) -> anyhow::Result<Self> {
        let url = match text.split_once('=') {
            None if text == "tensorboard" => return Ok(Self::TensorBoard),
            Some(("mlflow", url)) if !url.is_empty() => url,
            // Anything but a word may be an address.
            _ => {
                let is_word = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_lowercase());
                let given = if is_word { format!("`{text}`") } else { "what is given".to_owned() };
                let what = "--track takes tensorboard, or mlflow=URL as in mlflow=http://localhost:5000";
                return Err(usage(format!("{what}; it does not take {given}")));
            }
        };
        let server = TrackingServer::new(url, |name| std::env::var(name).ok()).map_err(usage_from)?;
        if server.has_credentials_in_address() {
            console.warn(
                "others on this computer can see the password in the address of --track, as with ps; set \
                 MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, instead",
            );
        }
        Ok(Self::Mlflow(server, tracker_settings(std::env::var(TIMEOUT).ok())?))
    }
}

/// Names MLflow's own variable for the seconds that a request may take.
const TIMEOUT: &str = "MLFLOW_HTTP_REQUEST_TIMEOUT";

/// Returns how long to wait for the server: the usual times, or those that follow from the seconds of a request.
fn tracker_settings(seconds: Option<String>) -> anyhow::Result<TrackerSettings> {
    let usual = TrackerSettings::default();
    let Some(text) = seconds.filter(|text| !text.is_empty()) else { return Ok(usual) };
    let seconds = text.parse::<u64>().ok().filter(|seconds| (1..=3600).contains(seconds));
    let timeout = seconds.map(Duration::from_secs);
    let timeout = timeout.ok_or_else(|| usage(format!("{TIMEOUT} is not a number of seconds, from 1 to 3600")))?;
    // The end may take three requests: what waits, a file, and how the run ended.
    Ok(TrackerSettings {
        timeout,
        upload_timeout: usual.upload_timeout.max(timeout),
        finish_within: 3 * timeout,
        ..usual
    })
}

/// Bounds how long a program that is ended waits for a server.
const FAREWELL_WITHIN: Duration = Duration::from_secs(3);
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
        self.targets.iter().any(|target| matches!(target, Target::TensorBoard))
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

    fn start(&self, server: &TrackingServer, limits: TrackerSettings) -> anyhow::Result<Tracker> {
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
        Ok(Tracker::start(server.clone(), run, limits, problem)?)
    }

    /// Says on a terminal that the server is waited for, if that takes a while. The wait is over when the sender is dropped.
    fn say_still_waiting(&self) -> mpsc::Sender<()> {
        const A_WHILE: Duration = Duration::from_secs(5);
        let (sender, receiver) = mpsc::channel();
        let server = self.targets.iter().find_map(|target| match target {
            Target::Mlflow(server, limits) => Some((server.address().to_owned(), limits.finish_within)),
            Target::TensorBoard => None,
        });
        if let Some((address, limit)) = server.filter(|(_, limit)| *limit > A_WHILE) {
            thread::spawn(move || {
                if receiver.recv_timeout(A_WHILE) == Err(mpsc::RecvTimeoutError::Timeout) {
                    note_on_terminal(&format!(
                        "MLflow at {address}: still waiting for it to take the rest of the run; it is given up after {} s",
                        limit.as_secs()
                    ));
                }
            });
        }
        sender
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
        set_farewell(None);
        if let Some(auc) = figures {
            tracker.metrics(milliseconds(), 0, &[("held_out_auc", auc)]);
        }
        for name in trained.map(Run::files).unwrap_or_default() {
            tracker.file(&self.out.join(&name), &name);
        }
        let done = self.say_still_waiting();
        let delivery =
            tracker.finish(if trained.is_ok() { RunStatus::Finished } else { RunStatus::Failed }, milliseconds());
        drop(done);
        if delivery.is_complete() {
            self.console.note(&format!("{:12} {delivery}", "tracked"));
        } else {
            delivery.to_string().lines().for_each(|line| self.console.warn(line.trim()));
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
            let Target::Mlflow(server, limits) = target else { continue };
            match self.start(server, *limits) {
                Ok(tracker) => {
                    end_run_with_the_program(tracker.ender());
                    state.tracker = Some(tracker);
                }
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

/// Has the server told where the program ends in the middle of the training.
fn end_run_with_the_program(ender: RunEnder) {
    set_farewell(Some(Box::new(move |end| {
        let status = match end {
            SuddenEnd::Signal => RunStatus::Killed,
            SuddenEnd::Failure => RunStatus::Failed,
        };
        ender.end(status, milliseconds(), FAREWELL_WITHIN);
    })));
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
    use crate::console::{OutputForm, Verbosity};

    #[test]
    fn targets_are_read_and_others_refused() {
        let console = Console { form: OutputForm::Text, verbosity: Verbosity::Quiet, output_on_stdout: false };
        let parse = |text: &str| Target::parse(text, &console);
        assert!(matches!(parse("tensorboard"), Ok(Target::TensorBoard)));
        let Ok(Target::Mlflow(server, _)) = parse("mlflow=http://localhost:5000") else { panic!("an address") };
        assert_eq!(server.address(), "http://localhost:5000");
        for wrong in [
            "",
            "wandb",
            "mlflow",
            "mlflow=",
            "mlflow=not a url",
            "mlflow:http://u:s3cret@h",
            "mlflow=ftp://u:s3cret@h",
        ] {
            let error = parse(wrong).expect_err(wrong).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_seconds_of_a_request_are_mlflows_own_setting() {
        assert_eq!(tracker_settings(None).expect("usual"), TrackerSettings::default());
        let given = tracker_settings(Some("2".to_owned())).expect("a number");
        assert_eq!((given.timeout, given.finish_within), (Duration::from_secs(2), Duration::from_secs(6)));
        for wrong in ["0", "-1", "ten", "3601"] {
            assert!(tracker_settings(Some(wrong.to_owned())).is_err(), "{wrong}");
        }
    }
}
