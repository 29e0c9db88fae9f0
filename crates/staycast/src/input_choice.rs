//! The choice of a run's inputs, described in sentences.

use staycast_evaluation::splits::Grouping;
use staycast_forecast::{ChosenGroups, InputChoice};

use crate::display::pluralise;

/// Describes which groups of inputs a run reads, and why these: a clause each.
pub(crate) fn describe_choice(choice: &InputChoice) -> Vec<String> {
    match choice {
        InputChoice::AllKept { reason } => vec![format!("all, as no choice could be made: {reason}")],
        InputChoice::Chosen(chosen) => {
            let mut clauses = vec![kept(chosen)];
            clauses.extend(left_out(chosen));
            clauses
        }
    }
}

fn kept(chosen: &ChosenGroups) -> String {
    let kept: Vec<String> = chosen.kept.iter().map(ToString::to_string).collect();
    let held_out = match chosen.held_out {
        Grouping::Learner => "learners held out of the one course".to_owned(),
        _ => format!("each of {} held out", pluralise(chosen.courses, "course")),
    };
    format!(
        "{} of {} groups: {}; on {held_out} a linear model has AUC {:.3} with these and {:.3} with all (week {}, {})",
        kept.len(),
        kept.len() + chosen.left_out.len(),
        kept.join(", "),
        chosen.auc,
        chosen.auc_of_all,
        chosen.week,
        pluralise(chosen.enrolments, "enrolment"),
    )
}

/// Lists the groups left out, with what the AUC gained without them.
fn left_out(chosen: &ChosenGroups) -> Option<String> {
    let each = chosen.left_out.iter().map(|left| format!("{} {:+.4} ± {:.4}", left.group, left.gain, left.error));
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| format!("left out, and AUC gained without: {}", each.join(", ")))
}

/// Describes the choice in whole sentences, for a report.
pub(crate) fn inputs_in_sentences(choice: &InputChoice) -> Vec<String> {
    match choice {
        InputChoice::AllKept { reason } => vec![format!("Inputs: all, as no choice could be made: {reason}.")],
        InputChoice::Chosen(chosen) => vec![format!("Inputs: {}.", kept(chosen))],
    }
}
