//! The summary that `staycast preprocess` prints.

use std::collections::BTreeSet;

use staycast_sequences::manifest::{CourseWarning, Manifest};
use staycast_sequences::read_courses;

use super::job::{PreprocessJob, PreprocessOutcome};
use crate::display::{LabelledText, format_bytes, format_duration, format_percent, pluralise, quote_for_shell};
use crate::sequences_description::{Detail, describe_contents, describe_input};

/// Describes a finished build. With [`Detail::Screen`] it fits a terminal of 24 lines and 80 columns.
pub(super) fn describe_outcome(job: &PreprocessJob, built: &PreprocessOutcome, detail: Detail) -> String {
    let manifest = &built.manifest;
    let mut text = LabelledText::default();
    if built.kept {
        text.paragraph(format!(
            "{} is finished and of the same input and options: kept as it is.",
            built.out.display()
        ));
        text.gap();
    }
    describe_input(&mut text, manifest, detail);
    describe_contents(&mut text, manifest, detail);
    if !built.kept {
        let size: u64 = manifest.inputs.iter().map(|input| input.bytes).sum();
        let rate = size as f64 / built.seconds.max(1e-3);
        let memory =
            built.peak_memory_bytes.map_or_else(String::new, |peak| format!(", peak memory {}", format_bytes(peak)));
        let time = format_duration(built.time());
        text.row("Took", format!("{time}, {}/s on disk{memory}", format_bytes(rate as u64)));
    }
    text.row("Written", describe_files(built, detail));
    text.gap();
    text.verbatim(next_command(job, manifest));
    text.into_string()
}

fn describe_files(built: &PreprocessOutcome, detail: Detail) -> String {
    let outputs = &built.manifest.outputs;
    let size = format_bytes(outputs.iter().map(|output| output.bytes).sum());
    let place = built.out.display();
    match detail {
        Detail::Screen => format!("{place}: {size} in {}", pluralise(outputs.len() as u64 + 2, "file")),
        Detail::Full => {
            let names: Vec<&str> = outputs.iter().map(|output| output.file.as_str()).collect();
            format!("{place}: {size} in {}, manifest.json, timing.json", names.join(", "))
        }
    }
}

/// Names the command to run next: one that works for these courses.
fn next_command(job: &PreprocessJob, manifest: &Manifest) -> String {
    let out = quote_for_shell(&job.out.display().to_string());
    if manifest.labels.known == 0 {
        return format!("Next: staycast score RUN {out} --out scores.csv   (RUN is a run trained on finished courses)");
    }
    let nobody = manifest.warnings.iter().filter_map(|warning| match warning {
        CourseWarning::NoEnrolments { course } => Some(course.as_str()),
        _ => None,
    });
    let empty: BTreeSet<&str> = nobody.collect();
    let courses = read_courses(&job.out).unwrap_or_default();
    let enrolled = courses.iter().filter(|course| !empty.contains(course.id.as_str()));
    let last = enrolled.filter_map(|course| course.last_cut_off(manifest.labels.rule)).max();
    if last.is_none() {
        return format!(
            "Next: preprocess with another --dropout rule or longer courses: `{}` leaves no week to forecast from",
            manifest.labels.rule
        );
    }
    let split = if manifest.totals.courses == empty.len() as u64 + 1 { " --split learner" } else { "" };
    format!("Next: staycast train {out} --out run{split}")
}

/// Describes the warning behind exit status 3.
pub(super) fn too_many_rejected(built: &PreprocessOutcome) -> String {
    let (table, share) = built.manifest.rows.worst_table();
    let table = if table == "log" { table.to_owned() } else { format!("{table} table") };
    format!(
        "{} of the rows of the {table} were rejected, more than --max-rejected {} allows; the sequences are there, but \
         look at the reasons above (all samples are in {})",
        format_percent(share),
        built.max_rejected,
        built.out.join("manifest.json").display()
    )
}
