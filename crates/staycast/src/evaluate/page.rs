//! The report as a page and as drawings, with what only the run and its data can say.

use std::path::Path;

use anyhow::Context;
use staycast_evaluation::html::{About, LeakageCheck, LeakageOutcome, Page, drawings, render};
use staycast_forecast::leakage::{LeakageReport, SUSPICIOUS_AUC};
use staycast_forecast::{EvaluationOutcome, Run};
use staycast_sequences::{Dataset, DropoutRule};

use crate::files;
use crate::registry::settings;
use crate::train::{clauses, model_in_words};
use crate::words::{Sheet, counted, grouped};

/// Writes `report.html` and `figures/*.svg`.
pub(super) fn write(out: &Path, run: &Run, data: &Dataset, outcome: &EvaluationOutcome) -> anyhow::Result<()> {
    let about = about(run, data, outcome);
    let page = Page { evaluation: &outcome.evaluation, plots: outcome.plots.as_ref(), about: &about };
    files::write(&out.join("report.html"), &render(&page))?;
    let figures = out.join("figures");
    std::fs::create_dir_all(&figures).with_context(|| format!("cannot make the folder {}", figures.display()))?;
    for named in drawings(&page) {
        files::write(&figures.join(format!("{}.svg", named.name)), &named.drawing.to_svg())?;
    }
    Ok(())
}

fn about(run: &Run, data: &Dataset, outcome: &EvaluationOutcome) -> About {
    let manifest = run.manifest();
    let name = run.path().file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    About {
        run: name,
        model: model_in_words(run),
        dropout_words: dropout_words(manifest.label_rule),
        data: format!(
            "{} data: {} in {}, of up to {}",
            data.manifest.format,
            counted(data.enrolments.len() as u64, "enrolment"),
            counted(data.courses.len() as u64, "course"),
            counted(data.weeks as u64, "week"),
        ),
        data_fingerprint: data.manifest.fingerprint(),
        // What the test measures is said above it.
        split: clauses(&manifest.split)
            .into_iter()
            .filter(|clause| !clause.starts_with("kind "))
            .collect::<Vec<_>>()
            .join("; "),
        features: manifest.features.clone(),
        device: manifest.device.to_string(),
        seeds: vec![manifest.seed],
        configuration: settings(run.config()).into_iter().collect(),
        staycast_version: manifest.staycast_version.clone(),
        contact: String::new(),
        left_out: outcome.left_out.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        leakage: outcome.leakage.as_ref().map(checks),
        compared: Vec::new(),
        notes: notes(outcome),
    }
}

/// What finishes "A learner counts as dropped out who …".
fn dropout_words(rule: DropoutRule) -> String {
    match rule {
        DropoutRule::InactiveLast { weeks } => {
            format!("does nothing in the last {} of the course", counted(u64::from(weeks), "week"))
        }
        DropoutRule::NoActivityAfter { days } => {
            format!("does nothing in the {} after the course", counted(u64::from(days), "day"))
        }
        DropoutRule::Withdrawn => "withdraws".to_owned(),
        DropoutRule::WithdrawnOrFailed => "withdraws or fails".to_owned(),
        DropoutRule::NotCompleted => "has no record of completion".to_owned(),
        DropoutRule::LabelsFile => "is marked so in the source's own table of labels".to_owned(),
    }
}

fn notes(outcome: &EvaluationOutcome) -> Vec<String> {
    match outcome.repeats.len() {
        0 => Vec::new(),
        repeats => vec![format!("Every figure is the mean over {repeats} repeats of a cross-validation.")],
    }
}

/// The tests for leakage, as the page and the terminal tell them.
pub(super) fn checks(report: &LeakageReport) -> Vec<LeakageCheck> {
    let check = |name: &str, outcome, detail: String| LeakageCheck { name: name.to_owned(), outcome, detail };
    let outcome = |passed| if passed { LeakageOutcome::Passed } else { LeakageOutcome::Failed };
    let week = report.week;
    let future = "The future replaced by noise";
    let future = match &report.future {
        Some(test) if test.changed == 0 => {
            let rows = grouped(test.rows);
            let detail = format!("None of {rows} predictions at the end of week {week} changed by a bit.");
            check(future, outcome(true), detail)
        }
        Some(test) => {
            let detail =
                format!("{} of {} predictions at the end of week {week} changed.", test.changed, grouped(test.rows));
            check(future, outcome(false), detail)
        }
        None => {
            let detail = "A cross-validation keeps no model to ask again.".to_owned();
            check(future, LeakageOutcome::NotRun, detail)
        }
    };
    let dealt = "Labels dealt anew";
    let dealt = match &report.dealt_labels {
        Some(test) => {
            let detail = format!(
                "Over {} draws a logistic regression on the same split had a mean AUC of {:.3}, standard error {:.3}; \
                 0.5 is right.",
                test.draws, test.mean_auc, test.standard_error
            );
            check(dealt, outcome(test.passed), detail)
        }
        None => {
            let reason = report.dealt_labels_not_run.clone().unwrap_or_default();
            check(dealt, LeakageOutcome::NotRun, format!("Not run, since {reason}."))
        }
    };
    let inputs = "Inputs that nearly are the answer";
    let inputs = match report.suspicious_inputs.as_slice() {
        [] => check(inputs, outcome(true), format!("No input alone reaches an AUC of {SUSPICIOUS_AUC}.")),
        found => {
            let names: Vec<String> = found.iter().map(|one| format!("{} ({:.3})", one.input, one.auc)).collect();
            let detail = format!(
                "Alone above an AUC of {SUSPICIOUS_AUC}: {}. Look whether they are the outcome under another name.",
                names.join(", ")
            );
            check(inputs, outcome(false), detail)
        }
    };
    vec![future, dealt, inputs]
}

/// The same for a terminal.
pub(super) fn leakage_words(report: &LeakageReport) -> String {
    let mut sheet = Sheet::default();
    sheet.paragraph("Does the evaluation see what it should not?");
    for check in checks(report) {
        let verdict = match check.outcome {
            LeakageOutcome::Passed => "passed",
            LeakageOutcome::Failed => "FAILED",
            LeakageOutcome::NotRun => "not run",
        };
        sheet.row(verdict, format!("{}. {}", check.name, check.detail));
    }
    sheet.finish()
}
