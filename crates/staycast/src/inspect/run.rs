//! The description of a run.

use std::path::Path;

use serde::Serialize;
use staycast_forecast::config::Config;
use staycast_forecast::{EvaluationRecord, InputChoice, Run, RunManifest};

use crate::console::Console;
use crate::display::{LabelledText, group_digits, pluralise, quote_for_shell};
use crate::forecast_args::open_run;
use crate::run_description::describe_run;

/// Bounds the courses named on each side of the split.
const COURSES: usize = 12;

#[derive(Serialize)]
struct RunInspection<'a> {
    kind: &'static str,
    #[serde(serialize_with = "crate::display::path_text")]
    path: &'a Path,
    manifest: &'a RunManifest,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_choice: Option<&'a InputChoice>,
    config: &'a Config,
    /// Enrolments of each course on the training side and in the test part.
    training: Vec<(String, u64)>,
    test: Vec<(String, u64)>,
    evaluations: Vec<EvaluationRecord>,
}

pub(super) fn run(path: &Path, console: &Console) -> anyhow::Result<()> {
    let run = open_run(path, console)?;
    let sizes = |part: &std::collections::BTreeMap<String, Vec<String>>| {
        part.iter().map(|(course, ids)| (course.clone(), ids.len() as u64)).collect()
    };
    let report = RunInspection {
        kind: "run",
        path,
        manifest: run.manifest(),
        input_choice: run.inputs().and_then(|inputs| inputs.choice.as_ref()),
        config: run.config().written(),
        training: sizes(&run.split().training),
        test: sizes(&run.split().test),
        evaluations: staycast_forecast::evaluations(&run)?,
    };
    console.print_result(&report, || describe(&report, &run))
}

#[derive(Serialize)]
struct UnfinishedRunInspection<'a> {
    kind: &'static str,
    #[serde(serialize_with = "crate::display::path_text")]
    path: &'a Path,
    config: &'a Config,
}

/// Describes an unfinished run.
pub(super) fn begun(path: &Path, config: &Config, console: &Console) -> anyhow::Result<()> {
    console.print_result(&UnfinishedRunInspection { kind: "unfinished-run", path, config }, || {
        let mut sheet = LabelledText::default();
        sheet.paragraph("A run that was begun and is not finished, for want of time or by a kill.").gap();
        sheet.row("Model", config.model.kind.to_string());
        sheet.row("Members", config.ensemble.members.to_string());
        sheet.row("Seed", config.training.seed.to_string());
        sheet.gap();
        sheet.verbatim(format!(
            "Next: staycast train SEQUENCES --out {} --resume",
            quote_for_shell(&path.display().to_string())
        ));
        sheet.into_string()
    })
}

fn describe(report: &RunInspection<'_>, run: &Run) -> String {
    let manifest = report.manifest;
    let mut sheet = LabelledText::default();
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
            pluralise(data.courses, "course"),
            pluralise(data.enrolments, "enrolment"),
            &data.fingerprint[..data.fingerprint.len().min(16)]
        ),
    );
    describe_run(&mut sheet, run);
    sheet.row("Training", courses(&report.training));
    if !report.test.is_empty() {
        sheet.row("Test", courses(&report.test));
    }
    if let Some(inputs) = run.inputs() {
        let names: Vec<String> = inputs.features();
        sheet.row("Reads", names.join(", "));
    }
    if let Some(fits) = run.week_fits() {
        let weeks: Vec<String> = fits.weeks.keys().map(ToString::to_string).collect();
        sheet.row("Weeks", format!("forecasts at the end of weeks {}", weeks.join(", ")));
    }
    evaluations(&mut sheet, &report.evaluations);
    sheet.into_string()
}

fn courses(sizes: &[(String, u64)]) -> String {
    let total = sizes.iter().map(|(_, count)| count).sum();
    let named: Vec<String> =
        sizes.iter().map(|(course, count)| format!("{course} ({})", group_digits(*count))).collect();
    format!("{}: {}", pluralise(total, "enrolment"), crate::display::list_first(&named, COURSES))
}

fn evaluations(sheet: &mut LabelledText, evaluations: &[EvaluationRecord]) {
    let Some(last) = evaluations.last() else {
        sheet.row("Evaluated", "not yet");
        return;
    };
    sheet.row(
        "Evaluated",
        format!(
            "{}, last at week {} on {} ({})",
            pluralise(evaluations.len() as u64, "time"),
            last.week,
            pluralise(last.rows, "enrolment"),
            last.kind.name()
        ),
    );
}
