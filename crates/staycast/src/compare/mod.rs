//! `staycast compare`: several models or settings on the same rows.

mod comparison;
mod paired;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use staycast_evaluation::report::{ByCohort, Resampling};
use staycast_forecast::config::Config;
use staycast_forecast::device::{ChosenDevice, DeviceChoice, Work};
use staycast_forecast::{
    EvaluateRequest, ModelKind, evaluate_predictions, predictions, record_evaluation, training_work,
};
use staycast_sequences::{CutOff, Dataset};
use staycast_text::{escape_json, escape_lines};

use self::comparison::{Comparison, Failed, Figures};
use self::paired::{Contender, pair};
use crate::config_file;
use crate::console::Console;
use crate::display::to_json;
use crate::evaluate::BOOTSTRAP_SEED;
use crate::failure;
use crate::interruption::advise_to_repeat;
use crate::out_folder::OutFolder;
use crate::output_place;
use crate::sequences::load;
use crate::status::{Status, usage, usage_from};
use crate::train;
use crate::{course_names, devices};

/// Train several models or settings, and compare them on the same rows
///
/// Trains a run for each configuration and model, and evaluates all on the same test part or, with folds, out of fold.
/// Prints one table: the figures of each, and its difference to the first with an interval and a p-value.
///
/// Differences are paired row by row, by a bootstrap over learners. Of a cross-validation they are tested by the
/// corrected t-test of Nadeau and Bengio over folds.
///
/// Called again after a kill, it goes on where it was. Each run records that its test part was looked at.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast compare sequences --out models                        the LSTM beside every baseline, and a blend
  staycast compare sequences a.toml b.toml --out ab              two configurations
  staycast compare sequences --out cv --models lstm,boosting,blend --set split.folds=5 --set split.by=learner")]
pub(crate) struct CompareArgs {
    /// Folder that `staycast preprocess` wrote
    #[arg(value_name = "SEQUENCES")]
    sequences: PathBuf,
    /// Settings in TOML, one run each; if none is given, the defaults
    #[arg(value_name = "CONFIG")]
    configs: Vec<PathBuf>,
    /// Folder for the runs, comparison.json and comparison.txt
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Models to train with each configuration
    ///
    /// If not given: with one configuration, the LSTM, all baselines and a blend; with several, each its own model.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    models: Vec<ModelKind>,
    /// Change one setting of all runs; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Compare at the end of this week; if not given, of the runs' own, usually 4
    #[arg(long, value_name = "WEEK", value_parser = crate::values::cut_off)]
    week: Option<CutOff>,
    /// Resamples of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    resamples: u32,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// Names the two forms of the comparison.
const COMPARISON_JSON: &str = "comparison.json";
const COMPARISON_TEXT: &str = "comparison.txt";

/// Runs the subcommand.
pub(crate) fn run(args: &CompareArgs, console: &Console) -> anyhow::Result<Status> {
    let inputs = std::iter::once(&args.sequences).chain(&args.configs).map(PathBuf::as_path);
    output_place::prepare_folder(&args.out, &[COMPARISON_JSON, COMPARISON_TEXT], inputs)?;
    advise_to_repeat(&args.out);
    let wanted = wanted(args)?;
    let data = load(&args.sequences, console)?;
    let device = devices::choose(args.device, &work(&wanted, &data)?, console)?;
    let folder = OutFolder::make(&args.out)?;
    let (mut contenders, mut failed) = (Vec::new(), Vec::new());
    for (name, config) in &wanted {
        console.note(&format!("{:12} {name}", "comparing"));
        match contender(args, name, config, &data, &device, console) {
            Ok(contender) => contenders.push(contender),
            // One that can't be trained on this data (as hazards without dates of leaving) is no reason to lose the rest.
            Err(error) if wanted.len() > 2 => {
                let reason = failure::message(&error);
                console.warn(&format!("{name} takes no part: {reason}"));
                failed.push(Failed { name: name.clone(), reason });
            }
            Err(error) => return Err(error.context(name.clone())),
        }
    }
    anyhow::ensure!(contenders.len() >= 2, "fewer than two of the runs could be trained; there is nothing to compare");
    let comparison = comparison(args, &contenders, failed)?;
    let text = table::to_text(&comparison);
    let json = to_json(&comparison)?;
    let files = [
        (COMPARISON_JSON, escape_json(&json).into_owned() + "\n"),
        (COMPARISON_TEXT, escape_lines(&text).into_owned()),
    ];
    staycast_files::write_together(files.map(|(name, content)| (args.out.join(name), content)))?;
    folder.keep();
    console.print_result(&comparison, || text)?;
    Ok(Status::Fine)
}

/// Lists the runs to train, by name.
fn wanted(args: &CompareArgs) -> anyhow::Result<Vec<(String, Config)>> {
    let mut configs = Vec::new();
    for path in &args.configs {
        let stem = path.file_stem().map_or_else(|| "config".into(), |stem| stem.to_string_lossy().into_owned());
        configs.push((stem, Some(path.as_path()), Config::load(path).map_err(usage_from)?));
    }
    let several = configs.len() > 1;
    if configs.is_empty() {
        configs.push((String::new(), None, Config::default()));
    }
    let mut found = Vec::new();
    for (stem, file, mut config) in configs {
        for setting in &args.settings {
            config.set(setting).map_err(usage_from)?;
        }
        course_names::resolve_split(&mut config.split, &args.sequences)?;
        let models = match args.models.as_slice() {
            [] if several => vec![config.model.kind],
            [] => ModelKind::all().filter(|&kind| kind != ModelKind::Auto).collect(),
            models => models.to_vec(),
        };
        for model in models {
            let mut config = config.clone();
            config.model.kind = model;
            config_file::check(&config, file)?;
            let name = match (stem.as_str(), several && args.models.is_empty()) {
                ("", _) => model.name().to_owned(),
                (stem, true) => stem.to_owned(),
                (stem, false) => format!("{stem}-{model}"),
            };
            found.push((name, config));
        }
    }
    let names: BTreeSet<&String> = found.iter().map(|(name, _)| name).collect();
    if names.len() < found.len() {
        return Err(usage("two of the runs would have the same name; rename a configuration, or name each model once"));
    }
    if found.len() < 2 {
        return Err(usage("there is only one run; name more configurations, or --models"));
    }
    Ok(found)
}

/// Returns the work of all runs.
fn work(wanted: &[(String, Config)], data: &Dataset) -> anyhow::Result<Work> {
    wanted.iter().try_fold(Work::none(), |all, (_, config)| {
        Ok(all.and(training_work(data, &config.clone().check().map_err(usage_from)?)))
    })
}

fn contender(
    args: &CompareArgs,
    name: &str,
    config: &Config,
    data: &Dataset,
    device: &ChosenDevice,
    console: &Console,
) -> anyhow::Result<Contender> {
    let job = train::TrainJob {
        sequences: args.sequences.clone(),
        out: args.out.join(name),
        config: config.clone().check().map_err(usage_from)?,
        device: args.device,
        start: train::StartMode::Any,
        track: Vec::new(),
        from: None,
    };
    let run = train::train_or_keep(data, &job, device, console)?;
    let resampling = Resampling::Resamples { count: args.resamples, seed: BOOTSTRAP_SEED };
    let request = EvaluateRequest { week: args.week, ..EvaluateRequest::new(data, device) };
    let predictions = predictions(&run, &request).map_err(crate::forecast_args::as_usage)?;
    let resampling = if predictions.len() > 1 { Resampling::Off } else { resampling };
    let mut found = evaluate_predictions(&predictions, resampling)?;
    if let Some(why) = record_evaluation(&run, &request, &mut found.evaluation)? {
        console.warn(&format!("{name}: this evaluation is not recorded in the run ({why})"));
    }
    let training_seconds = run.training_seconds();
    Ok(Contender { name: name.to_owned(), training_seconds, predictions, cohorts: found.evaluation.cohorts })
}

fn comparison(args: &CompareArgs, contenders: &[Contender], failed: Vec<Failed>) -> anyhow::Result<Comparison> {
    let first = &contenders[0].predictions[0];
    let mut pairs = Vec::new();
    for (at, one) in contenders.iter().enumerate() {
        for other in &contenders[at + 1..] {
            pairs.push(pair(one, other, args.resamples)?);
        }
    }
    paired::correct(&mut pairs, &contenders[0].name);
    let common = paired::CommonRows::new(&contenders.iter().map(|one| &one.predictions[0]).collect::<Vec<_>>());
    Ok(Comparison {
        week: first.week.weeks(),
        label_rule: first.label_rule.clone(),
        kind: first.kind,
        rows: ByCohort { all: common.count(false), active: common.count(true) },
        runs: contenders
            .iter()
            .map(|one| Figures {
                name: one.name.clone(),
                run: args.out.join(&one.name),
                training_seconds: one.training_seconds,
                cohorts: one.cohorts.clone(),
            })
            .collect(),
        pairs,
        failed,
    })
}
