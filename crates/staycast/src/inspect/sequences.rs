//! The description of a sequences folder.

use std::path::Path;

use serde::Serialize;
use staycast_events::time::format_date;
use staycast_sequences::manifest::Manifest;
use staycast_sequences::{Dataset, Selection};

use crate::console::Console;
use crate::display::{
    CourseLine, LabelledText, course_table, format_percent, group_digits, pluralise, quote_for_shell,
};
use crate::sequences::describe_edit;
use crate::sequences_description::{Detail, describe_contents, describe_input};

#[derive(Serialize)]
struct SequencesInspection<'a> {
    kind: &'static str,
    #[serde(serialize_with = "crate::display::path_text")]
    path: &'a Path,
    fingerprint: String,
    manifest: &'a Manifest,
    courses: Vec<Course>,
}

#[derive(Serialize)]
struct Course {
    course: String,
    /// First day; null where the source has no dates.
    start: Option<String>,
    days: u32,
    weeks: u32,
    observed_weeks: u32,
    inferred: bool,
    enrolments: u64,
    labelled: u64,
    dropouts: u64,
}

pub(super) fn run(path: &Path, console: &Console) -> anyhow::Result<()> {
    let folder = crate::sequences::open(path, console)?;
    // No feature is asked for: courses and enrolments are enough here, and the weeks stay on disk.
    let data = folder.load(&Selection { features: Some(Vec::new()), ..Selection::default() })?;
    let report = SequencesInspection {
        kind: "sequences",
        path,
        fingerprint: folder.manifest().fingerprint(),
        manifest: folder.manifest(),
        courses: courses(&data),
    };
    console.print_result(&report, || describe(&report, console.verbosity.into()))
}

fn courses(data: &Dataset) -> Vec<Course> {
    let mut courses: Vec<Course> = data
        .courses
        .iter()
        .map(|course| Course {
            course: course.id.clone(),
            start: (!course.nominal_dates).then(|| format_date(course.start_day)),
            days: course.days,
            weeks: course.weeks,
            observed_weeks: course.observed_weeks,
            inferred: course.inferred,
            enrolments: 0,
            labelled: 0,
            dropouts: 0,
        })
        .collect();
    for enrolment in &data.enrolments {
        let course = &mut courses[enrolment.course.as_usize()];
        course.enrolments += 1;
        course.labelled += u64::from(enrolment.dropout.is_some());
        course.dropouts += u64::from(enrolment.dropout == Some(true));
    }
    courses
}

fn describe(report: &SequencesInspection<'_>, detail: Detail) -> String {
    let manifest = report.manifest;
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!(
        "Weekly sequences, written by Staycast {} (layout {}).",
        manifest.staycast_version, manifest.layout_version
    ));
    if let Some(edit) = manifest.last_edit() {
        sheet.paragraph(format!("They were {}.", describe_edit(edit)));
    }
    sheet.gap();
    describe_input(&mut sheet, manifest, detail);
    describe_contents(&mut sheet, manifest, detail);
    let weeks = pluralise(manifest.totals.enrolment_weeks, "row");
    let events = pluralise(manifest.totals.events, "event");
    sheet.row("Table", format!("{weeks}, one an enrolment and week; {events}"));
    sheet.gap();
    sheet.verbatim(describe_courses(&report.courses));
    sheet.gap();
    let path = quote_for_shell(&report.path.display().to_string());
    sheet.paragraph(format!("Every feature's meaning and unit: {path}/manifest.json, or this command with --json."));
    sheet.into_string()
}

fn describe_courses(courses: &[Course]) -> String {
    let heads = format!("  {:>10}  {:>5}  {:>8}  {:>10}  {:>8}", "start", "weeks", "observed", "enrolments", "dropout");
    let line = |course: &'_ Course| {
        let dropout = match course.labelled {
            0 => "unknown".to_owned(),
            labelled => format_percent(course.dropouts as f64 / labelled as f64),
        };
        format!(
            "  {:>10}  {:>5}  {:>8}  {:>10}  {dropout:>8}",
            course.start.as_deref().unwrap_or("–"),
            course.weeks,
            course.observed_weeks,
            group_digits(course.enrolments),
        )
    };
    let lines = courses.iter().map(|course| CourseLine {
        course: &course.course,
        enrolments: course.enrolments,
        columns: line(course),
    });
    course_table(lines, &heads)
}
