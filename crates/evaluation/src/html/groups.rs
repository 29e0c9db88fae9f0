//! Is it as good for everybody? Figures by group, and tests of the differences.

use super::courses::{figures, folded, refusals, row};
use super::element::{Cell, Drawings, name, p_value, paragraph, reading, signed, table, words};
use super::{Page, Section, cohorts};
use crate::figures::{Curve, IntervalRow, intervals, roc_gap};
use crate::markup::escape;
use crate::report::{GroupComparison, GroupLine, GroupReport, GroupTable, TestedGap};
use crate::text::count;

/// Groups a figure has room for.
const DRAWN: usize = 30;
/// Below this, a difference is called one.
const SIGNIFICANT: f64 = 0.05;

/// `None` if no group column was given.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let groups = &page.evaluation.groups;
    if groups.is_empty() {
        return None;
    }
    let mut drawings = Drawings::default();
    let mut body = reading(
        "A forecast that serves one group worse does harm that an average hides. Each group is compared with the largest. Groups too \
         small to conclude anything are refused, not given a figure that would be chance.",
    );
    for (number, report) in groups.iter().enumerate() {
        body += &column(page, report, number + 1, &mut drawings);
    }
    body += &paragraph(&tests(groups));
    Some(Section { id: "groups", title: "Is it as good for everybody?", body, drawings: drawings.all })
}

fn column(page: &Page<'_>, report: &GroupReport, number: usize, drawings: &mut Drawings) -> String {
    let body = cohorts::each(|key| {
        let whose = cohorts::of(&cohorts::INSIDE, key);
        let table = cohorts::of(&report.cohorts, key);
        let everybody = cohorts::of(&page.evaluation.cohorts, key).auc.value();
        let rows: Vec<IntervalRow<'_>> =
            table.groups.iter().take(DRAWN).map(|line| row(group_name(line.group.as_ref()), &line.slice)).collect();
        let title = format!("AUC by {}, {whose}", report.column);
        let dots = drawings.figure(
            &format!("groups-{number}-{key}"),
            intervals(&rows, "AUC", everybody, &title),
            "AUC by group with its 95 % interval; the dotted line is the figure of everybody.",
            "No group is large enough for a figure of its own.",
        );
        let gap = surest_gap(table, &report.column, &format!("abroca-{number}-{key}"), drawings);
        let tables = folded(table.groups.len(), group_table(&table.groups)) + &comparison_table(table);
        cohorts::beside(&(dots + &gap), &tables)
    });
    format!("<h3 class=\"of-column\">By {}</h3>{}", name(&report.column), cohorts::stacked(&body))
}

fn group_name(group: Option<&String>) -> &str {
    group.map_or("(not known)", String::as_str)
}

fn group_table(groups: &[GroupLine]) -> String {
    let heads = [
        "group",
        "learners",
        "dropped out",
        "AUC",
        "AUC, days silent",
        "precision",
        "recall",
        "ECE",
        "false alarms",
        "forecast − outcome",
    ];
    let rows: Vec<Vec<Cell>> = groups
        .iter()
        .map(|line| {
            let mut row = vec![name(group_name(line.group.as_ref())), count(line.slice.n)];
            row.extend(figures(&line.slice));
            row.push(line.false_positive_rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.1}%", 100.0 * rate)));
            row.push(line.mean_forecast_less_base_rate.map_or_else(|| "–".to_owned(), signed));
            row
        })
        .collect();
    table("By group", &heads, &rows)
        + &refusals(groups.iter().map(|line| (group_name(line.group.as_ref()), &line.slice)))
}

fn comparison_table(table_of: &GroupTable) -> String {
    if table_of.comparisons.is_empty() {
        return paragraph("There is one group only, so nothing to compare.");
    }
    let draws = table_of.randomisation.draws;
    let heads = ["group against the largest", "ABROCA", "AUC", "recall (equal opportunity)", "false alarms", "verdict"];
    let rows: Vec<Vec<Cell>> = table_of.comparisons.iter().map(comparison_row).collect();
    let words = format!(
        "ABROCA is the area between the two groups' ROC curves, 0 where they are ranked equally well (Gardner, Brooks & Baker 2019); \
         the others are the group's figure less the largest group's. p: share of {} random divisions into groups of these sizes \
         with a difference as large. That no difference is shown does not show that there is none.",
        count(u64::from(draws))
    );
    table("Differences between groups", &heads, &rows) + &format!("<p class=\"small\">{}</p>", escape(&words))
}

fn comparison_row(comparison: &GroupComparison) -> Vec<Cell> {
    let (group, baseline) = (group_name(comparison.group.as_ref()), group_name(comparison.baseline.as_ref()));
    let who = format!("{} against {}", name(group), name(baseline));
    let Some(gaps) = &comparison.gaps else {
        let why = comparison.refused.map_or_else(String::new, |refused| refused.to_string());
        let mut row = vec![who];
        row.extend(std::iter::repeat_n("–".to_owned(), 4));
        row.push(words(&format!("<span class=\"refused\">refused: {}</span>", escape(&why))));
        return row;
    };
    vec![
        who,
        gap(&gaps.abroca, format!("{:.3}", gaps.abroca.value)),
        gap(&gaps.auc, signed(gaps.auc.value)),
        gap(&gaps.equal_opportunity, signed(gaps.equal_opportunity.value)),
        gap(&gaps.false_positive_rate, signed(gaps.false_positive_rate.value)),
        verdict(&[
            ("ranking", &gaps.abroca),
            ("recall", &gaps.equal_opportunity),
            ("false alarms", &gaps.false_positive_rate),
        ]),
    ]
}

fn gap(tested: &TestedGap, written: String) -> Cell {
    match tested.p_value {
        Some(p) => format!("{written} <span class=\"interval\">p {}</span>", p_value(p)),
        None => written,
    }
}

fn verdict(tested: &[(&str, &TestedGap)]) -> Cell {
    if tested.iter().any(|(_, gap)| gap.p_value.is_none()) {
        return words("not tested");
    }
    let differ: Vec<&str> =
        tested.iter().filter(|(_, gap)| gap.p_value.is_some_and(|p| p < SIGNIFICANT)).map(|&(what, _)| what).collect();
    match differ.as_slice() {
        [] => words("no difference shown"),
        what => words(&format!("<b>differs in {}</b>", what.join(", "))),
    }
}

/// The ROC curves of the group that most surely differs from the largest.
fn surest_gap(table: &GroupTable, column: &str, file: &str, drawings: &mut Drawings) -> String {
    // By p first: the area alone is largest where a group is small.
    let tested = table.comparisons.iter().filter_map(|comparison| Some((comparison, comparison.gaps?.abroca)));
    let p_of = |gap: &TestedGap| gap.p_value.unwrap_or(1.0);
    let surest = tested.min_by(|(_, a), (_, b)| p_of(a).total_cmp(&p_of(b)).then(b.value.total_cmp(&a.value)));
    let Some((surest, abroca)) = surest else {
        return String::new();
    };
    let title = format!(
        "ABROCA by {column}: {} against {}",
        group_name(surest.group.as_ref()),
        group_name(surest.baseline.as_ref())
    );
    drawings.figure(
        file,
        roc_gap(&roc_of(table, surest.group.as_ref()), &roc_of(table, surest.baseline.as_ref()), abroca.value, &title),
        "The group whose difference from the largest is least likely to be chance; the shaded area between the curves is ABROCA.",
        "These groups have no ROC curves to draw.",
    )
}

fn roc_of<'a>(table: &GroupTable, group: Option<&'a String>) -> Curve<'a> {
    let line = table.groups.iter().find(|line| line.group.as_ref() == group);
    let points = line.into_iter().flat_map(|line| &line.roc);
    Curve {
        name: group_name(group),
        points: points.map(|point| (point.false_positive_rate, point.true_positive_rate)).collect(),
    }
}

/// How many tests there were, and what that means for them.
fn tests(groups: &[GroupReport]) -> String {
    let of_table = |table: &GroupTable| {
        let tested = table.comparisons.iter().filter_map(|comparison| comparison.gaps.as_ref());
        3 * tested.filter(|gaps| gaps.abroca.p_value.is_some()).count()
    };
    let tests: usize =
        groups.iter().map(|report| of_table(&report.cohorts.all) + of_table(&report.cohorts.active)).sum();
    if tests == 0 {
        return "No difference between groups was tested: the groups are too small, or no test was asked for. Nothing is concluded \
                about fairness."
            .to_owned();
    }
    format!(
        "The verdicts rest on {} tests, at p below {SIGNIFICANT}; if no group differed at all, about {:.1} of them would still look \
         as if one did.",
        count(tests as u64),
        SIGNIFICANT * tests as f64
    )
}
