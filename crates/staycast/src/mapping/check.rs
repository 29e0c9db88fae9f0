//! Reads files with a mapping and says what is understood.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;
use staycast_events::formats::{self, MappedColumn, OpenOptions, mapped_columns};
use staycast_events::time::{format_date, format_instant};
use staycast_events::{ParsedBlock, ReadPurpose, Reason, RowLimits, Source, Tally, TimeSpan};
use staycast_sequences::{Progress, Unit};

use crate::console::Console;
use crate::display::{LabelledText, format_percent, group_digits, list_first, pluralise, quote_for_shell};
use crate::progress::StageProgress;
use crate::sequences_description::describe_reason;
use crate::status::Status;

/// The share of rejected rows above which the status says so; that of `staycast preprocess` when nothing else is asked for.
const MOST_REJECTED: f64 = 0.01;

/// Kinds listed in text; the JSON has all of them.
const SHOWN_KINDS: usize = 20;

#[derive(Serialize)]
struct Checked {
    usable: bool,
    reason: String,
    columns: Vec<Column>,
    rows_read: u64,
    rows_used: u64,
    not_used: BTreeMap<&'static str, NotUsed>,
    not_used_in_other_tables: BTreeMap<&'static str, NotUsed>,
    kinds: Vec<Kind>,
    undeclared_rows: u64,
    undeclared: Vec<Undeclared>,
    enrolments: u64,
    courses: Vec<Course>,
    first_event: Option<String>,
    last_event: Option<String>,
}

#[derive(Serialize)]
struct Column {
    table: String,
    role: &'static str,
    columns: Vec<String>,
    read_as: Option<String>,
}

#[derive(Serialize)]
struct NotUsed {
    rows: u64,
    is_fault: bool,
    samples: Vec<String>,
}

#[derive(Serialize)]
struct Kind {
    kind: String,
    activity: &'static str,
    events: u64,
}

#[derive(Serialize)]
struct Undeclared {
    kind: String,
    rows: u64,
}

#[derive(Serialize)]
struct Course {
    course: String,
    from: String,
    to: String,
    inferred: bool,
}

pub(super) fn run(
    mapping: &Path,
    files: &[PathBuf],
    courses: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Status> {
    let columns = mapped_columns(mapping)?;
    let options = OpenOptions {
        mapping: Some(mapping.to_owned()),
        courses: courses.map(Path::to_owned),
        ..OpenOptions::default()
    };
    let source = formats::open(files, &options)?;
    let counted = read(&source, console)?;
    let report = report(&source, columns, &counted);
    console.print_result(&report, || describe(&report, mapping, files))?;
    let rejected = counted.tally.rejected() as f64;
    Ok(match () {
        () if !report.usable => Status::Failed,
        () if rejected > MOST_REJECTED * counted.tally.read as f64 => Status::TooManyRejected,
        () => Status::Fine,
    })
}

#[derive(Default)]
struct Counted {
    tally: Tally,
    /// Events by the number of their kind.
    kinds: BTreeMap<usize, u64>,
    span: Option<TimeSpan>,
}

/// Reads the log to its end. Events are counted block by block and not kept.
fn read(source: &Source, console: &Console) -> anyhow::Result<Counted> {
    let days: Vec<u32> = source.roster.courses.iter().map(|course| course.days).collect();
    let limits = RowLimits::new(&source.roster, &days, None);
    let stages = StageProgress::new(console);
    stages.begin("reading", Some(source.events.iter().map(|file| file.size_bytes()).sum()), Unit::Bytes);
    let mut all = Counted::default();
    for file in &source.events {
        let blocks: Mutex<Vec<(usize, ParsedBlock)>> = Mutex::default();
        let kinds: Mutex<BTreeMap<usize, u64>> = Mutex::default();
        let sink = |number, mut parsed: ParsedBlock| {
            let events = std::mem::take(&mut parsed.events);
            let mut kinds = kinds.lock().expect("no thread panics while it counts");
            for event in &events {
                *kinds.entry(usize::from(event.kind())).or_default() += u64::from(event.weight());
            }
            blocks.lock().expect("no thread panics while it counts").push((number, parsed));
            Ok(())
        };
        file.read(ReadPurpose::Events, &limits, &sink, &|bytes| stages.advance(bytes))?;
        for (kind, events) in kinds.into_inner().expect("no thread panicked while it counted") {
            *all.kinds.entry(kind).or_default() += events;
        }
        let mut blocks = blocks.into_inner().expect("no thread panicked while it counted");
        blocks.sort_by_key(|&(number, _)| number);
        let mut line = file.first_line();
        for (_, block) in blocks {
            all.span = match (all.span, block.span) {
                (Some(one), Some(other)) => Some(one.join(other)),
                (one, other) => one.or(other),
            };
            let lines = block.tally.lines;
            all.tally.append(block.tally.place(&file.name(), line));
            line += lines;
        }
    }
    stages.end(&pluralise(all.tally.read, "row"));
    Ok(all)
}

fn report(source: &Source, columns: Vec<MappedColumn>, counted: &Counted) -> Checked {
    let roster = &source.roster;
    let column =
        |one: MappedColumn| Column { table: one.table, role: one.role, columns: one.columns, read_as: one.read_as };
    let kind = |(number, kind): (usize, &staycast_events::EventKind)| Kind {
        kind: kind.raw.clone(),
        activity: kind.activity.name(),
        events: counted.kinds.get(&number).copied().unwrap_or(0),
    };
    let mut kinds: Vec<Kind> = source.kinds.iter().enumerate().map(kind).collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.events));
    let people = roster.enrolments.iter().flat_map(|enrolment| [enrolment.id.as_str(), enrolment.learner.as_str()]);
    let undeclared = counted.tally.unknown_kinds.most_frequent(people).into_iter();
    Checked {
        usable: counted.tally.used > 0,
        reason: source.reason.clone(),
        columns: columns.into_iter().map(column).collect(),
        rows_read: counted.tally.read,
        rows_used: counted.tally.used,
        not_used: not_used(&counted.tally),
        not_used_in_other_tables: not_used(&source.tables),
        kinds,
        undeclared_rows: counted.tally.unknown_kinds.rows,
        undeclared: undeclared.map(|kind| Undeclared { kind: kind.shown, rows: kind.rows }).collect(),
        enrolments: roster.enrolments.len() as u64,
        courses: roster
            .courses
            .iter()
            .map(|course| Course {
                course: course.id.clone(),
                from: format_date(course.start_day),
                to: format_date(course.start_day + course.days as i32 - 1),
                inferred: course.inferred,
            })
            .collect(),
        first_event: counted.span.map(|span| format_instant(span.first)),
        last_event: counted.span.map(|span| format_instant(span.last)),
    }
}

fn not_used(tally: &Tally) -> BTreeMap<&'static str, NotUsed> {
    let one = |(reason, count): (&Reason, &staycast_events::ReasonCount)| {
        let sample =
            |sample: &staycast_events::RowSample| format!("{} line {}: {}", sample.file, sample.line, sample.what);
        let samples = count.samples.iter().map(sample).collect();
        (reason.name(), NotUsed { rows: count.rows, is_fault: reason.is_rejection(), samples })
    };
    tally.reasons.iter().map(one).collect()
}

fn describe(report: &Checked, mapping: &Path, files: &[PathBuf]) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!("Tables {}.", report.reason));
    sheet.gap();
    for (place, column) in report.columns.iter().enumerate() {
        let role = if column.role.is_empty() { String::new() } else { format!("{} is ", column.role) };
        let names: Vec<String> = column.columns.iter().map(|name| format!("`{name}`")).collect();
        let read_as = column.read_as.as_ref().map_or_else(String::new, |read_as| format!(", {read_as}"));
        let line = format!("{}: {role}{}{read_as}", column.table, names.join(", "));
        sheet.row(if place == 0 { "Columns" } else { "" }, line);
    }
    sheet
        .row("Rows", format!("{} of the log, {} used", group_digits(report.rows_read), group_digits(report.rows_used)));
    describe_not_used(&mut sheet, &report.not_used, "of the log");
    describe_not_used(&mut sheet, &report.not_used_in_other_tables, "of the other tables");
    for (place, kind) in report.kinds.iter().filter(|kind| kind.events > 0).take(SHOWN_KINDS).enumerate() {
        let line = format!("{} as {}: {}", kind.kind, kind.activity, pluralise(kind.events, "event"));
        sheet.row(if place == 0 { "Kinds" } else { "" }, line);
    }
    let unseen: Vec<&str> =
        report.kinds.iter().filter(|kind| kind.events == 0).map(|kind| kind.kind.as_str()).collect();
    if !unseen.is_empty() {
        sheet.row("", format!("no events of {}", list_first(&unseen, 6)));
    }
    for (place, kind) in report.undeclared.iter().take(SHOWN_KINDS).enumerate() {
        sheet
            .row(if place == 0 { "Undeclared" } else { "" }, format!("{}: {}", kind.kind, pluralise(kind.rows, "row")));
    }
    if report.undeclared_rows > 0 {
        let share = format_percent(report.undeclared_rows as f64 / report.rows_read.max(1) as f64);
        sheet.row("", format!("{share} of the rows are of kinds that [activities.kinds] does not declare"));
    }
    sheet.row("Learners", pluralise(report.enrolments, "enrolment"));
    if let (Some(first), Some(last)) = (&report.first_event, &report.last_event) {
        sheet.row("Events", format!("from {} to {}", first.replace('T', " "), last.replace('T', " ")));
    }
    for (place, course) in report.courses.iter().take(SHOWN_KINDS).enumerate() {
        let inferred = if course.inferred { ", inferred from events" } else { "" };
        let line = format!("{} from {} to {}{inferred}", course.course, course.from, course.to);
        sheet.row(if place == 0 { "Courses" } else { "" }, line);
    }
    sheet.gap();
    if report.usable {
        let files: Vec<String> = files.iter().map(|file| quote_for_shell(&file.display().to_string())).collect();
        let mapping = quote_for_shell(&mapping.display().to_string());
        sheet.verbatim(format!("Next: staycast preprocess {} --mapping {mapping} --out sequences", files.join(" ")));
    } else {
        sheet.paragraph("No row can be used with this mapping.");
    }
    sheet.into_string()
}

fn describe_not_used(sheet: &mut LabelledText, not_used: &BTreeMap<&'static str, NotUsed>, about: &str) {
    for (reason, count) in not_used {
        let label = if count.is_fault { "Rejected" } else { "Set aside" };
        sheet.row(label, format!("{} {} ({about})", group_digits(count.rows), describe_reason(reason)));
        if let Some(sample) = count.samples.first() {
            sheet.row("", format!("e.g. {sample}"));
        }
    }
}
