//! The description of a sequences folder.

use std::path::Path;

use serde::Serialize;
use staycast_events::time::format_date;
use staycast_sequences::manifest::Manifest;
use staycast_sequences::{Dataset, Selection, SequenceFolder};

use crate::console::Console;
use crate::display::{LabelledText, format_percent, group_digits, pluralise, quote_for_shell};
use crate::sequences_description::{Detail, describe_contents, describe_input};

/// Bounds the courses listed, those with enrolments; the JSON has all of them.
const COURSES: usize = 24;

#[derive(Serialize)]
struct SequencesInspection<'a> {
    kind: &'static str,
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
    let folder = SequenceFolder::open(path)?;
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
    sheet.gap();
    describe_input(&mut sheet, manifest, detail);
    describe_contents(&mut sheet, manifest, detail);
    let weeks = pluralise(manifest.totals.enrolment_weeks, "row");
    let events = pluralise(manifest.totals.events, "event");
    sheet.row("Table", format!("{weeks}, one an enrolment and week; {events}"));
    sheet.gap();
    sheet.verbatim(course_table(&report.courses));
    sheet.gap();
    let path = quote_for_shell(&report.path.display().to_string());
    sheet.paragraph(format!("Every feature's meaning and unit: {path}/manifest.json, or this command with --json."));
    sheet.into_string()
}

fn course_table(courses: &[Course]) -> String {
    let enrolled: Vec<&Course> = courses.iter().filter(|course| course.enrolments > 0).collect();
    let width =
        enrolled.iter().take(COURSES).map(|course| course.course.chars().count()).max().unwrap_or(0).clamp(6, 50);
    let mut text = format!(
        "{:width$}  {:>10}  {:>5}  {:>8}  {:>10}  {:>8}\n",
        "course", "start", "weeks", "observed", "enrolments", "dropout"
    );
    for course in enrolled.iter().take(COURSES) {
        let dropout = match course.labelled {
            0 => "unknown".to_owned(),
            labelled => format_percent(course.dropouts as f64 / labelled as f64),
        };
        text += &format!(
            "{:width$}  {:>10}  {:>5}  {:>8}  {:>10}  {dropout:>8}\n",
            course.course,
            course.start.as_deref().unwrap_or("–"),
            course.weeks,
            course.observed_weeks,
            group_digits(course.enrolments),
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
