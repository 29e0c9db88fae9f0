//! The description of a log before anything is made of it, as `inspect` and `preprocess --dry-run` print it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;
use staycast_events::time::{format_date, format_instant};
use staycast_events::{
    BlockTally, Capabilities, CourseIndex, DatabaseTable, Granularity, ParsedBlock, ReadPurpose, Reason, RowLimits,
    Source, SourceLabels, Tally, TimeSpan, join_block_tallies,
};
use staycast_sequences::manifest::LeftOutRecord;
use staycast_sequences::{Progress, Unit, left_out_files};

use crate::console::Console;
use crate::display::{LabelledText, format_bytes, group_digits, list_first, pluralise};
use crate::progress::StageProgress;
use crate::sequences_description::{Detail, describe_file_notes, describe_left_out_files, describe_reason};

/// Bounds the courses listed, those with enrolments; the JSON has all of them.
const COURSES: usize = 24;

/// Bounds the files of the log that are listed; the JSON has all of them.
const FILES: usize = 6;

/// Describes what a log holds, and what would become of its rows.
#[derive(Serialize)]
pub(crate) struct LogReport {
    kind: &'static str,
    format: &'static str,
    format_reason: String,
    files: Vec<File>,
    left_out: Vec<LeftOutRecord>,
    file_notes: Vec<String>,
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
    compression: Option<&'static str>,
    encoding: Option<&'static str>,
    separator: Option<&'static str>,
    /// What its rows hold, of a file of events.
    events: Option<FileEvents>,
}

/// Counts what the rows of a file of events hold. Numbers only, of learners and courses.
#[derive(Clone, Default, Serialize)]
struct FileEvents {
    rows: u64,
    used: u64,
    rejected: u64,
    set_aside: u64,
    first_event: Option<String>,
    last_event: Option<String>,
    enrolments: u64,
    courses: u64,
}

/// Describes a table of a database.
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
    set_aside: BTreeMap<&'static str, Rejected>,
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
    /// Events of the kind, a row of counts weighing as many.
    events: u64,
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

/// Holds what reading a log to its end gave.
struct Reading {
    tally: Tally,
    spans: BTreeMap<CourseIndex, TimeSpan>,
    /// Events by kind.
    kinds: Vec<u64>,
    /// By path of a file of events.
    files: BTreeMap<PathBuf, FileEvents>,
}

impl LogReport {
    /// Reads the log of `source` to its end and describes it. Rows after `as_of` are set aside.
    pub(crate) fn of(source: &Source, as_of: Option<i64>, console: &Console) -> anyhow::Result<Self> {
        Ok(report(source, &read(source, as_of, console)?))
    }

    /// Returns the share of the rows of the log that is rejected.
    pub(crate) fn rejected_share(&self) -> f64 {
        let rejected: u64 = self.rows.rejected.values().map(|count| count.rows).sum();
        if self.rows.read == 0 { 0.0 } else { rejected as f64 / self.rows.read as f64 }
    }
}

/// Reads the log to its end: counts its rows by what becomes of them, its events by kind, and finds when each course has
/// some.
fn read(source: &Source, as_of: Option<i64>, console: &Console) -> anyhow::Result<Reading> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let frame = RowLimits::new(&source.roster, &days, as_of);
    let stages = StageProgress::new(console);
    stages.begin("reading", Some(source.events.iter().map(|file| file.size_bytes()).sum()), Unit::Bytes);
    let mut all = Reading {
        tally: Tally::default(),
        spans: BTreeMap::new(),
        kinds: vec![0; source.kinds.len()],
        files: BTreeMap::new(),
    };
    for file in &source.events {
        let seen: Mutex<FileReading> = Mutex::new(FileReading::new(source));
        let sink = |number, parsed: ParsedBlock| {
            seen.lock().expect("no thread panics while it counts").add(source, number, parsed);
            Ok(())
        };
        file.read(ReadPurpose::Events, &frame, &sink, &|bytes| stages.advance(bytes))?;
        let mut seen = seen.into_inner().expect("no thread panicked while it counted");
        seen.blocks.sort_by_key(|&(number, _)| number);
        let tally = join_block_tallies(file.as_ref(), seen.blocks.into_iter().map(|(_, tally)| tally));
        for (kind, events) in seen.kinds.iter().enumerate() {
            all.kinds[kind] += events;
        }
        for (course, span) in &seen.spans {
            all.spans.entry(*course).and_modify(|known| *known = known.join(*span)).or_insert(*span);
        }
        if let Some(path) = file.path() {
            let span = seen.spans.values().copied().reduce(TimeSpan::join);
            // A row may be several events, and a file then stands in several tables of a mapping.
            let one = all.files.entry(path.to_owned()).or_default();
            one.rows += tally.read;
            one.used += tally.used;
            one.rejected += tally.rejected();
            one.set_aside = one.rows - one.used - one.rejected;
            one.first_event = span.map(|span| format_instant(span.first));
            one.last_event = span.map(|span| format_instant(span.last));
            one.enrolments = seen.enrolments.iter().filter(|&&seen| seen).count() as u64;
            one.courses = seen.spans.len() as u64;
        }
        all.tally.append(tally);
    }
    stages.end(&pluralise(all.tally.read, "row"));
    Ok(all)
}

/// Counts what the blocks of one file hold.
struct FileReading {
    blocks: Vec<(usize, BlockTally)>,
    kinds: Vec<u64>,
    spans: BTreeMap<CourseIndex, TimeSpan>,
    /// Whether each enrolment has an event.
    enrolments: Vec<bool>,
}

impl FileReading {
    fn new(source: &Source) -> Self {
        let enrolments = vec![false; source.roster.enrolments.len()];
        Self { blocks: Vec::new(), kinds: vec![0; source.kinds.len()], spans: BTreeMap::new(), enrolments }
    }

    fn add(&mut self, source: &Source, number: usize, parsed: ParsedBlock) {
        for event in &parsed.events {
            self.kinds[usize::from(event.kind())] += u64::from(event.weight());
            let enrolment = event.enrolment().as_usize();
            self.enrolments[enrolment] = true;
            let course = source.roster.enrolments[enrolment].course;
            let start = source.roster.courses[course.as_usize()].start_seconds();
            let here = TimeSpan::at(start + i64::from(event.seconds()));
            self.spans.entry(course).and_modify(|span| *span = span.join(here)).or_insert(here);
        }
        self.blocks.push((number, parsed.tally));
    }
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn report(source: &Source, read: &Reading) -> LogReport {
    let Reading { tally, spans, kinds, files } = read;
    let roster = &source.roster;
    let mut enrolments = vec![0; roster.courses.len()];
    let mut learners = BTreeSet::new();
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
    let file = |file: &staycast_events::InputFile| {
        let layout = source.files.layouts.iter().find(|layout| layout.path == file.path);
        File {
            role: file.role,
            path: file.path.clone(),
            bytes: size(&file.path),
            compression: layout.map(|layout| layout.compression),
            encoding: layout.map(|layout| layout.encoding),
            separator: layout.and_then(|layout| layout.separator),
            events: files.get(&file.path).cloned(),
        }
    };
    let table =
        |table: DatabaseTable| Table { role: table.role, place: table.place, table: table.table, rows: table.rows };
    let kind = |(kind, &events): (&staycast_events::EventKind, &u64)| Kind {
        kind: kind.raw.clone(),
        activity: kind.activity.name(),
        events,
    };
    LogReport {
        kind: "log",
        format: source.format,
        format_reason: source.reason.clone(),
        files: source.inputs.iter().map(file).collect(),
        left_out: left_out_files(source),
        file_notes: source.files.notes.clone(),
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
        kinds: source.kinds.iter().zip(kinds).map(kind).collect(),
        first_event: spans.values().map(|span| span.first).min().map(format_instant),
        last_event: spans.values().map(|span| span.last).max().map(format_instant),
        courses: courses.collect(),
    }
}

fn rows(tally: &Tally) -> Rows {
    let of = |rejected: bool| {
        let chosen = tally.reasons.iter().filter(move |(reason, _)| reason.is_rejection() == rejected);
        let count = |(reason, count): (&Reason, &staycast_events::ReasonCount)| {
            let sample =
                |sample: &staycast_events::RowSample| format!("{} line {}: {}", sample.file, sample.line, sample.what);
            (reason.name(), Rejected { rows: count.rows, samples: count.samples.iter().map(sample).collect() })
        };
        chosen.map(count).collect()
    };
    Rows { read: tally.read, used: tally.used, rejected: of(true), set_aside: of(false) }
}

/// Describes a log; `next` is the command to run next.
pub(crate) fn describe(report: &LogReport, next: &str, detail: Detail) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!("A log of format {}: {}.", report.format, report.format_reason));
    sheet.gap();
    let shown = if detail == Detail::Full { usize::MAX } else { FILES };
    for (place, file) in report.files.iter().take(shown).enumerate() {
        sheet.row(if place == 0 { "Files" } else { "" }, describe_file(file));
    }
    if report.files.len() > shown {
        sheet.row("", format!("and {} more (--verbose and --json list all)", report.files.len() - shown));
    }
    describe_left_out_files(&mut sheet, &report.left_out, detail);
    describe_file_notes(&mut sheet, &report.file_notes, detail);
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
    let aside: Vec<String> = report
        .rows
        .set_aside
        .iter()
        .map(|(reason, count)| format!("{} {}", group_digits(count.rows), describe_reason(reason)))
        .collect();
    if !aside.is_empty() {
        sheet.row("Set aside", aside.join(", "));
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
    sheet.verbatim(next);
    sheet.into_string()
}

/// Returns the date of an instant in text.
fn date(instant: &str) -> &str {
    instant.split('T').next().unwrap_or(instant)
}

/// Describes a file: its role and layout, and what its rows hold.
fn describe_file(file: &File) -> String {
    let mut about = vec![file.role.to_owned(), format_bytes(file.bytes)];
    about.extend(file.compression.filter(|compression| *compression != "none").map(str::to_owned));
    about.extend(file.encoding.map(str::to_owned));
    about.extend(file.separator.map(|separator| format!("cells separated by {separator}")));
    let mut text = format!("{} ({})", staycast_events::input::file_name(&file.path), about.join(", "));
    if let Some(FileEvents { rows, first_event, last_event, enrolments, courses, .. }) = &file.events {
        text += &format!(": {}", pluralise(*rows, "row"));
        if let (Some(first), Some(last)) = (first_event, last_event) {
            let who = pluralise(*enrolments, "enrolment");
            let days = format!("from {} to {}", date(first), date(last));
            text += &format!(" {days}, {who} in {}", pluralise(*courses, "course"));
        }
    }
    text
}

/// Lists the activities that have events, each with the source's own names for it, most frequent first.
fn kinds(report: &LogReport) -> String {
    let mut by_activity: BTreeMap<&str, Vec<&Kind>> = BTreeMap::new();
    for kind in report.kinds.iter().filter(|kind| kind.events > 0) {
        by_activity.entry(kind.activity).or_default().push(kind);
    }
    let one = |(activity, mut kinds): (&str, Vec<&Kind>)| {
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.events));
        let all: u64 = kinds.iter().map(|kind| kind.events).sum();
        let named: Vec<String> =
            kinds.iter().map(|kind| format!("{} {}", kind.kind, group_digits(kind.events))).collect();
        match kinds.as_slice() {
            [kind] if kind.kind == activity => format!("{activity} {}", group_digits(all)),
            _ => format!("{activity} {} ({})", group_digits(all), list_first(&named, 4)),
        }
    };
    match by_activity.is_empty() {
        true => "no event is used".to_owned(),
        false => by_activity.into_iter().map(one).collect::<Vec<_>>().join(", "),
    }
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
