//! Effects by course and by band of risk: exploration, corrected for looking at many.

use std::collections::BTreeSet;

use serde::Serialize;
use staycast_evaluation::metrics::benjamini_hochberg;

use super::data::Data;
use super::effect::estimate;
use super::plan::{Outcome, StratifyBy};

/// Holds the effect in a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupEffect {
    /// The arm.
    pub arm: String,
    /// Property by which learners are grouped.
    pub by: StratifyBy,
    /// The group.
    pub group: String,
    /// Learners of the arm and the holdout in it, with a known outcome.
    pub learners: u64,
    /// Arm less holdout; `None` where fewer than 20 learners are on either side.
    pub effect: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Lower end of its 95% interval, as if it were the only group.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Its p-value, corrected for all groups and arms (Benjamini & Hochberg 1995).
    pub adjusted_p: Option<f64>,
}

/// Estimates the effects by course and by band.
pub(super) fn group_effects(data: &Data<'_>, outcome: Outcome) -> Vec<GroupEffect> {
    let mut groups = Vec::new();
    let mut p_values = Vec::new();
    for (place, arm) in data.plan.arms().enumerate().skip(1) {
        for by in [StratifyBy::Course, StratifyBy::Risk] {
            let key = |at: usize| {
                let row = &data.assignments[at];
                match by {
                    StratifyBy::Course => (0, row.course_id.as_str()),
                    StratifyBy::Risk => (data.plan.band(row.p_dropout), ""),
                }
            };
            let keys: BTreeSet<(usize, &str)> = (0..data.assignments.len()).map(key).collect();
            if keys.len() < 2 {
                continue;
            }
            for of in keys {
                let (_, rows) = data.rows(place, outcome, |at| key(at) == of);
                let learners: BTreeSet<u32> = rows.iter().map(|row| row.learner).collect();
                let found = estimate(&rows).map(|effect| effect.adjusted);
                let interval = found.map(|found| found.interval_at(0.05));
                p_values.push(found.map(|found| found.p_value()));
                groups.push(GroupEffect {
                    arm: arm.name.clone(),
                    by,
                    group: match by {
                        StratifyBy::Course => of.1.to_owned(),
                        StratifyBy::Risk => data.plan.describe_band(of.0),
                    },
                    learners: learners.len() as u64,
                    effect: found.map(|found| found.effect),
                    standard_error: found.map(|found| found.standard_error),
                    low: interval.map(|(low, _)| low),
                    high: interval.map(|(_, high)| high),
                    adjusted_p: None,
                });
            }
        }
    }
    let known: Vec<f64> = p_values.iter().flatten().copied().collect();
    let mut adjusted = benjamini_hochberg(&known).into_iter();
    for (group, p) in groups.iter_mut().zip(&p_values) {
        group.adjusted_p = p.and_then(|_| adjusted.next());
    }
    groups
}
