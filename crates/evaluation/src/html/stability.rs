//! How much does a learner's score move from week to week?

use super::element::{Cell, metric, paragraph, reading, share, table};
use super::{Page, Section};
use crate::metrics::Metric;
use crate::metrics::stability::Movement;
use crate::text::count;

/// `None` for a mean over repeats.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let report = page.evaluation.stability.as_ref()?;
    let mut rows = vec![
        row("between all successive weeks", &report.all_pairs),
        row("between weeks without a change of activity", &report.unchanged_pairs),
    ];
    if let Some(smoothed) = &report.smoothed {
        rows.push(row("smoothed: all successive weeks", &smoothed.all_pairs));
        rows.push(row("smoothed: without a change of activity", &smoothed.unchanged_pairs));
    }
    let heads = [
        "",
        "pairs of weeks",
        "mean change of p",
        "one in ten changes by more than",
        "flag changes",
        "flag comes and goes",
    ];
    let mut body = reading(
        "A score that jumps without cause wears out those who act on it. Changes of activity may rightly move a score; the second line \
         is movement without that cause.",
    );
    body += &summary(&report.unchanged_pairs);
    body += &table("Movement from week to week", &heads, &rows);
    body += &paragraph(&format!(
        "\"Without a change of activity\" means: {}.",
        report.unchanged_means.trim_end_matches('.')
    ));
    if let Some(smoothed) = &report.smoothed {
        let auc = |metric: Metric| metric.value().map_or_else(|| "–".to_owned(), |auc| format!("{auc:.3}"));
        body += &paragraph(&format!(
            "Smoothing (weight {} on the newest week) would change the AUC at week {} from {} to {} for everyone known by then, and from \
             {} to {} for those still active.",
            smoothed.weight,
            page.evaluation.week,
            auc(smoothed.auc_before.all),
            auc(smoothed.auc_after.all),
            auc(smoothed.auc_before.active),
            auc(smoothed.auc_after.active),
        ));
    }
    Some(Section { id: "stability", title: "How much do scores move?", body, drawings: Vec::new() })
}

fn summary(unchanged: &Movement) -> String {
    match (unchanged.mean_change, unchanged.flip_share) {
        (Metric::Value(change), Metric::Value(flips)) => paragraph(&format!(
            "Without a cause, a probability moves by {:.1} percentage points a week on average, and {:.1} of 100 flags change.",
            100.0 * change,
            100.0 * flips
        )),
        (Metric::Undefined(why), _) | (_, Metric::Undefined(why)) => {
            format!("<p class=\"reasons\">– means: {}.</p>", crate::markup::escape(why.reason()))
        }
    }
}

fn row(name: &str, movement: &Movement) -> Vec<Cell> {
    vec![
        name.to_owned(),
        count(movement.pairs),
        metric(movement.mean_change),
        metric(movement.change_90th_percentile),
        share(movement.flip_share),
        format!("{} of {} learners", count(movement.flipped_repeatedly), count(movement.enrolments)),
    ]
}
