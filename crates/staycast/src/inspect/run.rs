//! What a run is.

use std::path::Path;

use serde::Serialize;
use staycast_forecast::config::Config;
use staycast_forecast::{EvaluationRecord, Run, RunManifest};

use crate::console::Console;
use crate::train;
use crate::words::{Sheet, counted, grouped, shell};

/// Courses named on each side of the split.
const COURSES: usize = 12;

#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    path: &'a Path,
    manifest: &'a RunManifest,
    config: &'a Config,
    /// Enrolments of each course on the training side and in the test part.
    training: Vec<(String, u64)>,
    test: Vec<(String, u64)>,
    evaluations: Vec<EvaluationRecord>,
}

pub(super) fn run(path: &Path, console: &Console) -> anyhow::Result<()> {
    let run = Run::open(path)?;
    let sizes = |part: &std::collections::BTreeMap<String, Vec<String>>| {
        part.iter().map(|(course, ids)| (course.clone(), ids.len() as u64)).collect()
    };
    let report = Report {
        kind: "run",
        path,
        manifest: run.manifest(),
        config: run.config(),
        training: sizes(&run.split().training),
        test: sizes(&run.split().test),
        evaluations: run.evaluations()?,
    };
    console.answer(&report, || words(&report, &run))
}

#[derive(Serialize)]
struct BegunReport<'a> {
    kind: &'static str,
    path: &'a Path,
    config: &'a Config,
}

/// Says what an unfinished run is.
pub(super) fn begun(path: &Path, config: &Config, console: &Console) -> anyhow::Result<()> {
    console.answer(&BegunReport { kind: "unfinished-run", path, config }, || {
        let mut sheet = Sheet::default();
        sheet.paragraph("A run that was begun and is not finished, for want of time or by a kill.").gap();
        sheet.row("Model", config.model.kind.to_string());
        sheet.row("Members", config.ensemble.members.to_string());
        sheet.row("Seed", config.training.seed.to_string());
        sheet.gap();
        sheet.verbatim(format!("Next: staycast train SEQUENCES --out {} --resume", shell(&path.display().to_string())));
        sheet.finish()
    })
}

fn words(report: &Report<'_>, run: &Run) -> String {
    let manifest = report.manifest;
    let mut sheet = Sheet::default();
    let kind = if manifest.folds.is_some() { "A cross-validation" } else { "A run" };
    sheet.paragraph(format!(
        "{kind} of Staycast {} (layout {}), for forecasts at the end of week {}.",
        manifest.staycast_version, manifest.run_version, manifest.target_week
    ));
    sheet.gap();
    let data = &manifest.data;
    sheet.row(
        "Trained on",
        format!(
            "{} data of {} and {}, fingerprint {}",
            data.format,
            counted(data.courses, "course"),
            counted(data.enrolments, "enrolment"),
            &data.fingerprint[..data.fingerprint.len().min(16)]
        ),
    );
    train::describe(&mut sheet, run);
    sheet.row("Training", courses(&report.training));
    if !report.test.is_empty() {
        sheet.row("Test", courses(&report.test));
    }
    if let Some(inputs) = run.inputs() {
        let names: Vec<String> = inputs.features();
        sheet.row("Reads", names.join(", "));
    }
    if let Some(fitted) = run.fitted() {
        let weeks: Vec<String> = fitted.weeks.keys().map(ToString::to_string).collect();
        sheet.row("Weeks", format!("forecasts at the end of weeks {}", weeks.join(", ")));
    }
    evaluations(&mut sheet, &report.evaluations);
    sheet.finish()
}

fn courses(sizes: &[(String, u64)]) -> String {
    let total = sizes.iter().map(|(_, count)| count).sum();
    let named: Vec<String> = sizes.iter().map(|(course, count)| format!("{course} ({})", grouped(*count))).collect();
    format!("{}: {}", counted(total, "enrolment"), crate::words::some_of(&named, COURSES))
}

fn evaluations(sheet: &mut Sheet, evaluations: &[EvaluationRecord]) {
    let Some(last) = evaluations.last() else {
        sheet.row("Evaluated", "not yet");
        return;
    };
    sheet.row(
        "Evaluated",
        format!(
            "{}, last at week {} on {} ({})",
            counted(evaluations.len() as u64, "time"),
            last.week,
            counted(last.rows, "enrolment"),
            last.kind.name()
        ),
    );
}
