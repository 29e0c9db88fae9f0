//! Figures by group, and tests of the differences: is the forecast as good for everybody?

use askama::Template;

use super::cell::{Cell, Table};
use super::cohort::WhichCohort;
use super::courses::{interval_row, slice_cells};
use super::figure::{Drawings, Figure};
use super::page::Page;
use super::reasons::Reasons;
use super::section::{OverRepeats, Section};
use crate::figures::{Curve, IntervalRow, intervals, roc_gap};
use crate::numbers::{count, counted, signed};
use crate::report::{Gaps, GroupComparison, GroupLine, GroupReport, GroupTable, TestedGap, group_name};

/// Groups that a figure has room for.
const DRAWN: usize = 30;

#[derive(Template)]
#[template(path = "sections/groups.html")]
struct Groups<'a> {
    columns: Vec<Column<'a>>,
    /// Random divisions that the tests compare with, and the most of them if these are more; `None` without a test.
    draws: Option<(String, Option<String>)>,
    /// Number of tests of a cohort.
    tests: Option<String>,
}

struct Column<'a> {
    name: &'a str,
    /// The one sentence where fewer than two groups of either cohort are large enough.
    too_few: Option<String>,
    cohorts: [CohortGroups; 2],
}

struct CohortGroups {
    which: WhichCohort,
    /// The one sentence where fewer than two groups are large enough.
    too_few: Option<String>,
    dots: Figure,
    gap: Option<Figure>,
    table: Table,
    /// `None` where there is one group only.
    comparisons: Option<Table>,
    reasons: Reasons,
}

/// Returns `None` if no group column was given.
pub(super) fn section(page: &Page<'_>, drawings: &mut Drawings) -> Option<Section> {
    let groups = &page.evaluation.groups;
    if groups.is_empty() {
        return None;
    }
    let columns = groups.iter().zip(1..).map(|(report, number)| column(page, report, number, drawings)).collect();
    let tests = tests(groups);
    let draws = groups.first().map_or(0, |report| report.cohorts.all.randomisation.draws);
    let most = all_gaps(groups).map(|gaps| gaps.draws).max().unwrap_or(draws);
    let body = Groups {
        columns,
        draws: (tests > 0).then(|| (count(u64::from(draws)), (most > draws).then(|| count(u64::from(most))))),
        tests: (tests > 0).then(|| counted(tests, "test")),
    };
    Some(Section::new("groups", "Is it as good for everybody?", OverRepeats::OneRepeat, &body))
}

fn column<'a>(page: &Page<'_>, report: &'a GroupReport, number: usize, drawings: &mut Drawings) -> Column<'a> {
    let cohorts = WhichCohort::BOTH.map(|which| {
        let table = which.pick(&report.cohorts);
        let key = which.key();
        let everybody = which.pick(&page.evaluation.cohorts).auc.value();
        let rows: Vec<IntervalRow<'_>> = table
            .groups
            .iter()
            .take(DRAWN)
            .map(|line| interval_row(group_name(line.group.as_deref()), &line.slice))
            .collect();
        let title = format!("AUC by {}, {}", report.column, which.inside());
        let too_few = too_few(table);
        CohortGroups {
            which,
            dots: drawings.add(
                format!("groups-{number}-{key}"),
                too_few.is_none().then(|| intervals(&rows, "AUC", everybody, &title)).flatten(),
                "AUC by group with its 95% interval. The dotted line is the figure of everybody.",
                "No group is large enough for a figure of its own.",
            ),
            gap: surest_gap(table, &report.column, format!("abroca-{number}-{key}"), drawings),
            table: group_table(&table.groups),
            comparisons: (!table.comparisons.is_empty()).then(|| comparison_table(&table.comparisons)),
            reasons: Reasons::from_sizes(table.groups.iter().map(|line| &line.slice), "group"),
            too_few,
        }
    });
    let nothing = cohorts.iter().all(|cohort| cohort.too_few.is_some());
    let too_few = cohorts[0].too_few.clone().filter(|_| nothing);
    Column { name: &report.column, too_few, cohorts }
}

/// Says that there is nothing to compare, where fewer than two groups are large enough for figures.
fn too_few(table: &GroupTable) -> Option<String> {
    let large = table.groups.iter().filter(|line| line.slice.figures.is_some()).count();
    (large < 2).then(|| {
        let groups = counted(table.groups.len() as u64, "group");
        let some = if large == 0 { "none is" } else { "one is" };
        format!("of {groups} {some} large enough for figures, so there is nothing to compare.")
    })
}

fn group_table(groups: &[GroupLine]) -> Table {
    let row = |line: &GroupLine| {
        let name = group_name(line.group.as_deref()).to_owned();
        let mut row = vec![Cell::Name(name), Cell::count(line.slice.n)];
        row.extend(slice_cells(&line.slice));
        row.push(Cell::or_dash(line.false_positive_rate.map(|rate| format!("{:.1}%", 100.0 * rate))));
        row.push(Cell::or_dash(line.mean_forecast_less_base_rate.map(signed)));
        row
    };
    let heads = vec![
        "group",
        "learners",
        "dropped out",
        "AUC",
        "AUC, inactivity",
        "precision",
        "recall",
        "ECE",
        "false alarms",
        "forecast − outcome",
    ];
    Table { caption: "By group", heads, rows: groups.iter().map(row).collect() }
}

fn comparison_table(comparisons: &[GroupComparison]) -> Table {
    Table {
        caption: "Differences between groups",
        heads: vec!["group against the largest", "ABROCA", "AUC", "recall", "false alarms", "verdict"],
        rows: comparisons.iter().filter_map(comparison_row).collect(),
    }
}

/// Makes the row of a comparison; `None` where a group is too small for one.
fn comparison_row(comparison: &GroupComparison) -> Option<Vec<Cell>> {
    let name = |group: &Option<String>| group_name(group.as_deref()).to_owned();
    let groups = Cell::Against(name(&comparison.group), name(&comparison.baseline));
    let gaps = comparison.gaps.as_ref()?;
    let gap = |tested: &TestedGap| Cell::tested(signed(tested.value), tested.adjusted_p);
    Some(vec![
        groups,
        Cell::tested(format!("{:.3}", gaps.abroca.value), gaps.abroca.adjusted_p),
        gap(&gaps.auc),
        gap(&gaps.equal_opportunity),
        gap(&gaps.false_positive_rate),
        verdict(&[
            ("ranking", &gaps.abroca),
            ("recall", &gaps.equal_opportunity),
            ("false alarms", &gaps.false_positive_rate),
        ]),
    ])
}

fn verdict(tested: &[(&str, &TestedGap)]) -> Cell {
    if tested.iter().any(|(_, gap)| gap.p_value.is_none()) {
        return Cell::text("not tested");
    }
    let differing: Vec<&str> =
        tested.iter().filter(|(_, gap)| gap.is_significant()).map(|&(figure, _)| figure).collect();
    if differing.is_empty() {
        Cell::text("no difference shown")
    } else {
        Cell::StrongWords(format!("differs in {}", differing.join(", ")))
    }
}

/// Draws the ROC curves of the group that most surely differs from the largest; `None` where none is shown to.
fn surest_gap(table: &GroupTable, column: &str, file: String, drawings: &mut Drawings) -> Option<Figure> {
    // By p first: the area alone is largest where a group is small.
    let tested = table.comparisons.iter().filter_map(|comparison| Some((comparison, comparison.gaps?.abroca)));
    let tested = tested.filter(|(_, abroca)| abroca.is_significant());
    let p_of = |gap: &TestedGap| gap.p_value.unwrap_or(1.0);
    let (surest, abroca) =
        tested.min_by(|(_, a), (_, b)| p_of(a).total_cmp(&p_of(b)).then(b.value.total_cmp(&a.value)))?;
    let (group, baseline) = (surest.group.as_deref(), surest.baseline.as_deref());
    let title = format!("ABROCA by {column}: {} against {}", group_name(group), group_name(baseline));
    Some(drawings.add(
        file,
        roc_gap(&group_curve(table, group), &group_curve(table, baseline), abroca.value, &title),
        "The group whose difference from the largest is least likely to be chance. The shaded area is ABROCA.",
        "These groups have no ROC curves to draw.",
    ))
}

fn group_curve<'a>(table: &'a GroupTable, group: Option<&'a str>) -> Curve<'a> {
    let line = table.groups.iter().find(|line| line.group.as_deref() == group);
    let points = line.into_iter().flat_map(|line| &line.roc);
    Curve {
        name: group_name(group),
        points: points.map(|point| (point.false_positive_rate, point.true_positive_rate)).collect(),
    }
}

/// Counts the tests of the cohort that has more of them.
fn tests(groups: &[GroupReport]) -> u64 {
    let of = |pick: fn(&GroupReport) -> &GroupTable| {
        let gaps = groups.iter().flat_map(|report| &pick(report).comparisons).filter_map(|one| one.gaps.as_ref());
        4 * gaps.filter(|gaps| gaps.abroca.p_value.is_some()).count() as u64
    };
    of(|report| &report.cohorts.all).max(of(|report| &report.cohorts.active))
}

/// Lists the gaps of both cohorts.
fn all_gaps(groups: &[GroupReport]) -> impl Iterator<Item = &Gaps> {
    let tables = groups.iter().flat_map(|report| [&report.cohorts.all, &report.cohorts.active]);
    tables.flat_map(|table| &table.comparisons).filter_map(|comparison| comparison.gaps.as_ref())
}
