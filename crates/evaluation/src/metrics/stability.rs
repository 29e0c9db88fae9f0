//! Movement of a learner's forecast from week to week, and a way to smooth it.

use serde::Serialize;
use staycast_weeks::CutOff;

use super::metric::{Metric, Undefined};
use super::resample::percentile;
use crate::log_odds::{log_odds, sigmoid};

/// Holds one enrolment's forecast at one week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeekForecast {
    /// Number of the enrolment.
    pub enrolment: u32,
    /// The cut-off.
    pub week: CutOff,
    /// Probability of dropout.
    pub p: f64,
    /// True if the learner is flagged at risk.
    pub flagged: bool,
    /// True if the learner's activity changed in the last week seen, so that a move of the forecast has a cause.
    pub activity_changed: bool,
}

/// Selects the pairs of successive weeks that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// All of them.
    All,
    /// Those whose later week says that activity did not change.
    Unchanged,
}

/// Holds how much forecasts move between one week and the next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Movement {
    /// Pairs of successive weeks of one enrolment.
    pub pairs: u64,
    /// Enrolments with such a pair.
    pub enrolments: u64,
    /// Mean of |Δp|. Undefined without pairs, as are the next two.
    pub mean_change: Metric,
    /// 90th percentile of |Δp|.
    pub change_90th_percentile: Metric,
    /// Share of the pairs between which the flag changes.
    pub flip_share: Metric,
    /// Enrolments whose flag changes in two or more of their pairs: there and back.
    pub flipped_repeatedly: u64,
}

impl Movement {
    /// Measures rows sorted by enrolment and week. Weeks that are not successive make no pair.
    #[must_use]
    pub fn between_weeks(rows: &[WeekForecast], which: Pairs) -> Self {
        let mut changes: Vec<f64> = Vec::new();
        let (mut enrolments, mut flips, mut flipped_repeatedly) = (0, 0, 0);
        for weeks in rows.chunk_by(|a, b| a.enrolment == b.enrolment) {
            let pairs_before = changes.len();
            let mut own_flips = 0_u64;
            for pair in weeks.windows(2) {
                let (before, after) = (&pair[0], &pair[1]);
                let counts = which == Pairs::All || !after.activity_changed;
                if after.week.count() == before.week.count() + 1 && counts {
                    changes.push((after.p - before.p).abs());
                    own_flips += u64::from(after.flagged != before.flagged);
                }
            }
            enrolments += u64::from(changes.len() > pairs_before);
            flips += own_flips;
            flipped_repeatedly += u64::from(own_flips >= 2);
        }
        let pairs = changes.len() as u64;
        let mean = |sum: f64| {
            if pairs == 0 { Metric::Undefined(Undefined::NoPairsOfWeeks) } else { Metric::Value(sum / pairs as f64) }
        };
        let (mean_change, flip_share) = (mean(changes.iter().sum()), mean(flips as f64));
        changes.sort_unstable_by(f64::total_cmp);
        let change_90th_percentile = percentile(&changes, 0.9, Undefined::NoPairsOfWeeks);
        Self { pairs, enrolments, mean_change, change_90th_percentile, flip_share, flipped_repeatedly }
    }
}

/// Smooths one enrolment's log odds exponentially, week by week: sₜ = w · logit(pₜ) + (1 − w) · sₜ₋₁, s₀ = logit(p₀),
/// returned as probabilities. `weight` in (0, 1] is that of the newest week; 1 changes nothing. The value at a week
/// depends on that week and those before it alone. Probabilities are clipped to [2⁻⁵², 1 − 2⁻⁵²] first.
#[must_use]
pub fn smooth_logits(probabilities: &[f64], weight: f64) -> Vec<f64> {
    let mut smoothed = None;
    let next = |&p: &f64| {
        let logit = log_odds(p);
        let now = smoothed.map_or(logit, |before: f64| before + weight * (logit - before));
        smoothed = Some(now);
        sigmoid(now)
    };
    probabilities.iter().map(next).collect()
}
