//! The tests for leakage, as the page and the terminal report them.

use staycast_evaluation::html::{LeakageCheck, LeakageOutcome};
use staycast_forecast::{LeakageReport, SUSPICIOUS_AUC};

use crate::display::{LabelledText, group_digits, pluralise};

/// Lists the tests for leakage with their outcomes.
pub(super) fn checks(report: &LeakageReport) -> Vec<LeakageCheck> {
    let check = |name: &str, outcome, detail: String| LeakageCheck { name: name.to_owned(), outcome, detail };
    let outcome = |passed| if passed { LeakageOutcome::Passed } else { LeakageOutcome::Failed };
    let week = report.week;
    let future = "The future replaced by noise";
    let future = match &report.future {
        Some(test) if test.changed == 0 => {
            let rows = pluralise(test.rows, "prediction");
            let detail = format!("None of {rows} at the end of week {week} changed by a bit.");
            check(future, outcome(true), detail)
        }
        Some(test) => {
            let detail = format!(
                "{} of {} at the end of week {week} changed.",
                group_digits(test.changed),
                pluralise(test.rows, "prediction")
            );
            check(future, outcome(false), detail)
        }
        None => {
            let detail = "A cross-validation keeps no model to ask again.".to_owned();
            check(future, LeakageOutcome::NotRun, detail)
        }
    };
    let shuffled = "Labels shuffled";
    let shuffled = match &report.shuffled_labels {
        Some(test) => {
            let detail = format!(
                "Over {} a logistic regression on the same split had a mean AUC of {:.3}, standard error {:.3}; \
                 0.5 is right.",
                pluralise(u64::from(test.draws), "draw"),
                test.mean_auc,
                test.standard_error
            );
            check(shuffled, outcome(test.passed), detail)
        }
        None => {
            let reason = report.shuffled_labels_not_run.clone().unwrap_or_default();
            check(shuffled, LeakageOutcome::NotRun, format!("Not run, since {reason}."))
        }
    };
    let inputs = "Inputs that nearly are the outcome";
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
    vec![future, shuffled, inputs]
}

/// Writes the tests for leakage for a terminal.
pub(super) fn describe_leakage(report: &LeakageReport) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph("Does the evaluation see what it should not?");
    for check in checks(report) {
        let verdict = match check.outcome {
            LeakageOutcome::Passed => "passed",
            LeakageOutcome::Failed => "FAILED",
            LeakageOutcome::NotRun => "not run",
        };
        sheet.row(verdict, format!("{}. {}", check.name, check.detail));
    }
    sheet.into_string()
}
