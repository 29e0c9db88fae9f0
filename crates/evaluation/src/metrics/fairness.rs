//! Differences of a forecast between groups, and tests of whether they could be chance.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::checks::check_scores;
use super::error::MetricError;
use super::metric::Metric;
use super::ranking::Ranking;
use super::resample::below;

/// Computes the area between two ROC curves (Gardner, Brooks & Baker 2019, "ABROCA"): ∫ |TPR₁(x) − TPR₂(x)| dx over false-positive
/// rates x from 0 to 1, 0 to 1 in value. Unlike the difference of AUCs it does not cancel where the curves cross.
///
/// The curves are the straight lines between the points of distinct scores, and the area between them is exact, where the
/// paper's code sums over a grid. Undefined if either ranking lacks a class.
#[must_use]
pub fn abroca(first: &Ranking, second: &Ranking) -> Metric {
    if let Some(undefined) = first.missing_class().or(second.missing_class()) {
        return Metric::Undefined(undefined);
    }
    let points = |ranking: &Ranking| -> Vec<(f64, f64)> {
        ranking.roc_curve().iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect()
    };
    Metric::Value(area_between(&points(first), &points(second)))
}

/// Holds gaps between a group and a baseline group, each the group's figure less the baseline's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupGaps {
    /// Area between the ROC curves; it has no sign.
    pub abroca: f64,
    /// Difference of AUCs.
    pub auc: f64,
    /// Difference of recalls at the threshold (equal opportunity, Hardt, Price & Srebro 2016).
    pub recall: f64,
    /// Difference of false-positive rates at the threshold.
    pub false_positive_rate: f64,
}

/// Holds gaps with the p-values of a randomisation test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestedGaps {
    /// As found.
    pub found: GroupGaps,
    /// (1 + permutations at least as large either way) / (1 + permutations), for each gap; `None` without permutations.
    pub p_values: Option<GroupGaps>,
}

/// Holds the rows of two groups, sorted once, for as many assignments of groups as needed.
#[derive(Debug, Clone)]
pub struct GroupPair {
    /// By descending score.
    rows: Vec<PairRow>,
}

#[derive(Debug, Clone, Copy)]
struct PairRow {
    score: f64,
    label: bool,
    flagged: bool,
    in_group: bool,
}

impl GroupPair {
    /// Takes the rows of both groups: `scores` rank them, `flagged` says who was flagged, `in_group` who is in the group;
    /// the others are the baseline.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`] and [`MetricError::NanScore`], and [`MetricError::GroupLacksAClass`] unless each
    /// group has rows of each outcome.
    pub fn new(scores: &[f64], labels: &[bool], flagged: &[bool], in_group: &[bool]) -> Result<Self, MetricError> {
        check_scores(scores, labels)?;
        for given in [flagged.len(), in_group.len()] {
            if given != labels.len() {
                return Err(MetricError::LengthMismatch { scores: given, labels: labels.len() });
            }
        }
        let row =
            |at: usize| PairRow { score: scores[at], label: labels[at], flagged: flagged[at], in_group: in_group[at] };
        let mut rows: Vec<PairRow> = (0..scores.len()).map(row).collect();
        let key = |row: &PairRow| (row.label, row.flagged, row.in_group);
        rows.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| key(a).cmp(&key(b))));
        for group in [true, false] {
            for class in [true, false] {
                if !rows.iter().any(|row| row.in_group == group && row.label == class) {
                    return Err(MetricError::GroupLacksAClass);
                }
            }
        }
        Ok(Self { rows })
    }

    /// Computes the gaps as they are.
    #[must_use]
    pub fn gaps(&self) -> GroupGaps {
        Curves::default().gaps(&self.rows)
    }

    /// Computes the gaps, and how often groups assigned at random have gaps as large.
    ///
    /// Groups are permuted among rows of the same outcome, so that each group keeps its size and base rate: what is
    /// tested is that, given the outcome, scores and flags do not depend on the group. Seeded, and the same for any order
    /// of rows. Costs O(rows) a draw.
    #[must_use]
    pub fn test(&self, draws: u32, seed: u64) -> TestedGaps {
        let mut curves = Curves::default();
        let found = curves.gaps(&self.rows);
        if draws == 0 {
            return TestedGaps { found, p_values: None };
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = self.rows.clone();
        let mut strata = [true, false].map(|class| Stratum::new(&rows, class));
        let mut as_large = [0_u32; 4];
        for _ in 0..draws {
            strata.iter_mut().for_each(|stratum| stratum.assign(&mut rng, &mut rows));
            let drawn = curves.gaps(&rows);
            for ((count, drawn), found) in as_large.iter_mut().zip(drawn.sizes()).zip(found.sizes()) {
                // A permutation that gives the very gap found may differ in the last bits.
                *count += u32::from(drawn >= found - 1e-12);
            }
        }
        let [abroca, auc, recall, false_positive_rate] =
            as_large.map(|count| (1.0 + f64::from(count)) / (1.0 + f64::from(draws)));
        TestedGaps { found, p_values: Some(GroupGaps { abroca, auc, recall, false_positive_rate }) }
    }
}

impl GroupGaps {
    /// Returns the least of the figures, as of p-values.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.sizes().into_iter().fold(f64::INFINITY, f64::min)
    }

    fn sizes(&self) -> [f64; 4] {
        [self.abroca, self.auc, self.recall, self.false_positive_rate].map(f64::abs)
    }
}

/// Holds the rows of one outcome, to be shuffled among the groups.
struct Stratum {
    rows: Vec<usize>,
    /// Rows of the smaller group, and which group that is.
    fewer: usize,
    fewer_in_group: bool,
}

impl Stratum {
    fn new(rows: &[PairRow], class: bool) -> Self {
        let of_class: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].label == class).collect();
        let in_group = of_class.iter().filter(|&&row| rows[row].in_group).count();
        let fewer = in_group.min(of_class.len() - in_group);
        Self { fewer, fewer_in_group: fewer == in_group, rows: of_class }
    }

    /// Shuffles the rows among the groups. The first places of a Fisher–Yates shuffle are a sample without replacement, whatever the order before it.
    fn assign(&mut self, rng: &mut ChaCha8Rng, rows: &mut [PairRow]) {
        for place in 0..self.fewer {
            let left = (self.rows.len() - place) as u64;
            self.rows.swap(place, place + below(rng, left) as usize);
        }
        for (place, &row) in self.rows.iter().enumerate() {
            rows[row].in_group = (place < self.fewer) == self.fewer_in_group;
        }
    }
}

/// Holds both groups' ROC curves, so that draws don't allocate anew.
#[derive(Default)]
struct Curves {
    group: Vec<(f64, f64)>,
    baseline: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    positives: u64,
    negatives: u64,
    flagged_positives: u64,
    flagged_negatives: u64,
}

impl Curves {
    fn gaps(&mut self, rows: &[PairRow]) -> GroupGaps {
        let mut totals = [Counts::default(); 2];
        for row in rows {
            let total = &mut totals[usize::from(row.in_group)];
            total.positives += u64::from(row.label);
            total.negatives += u64::from(!row.label);
            total.flagged_positives += u64::from(row.flagged && row.label);
            total.flagged_negatives += u64::from(row.flagged && !row.label);
        }
        let [baseline, group] = totals;
        let auc = trace(rows, true, group, &mut self.group) - trace(rows, false, baseline, &mut self.baseline);
        let rate = |part: u64, whole: u64| part as f64 / whole as f64;
        GroupGaps {
            abroca: area_between(&self.group, &self.baseline),
            auc,
            recall: rate(group.flagged_positives, group.positives)
                - rate(baseline.flagged_positives, baseline.positives),
            false_positive_rate: rate(group.flagged_negatives, group.negatives)
                - rate(baseline.flagged_negatives, baseline.negatives),
        }
    }
}

/// Writes one group's ROC curve to `curve`, and returns its AUC, exact with ties.
fn trace(rows: &[PairRow], in_group: bool, totals: Counts, curve: &mut Vec<(f64, f64)>) -> f64 {
    curve.clear();
    curve.push((0.0, 0.0));
    let (mut hits, mut false_alarms, mut wins_twice) = (0_u64, 0_u64, 0_u128);
    for tied in rows.chunk_by(|a, b| a.score == b.score) {
        let (mut positives, mut negatives) = (0, 0);
        for row in tied.iter().filter(|row| row.in_group == in_group) {
            positives += u64::from(row.label);
            negatives += u64::from(!row.label);
        }
        if positives + negatives > 0 {
            wins_twice += u128::from(negatives) * u128::from(2 * hits + positives);
            hits += positives;
            false_alarms += negatives;
            curve.push((false_alarms as f64 / totals.negatives as f64, hits as f64 / totals.positives as f64));
        }
    }
    wins_twice as f64 / (2 * u128::from(totals.positives) * u128::from(totals.negatives)) as f64
}

/// Computes the area between two polylines that rise from (0, 0) to (1, 1), vertical pieces allowed.
fn area_between(first: &[(f64, f64)], second: &[(f64, f64)]) -> f64 {
    let height = |curve: &[(f64, f64)], at: usize, x: f64| {
        let (left, right) = (curve[at], curve[at + 1]);
        left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0)
    };
    let (mut a, mut b, mut x, mut area) = (0, 0, 0.0, 0.0);
    loop {
        // Past everything that ends at or before x, so that the pieces at hand go on to the right of it.
        while a + 1 < first.len() && first[a + 1].0 <= x {
            a += 1;
        }
        while b + 1 < second.len() && second[b + 1].0 <= x {
            b += 1;
        }
        if a + 1 == first.len() || b + 1 == second.len() {
            return area;
        }
        let next = first[a + 1].0.min(second[b + 1].0);
        let left = height(first, a, x) - height(second, b, x);
        let right = height(first, a, next) - height(second, b, next);
        area += (next - x) * mean_size(left, right);
        x = next;
    }
}

/// Computes the mean of |d| along a straight line from d = `left` to d = `right`.
fn mean_size(left: f64, right: f64) -> f64 {
    if left * right >= 0.0 {
        return (left.abs() + right.abs()) / 2.0;
    }
    // Two triangles that meet where the line crosses 0.
    (left * left + right * right) / (2.0 * (left.abs() + right.abs()))
}
