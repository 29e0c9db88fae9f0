//! How well scores rank the held-out rows of a fold, within courses.

use std::collections::BTreeMap;

use super::SelectionRows;

/// Lists the rows of one course and cohort that a fold holds out, with both outcomes among them. Positions are within the
/// fold's held-out rows.
#[derive(Clone, Debug)]
pub(super) struct RankedRows {
    positions: Vec<u32>,
    labels: Vec<bool>,
}

impl RankedRows {
    /// Groups the `held_out` rows by course, each course as a whole and those still active by themselves.
    pub(super) fn of(data: &SelectionRows<'_>, held_out: &[usize]) -> Vec<Self> {
        let mut found: BTreeMap<(u32, bool), Self> = BTreeMap::new();
        for (position, &row) in held_out.iter().enumerate() {
            for active in [false, true] {
                if !active || data.active[row] {
                    let entry = found.entry((data.courses[row], active)).or_insert_with(Self::empty);
                    entry.positions.push(position as u32);
                    entry.labels.push(data.labels[row]);
                }
            }
        }
        found.into_values().filter(|rows| rows.labels.contains(&true) && rows.labels.contains(&false)).collect()
    }

    const fn empty() -> Self {
        Self { positions: Vec::new(), labels: Vec::new() }
    }

    /// Computes the area under the curve of `scores`, by position.
    fn auc(&self, scores: &[f64]) -> f64 {
        area(self.positions.iter().zip(&self.labels).map(|(&at, &label)| (scores[at as usize], label)))
    }
}

/// Computes the area under the curve of scores with their labels; ties count half (Mann and Whitney's statistic). NaN without
/// both labels.
fn area(scores: impl Iterator<Item = (f64, bool)>) -> f64 {
    let mut ranked: Vec<(f64, bool)> = scores.collect();
    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let positive = tied.iter().filter(|(_, label)| *label).count() as f64;
        let negative = tied.len() as f64 - positive;
        wins += positive * (below + negative / 2.0);
        below += negative;
    }
    wins / (below * (ranked.len() as f64 - below))
}

/// Returns the mean area under the curve of all rows of all courses together, and of those active: each `(score, row)` once.
pub(super) fn area_over_courses(data: &SelectionRows<'_>, scores: &[(f64, usize)]) -> f64 {
    let of = |only_active: bool| {
        let chosen = || scores.iter().filter(move |(_, row)| !only_active || data.active[*row]);
        (area(chosen().map(|&(score, row)| (score, data.labels[row]))), chosen().count() as f64)
    };
    let (areas, rows) = [of(false), of(true)]
        .into_iter()
        .filter(|(area, _)| area.is_finite())
        .fold((0.0, 0.0), |(sum, total), (area, rows)| (sum + area * rows, total + rows));
    areas / rows
}

/// Returns the mean area under the curve over courses and cohorts, weighted by rows.
pub(super) fn mean_auc(ranked: &[RankedRows], scores: &[f64]) -> f64 {
    let rows: f64 = ranked.iter().map(|rows| rows.labels.len() as f64).sum();
    ranked.iter().map(|rows| rows.auc(scores) * rows.labels.len() as f64).sum::<f64>() / rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half_and_courses_are_ranked_apart() {
        let rows =
            |positions: &[u32], labels: &[bool]| RankedRows { positions: positions.into(), labels: labels.into() };
        let first = rows(&[0, 1, 2, 3], &[true, false, true, false]);
        // Of four pairs two are won, one is tied.
        assert_eq!(first.auc(&[3.0, 1.0, 1.0, 2.0]), 0.625);
        let second = rows(&[4, 5], &[true, false]);
        // Scores of another course may be anywhere.
        let scores = [3.0, 1.0, 1.0, 2.0, -9.0, -10.0];
        assert_eq!(mean_auc(&[first, second], &scores), (0.625 * 4.0 + 2.0) / 6.0);
    }

    #[test]
    fn over_courses_the_level_of_a_course_counts() {
        let data = SelectionRows {
            groups: &[],
            required: &[],
            values: &[],
            labels: &[true, false, true, false],
            active: &[true, true, true, false],
            courses: &[0, 0, 1, 1],
            folds: &[],
        };
        // Within each course the order is right; over both, one pair of four is not, and of the active none of two.
        let scores = [(2.0, 0), (1.0, 1), (0.5, 2), (0.0, 3)];
        assert_eq!(area_over_courses(&data, &scores), (0.75 * 4.0 + 0.5 * 3.0) / 7.0);
    }

    #[test]
    fn only_courses_with_both_outcomes_are_ranked() {
        let data = SelectionRows {
            groups: &[],
            required: &[],
            values: &[],
            labels: &[true, false, true, true, false],
            active: &[true, true, false, true, false],
            courses: &[0, 0, 1, 0, 1],
            folds: &[],
        };
        let ranked = RankedRows::of(&data, &[0, 1, 2, 4]);
        let positions: Vec<&[u32]> = ranked.iter().map(|rows| rows.positions.as_slice()).collect();
        // Course 0 as a whole and its active ones; course 1 as a whole alone.
        assert_eq!(positions, [&[0, 1][..], &[0, 1], &[2, 3]]);
    }
}
