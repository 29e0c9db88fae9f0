//! The arguments of `staycast train`, and the job that they ask for.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use staycast_forecast::config::{Config, SplitBy};
use staycast_forecast::device::DeviceChoice;
use staycast_forecast::{ModelKind, RUN_FILES, Run, RunState, run_state};

use super::job::{StartMode, TrainJob};
use super::track::Target;
use crate::config_file;
use crate::console::Console;
use crate::database_args::HiddenText;
use crate::output_place;
use crate::status::usage_from;
use crate::{course_names, devices};

/// Train a forecast on sequences
///
/// Trains LSTMs, logistic regressions and boosted trees that forecast dropout at the end of every week. Chooses the best, or a
/// blend, calibrates it and chooses a threshold, on rows held out of the training set. Keeps a test part for
/// `staycast evaluate`, whose learners are trained on nowhere.
///
/// A killed run goes on with --resume, and ends the same (on a CPU: to the byte).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    /// Folder that `staycast preprocess` wrote
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// Folder to write; it must not hold a run yet
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Settings in TOML; what the file does not name keeps its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Model to train: auto, lstm, a baseline, or blend
    ///
    /// auto trains what the training set is large enough for, and keeps the best on held-out rows, or a blend. Baselines:
    /// days-since-last, rules, linear, logistic, tree, forest, boosting, hazard. blend mixes those that the configuration
    /// names. If not given: the model of the configuration, usually auto; with --from, lstm.
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelKind>,
    /// Change one setting, as in training.epochs=20; may be repeated
    ///
    /// A run's config.toml lists all settings.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
    /// Seed of all randomness; if not given, the configuration's, usually 1
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Fine-tune the networks of this finished run
    ///
    /// Keeps its inputs and the shape of its networks, and trains at training.fine_tuning times the learning rate.
    /// Meant for a course with few labels of its own. Nobody that the run was trained on may be in the test part.
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// Go on with an interrupted run, or keep a finished one
    ///
    /// Takes the settings that the run was begun with, unless others are given. Begins the run where there is none yet.
    #[arg(long)]
    resume: bool,
    /// Show the training in tensorboard or mlflow=URL as well; may be repeated
    ///
    /// tensorboard writes event files to RUN/tensorboard. For an MLflow server, the variables MLFLOW_TRACKING_USERNAME,
    /// MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN, MLFLOW_EXPERIMENT_NAME and MLFLOW_HTTP_REQUEST_TIMEOUT are
    /// used. Where tracking fails, a warning says so and the training goes on.
    #[arg(long, value_name = "WHERE")]
    track: Vec<HiddenText>,
    /// Courses to train on; if not given, all but the test courses
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    train_courses: Vec<String>,
    /// Courses to keep for the test; if not given, a quarter of them
    #[arg(long, value_name = "C,D", value_delimiter = ',')]
    test_courses: Vec<String>,
    /// Choose the test part in this way; if not given, as the configuration says, usually by course
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// Cross-validate in K folds in place of one test part
    ///
    /// Folds are of learners, unless --split says otherwise.
    #[arg(long, value_name = "K")]
    folds: Option<u32>,
    /// Draw the folds anew this often
    #[arg(long, value_name = "R", requires = "folds")]
    repeats: Option<u32>,
    /// Cross-validate with a fold for every course, or every institution with --split institution
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
  staycast train sequences --out lstm --model lstm         LSTMs alone
  staycast train sequences --out forest --model forest     a baseline
  staycast train new-course --out tuned --from run --split learner   fine-tune to a course with few labels
  staycast train sequences --out run --set training.proxy_days=14    let inactivity stand for dropout where courses run on
  staycast train sequences --out run --resume              after a kill";

/// Names a way to choose the test part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SplitName {
    /// Whole courses: how well does it do in a course it never saw?
    Course,
    /// Later courses, with training on what was known before them: a forecast as in real use
    Time,
    /// The latest runs of courses held before, with training on what was known before them
    LaterRun,
    /// Learners of the same courses
    Learner,
    /// Whole institutions: how well does it do in one that it never saw?
    Institution,
    /// Enrolments of the same courses, which flatters the forecast
    Random,
}

impl SplitName {
    /// Returns the value of the setting `split.by`.
    const fn setting(self) -> SplitBy {
        match self {
            Self::Course => SplitBy::Course,
            Self::Time => SplitBy::Time,
            Self::LaterRun => SplitBy::LaterRun,
            Self::Learner => SplitBy::Learner,
            Self::Institution => SplitBy::Institution,
            Self::Random => SplitBy::Random,
        }
    }
}

impl TrainArgs {
    /// Returns the folder to write.
    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    /// Prepares the folder to write.
    pub(super) fn prepare_place(&self) -> anyhow::Result<()> {
        let inputs = [Some(&self.sequences), self.config.as_ref(), self.from.as_ref()];
        output_place::prepare_folder(&self.out, &RUN_FILES, inputs.into_iter().flatten().map(PathBuf::as_path))
    }

    pub(super) fn resolve(&self, console: &Console) -> anyhow::Result<TrainJob> {
        let begun = if self.resume { run_state(&self.out)? } else { RunState::Free };
        let mut config = match (&self.config, begun) {
            (Some(path), _) => Config::load(path).map_err(usage_from)?,
            (None, RunState::Interrupted(config)) => *config,
            (None, RunState::Finished) => Run::open(&self.out)?.config().written().clone(),
            (None, RunState::Free | RunState::Other) => match &self.from {
                // The networks keep their shape, and what is known of how to train them.
                Some(from) => {
                    let mut config = Run::open(from)?.config().written().clone();
                    config.split = Config::default().split;
                    config.model.kind = ModelKind::Lstm;
                    config
                }
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
        config_file::check(&config, self.config.as_deref())?;
        course_names::resolve_split(&mut config.split, &self.sequences)?;
        Ok(TrainJob {
            sequences: self.sequences.clone(),
            out: self.out.clone(),
            config: config_file::check(&config, self.config.as_deref())?,
            device: self.device,
            start: if self.resume { StartMode::Any } else { StartMode::Fresh },
            track: self
                .track
                .iter()
                .map(|text| Target::parse(text.0.reveal(), console))
                .collect::<anyhow::Result<_>>()?,
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
                SplitBy::Learner.name().clone_into(&mut split.by);
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
            by.setting().name().clone_into(&mut split.by);
        }
    }
}
