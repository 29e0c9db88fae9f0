//! `staycast transfer`: how well forecasts carry over to other courses and later runs.

mod outcome;
mod peers;
mod suite;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use staycast_evaluation::report::{ByCohort, Resampling};
use staycast_forecast::config::Config;
use staycast_forecast::device::{ChosenDevice, DeviceChoice, Work};
use staycast_forecast::{
    EvaluateRequest, ModelKind, evaluate_predictions, predictions, record_evaluation, training_work,
};
use staycast_sequences::Dataset;
use staycast_text::{escape_json, escape_lines};

use self::outcome::{Benchmark, ModelFigures, TaskCohort, TaskFigures};
use self::peers::Peers;
use self::suite::{NamedSequences, Suite, Task, named_sequences};
use crate::console::Console;
use crate::display::to_json;
use crate::interruption::advise_to_repeat;
use crate::out_folder::OutFolder;
use crate::sequences::{course_ids, load};
use crate::status::{Status, usage, usage_from};
use crate::{course_names, devices, failure, output_place, train};

/// Measure how well models carry over to other courses and later runs
///
/// For each task of the file, each model learns from some courses and forecasts others. Prints one table of all tasks, and for
/// each model its mean rank, and its mean difference to the first with an interval.
///
/// Called again after a kill, it goes on where it was. Each run records that its test part was looked at.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast transfer tasks.toml --sequences oulad=sequences --out transfer --models auto,lstm,logistic

A task, in the file:
  [[tasks]]
  name = \"AAA-to-BBB\"            # of the table's row, and of the folder of its runs
  sequences = \"oulad\"            # as --sequences names it
  week = 4                       # cut-off; no later week is read
  train = [\"AAA-2013J\", \"AAA-2014J\"]
  test = [\"BBB-2013B\"]
  settings = [\"training.next_week=0\"]   # optional: as --set, for this task alone
  group = \"earlier-runs\"         # optional: tasks of a group are summed up apart

Or, in place of train and test, each of some courses from all others, with the means over them:
  leave_one_out = [\"AAA-2013J\", \"BBB-2013B\", \"CCC-2014J\"]")]
pub(crate) struct TransferArgs {
    /// File in TOML that lists the tasks
    #[arg(value_name = "TASKS")]
    tasks: PathBuf,
    /// Folder that `staycast preprocess` wrote, with the name that tasks use for it; may be repeated
    #[arg(long, value_name = "NAME=DIR", value_parser = named_sequences, required = true)]
    sequences: Vec<NamedSequences>,
    /// Folder for the runs, transfer.json and transfer.txt
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Models to compare; all others are compared with the first
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        default_value = "auto,lstm,logistic,boosting,days-since-last"
    )]
    models: Vec<ModelKind>,
    /// Figures of other programs' models on the same tasks, in the form of transfer.json
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    /// Settings in TOML for all runs; if not given, the defaults
    #[arg(long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Change one setting of all runs; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// Names the two forms of the result.
const TRANSFER_JSON: &str = "transfer.json";
const TRANSFER_TEXT: &str = "transfer.txt";

/// Runs the subcommand.
pub(crate) fn run(args: &TransferArgs, console: &Console) -> anyhow::Result<Status> {
    let suite = Suite::read(&args.tasks)?;
    let config = base_config(args)?;
    let inputs = args.sequences.iter().map(|named| named.path.as_path());
    let inputs = inputs.chain([args.tasks.as_path()]).chain(args.config.as_deref()).chain(args.peers.as_deref());
    output_place::prepare_folder(&args.out, &[TRANSFER_JSON, TRANSFER_TEXT], inputs)?;
    let places = places(args, &suite)?;
    let mut models: Vec<String> = args.models.iter().map(ToString::to_string).collect();
    let peers = args.peers.as_deref().map(|path| Peers::read(path, &models)).transpose()?;
    advise_to_repeat(&args.out);
    let folder = OutFolder::make(&args.out)?;
    // Of one data set after the other, so that one at a time is in memory.
    let mut found: Vec<Option<TaskFigures>> = suite.tasks.iter().map(|_| None).collect();
    for (name, path) in &places {
        let data = load(path, console)?;
        let tasks = || suite.tasks.iter().enumerate().filter(|(_, task)| task.sequences == *name);
        let work =
            tasks().try_fold(Work::none(), |all, (_, task)| anyhow::Ok(all.and(work(args, &config, &data, task)?)))?;
        let device = devices::choose(args.device, &work, console)?;
        for (at, task) in tasks() {
            let setting = Setting { args, config: &config, path, data: &data, device: &device, console };
            found[at] = Some(setting.task(task)?);
        }
    }
    let mut tasks: Vec<TaskFigures> = found.into_iter().flatten().collect();
    if let Some(peers) = &peers {
        tasks
            .iter_mut()
            .try_for_each(|task| peers.add_to(task))
            .map_err(|problem| usage(format!("--peers: {problem}")))?;
        models.extend(peers.models());
    }
    let benchmark = Benchmark::new(&models, tasks);
    let text = table::to_text(&benchmark);
    let files = [
        (TRANSFER_JSON, escape_json(&to_json(&benchmark)?).into_owned() + "\n"),
        (TRANSFER_TEXT, escape_lines(&text).into_owned()),
    ];
    staycast_files::write_together(files.map(|(name, content)| (args.out.join(name), content)))?;
    folder.keep();
    console.print_result(&benchmark, || text)?;
    Ok(Status::Fine)
}

fn base_config(args: &TransferArgs) -> anyhow::Result<Config> {
    let mut models = args.models.clone();
    models.sort_unstable_by_key(|model| model.name());
    if let Some(twice) = models.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(usage(format!("--models names {} twice", twice[0])));
    }
    let mut config = match &args.config {
        Some(path) => Config::load(path).map_err(usage_from)?,
        None => Config::default(),
    };
    for setting in &args.settings {
        config.set(setting).map_err(usage_from)?;
    }
    Ok(config)
}

/// Returns the ids of courses that a task names.
fn resolve(task: &Task, courses: &[String], data: &Dataset) -> anyhow::Result<Vec<String>> {
    course_names::resolve(courses, &course_ids(data)).map_err(|error| error.context(format!("task {}", task.name)))
}

/// Estimates the work of a task: every model on every division of its courses.
fn work(args: &TransferArgs, config: &Config, data: &Dataset, task: &Task) -> anyhow::Result<Work> {
    let resolve = |courses: &[String]| resolve(task, courses, data);
    let (train, test) = (resolve(&task.train)?, resolve(&task.test)?);
    let parts = parts(&args.out, &train, &test, &resolve(&task.leave_one_out)?);
    let one = |model: ModelKind, part: &Part| {
        let config = config_for(config, task, model, &part.train, &part.test)?;
        anyhow::Ok(training_work(data, &config.check().map_err(usage_from)?))
    };
    let mut all = args.models.iter().flat_map(|&model| parts.iter().map(move |part| (model, part)));
    all.try_fold(Work::none(), |work, (model, part)| Ok(work.and(one(model, part)?)))
}

/// Returns the folders that tasks use, by the names that they use for them.
fn places<'a>(args: &'a TransferArgs, suite: &Suite) -> anyhow::Result<BTreeMap<&'a str, &'a Path>> {
    let mut places = BTreeMap::new();
    for named in &args.sequences {
        if places.insert(named.name.as_str(), named.path.as_path()).is_some() {
            return Err(usage(format!("--sequences gives two folders the name {}", named.name)));
        }
    }
    if let Some(task) = suite.tasks.iter().find(|task| !places.contains_key(task.sequences.as_str())) {
        let name = &task.sequences;
        return Err(usage(format!(
            "task {} uses sequences called {name}, and none were given; add --sequences {name}=DIR, or take the task out",
            task.name
        )));
    }
    if let Some(name) = places.keys().find(|name| suite.tasks.iter().all(|task| task.sequences != **name)) {
        return Err(usage(format!("no task uses the sequences called {name}")));
    }
    Ok(places)
}

/// Holds what the tasks of one data set share.
struct Setting<'a> {
    args: &'a TransferArgs,
    config: &'a Config,
    path: &'a Path,
    data: &'a Dataset,
    device: &'a ChosenDevice,
    console: &'a Console,
}

impl Setting<'_> {
    fn task(&self, task: &Task) -> anyhow::Result<TaskFigures> {
        let resolve = |courses: &[String]| resolve(task, courses, self.data);
        let (train, test) = (resolve(&task.train)?, resolve(&task.test)?);
        let left_out = resolve(&task.leave_one_out)?;
        let parts = parts(&self.args.out.join(&task.name), &train, &test, &left_out);
        let mut figures = Vec::new();
        for &model in &self.args.models {
            let mut found = Vec::new();
            let failed = parts.iter().try_for_each(|part| {
                self.console.note(&format!("{:12} {model} on {}{}", "transfer", task.name, part.of));
                let config = config_for(self.config, task, model, &part.train, &part.test)?;
                found.push(self.figures(task, part.out.join(model.name()), config)?);
                Ok::<(), anyhow::Error>(())
            });
            figures.push(match failed {
                Ok(()) => ModelFigures { model: model.to_string(), cohorts: mean(found), failed: None },
                // One that can't be trained on a task (as hazards without dates of leaving) is no reason to lose the rest.
                Err(error) => {
                    let reason = failure::message(&error);
                    self.console.warn(&format!("{model} has no figures on {}: {reason}", task.name));
                    ModelFigures::none(model.to_string(), reason)
                }
            });
        }
        let (name, sequences) = (task.name.clone(), task.sequences.clone());
        let group = task.group.clone();
        Ok(TaskFigures { name, sequences, week: task.week, train, test, left_out, group, figures })
    }

    fn figures(&self, task: &Task, out: PathBuf, config: Config) -> anyhow::Result<ByCohort<TaskCohort>> {
        let job = train::TrainJob {
            sequences: self.path.to_owned(),
            out,
            config: config.check().map_err(usage_from)?,
            device: self.args.device,
            start: train::StartMode::Any,
            track: Vec::new(),
            from: None,
        };
        let run = train::train_or_keep(self.data, &job, self.device, self.console)?;
        let request = EvaluateRequest { week: Some(task.week), ..EvaluateRequest::new(self.data, self.device) };
        let predictions = predictions(&run, &request).map_err(crate::forecast_args::as_usage)?;
        let mut found = evaluate_predictions(&predictions, Resampling::Off)?;
        if let Some(why) = record_evaluation(&run, &request, &mut found.evaluation)? {
            self.console.warn(&format!("{}: this evaluation is not recorded in the run ({why})", task.name));
        }
        let cohorts = &found.evaluation.cohorts;
        Ok(ByCohort { all: (&cohorts.all).into(), active: (&cohorts.active).into() })
    }
}

/// Returns the configuration of a run.
fn config_for(
    base: &Config,
    task: &Task,
    model: ModelKind,
    train: &[String],
    test: &[String],
) -> anyhow::Result<Config> {
    let mut config = base.clone();
    for setting in &task.settings {
        config.set(setting).map_err(|error| usage_from(error).context(format!("task {}", task.name)))?;
    }
    config.model.kind = model;
    config.training.target_week = task.week.weeks().into();
    config.training.weeks = task.week.weeks().into();
    "course".clone_into(&mut config.split.by);
    config.split.train_courses = train.to_vec();
    config.split.test_courses = test.to_vec();
    Ok(config)
}

/// Holds one division of a task's courses.
struct Part {
    train: Vec<String>,
    test: Vec<String>,
    /// Folder of its runs.
    out: PathBuf,
    /// The text of a line of progress after the task's name.
    of: String,
}

/// Lists the divisions of a task's courses: one, or as many as there are courses to leave out.
fn parts(out: &Path, train: &[String], test: &[String], left_out: &[String]) -> Vec<Part> {
    if left_out.is_empty() {
        return vec![Part { train: train.to_vec(), test: test.to_vec(), out: out.to_owned(), of: String::new() }];
    }
    let one = |(at, course): (usize, &String)| Part {
        train: left_out.iter().filter(|other| *other != course).cloned().collect(),
        test: vec![course.clone()],
        // Ids of courses need not be names of folders.
        out: out.join((at + 1).to_string()),
        of: format!(", {} of {}", at + 1, left_out.len()),
    };
    left_out.iter().enumerate().map(one).collect()
}

/// Returns the figures of the only division of a task, or their means over all.
fn mean(mut found: Vec<ByCohort<TaskCohort>>) -> ByCohort<TaskCohort> {
    match found.len() {
        1 => found.remove(0),
        _ => ByCohort {
            all: TaskCohort::mean(&found.iter().map(|cohorts| &cohorts.all).collect::<Vec<_>>()),
            active: TaskCohort::mean(&found.iter().map(|cohorts| &cohorts.active).collect::<Vec<_>>()),
        },
    }
}
