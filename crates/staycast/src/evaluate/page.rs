//! The report as a page and as drawings, with what only the run and its data can say.

use std::path::Path;

use staycast_evaluation::html::{About, Page, render};
use staycast_forecast::{EvaluationOutcome, Run};
use staycast_sequences::{Dataset, DropoutRule};

use super::leakage_text::checks;
use super::report_folder::{FIGURE_ENDING, FIGURES, REPORT_HTML};
use super::report_text::adapted_sentence;
use crate::display::pluralise;
use crate::forecast_args::run_name;
use crate::input_choice::inputs_in_sentences;
use crate::model_choice;
use crate::run_description::{clauses, describe_model};
use crate::run_folders::settings;

/// Writes `report.html` and `figures/*.svg`.
pub(super) fn write(out: &Path, run: &Run, data: &Dataset, outcome: &EvaluationOutcome) -> anyhow::Result<()> {
    let about = about(run, data, outcome);
    let page = Page { evaluation: &outcome.evaluation, plots: outcome.plots.as_ref(), about: &about };
    let rendered = render(&page);
    staycast_files::write(&out.join(REPORT_HTML), &rendered.html)?;
    let figures = out.join(FIGURES);
    for named in rendered.drawings {
        staycast_files::write(&figures.join(format!("{}.{FIGURE_ENDING}", named.name)), named.drawing.to_svg())?;
    }
    Ok(())
}

fn about(run: &Run, data: &Dataset, outcome: &EvaluationOutcome) -> About {
    let manifest = run.manifest();
    let name = run_name(run);
    About {
        run: name,
        model: describe_model(run),
        dropout_words: dropout_words(manifest.label_rule),
        data: format!(
            "{} data: {} in {}, of up to {}",
            data.manifest.format,
            pluralise(data.enrolments.len() as u64, "enrolment"),
            pluralise(data.courses.len() as u64, "course"),
            pluralise(data.weeks as u64, "week"),
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
        configuration: settings(run.config().written()).into_iter().collect(),
        staycast_version: manifest.staycast_version.clone(),
        contact: String::new(),
        left_out: outcome.left_out.iter().map(|(exclusion, &count)| (exclusion.describe().to_owned(), count)).collect(),
        leakage: outcome.leakage.as_ref().map(checks),
        compared: Vec::new(),
        notes: notes(outcome, run),
    }
}

/// Finishes the sentence "A learner counts as dropped out who …".
fn dropout_words(rule: DropoutRule) -> String {
    match rule {
        DropoutRule::InactiveLast { weeks } => {
            format!("does nothing in the last {} of the course", pluralise(u64::from(weeks), "week"))
        }
        DropoutRule::NoActivityAfter { days } => {
            format!("does nothing in the {} after the course", pluralise(u64::from(days), "day"))
        }
        DropoutRule::Withdrawn => "withdraws".to_owned(),
        DropoutRule::WithdrawnOrFailed => "withdraws or fails".to_owned(),
        DropoutRule::NotCompleted => "has no record of completion".to_owned(),
        DropoutRule::LabelsFile => "is marked so in the source's own table of labels".to_owned(),
    }
}

fn notes(outcome: &EvaluationOutcome, run: &Run) -> Vec<String> {
    let choice = run.inputs().and_then(|inputs| inputs.choice.as_ref());
    let mut notes: Vec<String> = adapted_sentence(outcome).into_iter().collect();
    notes.extend(model_choice::in_sentences(&run.manifest().choices));
    notes.extend(choice.map(inputs_in_sentences).unwrap_or_default());
    notes.extend(match outcome.repeats.len() {
        0 => None,
        repeats => Some(format!(
            "Every figure is the mean over {} of a cross-validation.",
            pluralise(repeats as u64, "repeat")
        )),
    });
    notes
}
