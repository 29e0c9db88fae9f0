//! The description of a log before anything is made of it, as `inspect`, `preprocess --dry-run` and `mapping check` print it.

mod reading;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use staycast_events::time::{format_date, format_instant};
use staycast_events::{
    Capabilities, CourseIndex, DatabaseTable, DatesFrom, Granularity, Notice, Reason, Source, SourceLabels, Tally,
    TextLayout,
};
use staycast_sequences::manifest::{LeftOutRecord, TableRows, UnknownKindsRecord, worst_table};
use staycast_sequences::{left_out_files, table_rows, unknown_kinds};

pub(crate) use self::text::describe;

use self::reading::{FileEvents, Reading};
use crate::console::Console;
use crate::display::quote_for_shell;

/// Describes what a log holds, and what would become of its rows.
#[derive(Serialize)]
pub(crate) struct LogReport {
    kind: &'static str,
    format: &'static str,
    format_reason: String,
    files: Vec<File>,
    left_out: Vec<LeftOutRecord>,
    file_notes: Vec<String>,
    notices: Vec<Notice>,
    databases: Vec<Table>,
    rows: Rows,
    tables: Rows,
    /// Rows of each of the other tables.
    by_table: BTreeMap<String, TableRows>,
    enrolments: u64,
    enrolments_without_course: u64,
    learners_set_aside: u64,
    enrolments_not_yet_known: u64,
    only_about_others: u64,
    /// Enrolments of each course that nothing says when it runs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    courses_without_dates: BTreeMap<String, u64>,
    #[serde(skip)]
    dates_from: DatesFrom,
    learners: u64,
    #[serde(rename = "knows")]
    capabilities: Capabilities,
    time_to: &'static str,
    labels: &'static str,
    kinds: Vec<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_kinds: Option<UnknownKindsRecord>,
    first_event: Option<String>,
    last_event: Option<String>,
    courses: Vec<Course>,
}

#[derive(Serialize)]
struct File {
    role: &'static str,
    #[serde(serialize_with = "crate::display::path_text")]
    path: PathBuf,
    bytes: u64,
    compression: Option<&'static str>,
    encoding: Option<&'static str>,
    separator: Option<&'static str>,
    /// What its rows hold, of a file of events.
    events: Option<FileEvents>,
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

impl LogReport {
    /// Reads the log of `source` to its end and describes it.
    pub(crate) fn read(source: &Source, console: &Console) -> anyhow::Result<Self> {
        Ok(report(source, &reading::read(source, console)?))
    }

    /// Returns the inputs `given`, as a shell takes them. A file that the report calls by another name, because its own may be a
    /// learner's, is not named here either.
    pub(crate) fn inputs_for_shell(&self, given: &[PathBuf]) -> String {
        let is_shown = |path: &Path| !path.is_file() || self.files.iter().any(|file| file.path == path);
        match given.iter().all(|path| is_shown(path)) {
            true => given.iter().map(|path| quote_for_shell(&path.display().to_string())).collect::<Vec<_>>().join(" "),
            false => "LOGS".to_owned(),
        }
    }

    /// Returns the share of rejected rows of the table, or the log, of which the most were rejected.
    pub(crate) fn rejected_share(&self) -> f64 {
        let rejected = self.rows.rejected.values().map(|count| count.rows).sum();
        worst_table(self.rows.read, rejected, &self.by_table).1
    }

    /// Tells whether any row of the log can be used.
    pub(crate) fn is_usable(&self) -> bool {
        self.rows.used > 0
    }

    /// Lists the kinds of event that the format or the mapping knows and the log does not have.
    pub(crate) fn kinds_without_events(&self) -> Vec<&str> {
        self.kinds.iter().filter(|kind| kind.events == 0).map(|kind| kind.kind.as_str()).collect()
    }
}

fn report(source: &Source, read: &Reading) -> LogReport {
    let Reading { tally, spans, kinds, files } = read;
    let roster = &source.roster;
    let mut enrolments = vec![0; roster.courses.len()];
    let mut learners = BTreeSet::new();
    for place in roster.enrolments.places() {
        enrolments[roster.enrolments.course(place).as_usize()] += 1;
        learners.insert(roster.enrolments.learner(place));
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
    let layouts: BTreeMap<&Path, &TextLayout> =
        source.files.layouts.iter().map(|layout| (layout.path.as_path(), layout)).collect();
    let file = |file: &staycast_events::InputFile| {
        let layout = layouts.get(file.path());
        File {
            role: file.role,
            path: file.path().to_owned(),
            bytes: file.file.bytes(),
            compression: layout.map(|layout| layout.compression),
            encoding: layout.map(|layout| layout.encoding),
            separator: layout.and_then(|layout| layout.separator),
            events: files.get(file.path()).cloned(),
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
        notices: source.notices.iter().cloned().chain(source.overlaps(tally)).collect(),
        databases: source.events.iter().flat_map(|file| file.database()).map(table).collect(),
        rows: rows(tally),
        tables: rows(&source.tables),
        by_table: table_rows(&source.tables),
        enrolments: roster.enrolments.len() as u64,
        enrolments_without_course: source.left_out.total(),
        courses_without_dates: source.left_out.by_course.clone(),
        dates_from: source.left_out.dates_from,
        learners_set_aside: source.learners_set_aside,
        only_about_others: source.only_about_others,
        enrolments_not_yet_known: roster.not_yet_known.len() as u64,
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
        unknown_kinds: unknown_kinds(source, tally),
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
