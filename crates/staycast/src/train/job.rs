//! The training of a run, as `train`, `compare` and `demo` do it.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use staycast_forecast::config::CheckedConfig;
use staycast_forecast::device::{ChosenDevice, DeviceChoice};
use staycast_forecast::{
    EpochRecord, MemberSummary, ParentRecord, Run, RunManifest, RunState, Start, TrainError, TrainRequest,
    TrainingPlan, TrainingWatch, begun_on, run_state, training_work,
};
use staycast_sequences::{Dataset, peak_memory_bytes};

use super::track::{Target, Tracking};
use super::watch::Watch;
use crate::console::Console;
use crate::devices;
use crate::forecast_args::open_run;
use crate::sequences::load;
use crate::status::usage_from;

/// Holds which run to train, on which sequences, and how to begin.
#[derive(Debug)]
pub(crate) struct TrainJob {
    pub(crate) sequences: PathBuf,
    pub(crate) out: PathBuf,
    pub(crate) config: CheckedConfig,
    pub(crate) device: DeviceChoice,
    pub(crate) start: StartMode,
    pub(crate) track: Vec<Target>,
    /// The run to go on from.
    pub(crate) from: Option<PathBuf>,
}

/// Names how a training begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartMode {
    /// With a new run.
    Fresh,
    /// With whatever there is: nothing, an interrupted run, or a finished one.
    Any,
}

/// Holds the result of a training, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct TrainOutcome {
    /// The run's folder.
    #[serde(serialize_with = "crate::display::path_text")]
    pub(crate) out: PathBuf,
    /// True where it was finished already and has been kept.
    pub(crate) kept: bool,
    /// Why this device.
    pub(crate) device_why: String,
    pub(crate) seconds: f64,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) manifest: RunManifest,
}

/// Trains the run, or keeps it if it is finished.
pub(crate) fn execute(job: &TrainJob, console: &Console) -> anyhow::Result<(TrainOutcome, Run)> {
    let begun = Instant::now();
    let data = load(&job.sequences, console)?;
    let kept = keeps(job)?;
    let (run, why) = if kept {
        let run = train_or_keep(&data, job, &ChosenDevice::flex(), console)?;
        let why = run.manifest().device.to_string();
        (run, why)
    } else {
        let device = choose_device(job, &data, console)?;
        (train_or_keep(&data, job, &device, console)?, device.why)
    };
    let trained = TrainOutcome {
        out: job.out.clone(),
        kept,
        device_why: why,
        seconds: begun.elapsed().as_secs_f64(),
        peak_memory_bytes: peak_memory_bytes(),
        manifest: run.manifest().clone(),
    };
    Ok((trained, run))
}

/// Chooses the device; for a run that is resumed on `auto`, the one that it was begun on.
fn choose_device(job: &TrainJob, data: &Dataset, console: &Console) -> anyhow::Result<ChosenDevice> {
    let work = training_work(data, &job.config);
    let begun = match (job.device, job.start) {
        (DeviceChoice::Auto, StartMode::Any) => begun_on(&job.out)?,
        _ => None,
    };
    let Some(begun) = begun else { return devices::choose(job.device, &work, console) };
    console.note(&format!("{:12} {begun}, on which the run was begun", "device"));
    devices::choose(DeviceChoice::Backend(begun.backend), &work, console)
}

/// Tells whether the finished run in the folder is to be kept.
fn keeps(job: &TrainJob) -> anyhow::Result<bool> {
    Ok(job.start == StartMode::Any && run_state(&job.out)? == RunState::Finished)
}

/// Does the same on sequences that have been read.
pub(crate) fn train_or_keep(
    data: &Dataset,
    job: &TrainJob,
    device: &ChosenDevice,
    console: &Console,
) -> anyhow::Result<Run> {
    if keeps(job)? {
        let run = Run::open(&job.out)?;
        same_run(&run, job, data)?;
        return Ok(run);
    }
    let start = match (job.start, run_state(&job.out)?) {
        (StartMode::Any, RunState::Interrupted(_)) => Start::Resume,
        _ => Start::Fresh,
    };
    train(data, job, device, start, console)
}

fn train(
    data: &Dataset,
    job: &TrainJob,
    device: &ChosenDevice,
    start: Start,
    console: &Console,
) -> anyhow::Result<Run> {
    let from = job.from.as_deref().map(|from| open_run(from, console)).transpose()?;
    let request = TrainRequest { data, config: &job.config, device, out: &job.out, start, from: from.as_ref() };
    tracing::info!(device = %device.info, threads = rayon::current_num_threads(), ?start, "training");
    note_adaptations(&job.config, data, console);
    let watch = Watch::new(console);
    let tracking = Tracking::new(&job.out, &job.config, &job.track, console);
    let trained = staycast_forecast::train(&request, &Both(&watch, &tracking));
    watch.end();
    let trained = trained.map_err(|error| match error {
        TrainError::TargetTooLate { .. } | TrainError::Split(_) | TrainError::Config(_) => usage_from(error),
        other => other.into(),
    });
    tracking.finish(trained.as_ref());
    trained
}

/// Says which settings are not the usual ones, as the data does not allow these.
pub(crate) fn note_adaptations(config: &CheckedConfig, data: &Dataset, console: &Console) {
    for adaptation in config.adapted_to(data).adaptations() {
        console.note_once(&format!("{:12} {adaptation}", "adapting"));
    }
}

/// Passes the progress of a training to two watchers.
struct Both<'a>(&'a dyn TrainingWatch, &'a dyn TrainingWatch);

impl TrainingWatch for Both<'_> {
    fn planned(&self, plan: &TrainingPlan) {
        self.0.planned(plan);
        self.1.planned(plan);
    }

    fn epoch(&self, record: &EpochRecord) -> ControlFlow<()> {
        let (first, second) = (self.0.epoch(record), self.1.epoch(record));
        if first.is_break() { first } else { second }
    }

    fn member_finished(&self, member: &MemberSummary) {
        self.0.member_finished(member);
        self.1.member_finished(member);
    }
}

/// Checks that the finished run in the folder is the one asked for.
fn same_run(run: &Run, job: &TrainJob, data: &Dataset) -> anyhow::Result<()> {
    let other =
        |what| anyhow::anyhow!("{} holds a finished run of other {what}; name another --out", job.out.display());
    if run.manifest().data.fingerprint != data.manifest.fingerprint() {
        return Err(other("sequences"));
    }
    if run.config().written() != job.config.written() {
        return Err(other("settings"));
    }
    let from = job.from.as_deref().map(Run::open).transpose()?;
    if run.manifest().from != from.as_ref().map(Run::manifest).map(ParentRecord::from_manifest) {
        return Err(other("networks to go on from"));
    }
    Ok(())
}
