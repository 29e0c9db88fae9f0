//! The description of a log, before anything is made of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;
use staycast_events::time::{format_date, format_instant};
use staycast_events::{
    BlockTally, Capabilities, CourseIndex, DatabaseTable, EventFile, Granularity, ParsedBlock, ReadPurpose, RowLimits,
    Source, SourceLabels, Tally, TimeSpan,
};
use staycast_sequences::{Progress, Unit};

use super::args::InspectArgs;
use crate::console::Console;
use crate::display::{LabelledText, format_bytes, group_digits, list_first, pluralise, quote_for_shell};
use crate::progress::StageProgress;
use crate::sequences_description::describe_reason;

/// Courses listed, those with enrolments; the JSON has all of them.
const COURSES: usize = 24;

#[derive(Serialize)]
struct LogInspection {
    kind: &'static str,
    format: &'static str,
    format_reason: String,
    files: Vec<File>,
    databases: Vec<Table>,
    rows: Rows,
    tables: Rows,
    enrolments: u64,
    enrolments_without_course: u64,
    learners: u64,
    #[serde(rename = "knows")]
    capabilities: Capabilities,
    time_to: &'static str,
    labels: &'static str,
    kinds: Vec<Kind>,
    first_event: Option<String>,
    last_event: Option<String>,
    courses: Vec<Course>,
}

#[derive(Serialize)]
struct File {
    role: &'static str,
    path: PathBuf,
    bytes: u64,
}

/// A table of a database.
#[derive(Serialize)]
struct Table {
    role: &'static str,
    /// The database's address, without user and password.
    place: String,
    table: String,
    rows: u64,
}

#[derive(Serialize)]
struct Rows {
    read: u64,
    used: u64,
    rejected: BTreeMap<&'static str, Rejected>,
}

#[derive(Serialize)]
struct Rejected {
    rows: u64,
    samples: Vec<String>,
}

#[derive(Serialize)]
struct Kind {
    kind: String,
    activity: &'static str,
}

#[derive(Serialize)]
struct Course {
    course: String,
    from: String,
    to: String,
    inferred: bool,
    enrolments: u64,
    first_event: Option<String>,
    last_event: Option<String>,
}

pub(super) fn run(args: &InspectArgs, console: &Console) -> anyhow::Result<()> {
    let source = staycast_events::formats::open(&args.paths, &args.open_options()?)?;
    let (tally, spans) = read(&source, console)?;
    let report = report(&source, &tally, &spans);
    console.print_result(&report, || describe(&report, args))
}

type Spans = BTreeMap<CourseIndex, TimeSpan>;

/// Reads the log to its end: counts its rows by what becomes of them, and finds when each course has events.
fn read(source: &Source, console: &Console) -> anyhow::Result<(Tally, Spans)> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let frame = RowLimits::new(&source.roster, &days, None);
    let stages = StageProgress::new(console);
    stages.begin("reading", Some(source.events.iter().map(|file| file.size_bytes()).sum()), Unit::Bytes);
    let mut tally = Tally::default();
    let mut spans = Spans::new();
    for file in &source.events {
        let blocks: Mutex<Vec<(usize, ParsedBlock)>> = Mutex::default();
        let sink = |number, mut parsed: ParsedBlock| {
            parsed.events = Vec::new();
            blocks.lock().expect("no thread panics while it counts").push((number, parsed));
            Ok(())
        };
        file.read(ReadPurpose::Spans, &frame, &sink, &|bytes| stages.advance(bytes))?;
        let mut blocks = blocks.into_inner().expect("no thread panicked while it counted");
        blocks.sort_by_key(|&(number, _)| number);
        for (course, span) in blocks.iter().flat_map(|(_, parsed)| &parsed.course_spans) {
            spans.entry(*course).and_modify(|known| *known = known.join(*span)).or_insert(*span);
        }
        tally.append(placed(file.as_ref(), blocks.into_iter().map(|(_, parsed)| parsed.tally)));
    }
    stages.end(&pluralise(tally.read, "row"));
    Ok((tally, spans))
}

/// Joins the tallies of a file's blocks, in order, as one with line numbers.
fn placed(file: &dyn EventFile, blocks: impl Iterator<Item = BlockTally>) -> Tally {
    let name = file.name();
    let mut line = file.first_line();
    let mut tally = Tally::default();
    for block in blocks {
        let lines = block.lines;
        tally.append(block.place(&name, line));
        line += lines;
    }
    tally
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn report(source: &Source, tally: &Tally, spans: &Spans) -> LogInspection {
    let roster = &source.roster;
    let mut enrolments = vec![0; roster.courses.len()];
    let mut learners = std::collections::BTreeSet::new();
    for enrolment in &roster.enrolments {
        enrolments[enrolment.course.as_usize()] += 1;
        learners.insert(enrolment.learner.as_str());
    }
    let courses = roster.courses.iter().zip(0..).zip(&enrolments).map(|((course, place), &enrolments)| {
        let span = spans.get(&CourseIndex(place));
        Course {
            course: course.id.clone(),
            from: format_date(course.start_day),
            to: format_date(course.start_day + course.days as i32 - 1),
            inferred: course.inferred,
            enrolments,
            first_event: span.map(|span| format_instant(span.first)),
            last_event: span.map(|span| format_instant(span.last)),
        }
    });
    let file =
        |file: &staycast_events::InputFile| File { role: file.role, path: file.path.clone(), bytes: size(&file.path) };
    let table =
        |table: DatabaseTable| Table { role: table.role, place: table.place, table: table.table, rows: table.rows };
    let kind = |kind: &staycast_events::EventKind| Kind { kind: kind.raw.clone(), activity: kind.activity.name() };
    LogInspection {
        kind: "log",
        format: source.format,
        format_reason: source.reason.clone(),
        files: source.inputs.iter().map(file).collect(),
        databases: source.events.iter().flat_map(|file| file.database()).map(table).collect(),
        rows: rows(tally),
        tables: rows(&source.tables),
        enrolments: roster.enrolments.len() as u64,
        enrolments_without_course: source.enrolments_without_course,
        learners: learners.len() as u64,
        capabilities: source.capabilities,
        time_to: match source.granularity {
            Granularity::Second => "second",
            Granularity::Day => "day",
        },
        labels: match source.labels {
            SourceLabels::Nothing => "none",
            SourceLabels::Labels => "labels",
            SourceLabels::Outcomes => "outcomes",
        },
        kinds: source.kinds.iter().map(kind).collect(),
        first_event: spans.values().map(|span| span.first).min().map(format_instant),
        last_event: spans.values().map(|span| span.last).max().map(format_instant),
        courses: courses.collect(),
    }
}

fn rows(tally: &Tally) -> Rows {
    let rejected = tally.reasons.iter().filter(|(reason, _)| reason.is_rejection()).map(|(reason, count)| {
        let sample =
            |sample: &staycast_events::RowSample| format!("{} line {}: {}", sample.file, sample.line, sample.what);
        (reason.name(), Rejected { rows: count.rows, samples: count.samples.iter().map(sample).collect() })
    });
    Rows { read: tally.read, used: tally.used, rejected: rejected.collect() }
}

fn describe(report: &LogInspection, args: &InspectArgs) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!("A log of format {}: {}.", report.format, report.format_reason));
    sheet.gap();
    for (place, file) in report.files.iter().enumerate() {
        let label = if place == 0 { "Files" } else { "" };
        sheet.row(label, format!("{} ({}, {})", file.path.display(), file.role, format_bytes(file.bytes)));
    }
    for (place, table) in report.databases.iter().enumerate() {
        let label = if place == 0 { "Tables" } else { "" };
        let rows = pluralise(table.rows, "row");
        sheet.row(label, format!("{} of {} ({}, {rows})", table.table, table.place, table.role));
    }
    sheet.row(
        "Rows",
        format!("{} of the log, {} usable", group_digits(report.rows.read), group_digits(report.rows.used)),
    );
    for (about, rows) in [("of the log", &report.rows), ("of the other tables", &report.tables)] {
        for (reason, rejected) in &rows.rejected {
            sheet.row("Rejected", format!("{} {} ({about})", group_digits(rejected.rows), describe_reason(reason)));
            if let Some(sample) = rejected.samples.first() {
                sheet.row("", format!("e.g. {sample}"));
            }
        }
    }
    if let (Some(first), Some(last)) = (&report.first_event, &report.last_event) {
        let span = match report.time_to {
            "day" => format!("from {} to {}, to the day", date(first), date(last)),
            _ => format!("from {} to {}, to the second", first.replace('T', " "), last.replace('T', " ")),
        };
        let nominal = if report.capabilities.dates { "" } else { "; dates are nominal, as the source has none" };
        sheet.row("Events", format!("{span}{nominal}"));
    }
    let who = if report.capabilities.learners {
        format!("{} of {}", pluralise(report.enrolments, "enrolment"), pluralise(report.learners, "learner"))
    } else {
        format!("{}; who is the same learner in two courses is not known", pluralise(report.enrolments, "enrolment"))
    };
    sheet.row("Learners", who);
    if report.enrolments_without_course > 0 {
        let left_out = pluralise(report.enrolments_without_course, "enrolment");
        sheet.row("", format!("{left_out} left out: no table has dates for their course"));
    }
    sheet.row("Kinds", kinds(report));
    sheet.row("Capabilities", describe_capabilities(&report.capabilities));
    sheet.row(
        "Labels",
        match report.labels {
            "labels" => "the source's own labels",
            "outcomes" => "recorded outcomes",
            _ => "none; dropout follows from activity",
        },
    );
    sheet.gap();
    sheet.verbatim(courses(&report.courses));
    sheet.gap();
    sheet.verbatim(next(report, args));
    sheet.into_string()
}

/// Returns the date of an instant in text.
fn date(instant: &str) -> &str {
    instant.split('T').next().unwrap_or(instant)
}

/// Lists the activities, each with the source's own names for it.
fn kinds(report: &LogInspection) -> String {
    let mut by_activity: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in &report.kinds {
        by_activity.entry(kind.activity).or_default().push(&kind.kind);
    }
    let one = |(activity, kinds): (&&str, &Vec<&str>)| match kinds.as_slice() {
        [kind] if kind == activity => (*activity).to_owned(),
        kinds => format!("{activity} ({})", list_first(kinds, 6)),
    };
    by_activity.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn describe_capabilities(capabilities: &Capabilities) -> String {
    let all = [
        (capabilities.time_of_day, "times of day"),
        (capabilities.dates, "dates"),
        (capabilities.objects, "objects"),
        (capabilities.releases, "release dates"),
        (capabilities.learners, "learners across courses"),
        (capabilities.correctness, "right and wrong answers"),
        (capabilities.submissions, "submissions"),
        (capabilities.withdrawals, "withdrawals"),
    ];
    let names = |wanted: bool| -> Vec<&str> {
        all.iter().filter(|(known, _)| *known == wanted).map(|(_, name)| *name).collect()
    };
    match names(false).as_slice() {
        [] => names(true).join(", "),
        missing => format!("{}; not: {}", names(true).join(", "), missing.join(", ")),
    }
}

fn courses(courses: &[Course]) -> String {
    let enrolled: Vec<&Course> = courses.iter().filter(|course| course.enrolments > 0).collect();
    let width =
        enrolled.iter().take(COURSES).map(|course| course.course.chars().count()).max().unwrap_or(0).clamp(6, 44);
    let mut text = format!(
        "{:width$}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}\n",
        "course", "from", "to", "enrolments", "first seen", "last seen"
    );
    for course in enrolled.iter().take(COURSES) {
        let day = |instant: &Option<String>| instant.as_deref().map_or("–", date).to_owned();
        text += &format!(
            "{:width$}  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}\n",
            course.course,
            course.from,
            course.to,
            group_digits(course.enrolments),
            day(&course.first_event),
            day(&course.last_event),
        );
    }
    if enrolled.len() > COURSES {
        text += &format!("and {} more (--json lists all)\n", enrolled.len() - COURSES);
    }
    let empty = (courses.len() - enrolled.len()) as u64;
    if empty > 0 {
        text += &format!("and {} without an enrolment\n", pluralise(empty, "course"));
    }
    text
}

fn next(report: &LogInspection, args: &InspectArgs) -> String {
    let paths: Vec<String> = args.paths.iter().map(|path| quote_for_shell(&path.display().to_string())).collect();
    // An address has a password in it, which is not for the screen.
    let input = if args.source.is_some() { "--source URL".to_owned() } else { paths.join(" ") };
    let mut command = format!("Next: staycast preprocess {input} --out sequences");
    if let Some(mapping) = &args.mapping {
        command +=
            &format!(" --format {} --mapping {}", report.format, quote_for_shell(&mapping.display().to_string()));
    }
    command
}
