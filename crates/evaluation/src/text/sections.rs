//! Blocks beyond the week table: capacities, groups, survival, stability, data quality.

use std::fmt::Write as _;

use super::lines::wrap;
use crate::markup::shorten;
use crate::metrics::{Capacity, Metric};
use crate::numbers::{count, counted, decimal, of_100, percent};
use crate::report::{
    ByCohort, CapacityLine, DAYS_SINCE_LAST, DataQuality, Evaluation, Gaps, GroupComparison, GroupReport,
    SurvivalReport, TestedGap, TooFew, group_name,
};

/// Sets the p-value below which a difference between groups is called one.
const SIGNIFICANT: f64 = 0.05;

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

/// Lists figures by group and the differences between groups, cohort `all`; empty without group columns.
pub(super) fn group_tables(groups: &[GroupReport]) -> String {
    let mut lines = String::new();
    for report in groups {
        let table = &report.cohorts.all;
        let _ = writeln!(
            lines,
            "{:34}{:>10}{:>10}{:>8}{:>11}{:>9}{:>10}",
            format!("by {} (everyone known)", shorten(&report.column, 15)),
            "learners",
            "dropped",
            "AUC",
            "precision",
            "recall",
            "off by"
        );
        for line in &table.groups {
            let name = shorten(group_name(line.group.as_deref()), 32);
            let learners = count(line.slice.n);
            let Some(figures) = &line.slice.figures else {
                let _ = writeln!(lines, "{name:34}{learners:>10}  – too few to conclude");
                continue;
            };
            let _ = writeln!(
                lines,
                "{name:34}{learners:>10}{:>10}{:>8}{:>11}{:>9}{:>10}",
                percent(figures.base_rate),
                decimal(figures.auc),
                decimal(figures.precision),
                decimal(figures.recall),
                decimal(figures.ece),
            );
        }
        for comparison in &table.comparisons {
            if let Some(gaps) = &comparison.gaps {
                lines += &wrap(&describe_comparison(comparison, gaps));
            }
        }
        // Said once, however many groups it is true of.
        if let Some(TooFew { needed, .. }) = table.comparisons.iter().find_map(|comparison| comparison.refused) {
            lines += &wrap(&format!(
                "– Groups too small to conclude anything are compared with none: it takes {}, with {} of each outcome.",
                counted(needed.rows, "learner"),
                count(needed.per_class)
            ));
        }
    }
    lines
}

fn describe_comparison(comparison: &GroupComparison, gaps: &Gaps) -> String {
    let who = format!(
        "- {} against {}",
        shorten(group_name(comparison.group.as_deref()), 32),
        shorten(group_name(comparison.baseline.as_deref()), 32)
    );
    let tested = |gap: &TestedGap| {
        let p = gap.p_value.map_or_else(|| "not tested".to_owned(), |p| format!("p {p:.3}"));
        format!("{:.3} ({p})", gap.value)
    };
    let differs = [&gaps.abroca, &gaps.equal_opportunity, &gaps.false_positive_rate]
        .iter()
        .any(|gap| gap.p_value.is_some_and(|p| p < SIGNIFICANT));
    let verdict = if differs { "a difference" } else { "no difference shown" };
    format!(
        "{who}: area between ROC curves {}, recall differs by {}, false alarms by {}: {verdict}.",
        tested(&gaps.abroca),
        tested(&gaps.equal_opportunity),
        tested(&gaps.false_positive_rate)
    )
}

/// Says when learners leave; empty without exit times.
pub(super) fn survival_lines(survival: Option<&ByCohort<SurvivalReport>>) -> String {
    let Some(survival) = survival else {
        return String::new();
    };
    let mut lines = "When do they leave? (weeks after the cut-off)\n".to_owned();
    for (name, report) in [("everyone known by then", &survival.all), ("those still active", &survival.active)] {
        lines += &wrap(&format!(
            "- {name}: {} followed, {} dropped out. C-index {} (inactivity {}). Integrated Brier score {} (the same curve \
             for everybody {}).",
            count(report.n),
            count(report.dropouts),
            decimal(report.c_index),
            decimal(report.c_index_days_since_last),
            decimal(report.integrated_brier),
            decimal(report.integrated_brier_kaplan_meier),
        ));
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
