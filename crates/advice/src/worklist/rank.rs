//! Who of those in the band comes first.

use std::cmp::Ordering;

use super::candidate::CandidateForecast;

/// Returns what a contact is expected to gain: the estimated effect or, before there is one, p (1 - p), with which the effect of a
/// given push on the log odds grows.
#[must_use]
pub fn benefit(forecast: &CandidateForecast) -> f64 {
    forecast.uplift.map_or(forecast.p_dropout * (1.0 - forecast.p_dropout), |uplift| uplift.effect)
}

/// Orders those who may get a place.
pub(super) struct Rank {
    /// Whose effect is estimated comes before those of whom nothing is known.
    is_estimated: bool,
    has_reason: bool,
    /// Whether the risk did not fall much since the week before.
    is_not_better: bool,
    /// Steps of p (1 - p) between which no difference matters.
    step: u32,
    reason_size: f64,
    benefit: f64,
}

/// Is the size of a step of p (1 - p): all from 40 % to 60 % are of one.
const STEP: f64 = 0.02;
/// Is the fall of a probability since the week before with which a learner comes after others.
const MUCH_BETTER: f64 = 0.1;

impl Rank {
    pub(super) fn of(forecast: &CandidateForecast) -> Self {
        let benefit = benefit(forecast);
        if forecast.uplift.is_some() {
            let (has_reason, is_not_better) = (false, false);
            return Self { is_estimated: true, has_reason, is_not_better, step: 0, reason_size: 0.0, benefit };
        }
        Self {
            is_estimated: false,
            has_reason: forecast.reason_size.is_some(),
            is_not_better: forecast.p_before.is_none_or(|before| before - forecast.p_dropout < MUCH_BETTER),
            step: (benefit / STEP) as u32,
            reason_size: forecast.reason_size.unwrap_or(0.0),
            benefit,
        }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let first = |one: &Self| (one.is_estimated, one.has_reason, one.is_not_better, one.step);
        let by_size = self.reason_size.total_cmp(&other.reason_size);
        first(self).cmp(&first(other)).then(by_size).then(self.benefit.total_cmp(&other.benefit))
    }
}
