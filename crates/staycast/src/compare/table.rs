//! The table of a comparison.

use staycast_evaluation::metrics::Metric;
use staycast_evaluation::report::Cohort;

use super::comparison::Comparison;
use super::paired::Compared;
use crate::display::{LabelledText, align_columns, pluralise};

pub(super) fn to_text(comparison: &Comparison) -> String {
    let mut sheet = LabelledText::default();
    sheet.paragraph(format!(
        "{} compared at the end of week {}. Dropout means: {}. {}",
        pluralise(comparison.runs.len() as u64, "model"),
        comparison.week,
        comparison.label_rule,
        comparison.kind.meaning()
    ));
    let first = &comparison.runs[0].name;
    for active in [false, true] {
        sheet.gap();
        let (name, rows) = if active {
            ("Those still active", comparison.rows.active)
        } else {
            ("Everyone known by then", comparison.rows.all)
        };
        sheet.paragraph(format!("{name}: {}, on whom all are compared", pluralise(rows, "learner")));
        let heading = ["model", "AUC", "95 %", "avg prec", "precision", "recall", "Brier", "ECE", "against first", "p"];
        let mut table = vec![heading.map(str::to_owned)];
        for run in &comparison.runs {
            let cohort = if active { &run.cohorts.active } else { &run.cohorts.all };
            // Pairs are of the earlier run less the later one; a reader wants the later one's gain.
            let against = comparison.pairs.iter().find(|pair| pair.first == *first && pair.second == run.name);
            let against = against.map(|pair| if active { &pair.cohorts.active } else { &pair.cohorts.all });
            table.push(row(&run.name, cohort, against));
        }
        for line in align_columns(&table, 1) {
            sheet.verbatim(line);
        }
    }
    sheet.gap();
    sheet.paragraph(format!(
        "Against first: the difference in AUC to {first} on the same rows, with its 95 % interval; p is that of no \
         difference, two-sided, and not corrected for the number of models. All pairs are in comparison.json."
    ));
    for failed in &comparison.failed {
        sheet.row("No part", format!("{}: {}", failed.name, failed.reason));
    }
    sheet.into_string()
}

fn row(name: &str, cohort: &Cohort, against: Option<&Compared>) -> [String; 10] {
    let (difference, p) = match against.map(Compared::auc) {
        Some([difference, low, high, p]) => {
            let gain =
                |metric: Metric| metric.value().map_or_else(|| "–".to_owned(), |value| format!("{:+.3}", -value));
            (format!("{} ({} to {})", gain(difference), gain(high), gain(low)), p_value(p))
        }
        None => (String::new(), String::new()),
    };
    [
        name.to_owned(),
        decimal(cohort.auc),
        format!("{} to {}", decimal(cohort.auc_low), decimal(cohort.auc_high)),
        decimal(cohort.average_precision),
        decimal(cohort.precision),
        decimal(cohort.recall),
        decimal(cohort.brier),
        decimal(cohort.ece),
        difference,
        p,
    ]
}

fn decimal(metric: Metric) -> String {
    metric.value().map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn p_value(metric: Metric) -> String {
    match metric.value() {
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => "–".to_owned(),
    }
}
