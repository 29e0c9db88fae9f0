//! Optional inputs of a report beyond prediction rows.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::error::ReportError;
use super::rests_on::RestsOn;
use crate::metrics::Capacity;
use crate::metrics::survival::ExitTime;

/// Holds optional inputs of a report; [`Extras::default`] gives none. Tables "by enrolment" are indexed by
/// [`PredictionRow::enrolment`](super::PredictionRow::enrolment); an empty table was not given, and its part of the report
/// is left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'a> {
    /// Columns that sort learners into groups, for the tables by group and the tests of fairness.
    pub groups: &'a [GroupColumn],
    /// By enrolment, when and how it ended; `None` where the source does not say.
    pub exits: &'a [Option<ExitTime>],
    /// By enrolment, the survival curve predicted at the asked week: element i is the probability that the learner has
    /// not dropped out by i + 1 weeks after the cut-off, given that they had not at the cut-off. Falling, within [0, 1];
    /// empty where there is no prediction.
    pub predicted_survival: &'a [Vec<f64>],
    /// By row, whether the learner's activity changed in the last week seen against the week before it. Without it,
    /// stability goes by inactivity: see [`StabilityReport::unchanged_means`](super::StabilityReport::unchanged_means).
    pub activity_changed: &'a [bool],
    /// Weight of the newest week in the smoothing of log odds, in (0, 1]; `None` reports no smoothing.
    pub smoothing: Option<f64>,
    /// The courses that the figures rest on.
    pub rests_on: Option<RestsOn>,
    /// Counts of rows read, rejected and left out before there were predictions.
    pub data_quality: Option<&'a DataQuality>,
    /// Numbers of learners that a team can contact; [`DEFAULT_CAPACITIES`] when empty.
    pub capacities: &'a [Capacity],
    /// Size below which a course or group gets no figures.
    pub minimum_size: MinimumSize,
    /// Draws of the tests between groups.
    pub randomisation: Randomisation,
}

/// Lists the capacities of a report that is given none: shares of the cohort, and counts of learners.
pub const DEFAULT_CAPACITIES: [Capacity; 7] = [
    Capacity::Share(0.05),
    Capacity::Share(0.1),
    Capacity::Share(0.2),
    Capacity::Share(0.3),
    Capacity::Count(25),
    Capacity::Count(50),
    Capacity::Count(100),
];

/// Holds a static column that sorts enrolments into groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupColumn {
    /// The column's name, as the source has it.
    pub name: String,
    /// By enrolment, the group; `None` where it is not known, which makes a group of its own.
    pub values: Vec<Option<String>>,
}

/// Sets the fewest rows that figures are given for. Below it there is a refusal instead, never a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MinimumSize {
    /// Rows.
    pub rows: u64,
    /// Rows of each outcome among them.
    pub per_class: u64,
}

impl Default for MinimumSize {
    /// Asks for 50 rows with 10 of each outcome: with fewer, a 95% interval of the AUC is as wide as 0.3 or wider.
    fn default() -> Self {
        Self { rows: 50, per_class: 10 }
    }
}

/// Says why a course or group has no figures. Its `Display` is the sentence to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TooFew {
    /// Rows there are.
    pub n: u64,
    /// Those that dropped out.
    pub positives: u64,
    /// The size needed.
    pub needed: MinimumSize,
}

impl MinimumSize {
    /// Returns the refusal, if there are too few.
    #[must_use]
    pub fn refuses(self, n: u64, positives: u64) -> Option<TooFew> {
        let smaller_class = positives.min(n - positives);
        (n < self.rows || smaller_class < self.per_class).then_some(TooFew { n, positives, needed: self })
    }
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MinimumSize { rows, per_class } = self.needed;
        let Self { n, positives, .. } = self;
        write!(
            f,
            "too few to conclude: {n} learner{}, of which {positives} dropped out (needed: {rows}, with {per_class} of each \
             outcome)",
            if *n == 1 { "" } else { "s" }
        )
    }
}

/// Sets how the tests between groups are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Randomisation {
    /// Permutations a pair of groups; 0 for no test. The smallest p-value is 1 / (draws + 1).
    pub draws: u32,
    /// Most permutations of a pair that has a p-value below 0.05 by these: fewer where the groups are large.
    pub at_most: u32,
    /// Seed of ChaCha8.
    pub seed: u64,
}

impl Default for Randomisation {
    /// Asks for 499 draws, and for up to 9,999 where these find a difference.
    fn default() -> Self {
        Self { draws: 499, at_most: 9_999, seed: 0 }
    }
}

impl Randomisation {
    /// Bounds the rows that the permutations of a pair go through in all.
    const MOST_ROWS: usize = 5_000_000;

    /// Returns the most permutations for two groups of so many rows.
    pub(super) fn most_draws(self, rows: usize) -> u32 {
        let affordable = u32::try_from(Self::MOST_ROWS / rows.max(1)).unwrap_or(u32::MAX);
        if self.draws == 0 { 0 } else { self.at_most.min(affordable).max(self.draws) }
    }
}

/// Counts what became of the data before there were predictions, given by the caller and printed as it is. It holds counts and
/// reasons, and names no learner.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DataQuality {
    /// Rows of the input.
    pub rows_read: u64,
    /// Rows that became events.
    pub rows_used: u64,
    /// Rows set aside on purpose (no interaction of a learner), by reason.
    pub rows_set_aside: BTreeMap<String, u64>,
    /// Rows rejected as bad, by reason.
    pub rows_rejected: BTreeMap<String, u64>,
    /// Courses left out as a whole.
    pub courses_excluded: Vec<ExcludedCourse>,
    /// Enrolments left out before the report's own exclusions, by reason.
    pub enrolments_excluded: BTreeMap<String, u64>,
    /// Further limits of the figures, in whole sentences (an inferred calendar, scores without a marking date …).
    pub limits: Vec<String>,
}

/// Names a course that was left out as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExcludedCourse {
    /// Course identifier.
    pub course: String,
    /// Its enrolments.
    pub enrolments: u64,
    /// The reason.
    pub reason: String,
}

impl Extras<'_> {
    /// Returns the capacities to report.
    pub(super) fn capacities(&self) -> &[Capacity] {
        if self.capacities.is_empty() { &DEFAULT_CAPACITIES } else { self.capacities }
    }

    /// Checks that every table reaches as far as the rows, and that its values are in range.
    pub(super) fn check(&self, rows: usize, enrolments: usize) -> Result<(), ReportError> {
        let too_short = |table: &str, given: usize, needed: usize| {
            let table = table.to_owned();
            if given < needed { Err(ReportError::TableTooShort { table, given, needed }) } else { Ok(()) }
        };
        for column in self.groups {
            too_short(&format!("group column {}", column.name), column.values.len(), enrolments)?;
        }
        if !self.exits.is_empty() {
            too_short("table of exit times", self.exits.len(), enrolments)?;
        }
        if !self.predicted_survival.is_empty() {
            too_short("table of predicted survival", self.predicted_survival.len(), enrolments)?;
        }
        if !self.activity_changed.is_empty() && self.activity_changed.len() != rows {
            return Err(ReportError::TableTooShort {
                table: "table of changed activity".to_owned(),
                given: self.activity_changed.len(),
                needed: rows,
            });
        }
        if let Some(weight) = self.smoothing.filter(|&weight| !(weight > 0.0 && weight <= 1.0)) {
            return Err(ReportError::SmoothingOutOfRange { weight });
        }
        if let Some(capacity) = self.capacities.iter().find(|capacity| !capacity.is_possible()) {
            return Err(ReportError::ImpossibleCapacity { capacity: capacity.to_string() });
        }
        self.check_survival()
    }

    fn check_survival(&self) -> Result<(), ReportError> {
        for (enrolment, exit) in self.exits.iter().enumerate() {
            if let Some(exit) = exit.filter(|exit| !exit.weeks.is_finite()) {
                return Err(ReportError::ExitOutOfRange { enrolment, weeks: exit.weeks });
            }
        }
        for (enrolment, curve) in self.predicted_survival.iter().enumerate() {
            let mut before = 1.0;
            for (at, &value) in curve.iter().enumerate() {
                if !(0.0..=before).contains(&value) {
                    return Err(ReportError::NotASurvivalCurve { enrolment, week: at + 1, value });
                }
                before = value;
            }
        }
        Ok(())
    }
}
