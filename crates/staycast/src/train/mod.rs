//! `staycast train`: sequences in, a run out.

mod summary;
mod track;
mod watch;

pub(crate) use summary::{clauses, describe, model_in_words};

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;
use staycast_forecast::config::{CheckedConfig, Config};
use staycast_forecast::device::{ChosenDevice, DeviceChoice};
use staycast_forecast::{
    EpochRecord, MemberSummary, ModelKind, ParentRecord, Run, RunManifest, RunState, Start, TrainError, TrainRequest,
    TrainingPlan, TrainingWatch, run_state,
};
use staycast_sequences::{Dataset, Selection, SequenceFolder, peak_memory_bytes};

use crate::console::Console;
use crate::devices;
use crate::status::{Status, usage_from};
use crate::train::track::{Target, Tracking};
use crate::train::watch::Watch;

/// Train a forecast on sequences
///
/// Trains an ensemble of LSTMs that forecast dropout at the end of every week, calibrates them and chooses a threshold on
/// rows held out of the training side, and keeps a test part that `staycast evaluate` looks at. A learner of the test part
/// is trained on nowhere. A killed run goes on with --resume, and ends the same (on a CPU: to the byte).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// Folder that `staycast preprocess` wrote
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// Folder to write; it must not hold a run yet
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Settings in TOML; what it does not name keeps its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to forecast with: lstm, a model to beat (days-since-last, rules, linear, logistic, tree, forest, boosting,
    /// hazard), or blend, which mixes several; the configuration's, usually lstm, if not given
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelKind>,
    /// Change one setting, as in training.epochs=20 (a run's config.toml lists them all); may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
    /// From which all randomness is drawn
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Fine-tune: go on from the networks of this finished run, with its inputs and the shape of its networks, at
    /// training.fine_tuning times the learning rate; for a course with few labels of its own. Nobody that the run was
    /// trained on may be in the test part
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// Go on with an interrupted run, with the settings that it was begun with unless others are given; begin it if it
    /// was not begun, and keep it if it is finished
    #[arg(long)]
    resume: bool,
    /// Show the training elsewhere, too: tensorboard (event files in RUN/tensorboard) or mlflow=URL (a tracking server;
    /// MLFLOW_TRACKING_USERNAME, _PASSWORD, _TOKEN and MLFLOW_EXPERIMENT_NAME are heeded); may be repeated. Tracking that
    /// fails is said, and the training goes on
    #[arg(long, value_name = "WHERE")]
    track: Vec<Target>,
    /// Courses to train on; all but the test courses if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    train_courses: Vec<String>,
    /// Courses to keep for the test; a quarter of them if not given
    #[arg(long, value_name = "C,D", value_delimiter = ',')]
    test_courses: Vec<String>,
    /// What the test part is made of
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// Cross-validate in K folds in place of one test part, by learner unless --split says otherwise
    #[arg(long, value_name = "K")]
    folds: Option<u32>,
    /// Draw the folds anew this often
    #[arg(long, value_name = "R", requires = "folds")]
    repeats: Option<u32>,
    /// Cross-validate with a fold for every course (or, with --split institution, every institution)
    #[arg(long, conflicts_with = "folds")]
    leave_one_out: bool,
}

const EXAMPLES: &str = "\
Examples:
  staycast train sequences --out run
  staycast train sequences --out run --test-courses physics-3,history-2 --device cpu --seed 7
  staycast train sequences --out run --split time          train on what was known before the test began
  staycast train sequences --out run --split later-run     test on the latest run of each course
  staycast train sequences --out cv --folds 5 --repeats 10
  staycast train sequences --out cv --leave-one-out        test on each course in turn
  staycast train sequences --out run --set model.hidden=64 --set 'threshold.rule=precision>=0.8'
  staycast train sequences --out forest --model forest     a model to beat, in place of LSTMs
  staycast train new-course --out tuned --from run --split learner   fine-tune to a course with few labels
  staycast train sequences --out run --set training.proxy_days=14    let silence stand for dropout where courses run on
  staycast train sequences --out run --resume              after a kill";

/// The splits by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SplitName {
    /// Whole courses: how well does it do in a course it never saw?
    Course,
    /// Later courses, trained on what was known before them: a forecast as in real use
    Time,
    /// The latest runs of courses held before, trained on what was known before them
    LaterRun,
    /// Learners of the same courses
    Learner,
    /// Whole institutions: how well does it do where it never was?
    Institution,
    /// Enrolments of the same courses; flatters
    Random,
}

impl SplitName {
    const fn name(self) -> &'static str {
        match self {
            Self::Course => "course",
            Self::Time => "time",
            Self::LaterRun => "later-run",
            Self::Learner => "learner",
            Self::Institution => "institution",
            Self::Random => "random",
        }
    }
}

/// What to train, on what.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sequences: PathBuf,
    pub(crate) out: PathBuf,
    pub(crate) config: CheckedConfig,
    pub(crate) device: DeviceChoice,
    pub(crate) start: Beginning,
    pub(crate) track: Vec<Target>,
    /// The run to go on from.
    pub(crate) from: Option<PathBuf>,
}

/// How to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// With a new run.
    Fresh,
    /// With whatever there is: nothing, an interrupted run, or a finished one.
    Any,
}

impl TrainArgs {
    fn resolve(&self) -> anyhow::Result<Plan> {
        let begun = if self.resume { run_state(&self.out)? } else { RunState::Free };
        let mut config = match (&self.config, begun) {
            (Some(path), _) => Config::load(path).map_err(usage_from)?,
            (None, RunState::Interrupted(config)) => *config,
            (None, RunState::Finished) => (**Run::open(&self.out)?.config()).clone(),
            (None, RunState::Free | RunState::Other) => match &self.from {
                // The networks keep their shape, and what is known of how to train them.
                Some(from) => Config { split: Config::default().split, ..(**Run::open(from)?.config()).clone() },
                None => Config::default(),
            },
        };
        for setting in &self.settings {
            config.set(setting).map_err(usage_from)?;
        }
        if let Some(model) = self.model {
            config.model.kind = model;
        }
        if let Some(seed) = self.seed {
            config.training.seed = seed;
        }
        self.resolve_split(&mut config);
        Ok(Plan {
            sequences: self.sequences.clone(),
            out: self.out.clone(),
            config: config.check().map_err(usage_from)?,
            device: self.device,
            start: if self.resume { Beginning::Any } else { Beginning::Fresh },
            track: self.track.clone(),
            from: self.from.clone(),
        })
    }

    fn resolve_split(&self, config: &mut Config) {
        let split = &mut config.split;
        if !self.train_courses.is_empty() {
            split.train_courses.clone_from(&self.train_courses);
        }
        if !self.test_courses.is_empty() {
            split.test_courses.clone_from(&self.test_courses);
        }
        if let Some(folds) = self.folds {
            split.folds = folds;
            split.leave_one_out = false;
            let asked = self.config.is_some() || self.settings.iter().any(|setting| setting.starts_with("split.by"));
            if !asked {
                SplitName::Learner.name().clone_into(&mut split.by);
            }
        }
        if let Some(repeats) = self.repeats {
            split.repeats = repeats;
        }
        if self.leave_one_out {
            split.leave_one_out = true;
            (split.folds, split.repeats) = (0, 1);
        }
        if let Some(by) = self.split {
            by.name().clone_into(&mut split.by);
        }
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Trained {
    /// The run's folder.
    pub(crate) out: PathBuf,
    /// Whether it was finished already, and has been kept.
    pub(crate) kept: bool,
    /// Why this device.
    pub(crate) device_why: String,
    pub(crate) seconds: f64,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) manifest: RunManifest,
}

/// Runs the subcommand.
pub(crate) fn run(args: &TrainArgs, console: &Console) -> anyhow::Result<Status> {
    let plan = args.resolve()?;
    let (trained, run) = execute(&plan, console)?;
    console.summarise(&trained, || summary::words(&plan, &trained, &run))?;
    Ok(Status::Fine)
}

/// Trains the run, or keeps it if it is finished.
pub(crate) fn execute(plan: &Plan, console: &Console) -> anyhow::Result<(Trained, Run)> {
    let begun = Instant::now();
    let data = load(&plan.sequences)?;
    let kept = keeps(plan)?;
    let (run, why) = if kept {
        let run = train_or_keep(&data, plan, &ChosenDevice::flex(), console)?;
        let why = run.manifest().device.to_string();
        (run, why)
    } else {
        let device = devices::choose(plan.device, console)?;
        (train_or_keep(&data, plan, &device, console)?, device.why)
    };
    let trained = Trained {
        out: plan.out.clone(),
        kept,
        device_why: why,
        seconds: begun.elapsed().as_secs_f64(),
        peak_memory_bytes: peak_memory_bytes(),
        manifest: run.manifest().clone(),
    };
    Ok((trained, run))
}

/// Whether the finished run in the folder is to be kept.
fn keeps(plan: &Plan) -> anyhow::Result<bool> {
    Ok(plan.start == Beginning::Any && run_state(&plan.out)? == RunState::Finished)
}

/// [`execute`] on sequences that have been read.
pub(crate) fn train_or_keep(
    data: &Dataset,
    plan: &Plan,
    device: &ChosenDevice,
    console: &Console,
) -> anyhow::Result<Run> {
    if keeps(plan)? {
        let run = Run::open(&plan.out)?;
        same_run(&run, plan, data)?;
        return Ok(run);
    }
    let start = match (plan.start, run_state(&plan.out)?) {
        (Beginning::Any, RunState::Interrupted(_)) => Start::Resume,
        _ => Start::Fresh,
    };
    train(data, plan, device, start, console)
}

fn train(data: &Dataset, plan: &Plan, device: &ChosenDevice, start: Start, console: &Console) -> anyhow::Result<Run> {
    let from = plan.from.as_deref().map(Run::open).transpose()?;
    let request = TrainRequest { data, config: &plan.config, device, out: &plan.out, start, from: from.as_ref() };
    tracing::info!(device = %device.info, threads = rayon::current_num_threads(), ?start, "training");
    let watch = Watch::new(console);
    let tracking = Tracking::new(plan, &plan.track, console);
    let trained = staycast_forecast::train(&request, &Both(&watch, &tracking));
    watch.end();
    let trained = trained.map_err(|error| match error {
        TrainError::TargetInLabelWindow { .. } | TrainError::Split(_) | TrainError::Config(_) => usage_from(error),
        other => other.into(),
    });
    tracking.finish(trained.as_ref());
    trained
}

/// Two who watch.
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

/// A finished run may stand for the one asked for only if it is that one.
fn same_run(run: &Run, plan: &Plan, data: &Dataset) -> anyhow::Result<()> {
    let other =
        |what| anyhow::anyhow!("{} holds a finished run of other {what}; name another --out", plan.out.display());
    if run.manifest().data.fingerprint != data.manifest.fingerprint() {
        return Err(other("sequences"));
    }
    if **run.config() != *plan.config {
        return Err(other("settings"));
    }
    let from = plan.from.as_deref().map(Run::open).transpose()?;
    if run.manifest().from != from.as_ref().map(ParentRecord::of) {
        return Err(other("networks to go on from"));
    }
    Ok(())
}

/// Sequences, read whole.
pub(crate) fn load(sequences: &Path) -> anyhow::Result<Dataset> {
    let folder = SequenceFolder::open(sequences)?;
    folder.load(&Selection::default()).with_context(|| format!("{}: cannot read the sequences", sequences.display()))
}
