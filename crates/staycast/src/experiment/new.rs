//! `staycast experiment new`: a plan that says what it can see before anybody is assigned.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use staycast_advice::experiments::{
    Experiment, ExperimentError, HOLDOUT, Outcome, PlanFile, PlanRequest, Population, Spending, StratifyBy, plan,
    read_scores,
};

use crate::console::Console;
use crate::display::{LabelledText, format_percent, group_digits, pluralise};
use crate::output_place;
use crate::status::{Status, usage, usage_from};
use crate::values;

/// Plan an experiment, and say what it can see
///
/// Writes a folder with plan.toml. Nothing is written where the learners at hand are too few for the smallest effect worth
/// finding: the error says how many it needs. Pool courses then: several files of scores make one experiment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast experiment new --name \"Week 4 message\" --arms message --population scores.csv \\
      --out week-4
  staycast experiment new --name calls --arms message,call=0.2 --holdout 0.4 --base-rate 0.42 \\
      --population a.parquet b.parquet --risk-from 0.3 --risk-below 0.8 --looks 3 --out calls")]
pub(crate) struct NewArgs {
    /// Name of the experiment
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// Arms to compare with the holdout, each with its share of learners if need be, as message,call=0.2
    #[arg(long, value_name = "ARM", value_delimiter = ',', required = true, value_parser = arm)]
    arms: Vec<(String, Option<f64>)>,
    /// Share of learners for whom nothing is done; if not given, as many as an arm gets
    #[arg(long, value_name = "SHARE", value_parser = values::share)]
    holdout: Option<f64>,
    /// Files that `staycast score` wrote, of the learners who may take part
    #[arg(long, value_name = "SCORES", num_args = 1.., required = true)]
    population: Vec<PathBuf>,
    /// Randomise within these
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "course,risk")]
    strata: Vec<StratumName>,
    /// Probabilities of dropout at which a new band begins
    #[arg(long, value_name = "P", value_delimiter = ',', default_value = "0.25,0.5,0.75", value_parser = values::share)]
    bands: Vec<f64>,
    /// Only learners with this probability of dropout or more
    #[arg(long, value_name = "P", default_value = "0", value_parser = values::share)]
    risk_from: f64,
    /// Only learners with a probability below this; 1 for all
    #[arg(long, value_name = "P", default_value = "1", value_parser = values::share)]
    risk_below: f64,
    /// Outcome that decides
    #[arg(long, value_enum, value_name = "OUTCOME", default_value_t = OutcomeName::ActiveNextWeek)]
    outcome: OutcomeName,
    /// Share with that outcome in the holdout; if not given, the forecast's for dropout, and 0.5 else
    ///
    /// At 0.5 shares vary most, so nothing is promised that can't be held.
    #[arg(long, value_name = "SHARE", value_parser = values::share)]
    base_rate: Option<f64>,
    /// Smallest effect worth finding, as a share: 0.05 are five points
    #[arg(long, value_name = "SHARE", default_value = "0.05", value_parser = values::share)]
    effect: f64,
    /// Learners in the end, where more will be assigned later
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)))]
    expected: Option<u64>,
    /// Looks at the outcomes that are planned
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    looks: u32,
    /// How the chance of a false alarm is spent over the looks
    #[arg(long, value_enum, value_name = "HOW", default_value_t = SpendingName::ObrienFleming)]
    spending: SpendingName,
    /// Chance of a false alarm, over all looks and arms
    #[arg(long, value_name = "SHARE", default_value = "0.05", value_parser = values::share)]
    alpha: f64,
    /// Chance to find the smallest effect
    #[arg(long, value_name = "SHARE", default_value = "0.8", value_parser = values::share)]
    power: f64,
    /// Seed of the randomisation
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    /// Folder to write; it must not exist
    #[arg(long, value_name = "EXPERIMENT")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StratumName {
    /// The course
    Course,
    /// The band of the probability of dropout
    Risk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutcomeName {
    /// At least one event in the week after the assignment
    ActiveNextWeek,
    /// The label of the sequences
    Dropout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SpendingName {
    /// Little early, nearly all at the end
    ObrienFleming,
    /// Evenly
    Pocock,
}

/// Parses `NAME` or `NAME=SHARE`.
fn arm(text: &str) -> Result<(String, Option<f64>), String> {
    match text.split_once('=') {
        Some((name, share)) => Ok((name.to_owned(), Some(values::share(share)?))),
        None => Ok((text.to_owned(), None)),
    }
}

impl NewArgs {
    fn resolve(&self) -> PlanRequest {
        PlanRequest {
            name: self.name.clone(),
            arms: self.arms.clone(),
            holdout_name: HOLDOUT.to_owned(),
            holdout: self.holdout,
            strata: self
                .strata
                .iter()
                .map(|name| match name {
                    StratumName::Course => StratifyBy::Course,
                    StratumName::Risk => StratifyBy::Risk,
                })
                .collect(),
            risk_bands: self.bands.clone(),
            risk: (self.risk_from, self.risk_below),
            seed: self.seed,
            primary_outcome: match self.outcome {
                OutcomeName::ActiveNextWeek => Outcome::ActiveNextWeek,
                OutcomeName::Dropout => Outcome::Dropout,
            },
            base_rate: self.base_rate,
            least_effect: self.effect,
            alpha: self.alpha,
            power: self.power,
            expected_learners: self.expected,
            looks: self.looks,
            spending: match self.spending {
                SpendingName::ObrienFleming => Spending::ObrienFleming,
                SpendingName::Pocock => Spending::Pocock,
            },
        }
    }
}

/// Describes a plan that was written, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Planned<'a> {
    #[serde(serialize_with = "crate::display::path_text")]
    out: &'a Path,
    plan: &'a PlanFile,
    population: Population,
}

/// Runs the subcommand.
pub(super) fn run(args: &NewArgs, console: &Console) -> anyhow::Result<Status> {
    let request = args.resolve();
    output_place::prepare_whole_folder(&args.out, args.population.iter().map(PathBuf::as_path))?;
    if args.out.join(staycast_advice::experiments::PLAN_FILE).exists() {
        return Err(usage(format!(
            "--out {}: there is an experiment already; name another folder",
            args.out.display()
        )));
    }
    let scores = read_scores(args.population.iter().map(PathBuf::as_path))?;
    let (plan, population) = plan(&request, &scores).map_err(|error| match error {
        ExperimentError::Request(_) => usage_from(error),
        other => other.into(),
    })?;
    let experiment = Experiment::begin(&args.out, plan)?;
    let planned = Planned { out: &args.out, plan: experiment.plan().file(), population };
    console.print_summary(&planned, || describe(&planned, &experiment))?;
    Ok(Status::Fine)
}

fn describe(planned: &Planned<'_>, experiment: &Experiment) -> String {
    let (file, population) = (planned.plan, &planned.population);
    let mut sheet = LabelledText::default();
    sheet.row("Experiment", &file.name);
    sheet.row(
        "Population",
        format!(
            "{} with {} in {}, {}",
            pluralise(population.learners, "learner"),
            pluralise(population.enrolments, "enrolment"),
            pluralise(population.courses, "course"),
            if population.strata == 1 {
                "1 stratum".to_owned()
            } else {
                format!("{} strata", group_digits(population.strata))
            },
        ),
    );
    for (place, (reason, rows)) in population.set_aside.iter().enumerate() {
        let label = if place == 0 { "Set aside" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*rows), reason.replace('_', " ")));
    }
    let shares = experiment
        .plan()
        .arms()
        .enumerate()
        .map(|(place, arm)| format!("{} {}", arm.name, format_percent(experiment.plan().share(place))));
    sheet.row("Arms", shares.collect::<Vec<_>>().join(", "));
    sheet.row("Decides", file.primary_outcome.describe());
    if let Some(effect) = file.detectable_effect {
        sheet.row(
            "Can see",
            format!(
                "{:.1} points or more, in {} of such experiments; a forecast that knows much lowers that, and is not \
                 promised",
                100.0 * effect,
                format_percent(file.power)
            ),
        );
    }
    sheet.row("Written", planned.out.display().to_string());
    sheet.into_string()
}
