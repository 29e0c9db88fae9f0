//! The table of a comparison.

use std::time::Duration;

use staycast_evaluation::metrics::Metric;
use staycast_evaluation::report::Cohort;

use super::comparison::{Comparison, Figures};
use super::paired::Compared;
use crate::display::{LabelledText, align_columns, format_duration, pluralise};

pub(super) fn to_text(comparison: &Comparison) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!(
        "{} compared at the end of week {}. Dropout means: {}. {}",
        pluralise(comparison.runs.len() as u64, "model"),
        comparison.week,
        comparison.label_rule,
        comparison.kind.meaning()
    ));
    // One line each, and before the tables: whoever looks for the model there knows why it is missing.
    for failed in &comparison.failed {
        let reason: Vec<&str> = failed.reason.split_whitespace().collect();
        sheet.verbatim(format!("{} takes no part: {}", failed.name, reason.join(" ")));
    }
    let first = &comparison.runs[0].name;
    for active in [false, true] {
        sheet.gap();
        let (name, rows) = if active {
            ("Those still active", comparison.rows.active)
        } else {
            ("Everyone known by then", comparison.rows.all)
        };
        sheet.paragraph(format!("{name}: {}, on whom all are compared", pluralise(rows, "learner")));
        let mut table = vec![HEADING.map(str::to_owned)];
        for run in &comparison.runs {
            let cohort = if active { &run.cohorts.active } else { &run.cohorts.all };
            // Pairs are of the earlier run less the later one; a reader wants the later one's gain.
            let against = comparison.pairs.iter().find(|pair| pair.first == *first && pair.second == run.name);
            let against = against.map(|pair| if active { &pair.cohorts.active } else { &pair.cohorts.all });
            table.push(row(run, cohort, against));
        }
        for line in align_columns(&table, 1) {
            sheet.verbatim(line);
        }
    }
    sheet.gap();
    sheet.paragraph(format!(
        "Against first: the difference in AUC to {first} on the same rows{}.",
        explained(comparison)
    ));
    sheet.paragraph("Training: the time that it took. All pairs are in comparison.json.");
    sheet.into_string()
}

const HEADING: [&str; 11] =
    ["model", "AUC", "95%", "avg prec", "precision", "recall", "Brier", "ECE", "against first", "p", "training"];

/// Explains the intervals and p-values of the table, where it has any.
fn explained(comparison: &Comparison) -> String {
    let cohorts = || comparison.pairs.iter().flat_map(|pair| [&pair.cohorts.all, &pair.cohorts.active]);
    let has = |figure: usize| cohorts().any(|compared| compared.auc()[figure].value().is_some());
    let mut text = String::new();
    if has(LOW) {
        text += ", with its 95% interval";
    }
    if has(P_VALUE) {
        text += "; p is that of no difference, two-sided, and corrected for the number of models compared with the first (Holm \
                 1979), while each interval is of its own comparison";
    }
    text
}

/// Places in [`Compared::auc`].
const LOW: usize = 1;
const P_VALUE: usize = 3;

fn row(run: &Figures, cohort: &Cohort, against: Option<&Compared>) -> [String; 11] {
    let (difference, p) = match against.map(Compared::auc) {
        Some([difference, low, high, _]) => {
            let gain =
                |metric: Metric| metric.value().map_or_else(|| "–".to_owned(), |value| format!("{:+.3}", -value));
            let interval = match (high, low) {
                (Metric::Value(_), Metric::Value(_)) => format!(" ({} to {})", gain(high), gain(low)),
                _ => String::new(),
            };
            let p = against.and_then(|compared| compared.corrected_p.among_those_with_the_first);
            (format!("{}{interval}", gain(difference)), p_value(p))
        }
        None => (String::new(), String::new()),
    };
    [
        run.name.clone(),
        decimal(cohort.auc),
        match (cohort.auc_low, cohort.auc_high) {
            (Metric::Value(low), Metric::Value(high)) => format!("{low:.3} to {high:.3}"),
            _ => "–".to_owned(),
        },
        decimal(cohort.average_precision),
        decimal(cohort.precision),
        decimal(cohort.recall),
        decimal(cohort.brier),
        decimal(cohort.ece),
        difference,
        p,
        run.training_seconds
            .map_or_else(|| "–".to_owned(), |seconds| format_duration(Duration::from_secs_f64(seconds))),
    ]
}

fn decimal(metric: Metric) -> String {
    metric.value().map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => "–".to_owned(),
    }
}
