//! Figures by group, and the differences between groups that chance hardly explains.

use std::fmt::Write as _;

use super::lines::wrap;
use crate::markup::shorten;
use crate::numbers::{count, counted, decimal, p_value, percent};
use crate::report::{Gaps, GroupComparison, GroupLine, GroupReport, TestedGap, group_name};

/// Lists figures by group and the differences between groups, cohort `all`; empty without group columns.
pub(super) fn group_tables(groups: &[GroupReport]) -> String {
    let mut lines: String = groups.iter().map(group_table).collect();
    if !groups.is_empty() {
        lines += &differences(groups);
    }
    lines
}

/// Lists the groups that are large enough, and the others in a line; one line for a column where fewer than two are.
fn group_table(report: &GroupReport) -> String {
    let (large, small): (Vec<&GroupLine>, Vec<&GroupLine>) =
        report.cohorts.all.groups.iter().partition(|line| line.slice.figures.is_some());
    if large.len() < 2 {
        let only = large.first().map_or_else(String::new, |line| {
            format!(" ({}, {})", shorten(group_name(line.group.as_deref()), 32), counted(line.slice.n, "learner"))
        });
        return wrap(&format!(
            "By {}: of {} {} large enough for figures{only}, so there is nothing to compare.",
            shorten(&report.column, 32),
            counted((large.len() + small.len()) as u64, "group"),
            if large.is_empty() { "none is" } else { "one is" },
        ));
    }
    let mut lines = format!(
        "{:34}{:>10}{:>10}{:>8}{:>11}{:>9}{:>10}\n",
        format!("by {} (everyone known)", shorten(&report.column, 15)),
        "learners",
        "dropped",
        "AUC",
        "precision",
        "recall",
        "off by"
    );
    for line in &large {
        if let Some(figures) = &line.slice.figures {
            let _ = writeln!(
                lines,
                "{:34}{:>10}{:>10}{:>8}{:>11}{:>9}{:>10}",
                shorten(group_name(line.group.as_deref()), 32),
                count(line.slice.n),
                percent(figures.base_rate),
                decimal(figures.auc),
                decimal(figures.precision),
                decimal(figures.recall),
                decimal(figures.ece),
            );
        }
    }
    if !small.is_empty() {
        let learners: u64 = small.iter().map(|line| line.slice.n).sum();
        lines += &wrap(&format!(
            "– too few to conclude: {} of {} in all.",
            counted(small.len() as u64, "group"),
            counted(learners, "learner")
        ));
    }
    lines
}

/// Lists the differences between groups that are left when all tests are corrected for how many they are.
fn differences(groups: &[GroupReport]) -> String {
    let comparisons = || {
        let of_column = |report: &'_ GroupReport| report.cohorts.all.comparisons.clone();
        groups.iter().flat_map(of_column).filter_map(|comparison| Some((comparison.gaps?, comparison)))
    };
    let tested = comparisons().filter(|(gaps, _)| gaps.abroca.p_value.is_some()).count() as u64;
    if tested == 0 {
        let needed = groups.iter().flat_map(|report| &report.cohorts.all.groups).find_map(|line| line.slice.refused);
        let needed = needed.map_or_else(String::new, |too_few| {
            let needed = too_few.needed;
            format!(": it takes {}, with {} of each outcome", counted(needed.rows, "learner"), count(needed.per_class))
        });
        return wrap(&format!("No groups are compared, so nothing is said of fairness{needed}."));
    }
    let found: Vec<String> = comparisons().filter_map(|(gaps, comparison)| difference(&gaps, &comparison)).collect();
    let tests = format!(
        "{} with the largest known group of its column, {} in all, p corrected for their number (Benjamini & Hochberg 1995)",
        counted(tested, "comparison"),
        counted(4 * tested, "test")
    );
    if found.is_empty() {
        return wrap(&format!(
            "No difference between groups is shown: {tests}. That does not show that there is none."
        ));
    }
    let heading = wrap(&format!("Differences between groups that chance hardly explains, of {tests}:"));
    found.iter().fold(heading, |lines, sentence| lines + &wrap(sentence))
}

/// Names the gaps of a comparison that are differences; `None` where none is.
fn difference(gaps: &Gaps, comparison: &GroupComparison) -> Option<String> {
    let tested = [
        ("area between ROC curves", &gaps.abroca),
        ("AUC differs by", &gaps.auc),
        ("recall differs by", &gaps.equal_opportunity),
        ("false alarms differ by", &gaps.false_positive_rate),
    ];
    let significant = |(words, gap): &(&str, &TestedGap)| {
        let p = gap.adjusted_p.filter(|_| gap.is_significant())?;
        Some(format!("{words} {:.3} (p {})", gap.value, p_value(p)))
    };
    let found: Vec<String> = tested.iter().filter_map(significant).collect();
    (!found.is_empty()).then(|| {
        format!(
            "- {} against {}: {}.",
            shorten(group_name(comparison.group.as_deref()), 32),
            shorten(group_name(comparison.baseline.as_deref()), 32),
            found.join(", ")
        )
    })
}
