//! What a build came to, in words.

use std::collections::BTreeMap;

use staycast_sequences::manifest::{Manifest, ReasonCount};

use super::{Built, Plan};
use crate::words::{Sheet, bytes, counted, duration, grouped, percent, shell, some_of};

/// Samples shown of each reason; the manifest has more.
const SAMPLES: usize = 2;
/// Names of null features shown of each cause.
const NAMES: usize = 6;

/// The summary that `preprocess` prints.
pub(super) fn words(plan: &Plan, built: &Built) -> String {
    let manifest = &built.manifest;
    let mut sheet = Sheet::default();
    if built.kept {
        sheet.paragraph(format!(
            "{} is finished and of the same input and options: kept as it is.",
            built.out.display()
        ));
        sheet.gap();
    }
    input(&mut sheet, manifest);
    contents(&mut sheet, manifest);
    if !built.kept {
        let size: u64 = manifest.inputs.iter().map(|input| input.bytes).sum();
        let rate = size as f64 / built.seconds.max(1e-3);
        let memory = built.peak_memory_bytes.map_or_else(String::new, |peak| format!(", peak memory {}", bytes(peak)));
        sheet.row("Took", format!("{}, {}/s on disk{memory}", duration(built.time()), bytes(rate as u64)));
    }
    let size = manifest.outputs.iter().map(|output| output.bytes).sum();
    sheet.row("Written", format!("{}: {} in {}", built.out.display(), bytes(size), files(manifest)));
    sheet.gap();
    sheet.verbatim(next(plan, manifest));
    sheet.finish()
}

fn files(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.outputs.iter().map(|output| output.file.as_str()).collect();
    format!("{}, manifest.json, timing.json", names.join(", "))
}

/// What was read and what became of it.
pub(crate) fn input(sheet: &mut Sheet, manifest: &Manifest) {
    let size = manifest.inputs.iter().map(|input| input.bytes).sum();
    let names: Vec<&str> = manifest.inputs.iter().map(|input| input.file.as_str()).collect();
    sheet.row("Format", format!("{}: {}", manifest.format, manifest.format_reason));
    let files = counted(names.len() as u64, "file");
    sheet.row("Read", format!("{files}, {}: {}", bytes(size), some_of(&names, 8)));
    let rows = &manifest.rows;
    let sum = |reasons: &BTreeMap<String, ReasonCount>| reasons.values().map(|count| count.rows).sum::<u64>();
    sheet.row(
        "Rows",
        format!(
            "{} of the log: {} used, {} set aside, {} rejected",
            grouped(rows.read),
            grouped(rows.used),
            grouped(sum(&rows.set_aside)),
            grouped(sum(&rows.rejected))
        ),
    );
    // Rows that are set aside are as they should be, so nobody has to look at any.
    reasons(sheet, "Set aside", "fine, but with no place in the sequences", &rows.set_aside, 0);
    reasons(sheet, "Rejected", "of the log", &rows.rejected, SAMPLES);
    reasons(sheet, "Rejected", "of the other tables", &rows.rejected_roster, SAMPLES);
}

fn reasons(sheet: &mut Sheet, label: &str, about: &str, reasons: &BTreeMap<String, ReasonCount>, samples: usize) {
    let mut counts: Vec<(&String, &ReasonCount)> = reasons.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(count.rows));
    for (place, (reason, count)) in counts.into_iter().enumerate() {
        let about = if place == 0 { format!(" ({about})") } else { String::new() };
        let label = if place == 0 { label } else { "" };
        sheet.row(label, format!("{} {}{about}", grouped(count.rows), reason_in_words(reason)));
        for sample in count.samples.iter().take(samples) {
            sheet.row("", format!("e.g. {} line {}: {}", sample.file, sample.line, sample.what));
        }
    }
}

/// A reason of the manifest as people say it.
pub(crate) fn reason_in_words(reason: &str) -> String {
    match reason {
        "after_as_of" => "after the instant given by --as-of".to_owned(),
        "after_the_calendar" => "after the end of their course, or of its weeks kept".to_owned(),
        "banked" => "results carried over from an earlier run".to_owned(),
        "filtered_out" => "set aside by the format or the mapping: staff, guests, what is of no course".to_owned(),
        "far_from_course" => "decades from their course".to_owned(),
        "no_course" => "outside any course".to_owned(),
        "no_learner" => "of nobody who is logged in".to_owned(),
        "comment" => "comments in the log".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What is in the folder.
pub(crate) fn contents(sheet: &mut Sheet, manifest: &Manifest) {
    let totals = &manifest.totals;
    let weeks = counted(u64::from(manifest.calendar.weeks), "week");
    let dates = match manifest.calendar.source.as_str() {
        "inferred" => "dates inferred from the events, which may look past a cut-off: give --courses FILE if you can",
        "courses-file" => "dates from the courses file",
        _ => "dates from the source",
    };
    sheet.row("Courses", format!("{}, of up to {weeks}; {dates}", grouped(totals.courses)));
    let learners = if manifest.knows.learners {
        format!(", of {}", counted(totals.learners, "learner"))
    } else {
        "; the source does not identify learners across courses".to_owned()
    };
    sheet.row("Enrolments", format!("{}{learners}", grouped(totals.enrolments)));
    for (reason, count) in &totals.enrolments_left_out {
        sheet.row("", format!("{} more left out: {}", grouped(*count), left_out(reason)));
    }
    let instant = manifest.calendar.as_of.replace('T', " ");
    sheet.row(
        "Log taken",
        match (manifest.calendar.as_of_source.as_str(), manifest.knows.dates) {
            ("given", _) => format!("{instant}, as given"),
            (_, true) => format!("{instant}, the end of its newest event's day"),
            (_, false) => "at the end of its newest event's day (the source has no dates)".to_owned(),
        },
    );
    labels(sheet, manifest);
    features(sheet, manifest);
}

fn left_out(reason: &str) -> String {
    match reason {
        "unknown_course" => "no table has dates for their course".to_owned(),
        other => other.replace('_', " "),
    }
}

fn labels(sheet: &mut Sheet, manifest: &Manifest) {
    let labels = &manifest.labels;
    let share = if labels.known == 0 {
        "no enrolment's outcome is known, so these can be scored but not trained on".to_owned()
    } else {
        let share = percent(labels.dropouts as f64 / labels.known as f64);
        format!("{share} of the {} with a known outcome", counted(labels.known, "enrolment"))
    };
    sheet.row("Dropout", format!("by the rule {}: {share}", labels.rule));
    for (why, count) in &labels.unknown {
        sheet.row("", format!("{} unknown: {why}", grouped(*count)));
    }
}

fn features(sheet: &mut Sheet, manifest: &Manifest) {
    let mut lacking: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for feature in &manifest.features {
        if let Some(why) = &feature.lacking {
            lacking.entry(why).or_default().push(&feature.name);
        }
    }
    let all = manifest.features.len();
    let null: usize = lacking.values().map(Vec::len).sum();
    let of = if null == 0 { String::new() } else { format!(" of {all}; the others are null:") };
    sheet.row("Features", format!("{}{of}", all - null));
    for (why, names) in lacking {
        sheet.row("", format!("{why}: {}", some_of(&names, NAMES)));
    }
}

/// What to do next.
fn next(plan: &Plan, manifest: &Manifest) -> String {
    let out = shell(&plan.out.display().to_string());
    if manifest.labels.known == 0 {
        return format!("Next: staycast score RUN {out} --out scores.csv   (RUN is a run trained on finished courses)");
    }
    let split = if manifest.totals.courses == 1 { " --split learner" } else { "" };
    format!("Next: staycast train {out} --out run{split}")
}

/// The warning behind exit status 3.
pub(super) fn too_many_rejected(built: &Built) -> String {
    format!(
        "{} of the rows were rejected, more than --max-rejected {} allows; the sequences are there, but look at the \
         reasons above (all samples are in {})",
        percent(built.manifest.rows.rejected_share),
        built.max_rejected,
        built.out.join("manifest.json").display()
    )
}
