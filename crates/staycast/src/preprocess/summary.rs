//! What a build came to, in words.

use std::collections::BTreeMap;

use staycast_sequences::manifest::{Manifest, ReasonCount};

use super::job::{PreprocessJob, PreprocessOutcome};
use crate::display::{
    LabelledText, format_bytes, format_duration, format_percent, group_digits, list_first, pluralise, quote_for_shell,
};

/// Samples shown of each reason; the manifest has more.
const SAMPLES: usize = 2;
/// Names of null features shown of each cause.
const NAMES: usize = 6;

/// The summary that `preprocess` prints.
pub(super) fn describe_outcome(job: &PreprocessJob, built: &PreprocessOutcome) -> String {
    let manifest = &built.manifest;
    let mut sheet = LabelledText::default();
    if built.kept {
        sheet.paragraph(format!(
            "{} is finished and of the same input and options: kept as it is.",
            built.out.display()
        ));
        sheet.gap();
    }
    describe_input(&mut sheet, manifest);
    describe_contents(&mut sheet, manifest);
    if !built.kept {
        let size: u64 = manifest.inputs.iter().map(|input| input.bytes).sum();
        let rate = size as f64 / built.seconds.max(1e-3);
        let memory =
            built.peak_memory_bytes.map_or_else(String::new, |peak| format!(", peak memory {}", format_bytes(peak)));
        sheet
            .row("Took", format!("{}, {}/s on disk{memory}", format_duration(built.time()), format_bytes(rate as u64)));
    }
    let size = manifest.outputs.iter().map(|output| output.bytes).sum();
    sheet.row("Written", format!("{}: {} in {}", built.out.display(), format_bytes(size), files(manifest)));
    sheet.gap();
    sheet.verbatim(next(job, manifest));
    sheet.into_string()
}

fn files(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.outputs.iter().map(|output| output.file.as_str()).collect();
    format!("{}, manifest.json, timing.json", names.join(", "))
}

/// What was read and what became of it.
pub(crate) fn describe_input(sheet: &mut LabelledText, manifest: &Manifest) {
    let size = manifest.inputs.iter().map(|input| input.bytes).sum();
    let names: Vec<&str> = manifest.inputs.iter().map(|input| input.file.as_str()).collect();
    sheet.row("Format", format!("{}: {}", manifest.format, manifest.format_reason));
    let files = pluralise(names.len() as u64, "file");
    sheet.row("Read", format!("{files}, {}: {}", format_bytes(size), list_first(&names, 8)));
    let rows = &manifest.rows;
    let sum = |reasons: &BTreeMap<String, ReasonCount>| reasons.values().map(|count| count.rows).sum::<u64>();
    sheet.row(
        "Rows",
        format!(
            "{} of the log: {} used, {} set aside, {} rejected",
            group_digits(rows.read),
            group_digits(rows.used),
            group_digits(sum(&rows.set_aside)),
            group_digits(sum(&rows.rejected))
        ),
    );
    // Rows that are set aside are as they should be, so nobody has to look at any.
    reasons(sheet, "Set aside", "fine, but with no place in the sequences", &rows.set_aside, 0);
    reasons(sheet, "Rejected", "of the log", &rows.rejected, SAMPLES);
    reasons(sheet, "Rejected", "of the other tables", &rows.rejected_roster, SAMPLES);
}

fn reasons(
    sheet: &mut LabelledText,
    label: &str,
    about: &str,
    reasons: &BTreeMap<String, ReasonCount>,
    samples: usize,
) {
    let mut counts: Vec<(&String, &ReasonCount)> = reasons.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(count.rows));
    for (place, (reason, count)) in counts.into_iter().enumerate() {
        let about = if place == 0 { format!(" ({about})") } else { String::new() };
        let label = if place == 0 { label } else { "" };
        sheet.row(label, format!("{} {}{about}", group_digits(count.rows), describe_reason(reason)));
        for sample in count.samples.iter().take(samples) {
            sheet.row("", format!("e.g. {} line {}: {}", sample.file, sample.line, sample.what));
        }
    }
}

/// A reason of the manifest as people say it.
pub(crate) fn describe_reason(reason: &str) -> String {
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
pub(crate) fn describe_contents(sheet: &mut LabelledText, manifest: &Manifest) {
    let totals = &manifest.totals;
    let weeks = pluralise(u64::from(manifest.calendar.weeks), "week");
    let dates = match manifest.calendar.source.as_str() {
        "inferred" => "dates inferred from the events, which may look past a cut-off: give --courses FILE if you can",
        "courses-file" => "dates from the courses file",
        _ => "dates from the source",
    };
    sheet.row("Courses", format!("{}, of up to {weeks}; {dates}", group_digits(totals.courses)));
    let learners = if manifest.capabilities.learners {
        format!(", of {}", pluralise(totals.learners, "learner"))
    } else {
        "; the source does not identify learners across courses".to_owned()
    };
    sheet.row("Enrolments", format!("{}{learners}", group_digits(totals.enrolments)));
    for (reason, count) in &totals.enrolments_left_out {
        sheet.row("", format!("{} more left out: {}", group_digits(*count), left_out(reason)));
    }
    let instant = manifest.calendar.as_of.replace('T', " ");
    sheet.row(
        "Log taken",
        match (manifest.calendar.as_of_source.as_str(), manifest.capabilities.dates) {
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

fn labels(sheet: &mut LabelledText, manifest: &Manifest) {
    let labels = &manifest.labels;
    let share = if labels.known == 0 {
        "no enrolment's outcome is known, so these can be scored but not trained on".to_owned()
    } else {
        let share = format_percent(labels.dropouts as f64 / labels.known as f64);
        format!("{share} of the {} with a known outcome", pluralise(labels.known, "enrolment"))
    };
    sheet.row("Dropout", format!("by the rule {}: {share}", labels.rule));
    for (why, count) in &labels.unknown {
        sheet.row("", format!("{} unknown: {why}", group_digits(*count)));
    }
}

fn features(sheet: &mut LabelledText, manifest: &Manifest) {
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
        sheet.row("", format!("{why}: {}", list_first(&names, NAMES)));
    }
}

/// What to do next.
fn next(job: &PreprocessJob, manifest: &Manifest) -> String {
    let out = quote_for_shell(&job.out.display().to_string());
    if manifest.labels.known == 0 {
        return format!("Next: staycast score RUN {out} --out scores.csv   (RUN is a run trained on finished courses)");
    }
    let split = if manifest.totals.courses == 1 { " --split learner" } else { "" };
    format!("Next: staycast train {out} --out run{split}")
}

/// The warning behind exit status 3.
pub(super) fn too_many_rejected(built: &PreprocessOutcome) -> String {
    format!(
        "{} of the rows were rejected, more than --max-rejected {} allows; the sequences are there, but look at the \
         reasons above (all samples are in {})",
        format_percent(built.manifest.rows.rejected_share),
        built.max_rejected,
        built.out.join("manifest.json").display()
    )
}
