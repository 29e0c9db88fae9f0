//! What went in, what was left out and why, and whether anything leaks.

use super::about::{LeakageCheck, LeakageOutcome};
use super::element::{Cell, counted, details, name, paragraph, reading, table, words};
use super::{Page, Section};
use crate::markup::escape;
use crate::report::DataQuality;
use crate::text::count;

pub(super) fn section(page: &Page<'_>) -> Section {
    let mut body =
        reading("Nothing is lost in silence: whatever is in no figure above is counted here with its reason.");
    body += &excluded(page);
    body += &page.evaluation.data_quality.as_ref().map_or_else(
        || paragraph("What was read and rejected before there were predictions was not given to this report."),
        quality,
    );
    body += "<h3>Leakage self-test</h3>";
    body += &leakage(page.about.leakage.as_deref());
    Section { id: "data", title: "What is not in these figures, and can they be trusted?", body, drawings: Vec::new() }
}

fn excluded(page: &Page<'_>) -> String {
    let week = page.evaluation.week;
    let mut counts: Vec<(String, u64)> =
        page.evaluation.excluded.iter().map(|(reason, &number)| (reason.describe().to_owned(), number)).collect();
    counts.extend(page.about.left_out.iter().map(|(reason, &number)| (reason.clone(), number)));
    let title = format!("<h3>Learners left out at week {week}</h3>");
    if counts.is_empty() { title + &paragraph("Nobody.") } else { title + &counted(counts) }
}

fn quality(quality: &DataQuality) -> String {
    let mut body = format!(
        "<h3>Rows of the log</h3>{}",
        paragraph(&format!("{} rows were read, {} of them used.", count(quality.rows_read), count(quality.rows_used)))
    );
    for (title, counts) in [
        ("Rejected as bad", &quality.rows_rejected),
        ("Set aside, as they are no deed of a learner", &quality.rows_set_aside),
        ("Enrolments left out before there were predictions", &quality.enrolments_excluded),
    ] {
        if !counts.is_empty() {
            let counts = counts.iter().map(|(reason, &number)| (reason.as_str(), number));
            body += &format!("<p>{title}:</p>{}", counted(counts));
        }
    }
    if !quality.courses_excluded.is_empty() {
        let rows: Vec<Vec<Cell>> = quality
            .courses_excluded
            .iter()
            .map(|course| vec![name(&course.course), count(course.enrolments), words(&name(&course.reason))])
            .collect();
        let markup = table("Courses left out", &["course", "enrolments", "why"], &rows);
        body += &super::courses::folded(rows.len(), markup);
    }
    if !quality.limits.is_empty() {
        let items: String = quality.limits.iter().map(|limit| format!("<li>{}</li>", escape(limit))).collect();
        body += &format!("<h3>Limits of the data</h3><ul>{items}</ul>");
    }
    body
}

fn leakage(checks: Option<&[LeakageCheck]>) -> String {
    let Some(checks) = checks else {
        return "<p class=\"banner neutral\">The leakage self-test was not run, so nothing is said here about whether the model could see \
                the future.</p>"
            .to_owned();
    };
    let failed = checks.iter().filter(|check| check.outcome == LeakageOutcome::Failed).count();
    let passed = checks.iter().filter(|check| check.outcome == LeakageOutcome::Passed).count();
    let summary = match (failed, passed) {
        (0, 0) => "<p class=\"banner neutral\">No check of the leakage self-test was run.</p>".to_owned(),
        (0, passed) => {
            format!(
                "<p class=\"banner good\"><strong>No leak was found</strong> by {passed} of {} checks.</p>",
                checks.len()
            )
        }
        (failed, _) => format!(
            "<p class=\"banner warning\" role=\"alert\"><strong>{failed} of {} checks failed:</strong> do not trust these figures before it \
             is known why.</p>",
            checks.len()
        ),
    };
    let row = |check: &LeakageCheck| {
        let outcome = match check.outcome {
            LeakageOutcome::Passed => "✓ passed",
            LeakageOutcome::Failed => "<b>✗ failed</b>",
            LeakageOutcome::NotRun => "– not run",
        };
        vec![name(&check.name), words(outcome), words(&name(&check.detail))]
    };
    summary + &table("Checks", &["check", "outcome", "found"], &checks.iter().map(row).collect::<Vec<_>>())
}

/// Names of features, folded away.
pub(super) fn feature_list(features: &[String]) -> String {
    if features.is_empty() {
        return String::new();
    }
    let items: String = features.iter().map(|feature| format!("<li>{}</li>", name(feature))).collect();
    details(&format!("The {} features", count(features.len() as u64)), &format!("<ul class=\"features\">{items}</ul>"))
}
