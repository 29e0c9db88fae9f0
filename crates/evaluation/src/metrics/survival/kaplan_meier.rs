//! Kaplan–Meier curves: the share that has not left yet, as far as censoring lets it be known.

use serde::Serialize;

use super::error::SurvivalError;
use super::exit::{ExitTime, Instant, check_times, instants};
use crate::metrics::normal::Z_95;

/// Holds a point of a Kaplan–Meier curve, valid from this time until the next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KaplanMeierPoint {
    /// Weeks from the origin.
    pub weeks: f64,
    /// Observations not ended before this time.
    pub at_risk: u64,
    /// Dropouts at this time.
    pub dropouts: u64,
    /// Observations that ended at this time otherwise (censored or, in this curve, competing ends).
    pub censored: u64,
    /// Probability of not having dropped out by this time, this time included.
    pub survival: f64,
    /// Lower end of the 95 % interval; 1 before the first dropout, 0 where the curve is 0.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// Holds a Kaplan–Meier (1958) curve: a step function, right-continuous, 1 before its first point.
#[derive(Debug, Clone, PartialEq)]
pub struct KaplanMeier {
    points: Vec<KaplanMeierPoint>,
}

impl KaplanMeier {
    /// Computes the curve of dropout, one point a distinct time; competing ends count as censored. The interval is
    /// exp(−exp(ln(−ln S) ± 1.96 · √V / ln S)) with Greenwood's sum V = Σ d / (n (n − d)) (Kalbfleisch & Prentice 1980,
    /// the "log-log" interval), which stays inside [0, 1].
    ///
    /// # Errors
    /// [`SurvivalError::NotANumber`].
    pub fn new(exits: &[ExitTime]) -> Result<Self, SurvivalError> {
        check_times(exits)?;
        let of_dropout = |at: &Instant| (at.at_risk, at.dropouts);
        Ok(Self { points: curve(&instants(exits), of_dropout) })
    }

    /// Computes the curve of censoring, by which inverse weights are made: censoring is the event, and dropouts and competing
    /// ends at the same time come before it.
    pub(super) fn for_censoring(exits: &[ExitTime]) -> Self {
        let of_censoring = |at: &Instant| (at.at_risk - at.dropouts - at.competing, at.censored);
        Self { points: curve(&instants(exits), of_censoring) }
    }

    /// Returns the points, by time.
    #[must_use]
    pub fn points(&self) -> &[KaplanMeierPoint] {
        &self.points
    }

    /// Returns the probability of no event by this time, this time included.
    pub(crate) fn survival_at(&self, weeks: f64) -> f64 {
        let after = self.points.partition_point(|point| point.weeks <= weeks);
        after.checked_sub(1).map_or(1.0, |last| self.points[last].survival)
    }
}

fn curve(instants: &[Instant], risk_and_events: impl Fn(&Instant) -> (u64, u64)) -> Vec<KaplanMeierPoint> {
    let (mut survival, mut greenwood) = (1.0, 0.0);
    let point = |at: &Instant| {
        let (at_risk, events) = risk_and_events(at);
        if events > 0 {
            let (n, d) = (at_risk as f64, events as f64);
            survival *= 1.0 - d / n;
            greenwood += d / (n * (n - d));
        }
        let (low, high) = log_log_interval(survival, greenwood);
        let censored = at.dropouts + at.competing + at.censored - events;
        KaplanMeierPoint { weeks: at.weeks, at_risk: at.at_risk, dropouts: events, censored, survival, low, high }
    };
    instants.iter().map(point).collect()
}

fn log_log_interval(survival: f64, greenwood: f64) -> (f64, f64) {
    if survival >= 1.0 || survival <= 0.0 {
        return (survival, survival);
    }
    let log_survival = survival.ln();
    let spread = Z_95 * greenwood.sqrt() / log_survival;
    let end = |shift: f64| (-((-log_survival).ln() + shift).exp()).exp();
    // ln S is negative, so `spread` is too: adding it lowers the hazard.
    (end(-spread), end(spread))
}
