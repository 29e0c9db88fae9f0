//! `staycast demo`: every stage on synthetic learners, through the same code as the commands.

mod people;
mod place;
mod truth;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use staycast_advice::worklist::{ChosenBy, WhichList, WorklistRow};
use staycast_evaluation::report::MinimumSize;
use staycast_evaluation::text;
use staycast_forecast::config::Config;
use staycast_forecast::device::DeviceChoice;
use staycast_forecast::{EvaluationOutcome, Rows, Run, ScoreRow};
use staycast_sequences::{ACTIVE_WITHIN_DAYS, BuildMode, BuildOptions, Dataset, Selection, SequenceFolder};
use staycast_simulator::{SimulatedFolder, SimulatorConfig, simulate_to_folder};

use self::place::Place;
use self::truth::BestReachable;
use crate::console::Console;
use crate::display::{
    LabelledText, format_bytes, format_duration, format_percent, group_digits, pluralise, quote_for_shell,
};
use crate::forecast_args::ForecastSelection;
use crate::log_input::LogInput;
use crate::out_folder::OutFolder;
use crate::progress::{BarTemplate, progress_bar};
use crate::status::Status;
use crate::{devices, evaluate, preprocess, score, train, worklist};

/// Simulate a cohort and run every stage on it
///
/// Simulates logs of synthetic learners and turns them into sequences. Trains a forecast on earlier courses, evaluates
/// it on later ones, ranks their learners and lists whom to contact. All of it goes through the same code as the commands, and takes less than
/// two minutes on two cores.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast demo
  staycast demo --learners 20000 --out big-demo
  staycast demo --device wgpu --json")]
pub(crate) struct DemoArgs {
    /// Folder to write; if not given, staycast-demo, or the first free of staycast-demo-2, -3 …
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Learners to simulate, each in one course or more
    #[arg(long, value_name = "N", default_value_t = 3200, value_parser = clap::value_parser!(u64).range(200..=10_000_000))]
    learners: u64,
    /// Seed of all randomness: of the learners and the training
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    /// Where to compute
    #[arg(long, value_name = "DEVICE", default_value = "auto", help = devices::HELP)]
    device: DeviceChoice,
}

/// Holds the demo's settings: the defaults, smaller.
const CONFIG: &str = include_str!("../../../../configs/demo.toml");

/// Counts how many of those most at risk are shown.
const SHOWN: usize = 10;
/// Counts the learners that the tutor of the worklist can contact.
const CAPACITY: usize = 10;
/// Counts how many of those who are still active are shown.
const ACTIVE_SHOWN: usize = 5;

/// Holds the results of every stage, as `--json` prints them.
#[derive(Debug, Serialize)]
struct DemoOutcome {
    #[serde(serialize_with = "crate::display::path_text")]
    out: PathBuf,
    seconds: f64,
    simulated: SimulatedRecord,
    preprocess: preprocess::PreprocessOutcome,
    train: train::TrainOutcome,
    evaluation: EvaluationOutcome,
    best_reachable: BestReachable,
    score: score::ScoreOutcome,
    most_at_risk: Vec<ScoreRow>,
    worklist: worklist::WorklistOutcome,
}

#[derive(Debug, Serialize)]
struct SimulatedRecord {
    learners: u64,
    enrolments: u64,
    events: u64,
    bytes: u64,
    dropout_rate: f64,
    seconds: f64,
}

/// Runs the subcommand.
pub(crate) fn run(args: &DemoArgs, console: &Console) -> anyhow::Result<Status> {
    let begun = Instant::now();
    let place = Place::find(args.out.as_deref())?;
    let inside = console.for_inner_stages();
    let folder = OutFolder::make_whole(place.folder())?;
    let shown = Demo { args, place: &place, console, inside: &inside }.run(begun)?;
    folder.keep();
    console.print_result(&shown, || closing(&place, begun.elapsed()))?;
    Ok(Status::Fine)
}

struct Demo<'a> {
    args: &'a DemoArgs,
    place: &'a Place,
    console: &'a Console,
    /// For the stages, whose own summaries would be too much here.
    inside: &'a Console,
}

impl Demo<'_> {
    fn run(&self, begun: Instant) -> anyhow::Result<DemoOutcome> {
        let simulated = self.simulate()?;
        let preprocess = self.preprocess()?;
        let (train, run) = self.train()?;
        let (evaluation, best_reachable) = self.evaluate(&run)?;
        let (score, most_at_risk) = self.score(&run)?;
        let worklist = self.worklist(&run)?;
        let seconds = begun.elapsed().as_secs_f64();
        let out = self.place.folder().to_owned();
        Ok(DemoOutcome {
            out,
            seconds,
            simulated,
            preprocess,
            train,
            evaluation,
            best_reachable,
            score,
            most_at_risk,
            worklist,
        })
    }

    /// Prints the heading of a stage: its number, what it does, and the command that would do it.
    fn heading(&self, number: u32, what: &str, command: &str) -> anyhow::Result<()> {
        self.console.print_part(&format!("\n{number}. {what}\n   $ {command}\n"))
    }

    fn simulate(&self) -> anyhow::Result<SimulatedRecord> {
        let begun = Instant::now();
        let config =
            SimulatorConfig { learners: self.args.learners, seed: self.args.seed, ..SimulatorConfig::default() };
        self.console.print_part("1. Synthetic learners, in KDD Cup 2015's log format\n")?;
        let bar = progress_bar(self.inside, "simulating", Some(config.learners), BarTemplate::Steps);
        let simulated =
            simulate_to_folder(&config, &self.place.logs(), &|progress| bar.set_position(progress.learners));
        bar.finish_and_clear();
        let simulated = simulated?;
        let record = record(&simulated, begun.elapsed());
        self.console.print_part(&format!(
            "   {} in {} of {}, {} ({}); {} drop out ({})\n",
            pluralise(record.learners, "learner"),
            pluralise(record.enrolments, "enrolment"),
            pluralise(config.courses.into(), "course"),
            pluralise(record.events, "event"),
            format_bytes(record.bytes),
            format_percent(record.dropout_rate),
            format_duration(begun.elapsed()),
        ))?;
        Ok(record)
    }

    fn preprocess(&self) -> anyhow::Result<preprocess::PreprocessOutcome> {
        let (logs, out) = (self.place.logs(), self.place.sequences());
        let command = format!("staycast preprocess {} --out {}", typed(&logs), typed(&out));
        self.heading(2, "Weekly sequences", &command)?;
        let job = preprocess::PreprocessJob {
            log: LogInput::of_folder(logs),
            build: BuildOptions::default(),
            out,
            if_exists: BuildMode::Refuse,
            // Some of the simulated rows are broken on purpose.
            max_rejected: 0.01,
        };
        let built = preprocess::execute(&job, self.inside)?;
        let manifest = &built.manifest;
        self.console.print_part(&format!(
            "   {} read, {} used; {} of {} ({})\n",
            pluralise(manifest.rows.read, "row"),
            group_digits(manifest.rows.used),
            pluralise(manifest.totals.enrolment_weeks, "enrolment-week"),
            pluralise(manifest.available_features().count() as u64, "feature"),
            format_duration(Duration::from_secs_f64(built.seconds)),
        ))?;
        Ok(built)
    }

    fn train(&self) -> anyhow::Result<(train::TrainOutcome, Run)> {
        let (sequences, out) = (self.place.sequences(), self.place.run());
        let settings = self.place.settings();
        let command =
            format!("staycast train {} --out {} --config {}", typed(&sequences), typed(&out), typed(&settings));
        self.heading(3, "A forecast: LSTMs trained on earlier courses, later ones kept for the test", &command)?;
        let mut config = Config::from_toml(CONFIG, "configs/demo.toml")?;
        config.training.seed = self.args.seed;
        staycast_files::write(&settings, config.to_toml())?;
        let job = train::TrainJob {
            sequences,
            out,
            config: config.check()?,
            device: self.args.device,
            start: train::StartMode::Fresh,
            track: Vec::new(),
            from: None,
        };
        let (trained, run) = train::execute(&job, self.inside)?;
        let manifest = &trained.manifest;
        let auc = manifest.held_out_auc.map_or_else(String::new, |auc| format!("; held-out AUC {auc:.3}"));
        self.console.print_part(&format!(
            "   {} ({}) on {}{auc} ({})\n",
            pluralise(manifest.members.len() as u64, "model"),
            manifest.parts().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            devices::describe_device(&manifest.device),
            format_duration(Duration::from_secs_f64(trained.seconds)),
        ))?;
        Ok((trained, run))
    }

    fn evaluate(&self, run: &Run) -> anyhow::Result<(EvaluationOutcome, BestReachable)> {
        let (sequences, out) = (self.place.sequences(), self.place.report());
        let command =
            format!("staycast evaluate {} {} --out {}", typed(&self.place.run()), typed(&sequences), typed(&out));
        self.heading(4, "How good is it on courses that it never saw?", &command)?;
        let job = evaluate::EvaluateJob {
            forecast: ForecastSelection::new(self.place.run(), sequences, self.args.device),
            rows: Rows::Unseen,
            out: Some(out),
            resamples: 500,
            groups: None,
            smoothing: None,
            capacities: Vec::new(),
            minimum_group: MinimumSize::default().rows,
            check_leakage: evaluate::CheckLeakage::Always,
        };
        let evaluated = evaluate::execute(&job, self.inside)?;
        let best = truth::best_reachable(run, &self.data()?, &self.place.logs(), &evaluated.outcome.evaluation)?;
        self.console.print_part(&format!(
            "\n{}\n{}",
            text::week_table(&evaluated.outcome.evaluation),
            best.describe()
        ))?;
        Ok((evaluated.outcome, best))
    }

    /// Returns courses and enrolments, with the one feature that says how long ago somebody was last seen.
    fn data(&self) -> anyhow::Result<Dataset> {
        let selection = Selection { features: Some(vec!["days_since_last".to_owned()]), ..Selection::default() };
        Ok(SequenceFolder::open(&self.place.sequences())?.load(&selection)?)
    }

    fn score(&self, run: &Run) -> anyhow::Result<(score::ScoreOutcome, Vec<ScoreRow>)> {
        let courses: Vec<String> = run.split().test.keys().cloned().collect();
        let (sequences, out) = (self.place.sequences(), self.place.scores());
        let command = format!(
            "staycast score {} {} --courses {} --out {}",
            typed(&self.place.run()),
            typed(&sequences),
            quote_for_shell(&courses.join(",")),
            typed(&out)
        );
        self.heading(5, "Who is at risk in these courses, at the end of week 4?", &command)?;
        let job = score::ScoreJob {
            forecast: ForecastSelection {
                courses: Some(courses),
                ..ForecastSelection::new(self.place.run(), sequences, self.args.device)
            },
            smoothing: None,
            out,
            csv: score::CsvStyle::Plain,
        };
        let (scored, rows) = score::execute(&job, self.inside)?;
        let most = people::most_at_risk(&rows, SHOWN);
        let data = self.data()?;
        let with_score = scored.statuses.get("scored").copied().unwrap_or(0);
        self.console.print_part(&format!(
            "   At risk: {} of {}. The {} most at risk:\n\n{}",
            group_digits(scored.at_risk),
            pluralise(with_score, "enrolment"),
            most.len(),
            people::table(&most, &data)
        ))?;
        let active = people::still_active(&rows, &data, ACTIVE_WITHIN_DAYS, ACTIVE_SHOWN);
        self.console.print_part(&format!(
            "\n   And of those seen in the last {ACTIVE_WITHIN_DAYS:.0} days, whom a message may still reach:\n\n{}",
            people::table(&active, &data)
        ))?;
        Ok((scored, most))
    }

    fn worklist(&self, run: &Run) -> anyhow::Result<worklist::WorklistOutcome> {
        let course = run.split().test.keys().next().cloned();
        let courses: Vec<String> = course.into_iter().collect();
        let (sequences, out) = (self.place.sequences(), self.place.worklist());
        let command = format!(
            "staycast worklist {} {} --courses {} --capacity {CAPACITY} --out {}",
            typed(&self.place.run()),
            typed(&sequences),
            quote_for_shell(&courses.join(",")),
            typed(&out)
        );
        self.heading(6, "Whom does a tutor of one course contact, and why?", &command)?;
        let forecast = ForecastSelection {
            courses: Some(courses),
            ..ForecastSelection::new(self.place.run(), sequences, self.args.device)
        };
        let job = worklist::WorklistJob::page(forecast, CAPACITY, out);
        let (outcome, rows) = worklist::execute(&job, self.inside)?;
        let (missed, listed) = (outcome.summary.missed_by_rule, outcome.summary.to_contact);
        self.console.print_part(&format!(
            "   From the middle of the risk, where contact is expected to help most.\n   The rule of 7 days without a visit \
             misses {} of these {}:\n\n{}",
            group_digits(missed),
            group_digits(listed),
            contacts(&rows)
        ))?;
        Ok(outcome)
    }
}

/// Says whom to contact, why, and what the figures are.
fn contacts(rows: &[WorklistRow]) -> String {
    let mut text = format!("   {:>5}  {:14}{:>6}  {}\n", "place", "learner", "risk", "why");
    for row in rows.iter().filter(|row| row.list == WhichList::Act) {
        let percent = format!("{:.0} %", 100.0 * row.p_dropout);
        let drawn = if row.selection == Some(ChosenBy::Exploration) { " (drawn)" } else { "" };
        text += &format!("   {:>5}  {:14}{percent:>6}  {}{drawn}\n", row.place, row.learner_id, row.reason());
    }
    text
}

fn record(simulated: &SimulatedFolder, time: Duration) -> SimulatedRecord {
    SimulatedRecord {
        learners: simulated.learners,
        enrolments: simulated.enrolments,
        events: simulated.events,
        bytes: simulated.bytes,
        dropout_rate: simulated.dropout_rate,
        seconds: time.as_secs_f64(),
    }
}

fn typed(path: &Path) -> String {
    quote_for_shell(&path.display().to_string())
}

/// Says where everything is, and how to do the same with one's own logs.
fn closing(place: &Place, time: Duration) -> String {
    let mut sheet = LabelledText::default();
    sheet.gap();
    sheet.paragraph(format!("All of it took {}. In {} are:", format_duration(time), place.folder().display()));
    for (path, what) in [
        (place.logs(), "simulated logs, with the true probabilities"),
        (place.sequences(), "a row for each enrolment and week, in Parquet for pandas, polars, DuckDB"),
        (place.settings(), "the settings of the training"),
        (place.run(), "the trained run"),
        (place.report(), "the whole report: every week, calibration, courses"),
        (place.scores(), "everybody's risk, ranked"),
        (place.worklist(), "whom to contact in one course, and why"),
    ] {
        let name = path.strip_prefix(place.folder()).unwrap_or(&path).display().to_string();
        sheet.verbatim(format!("  {name:14} {what}"));
    }
    sheet.gap();
    sheet.paragraph("The same with logs of your own:");
    for command in [
        "staycast preprocess YOUR-LOGS/ --out sequences",
        "staycast train sequences --out run",
        "staycast evaluate run sequences",
        "staycast score run sequences --out scores.csv",
        "staycast worklist run sequences --capacity 40 --out worklist.html",
    ] {
        sheet.verbatim(format!("  {command}"));
    }
    sheet.paragraph("Every command has examples under --help.");
    sheet.into_string()
}
