//! The report of an evaluation as text for a terminal.

use staycast_evaluation::text;
use staycast_forecast::{EvaluationOutcome, FoldsRecord, Run};
use staycast_text::escape_lines;

use super::leakage_text;
use crate::display::{LabelledText, pluralise};
use crate::input_choice::inputs_in_sentences;
use crate::model_choice;

/// Writes the report: the figures, the tests for leakage, who was left out, and how the inputs were chosen.
pub(super) fn report_text(outcome: &EvaluationOutcome, folds: Option<FoldsRecord>, run: &Run) -> String {
    let evaluation = &outcome.evaluation;
    let mut text = match &outcome.plots {
        Some(plots) => text::render(evaluation, plots),
        None => {
            let blocks = [text::week_table(evaluation), text::course_table(evaluation), text::week_curve(evaluation)];
            let present: Vec<String> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
            format!("{}\n{}", repeated_heading(outcome, folds), present.join("\n"))
        }
    };
    if let (Some(adapted), Some((heading, rest))) = (adapted_sentence(outcome), text.split_once('\n')) {
        let mut sheet = LabelledText::default();
        sheet.paragraph(adapted);
        text = format!("{heading}\n{}{rest}", sheet.into_string());
    }
    if let Some(leakage) = &outcome.leakage {
        text += &format!("\n{}", leakage_text::describe_leakage(leakage));
    }
    for (reason, count) in &outcome.left_out {
        text += &format!("Left out: {}: {reason}.\n", pluralise(*count, "enrolment"));
    }
    let choice = run.inputs().and_then(|inputs| inputs.choice.as_ref());
    let of_model = model_choice::in_sentences(&run.manifest().choices);
    for sentence in of_model.into_iter().chain(choice.map(inputs_in_sentences).unwrap_or_default()) {
        let mut sheet = LabelledText::default();
        sheet.paragraph(sentence);
        text += &sheet.into_string();
    }
    escape_lines(&text).into_owned()
}

/// Says which settings of the run the data decided; `None` where it decided none.
pub(super) fn adapted_sentence(outcome: &EvaluationOutcome) -> Option<String> {
    let all: Vec<String> = outcome.adaptations.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| format!("Adapted to the data: {}.", all.join("; ")))
}

/// Says of which data and repeats the figures of a repeated cross-validation are.
fn repeated_heading(outcome: &EvaluationOutcome, folds: Option<FoldsRecord>) -> String {
    let evaluation = &outcome.evaluation;
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!("Forecast at the end of week {}", evaluation.week));
    let what = folds.map_or_else(String::new, |folds| format!(", {} each", pluralise(u64::from(folds.folds), "fold")));
    sheet.paragraph(format!(
        "Dropout means: {}. {} Every figure is the mean over {}{what}.",
        evaluation.label_rule,
        evaluation.kind.meaning(),
        pluralise(outcome.repeats.len() as u64, "repeat")
    ));
    for sentence in [evaluation.describe_transfer(), evaluation.describe_next_course()] {
        sheet.paragraph(sentence);
    }
    if let Some(times @ 2..) = evaluation.evaluations_of_this_part {
        sheet.paragraph(format!("These predictions have now been evaluated {times} times."));
    }
    let all: Vec<f64> = outcome.repeats.iter().filter_map(|repeat| repeat.all).collect();
    let active: Vec<f64> = outcome.repeats.iter().filter_map(|repeat| repeat.active).collect();
    for (name, aucs) in [("everyone known by then", all), ("those still active", active)] {
        if let Some((low, high)) = range(&aucs) {
            sheet.paragraph(format!("AUC by repeat, {name}: {low:.3} to {high:.3}."));
        }
    }
    sheet.into_string()
}

fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    Some((low, high))
}
