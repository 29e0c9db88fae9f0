//! `staycast worklist`: whom to contact this week, no more than a tutor can.

mod people;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use staycast_advice::policy::{Policy, noticed};
use staycast_advice::reasons::{ExplainedLearner, LearnerRow};
use staycast_advice::worklist::{
    Candidate, CandidateForecast, Decision, PageFacts, SPREADSHEET_COLUMNS, SpreadsheetRow, WhyNot, WorklistRow,
    WorklistSettings, WorklistSummary, choose, digest, everybody_batch, open_to_contact, read_uplift, worklist_page,
};
use staycast_evaluation::calibration::CalibrationMethod;
use staycast_forecast::{Detail, Run};
use staycast_sequences::write_parquet;

use self::people::{Besides, By, candidates};
use crate::console::Console;
use crate::display::{LabelledText, format_percent, group_digits, pluralise};
use crate::explain::{Wanted, Who, gather};
use crate::forecast_args::{ForecastArgs, ForecastSelection, Opened, as_usage, run_name};
use crate::status::{Status, usage};
use crate::{output_place, spreadsheet, values};

/// List whom to contact this week, no more learners than a tutor can
///
/// Only learners in a middle band of risk get a place, as contact is expected to help most there. Those of whom a reason is sure come first,
/// then those nearest to one half. Some places are drawn at random from the band, so
/// that effects can be estimated later. With estimated effects (--uplift) these decide.
///
/// Each row has the risk, the reason, the time left and the last contact. It says whether the rule "no visit for 7 days" would
/// have named the learner. Learners who are new, back since the last list (--before) or contacted a few days ago (--contacts)
/// get no place. A second list is for praise.
///
/// Writes the list as .csv, .jsonl, .html or .txt (a mail); as .parquet everybody, with why they are on no list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  staycast worklist run sequences --capacity 40 --out week-4.html --out week-4.csv
  staycast worklist run sequences --capacity 15 --by course --out week-4.txt
  staycast worklist run sequences --capacity 40 --tutors tutors.csv --contacts contacts.csv \\
      --before week-3.jsonl --out week-4.jsonl --out everybody.parquet
  staycast worklist run sequences --capacity 40 --policy policy.toml --out week-4.jsonl
  staycast worklist run sequences --capacity 40 --uplift uplift.parquet --out week-4.csv")]
pub(crate) struct WorklistArgs {
    #[command(flatten)]
    forecast: ForecastArgs,
    /// Learners that a tutor can contact this week
    #[arg(long, value_name = "N")]
    capacity: NonZeroUsize,
    /// Deal learners out by course, or by a static column of the sequences such as a section or tutor
    #[arg(long, value_name = "COLUMN", conflicts_with = "tutors")]
    by: Option<String>,
    /// Deal learners out as this table says: .csv with enrolment_id and tutor
    #[arg(long, value_name = "FILE")]
    tutors: Option<PathBuf>,
    /// Contacts so far: .csv with enrolment_id, date (YYYY-MM-DD) and action
    #[arg(long, value_name = "FILE")]
    contacts: Option<PathBuf>,
    /// The list of a week before, .jsonl: whoever has visited since then is back, and gets no place
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
    /// Estimated effects of contact, which decide in place of the band: .parquet of `staycast experiment report`
    #[arg(long, value_name = "FILE")]
    uplift: Option<PathBuf>,
    /// Settings of the list, and what to do about which reason: a .toml as configs/policy.toml
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Lowest and highest risk of the band, in percent; this and the flags below override the policy
    #[arg(long, value_name = "LOW,HIGH", value_delimiter = ',', num_args = 1)]
    band: Vec<f64>,
    /// Share of the places to draw at random from the band, 0 to 1
    #[arg(long, value_name = "SHARE")]
    exploration: Option<f64>,
    /// Learners for a word of praise, for each tutor
    #[arg(long, value_name = "N")]
    praise: Option<usize>,
    /// Seed of what is drawn; another one each week draws others
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// File to write, .csv, .jsonl, .html, .txt or .parquet; may be given several times; an existing one is replaced
    #[arg(long, value_name = "FILE", required = true)]
    out: Vec<PathBuf>,
}

/// Names the form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Spreadsheet,
    JsonLines,
    Page,
    Mail,
    Everybody,
}

/// Says whom to list, for whom, and where to write it.
pub(crate) struct WorklistJob {
    forecast: ForecastSelection,
    capacity: usize,
    settings: WorklistSettings,
    /// Names the action for each reason.
    policy: Policy,
    policy_file: Option<PathBuf>,
    by: Option<String>,
    tutors: Option<PathBuf>,
    contacts: Option<PathBuf>,
    before: Option<PathBuf>,
    uplift: Option<PathBuf>,
    out: Vec<(PathBuf, Form)>,
}

/// Holds the counts of a worklist, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(crate) struct WorklistOutcome {
    out: Vec<String>,
    #[serde(flatten)]
    pub(crate) summary: WorklistSummary,
    seconds: f64,
}

impl WorklistArgs {
    fn resolve(&self) -> anyhow::Result<WorklistJob> {
        let mut out: Vec<(PathBuf, Form)> = Vec::new();
        for place in &self.out {
            let form = match values::extension(place).as_str() {
                "csv" => Form::Spreadsheet,
                "jsonl" => Form::JsonLines,
                "html" => Form::Page,
                "txt" => Form::Mail,
                "parquet" => Form::Everybody,
                // Devices have no endings.
                _ if staycast_files::is_stream(place) => Form::Spreadsheet,
                _ => {
                    let place = place.display();
                    return Err(usage(format!("--out {place}: end the name in .csv, .jsonl, .html, .txt or .parquet")));
                }
            };
            if out.iter().any(|(other, _)| other == place) {
                return Err(usage(format!("{} is to be written twice; name each file once", place.display())));
            }
            out.push((place.clone(), form));
        }
        let policy = match &self.policy {
            Some(path) => Policy::read(path)?,
            None => Policy::built_in(),
        };
        Ok(WorklistJob {
            forecast: self.forecast.resolve(),
            capacity: self.capacity.get(),
            settings: self.settings(&policy)?,
            policy,
            policy_file: self.policy.clone(),
            by: self.by.clone(),
            tutors: self.tutors.clone(),
            contacts: self.contacts.clone(),
            before: self.before.clone(),
            uplift: self.uplift.clone(),
            out,
        })
    }

    fn settings(&self, policy: &Policy) -> anyhow::Result<WorklistSettings> {
        let mut settings = policy.worklist.clone();
        match self.band[..] {
            [] => {}
            [low, high] if (0.0..=100.0).contains(&low) && low < high && high <= 100.0 => {
                (settings.band_from, settings.band_to) = (low / 100.0, high / 100.0);
            }
            _ => return Err(usage("--band: give the lowest and the highest risk in percent, as in 30,80".to_owned())),
        }
        if let Some(share) = self.exploration {
            settings.exploration = share;
        }
        settings.praise = self.praise.unwrap_or(settings.praise);
        settings.seed = self.seed.unwrap_or(settings.seed);
        settings.check().map_err(usage)?;
        Ok(settings)
    }
}

impl WorklistJob {
    /// Lists the learners of one tutor on a page, as the defaults say.
    pub(crate) fn page(forecast: ForecastSelection, capacity: usize, out: PathBuf) -> Self {
        Self {
            forecast,
            capacity,
            settings: WorklistSettings::default(),
            policy: Policy::built_in(),
            policy_file: None,
            by: None,
            tutors: None,
            contacts: None,
            before: None,
            uplift: None,
            out: vec![(out, Form::Page)],
        }
    }

    /// Lists the files that are read.
    fn inputs(&self) -> impl Iterator<Item = &Path> {
        let tables = [&self.tutors, &self.contacts, &self.before, &self.uplift, &self.policy_file];
        [&self.forecast.run, &self.forecast.sequences]
            .into_iter()
            .chain(tables.into_iter().flatten())
            .map(PathBuf::as_path)
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &WorklistArgs, console: &Console) -> anyhow::Result<Status> {
    let job = args.resolve()?;
    let mut console = *console;
    for (place, _) in &job.out {
        console = output_place::prepare_file(place, job.inputs(), &console)?;
    }
    let (outcome, _) = execute(&job, &console)?;
    console.print_summary(&outcome, || describe(&outcome))?;
    Ok(Status::Fine)
}

/// Chooses, explains and writes.
pub(crate) fn execute(job: &WorklistJob, console: &Console) -> anyhow::Result<(WorklistOutcome, Vec<WorklistRow>)> {
    let begun = Instant::now();
    let Opened { run, folder, selection, device, week } = Opened::new(&job.forecast, console)?;
    let by = match (&job.by, &job.tutors) {
        (_, Some(tutors)) => By::Table(tables::read_tutors(tutors)?),
        (None, None) => By::Nobody,
        (Some(name), None) if name == "course" => By::Course,
        (Some(column), None) => {
            let known = &folder.manifest().static_columns;
            if !known.contains(column) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(usage(format!("--by {column}: no static column of the sequences; they have {known}")));
            }
            By::Column(column.clone())
        }
    };
    let besides = Besides {
        by,
        contacts: read_if(job.contacts.as_deref(), tables::read_contacts)?,
        before: read_if(job.before.as_deref(), tables::read_before)?,
        uplift: read_if(job.uplift.as_deref(), |path| Ok(read_uplift(path)?))?,
    };
    let courses = selection.courses.as_deref();
    let mut all = candidates(&run, &folder, week, courses, &besides, &device).map_err(as_usage)?;
    refuse_ambiguous(&all)?;
    refuse_uncalibrated(&run, &all)?;
    warn_of_strangers(job, &besides, &all, console);
    warn_of_contacts(&besides, &all, console);
    let explain = |ids: BTreeSet<String>| -> anyhow::Result<Vec<LearnerRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (importance, detail) = (false, Detail::BothMethods);
        let wanted = Wanted { week, courses, who: Who::These(&ids), importance, detail, device: &device };
        Ok(gather(&run, &folder, &wanted).map_err(as_usage)?.rows)
    };
    let open = open_to_contact(&all, &job.settings);
    let mut explained = explain(open.iter().map(|&at| all[at].enrolment_id.clone()).collect())?;
    let sizes: BTreeMap<&str, f64> = explained
        .iter()
        .filter_map(|row| Some((row.enrolment_id.as_str(), row.explained.as_ref()?.concerns().next()?.size())))
        .collect();
    for at in open {
        let size = sizes.get(all[at].enrolment_id.as_str()).copied();
        if let Ok(forecast) = &mut all[at].forecast {
            forecast.reason_size = size;
        }
    }
    let decisions: Vec<Decision> = choose(&all, &job.settings, job.capacity);
    let praised = all.iter().zip(&decisions).filter(|(_, decision)| matches!(decision, Decision::Praise { .. }));
    explained.extend(explain(praised.map(|(one, _)| one.enrolment_id.clone()).collect())?);
    let explained: BTreeMap<&str, &ExplainedLearner> =
        explained.iter().filter_map(|row| Some((row.enrolment_id.as_str(), row.explained.as_ref()?))).collect();
    let row = |(one, &decision): (&Candidate, &Decision)| {
        WorklistRow::new(one, decision, explained.get(one.enrolment_id.as_str()).copied())
    };
    let mut rows: Vec<WorklistRow> = all.iter().zip(&decisions).filter_map(row).collect();
    for row in &mut rows {
        let action = job.policy.action(row.list, row.p_dropout, &noticed(row.list, &row.reasons, row.days_since_last));
        row.action = action.map(str::to_owned);
    }
    let tutors: Vec<Option<String>> = all
        .iter()
        .filter(|one| one.forecast.is_ok())
        .map(|one| one.tutor.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    rows.sort_by(|a, b| (&a.tutor, a.list, a.place).cmp(&(&b.tutor, b.list, b.place)));
    let summary = WorklistSummary::new(&all, &decisions, &job.settings, job.capacity, week.weeks());
    for (place, form) in &job.out {
        match form {
            Form::Spreadsheet => {
                let rows: Vec<SpreadsheetRow> = rows.iter().map(SpreadsheetRow::new).collect();
                spreadsheet::write_csv(place, &SPREADSHEET_COLUMNS, &rows)?;
            }
            Form::JsonLines => staycast_files::write_json_lines(place, &rows)?,
            Form::Page => {
                let facts = PageFacts {
                    run: run_name(&run),
                    rule: run.manifest().label_rule.to_string(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                };
                let page = worklist_page(&rows, &tutors, &summary, &facts);
                staycast_files::write(place, page.as_bytes())?;
            }
            Form::Mail => staycast_files::write(place, digest(&rows, &tutors, week.weeks()).as_bytes())?,
            Form::Everybody => {
                let batch = everybody_batch(&all, &decisions)?;
                staycast_files::write_with(place, |file| Ok(write_parquet(file, &batch)?))?;
            }
        }
    }
    let outcome = WorklistOutcome {
        out: job.out.iter().map(|(place, _)| place.display().to_string()).collect(),
        summary,
        seconds: begun.elapsed().as_secs_f64(),
    };
    Ok((outcome, rows))
}

fn read_if<T: Default>(path: Option<&Path>, read: impl Fn(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
    path.map_or_else(|| Ok(T::default()), read)
}

/// Refuses sequences in which two courses have an enrolment of the same id: tables and explanations are found by it.
fn refuse_ambiguous(all: &[Candidate]) -> anyhow::Result<()> {
    let ids: BTreeSet<&str> = all.iter().map(|one| one.enrolment_id.as_str()).collect();
    if ids.len() < all.len() {
        let twice = pluralise((all.len() - ids.len()) as u64, "enrolment");
        anyhow::bail!("{twice} of the sequences have the id of another one; name one course with --courses");
    }
    Ok(())
}

/// Refuses a run that leaves its scores as they are: a band of risk means nothing then.
fn refuse_uncalibrated(run: &Run, all: &[Candidate]) -> anyhow::Result<()> {
    let fits = run.week_fits();
    let is_plain = |forecast: &CandidateForecast| {
        let fit = fits.and_then(|fits| fits.weeks.get(&forecast.seen));
        fit.is_some_and(|fit| fit.calibration.method() == CalibrationMethod::Logistic)
    };
    if all.iter().filter_map(|one| one.forecast.as_ref().ok()).any(is_plain) {
        return Err(usage(
            "the run has no calibration, and a worklist chooses by probabilities; train it with calibration.method platt \
             or isotonic, or fit one with `staycast recalibrate`"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Warns of contacts that can't count: those of courses without dates, and those of long after the week.
fn warn_of_contacts(besides: &Besides, all: &[Candidate], console: &Console) {
    let given = |one: &&Candidate| besides.contacts.contains_key(&one.enrolment_id) && one.forecast.is_ok();
    let has_dates = |one: &Candidate| one.forecast.as_ref().is_ok_and(|forecast| forecast.cut_off_day.is_some());
    let undated = all.iter().filter(given).filter(|one| !has_dates(one)).count();
    if undated > 0 {
        let learners = pluralise(undated as u64, "learner");
        console.warn(&format!(
            "{learners} with contacts are in courses without dates: nothing says how long ago these were"
        ));
    }
    let later: usize =
        all.iter().filter(given).map(|one| besides.contacts[&one.enrolment_id].len() - one.contacts.len()).sum();
    if later > 0 {
        let contacts = pluralise(later as u64, "contact");
        console.warn(&format!("{contacts} of over a week after the end of the week asked for do not count"));
    }
}

/// Warns of rows in the tables about enrolments that nobody has: a mistake in the ids would otherwise pass without a word.
fn warn_of_strangers(job: &WorklistJob, besides: &Besides, all: &[Candidate], console: &Console) {
    let known: BTreeSet<&str> = all.iter().map(|one| one.enrolment_id.as_str()).collect();
    let strangers = |ids: &mut dyn Iterator<Item = &String>| ids.filter(|id| !known.contains(id.as_str())).count();
    let mut counts = vec![
        (&job.contacts, strangers(&mut besides.contacts.keys())),
        (&job.before, strangers(&mut besides.before.keys())),
        (&job.uplift, strangers(&mut besides.uplift.keys())),
    ];
    if let By::Table(tutors) = &besides.by {
        counts.push((&job.tutors, strangers(&mut tutors.keys())));
    }
    if matches!(besides.by, By::Table(_) | By::Column(_)) {
        let without = all.iter().filter(|one| one.forecast.is_ok() && one.tutor.is_none()).count();
        if without > 0 {
            let learners = pluralise(without as u64, "learner");
            console.warn(&format!("{learners} with a forecast have no tutor; they are listed together"));
        }
    }
    for (path, count) in counts {
        if let Some(path) = path.as_ref().filter(|_| count > 0) {
            let enrolments = pluralise(count as u64, "enrolment");
            console.warn(&format!(
                "{}: {enrolments} that the sequences, or the courses asked for, do not have",
                path.display()
            ));
        }
    }
}

fn describe(outcome: &WorklistOutcome) -> String {
    let WorklistSummary { week, capacity, tutors, band, to_contact, .. } = outcome.summary;
    let summary = &outcome.summary;
    let mut sheet = LabelledText::default();
    let places = capacity * tutors;
    let dealt = if tutors > 1 {
        format!(", of {} tutors with {capacity} each", group_digits(tutors as u64))
    } else {
        String::new()
    };
    sheet.row(
        "To contact",
        format!("{} at the end of week {week}, on {places} places{dealt}", pluralise(to_contact, "learner")),
    );
    let order = if summary.by_uplift {
        "by the estimated effect of contact".to_owned()
    } else {
        format!(
            "a risk of {} to {}: with a sure reason first, then the middle, then the largest reason",
            format_percent(band[0]),
            format_percent(band[1])
        )
    };
    sheet.row("Order", order);
    if summary.explored > 0 {
        sheet.row("Drawn", format!("{} at random from the rest of the band", group_digits(summary.explored)));
    }
    if summary.to_praise > 0 {
        sheet.row("To praise", group_digits(summary.to_praise));
    }
    for (place, (why, count)) in summary.others.iter().enumerate() {
        let label = if place == 0 { "Others" } else { "" };
        sheet.row(label, format!("{} {}", group_digits(*count), WhyNot::describe(*why)));
    }
    sheet.row(
        "7-day rule",
        format!(
            "no visit for 7 days names {}, and misses {} of those to contact",
            pluralise(summary.named_by_rule, "learner"),
            group_digits(summary.missed_by_rule)
        ),
    );
    if summary.trained_on > 0 {
        sheet.row(
            "Trained on",
            format!(
                "{} of those listed: their forecasts fit better than those of new learners",
                group_digits(summary.trained_on)
            ),
        );
    }
    for place in &outcome.out {
        sheet.row("Written", place.clone());
    }
    sheet.into_string()
}
