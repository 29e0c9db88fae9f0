//! The description of a log as text for a terminal.

use std::collections::BTreeMap;

use staycast_events::Capabilities;

use super::reading::FileEvents;
use super::{Course, File, Kind, LogReport};
use crate::display::{CourseLine, LabelledText, course_table, format_bytes, group_digits, list_first, pluralise};
use crate::sequences_description::{
    Detail, describe_file_notes, describe_left_out_files, describe_notice, describe_reason, describe_unknown_kinds,
    lacking_dates,
};

/// Bounds the files of the log that are listed; the JSON has all of them.
const FILES: usize = 6;

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
    for notice in &report.notices {
        let (label, what) = describe_notice(notice);
        sheet.row(label, what);
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
        sheet.row("", format!("{left_out} left out: nothing says when their course runs"));
    }
    if report.learners_set_aside > 0 {
        let left_out = pluralise(report.learners_set_aside, "learner");
        sheet.row("", format!("{left_out} left out: all of their events were set aside"));
    }
    if report.only_about_others > 0 {
        let left_out = group_digits(report.only_about_others);
        sheet.row("", format!("{left_out} left out: they only did something about others, or received votes"));
    }
    if report.enrolments_not_yet_known > 0 {
        let left_out = pluralise(report.enrolments_not_yet_known, "enrolment");
        sheet.row("", format!("{left_out} left out: not known yet at the instant given by --as-of"));
    }
    for (course, enrolments) in report.courses_without_dates.iter().take(shown) {
        let left_out = pluralise(*enrolments, "enrolment");
        let why = lacking_dates(report.dates_from);
        sheet.row("Warning", format!("course {course}: {why}; {left_out} left out"));
    }
    sheet.row("Kinds", kinds(report));
    if let Some(unknown) = &report.unknown_kinds {
        describe_unknown_kinds(&mut sheet, unknown, detail);
    }
    sheet.row("Capabilities", describe_capabilities(&report.capabilities));
    sheet.row(
        "Labels",
        match report.labels {
            "labels" => "the source's own labels",
            "outcomes" => "recorded outcomes",
            _ => "none; dropout follows from activity",
        },
    );
    let inferred = report.courses.iter().filter(|course| course.inferred).count() as u64;
    if inferred > 0 {
        sheet.row("Courses", format!("{} with dates inferred from the events", pluralise(inferred, "course")));
    }
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
    let day = |instant: &Option<String>| instant.as_deref().map_or("–", date).to_owned();
    let columns =
        format!("  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}", "from", "to", "enrolments", "first seen", "last seen");
    course_table(
        courses.iter().map(|course| CourseLine {
            course: &course.course,
            enrolments: course.enrolments,
            columns: format!(
                "  {:>10}  {:>10}  {:>10}  {:>10}  {:>10}",
                course.from,
                course.to,
                group_digits(course.enrolments),
                day(&course.first_event),
                day(&course.last_event),
            ),
        }),
        &columns,
    )
}
