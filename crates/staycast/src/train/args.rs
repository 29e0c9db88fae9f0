//! The arguments of `staycast train`, and the job that they ask for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use staycast_forecast::config::Config;
use staycast_forecast::device::DeviceChoice;
use staycast_forecast::{ModelKind, Run, RunState, run_state};

use super::job::{StartMode, TrainJob};
use super::track::Target;
use crate::devices;
use crate::status::usage_from;

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

impl TrainArgs {
    pub(super) fn resolve(&self) -> anyhow::Result<TrainJob> {
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
        Ok(TrainJob {
            sequences: self.sequences.clone(),
            out: self.out.clone(),
            config: config.check().map_err(usage_from)?,
            device: self.device,
            start: if self.resume { StartMode::Any } else { StartMode::Fresh },
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
