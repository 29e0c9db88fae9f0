//! Blocks beyond the week table: capacities, groups, survival, stability, data quality.

use std::fmt::Write as _;

use super::lines::wrap;
use crate::metrics::{Capacity, Metric};
use crate::numbers::{count, counted, decimal, of_100, percent};
use crate::report::{ByCohort, CapacityLine, DAYS_SINCE_LAST, DataQuality, Evaluation, SurvivalReport};

/// Lists what contacting so many reaches, for both cohorts; empty without lines.
pub(super) fn capacity_table(capacity: &ByCohort<Vec<CapacityLine>>) -> String {
    if capacity.all.is_empty() {
        return String::new();
    }
    let mut lines = format!("{:14}{:>43}{:>43}\n", "", "everyone known by then", "those still active");
    let head = format!("{:>9}{:>10}{:>7}{:>6}{:>11}", "contact", "precision", "recall", "lift", "inactivity");
    let _ = writeln!(lines, "{:14}{head}{head}", "most at risk");
    for (at, line) in capacity.all.iter().enumerate() {
        let name = match line.capacity {
            Capacity::Share(share) => format!("the {}%", (1e4 * share).round() / 100.0),
            Capacity::Count(learners) => format!("the {}", count(learners)),
        };
        let active = capacity.active.get(at).map_or_else(String::new, capacity_half);
        let _ = writeln!(lines, "{name:14}{}{active}", capacity_half(line));
    }
    lines
        + &wrap(
            "If staff can contact so many: precision is the share of them that drops out, recall the share of all dropouts \
             among them. Lift says how many times as many dropouts these are as among learners picked at random. The last \
             column is the precision of going by inactivity.",
        )
}

fn capacity_half(line: &CapacityLine) -> String {
    let recency = line.baselines.get(DAYS_SINCE_LAST);
    format!(
        "{:>9}{:>10}{:>7}{:>6}{:>11}",
        count(line.k),
        percent(line.model.precision),
        percent(line.model.recall),
        line.model.lift.value().map_or_else(|| "–".to_owned(), |lift| format!("{lift:.2}")),
        recency.map_or_else(|| "–".to_owned(), |recency| percent(recency.precision)),
    )
}

/// Says when learners leave; empty without exit times.
pub(super) fn survival_lines(survival: Option<&ByCohort<SurvivalReport>>) -> String {
    let Some(survival) = survival else {
        return String::new();
    };
    let mut lines = "When do they leave? (weeks after the cut-off)\n".to_owned();
    for (name, report) in [("everyone known by then", &survival.all), ("those still active", &survival.active)] {
        lines += &wrap(&match report.too_few {
            Some(too_few) => format!("- {name}: {too_few}."),
            None => format!(
                "- {name}: {} followed, {} dropped out. C-index {} (inactivity {}). Integrated Brier score {} (the same \
                 curve for everybody {}).",
                count(report.n),
                count(report.dropouts),
                decimal(report.c_index),
                decimal(report.c_index_days_since_last),
                decimal(report.integrated_brier),
                decimal(report.integrated_brier_kaplan_meier),
            ),
        });
    }
    lines
}

/// Says how much scores move; empty where that was not measured.
pub(super) fn stability_lines(evaluation: &Evaluation) -> String {
    let Some(stability) = &evaluation.stability else {
        return String::new();
    };
    let unchanged = &stability.unchanged_pairs;
    let (Metric::Value(change), Metric::Value(flips)) = (unchanged.mean_change, unchanged.flip_share) else {
        return String::new();
    };
    wrap(&format!(
        "How much scores move: from week to week a probability moves by {:.1} percentage points on average, and {} of 100 \
         flags change, where there was {}.",
        100.0 * change,
        of_100(flips),
        stability.unchanged_means.trim_end_matches('.'),
    ))
}

/// Counts what became of the log's rows; empty where the caller did not say.
pub(super) fn quality_lines(quality: Option<&DataQuality>) -> String {
    let Some(quality) = quality else {
        return String::new();
    };
    let rejected: u64 = quality.rows_rejected.values().sum();
    let set_aside: u64 = quality.rows_set_aside.values().sum();
    let mut lines = wrap(&format!(
        "Data: of {} rows read, {} were used, {} set aside and {} rejected.{}",
        count(quality.rows_read),
        count(quality.rows_used),
        count(set_aside),
        count(rejected),
        match quality.courses_excluded.len() as u64 {
            0 => String::new(),
            courses => format!(" Left out: {}.", counted(courses, "course")),
        }
    ));
    for limit in &quality.limits {
        lines += &wrap(&format!("- {limit}"));
    }
    lines
}
