//! Figures by group, and differences between groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::by_cohort::ByCohort;
use super::curves::roc_points;
use super::error::ReportError;
use super::extras::{GroupColumn, Randomisation, TooFew};
use super::input::EvaluationRequest;
use super::rows::{LabelledRow, WeekRows, labels_of, values_of};
use super::slices::Slice;
use crate::metrics::fairness::{GroupGaps, GroupPair, TestedGaps};
use crate::metrics::{MetricError, Ranking, RocPoint, base_rate, benjamini_hochberg};

/// Holds figures by the groups of one column, at the asked week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupReport {
    /// The column's name.
    pub column: String,
    /// Each cohort's table.
    pub cohorts: ByCohort<GroupTable>,
}

/// Holds one cohort by the groups of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupTable {
    /// Every group, the largest first (of equal ones, bytewise); those whose group is not known are a group too.
    pub groups: Vec<GroupLine>,
    /// Every group against the largest that is large enough for figures and is known; empty if there are fewer than two
    /// groups.
    pub comparisons: Vec<GroupComparison>,
    /// Draws of the tests.
    pub randomisation: Randomisation,
}

/// Holds one group's line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupLine {
    /// The group, as the column has it; null for those whose group is not known.
    pub group: Option<String>,
    /// Mean forecast probability less the share that dropped out: above 0 the forecast is too high for this group. Null
    /// if the group is too small.
    pub mean_forecast_less_base_rate: Option<f64>,
    /// False positives over those who stayed, at the run's threshold; null if the group is too small.
    pub false_positive_rate: Option<f64>,
    /// The group's ROC curve of the scores, from (0, 0) to (1, 1), thinned as the report's own; empty if the group is too
    /// small. Left out of the JSON, as plots are.
    #[serde(skip)]
    pub roc: Vec<RocPoint>,
    /// Its figures (AUC, recall, ECE, calibration slope …) or why there are none.
    pub slice: Slice,
}

/// Compares one group with the baseline group. Either every gap or `refused` is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupComparison {
    /// The group; null for those whose group is not known.
    pub group: Option<String>,
    /// The group it is compared with: the largest.
    pub baseline: Option<String>,
    /// The gaps; null if either group is too small.
    pub gaps: Option<Gaps>,
    /// The reason for no gaps: the size of the group, or of the baseline group, whichever is too small.
    pub refused: Option<TooFew>,
}

/// Holds the gaps between a group and the baseline group. A gap is the group's figure less the baseline's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gaps {
    /// Area between the two groups' ROC curves, 0 to 1, of the scores before calibration (Gardner, Brooks & Baker 2019).
    pub abroca: TestedGap,
    /// Difference of AUCs.
    pub auc: TestedGap,
    /// Equal-opportunity gap: difference of recalls at the run's threshold (Hardt, Price & Srebro 2016).
    pub equal_opportunity: TestedGap,
    /// Difference of false-positive rates at the run's threshold.
    pub false_positive_rate: TestedGap,
    /// Permutations that the tests were drawn from.
    pub draws: u32,
}

/// Holds a gap with its randomisation test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TestedGap {
    /// The gap found.
    pub value: f64,
    /// (1 + permutations with a gap at least as large either way) / (1 + permutations); null without a test.
    pub p_value: Option<f64>,
    /// The same, corrected for all tests of the cohort's tables (Benjamini & Hochberg 1995).
    pub adjusted_p: Option<f64>,
}

impl TestedGap {
    /// Tells whether the gap is a difference that chance hardly explains, among as many as were tested.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        self.adjusted_p.is_some_and(|p| p < SIGNIFICANT)
    }
}

/// Sets the corrected p-value below which a difference between groups is called one.
const SIGNIFICANT: f64 = 0.05;

impl Gaps {
    fn each_mut(&mut self) -> [&mut TestedGap; 4] {
        [&mut self.abroca, &mut self.auc, &mut self.equal_opportunity, &mut self.false_positive_rate]
    }
}

/// Makes a table for each column.
pub(super) fn reports(rows: &WeekRows<'_>, request: &EvaluationRequest<'_>) -> Result<Vec<GroupReport>, ReportError> {
    let active = rows.active();
    let of_column = |column: &GroupColumn| {
        let cohorts = ByCohort { all: table(&rows.all, column, request)?, active: table(&active, column, request)? };
        Ok(GroupReport { column: column.name.clone(), cohorts })
    };
    let mut reports = request.extras.groups.iter().map(of_column).collect::<Result<Vec<_>, ReportError>>()?;
    adjust(reports.iter_mut().map(|report| &mut report.cohorts.all));
    adjust(reports.iter_mut().map(|report| &mut report.cohorts.active));
    Ok(reports)
}

/// Corrects the p-values of all tests of the tables for how many they are.
fn adjust<'a>(tables: impl Iterator<Item = &'a mut GroupTable>) {
    let gaps = tables.flat_map(|table| &mut table.comparisons).filter_map(|comparison| comparison.gaps.as_mut());
    let mut tested: Vec<&mut TestedGap> = gaps.flat_map(Gaps::each_mut).filter(|gap| gap.p_value.is_some()).collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|gap| gap.p_value).collect();
    for (gap, adjusted) in tested.iter_mut().zip(benjamini_hochberg(&p_values)) {
        gap.adjusted_p = Some(adjusted);
    }
}

/// Tells whether a group is of learners without a value in the column.
fn is_unknown(group: Option<&str>) -> bool {
    const WORDS: [&str; 7] = ["", "unknown", "not known", "not stated", "not specified", "missing", "n/a"];
    group.is_none_or(|group| WORDS.contains(&group.trim().to_lowercase().as_str()))
}

/// Returns a group's name for readers; those whose group is not known are a group too.
pub(crate) fn group_name(group: Option<&str>) -> &str {
    group.unwrap_or("(not known)")
}

/// Holds a group and its rows.
type Group<'a> = (Option<&'a str>, Vec<LabelledRow<'a>>);

fn table<'a>(
    rows: &[LabelledRow<'a>],
    column: &'a GroupColumn,
    request: &EvaluationRequest<'_>,
) -> Result<GroupTable, ReportError> {
    let mut by_group: BTreeMap<Option<&str>, Vec<LabelledRow<'a>>> = BTreeMap::new();
    for &(row, label) in rows {
        by_group.entry(column.values[row.enrolment as usize].as_deref()).or_default().push((row, label));
    }
    let mut groups: Vec<Group<'a>> = by_group.into_iter().collect();
    // Those whose group is not known come after a group of the same size: they are no group to compare with by choice.
    groups.sort_by_key(|(group, rows)| (Reverse(rows.len()), group.is_none(), *group));
    let threshold = request.references[&request.week].threshold;
    let lines = groups.iter().map(|group| line(group, threshold, request)).collect::<Result<Vec<_>, _>>()?;
    Ok(GroupTable {
        comparisons: comparisons(&groups, &lines, threshold, request.extras.randomisation)?,
        groups: lines,
        randomisation: request.extras.randomisation,
    })
}

fn line((group, rows): &Group<'_>, threshold: f64, request: &EvaluationRequest<'_>) -> Result<GroupLine, MetricError> {
    let slice = Slice::measure(rows, threshold, request.extras.minimum_size)?;
    let counts = slice.figures.as_ref().and_then(|figures| figures.confusion);
    let mean = values_of(rows, |row| row.p).iter().sum::<f64>() / rows.len() as f64;
    let base_rate = base_rate(&labels_of(rows)).value();
    let roc = match slice.refused {
        Some(_) => Vec::new(),
        None => roc_points(&Ranking::new(&values_of(rows, |row| row.score), &labels_of(rows))?),
    };
    Ok(GroupLine {
        group: group.map(str::to_owned),
        mean_forecast_less_base_rate: counts.and(base_rate).map(|rate| mean - rate),
        false_positive_rate: counts.map(|counts| counts.false_positives as f64 / counts.negatives() as f64),
        roc,
        slice,
    })
}

/// Compares every other group with the largest that is large enough, or with the largest of all if none is.
fn comparisons(
    groups: &[Group<'_>],
    lines: &[GroupLine],
    threshold: f64,
    randomisation: Randomisation,
) -> Result<Vec<GroupComparison>, MetricError> {
    if groups.len() < 2 {
        return Ok(Vec::new());
    }
    let large: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].slice.refused.is_none()).collect();
    let known = large.iter().find(|&&at| !is_unknown(groups[at].0));
    let baseline = known.or(large.first()).copied().unwrap_or(0);
    let mut found = Vec::new();
    for at in (0..groups.len()).filter(|&at| at != baseline) {
        let refused = lines[at].slice.refused.or(lines[baseline].slice.refused);
        let gaps = match refused {
            Some(_) => None,
            None => Some(gaps(&groups[at].1, &groups[baseline].1, threshold, randomisation)?),
        };
        let name = |at: usize| groups[at].0.map(str::to_owned);
        found.push(GroupComparison { group: name(at), baseline: name(baseline), gaps, refused });
    }
    Ok(found)
}

fn gaps(
    group: &[LabelledRow<'_>],
    baseline: &[LabelledRow<'_>],
    threshold: f64,
    randomisation: Randomisation,
) -> Result<Gaps, MetricError> {
    let rows = [group, baseline].concat();
    let flagged: Vec<bool> = rows.iter().map(|(row, _)| row.p >= threshold).collect();
    let in_group: Vec<bool> = (0..rows.len()).map(|row| row < group.len()).collect();
    let pair = GroupPair::new(&values_of(&rows, |row| row.score), &labels_of(&rows), &flagged, &in_group)?;
    let mut draws = randomisation.draws;
    let mut tested = pair.test(draws, randomisation.seed);
    // Few draws can't give a p-value small enough to stand among many tests: those that may do so get more.
    let more = randomisation.most_draws(rows.len());
    if more > draws && tested.p_values.is_some_and(|p| p.least() < SIGNIFICANT) {
        draws = more;
        tested = pair.test(draws, randomisation.seed);
    }
    let TestedGaps { found, p_values } = tested;
    let gap = |of: fn(GroupGaps) -> f64| TestedGap { value: of(found), p_value: p_values.map(of), adjusted_p: None };
    Ok(Gaps {
        abroca: gap(|gaps| gaps.abroca),
        auc: gap(|gaps| gaps.auc),
        equal_opportunity: gap(|gaps| gaps.recall),
        false_positive_rate: gap(|gaps| gaps.false_positive_rate),
        draws,
    })
}
