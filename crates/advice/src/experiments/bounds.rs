//! Group-sequential bounds: how far from zero a statistic must be at each look, so that all looks together have one level.
//!
//! The level is spent as information comes in (Lan & DeMets 1983), on both sides alike. Bounds follow from the joint
//! distribution of the statistics, by the recursive integration of Jennison & Turnbull (2000), chapter 19, on their grid.

use serde::{Deserialize, Serialize};
use staycast_evaluation::metrics::normal::{density, upper_quantile, upper_tail};

/// Names how the level is spent over the information.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spending {
    /// Little early, nearly all at the end, as O'Brien & Fleming (1979): 2 − 2Φ(z / √t).
    #[default]
    ObrienFleming,
    /// Evenly, as Pocock (1977): α ln(1 + (e − 1) t).
    Pocock,
}

impl Spending {
    /// Computes the level spent on one side at the information fraction `t`, of `alpha` in all on that side.
    fn spent(self, alpha: f64, t: f64) -> f64 {
        let t = t.clamp(0.0, 1.0);
        if t <= 0.0 {
            return 0.0;
        }
        match self {
            Self::ObrienFleming => 2.0 * upper_tail(upper_quantile(alpha / 2.0) / t.sqrt()),
            Self::Pocock => alpha * (1.0 + (std::f64::consts::E - 1.0) * t).ln(),
        }
    }
}

/// Sets the density of the grid; gsDesign's default.
const GRID: usize = 18;
/// Sets the level below which nothing is spent at a look.
const LEAST_SPENT: f64 = 1e-14;

/// Holds how far an experiment has come at a look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Progress {
    /// Information, in any unit, increasing: how statistics depend on each other follows from its ratios.
    pub(super) information: f64,
    /// Share of the level that may be spent up to here, as the spending function takes it: the planned share of the information
    /// or, at the last look, 1.
    pub(super) time: f64,
}

/// Computes the bound of |Z| at each look: crossed by chance at any look with probability `alpha` at most. `None` where a look
/// has too little information for any level.
#[must_use]
pub(super) fn two_sided_bounds(spending: Spending, alpha: f64, looks: &[Progress]) -> Vec<Option<f64>> {
    let mut walk = Walk::new(0.0);
    let mut spent = 0.0;
    looks
        .iter()
        .map(|&Progress { information, time }| {
            let due = spending.spent(alpha / 2.0, time);
            let level = due - spent;
            if level < LEAST_SPENT {
                walk.go_on(information, f64::INFINITY);
                return None;
            }
            let bound = walk.bound(information, level);
            spent = due;
            walk.go_on(information, bound);
            Some(bound)
        })
        .collect()
}

/// Returns looks at these shares of the planned information.
#[must_use]
pub(super) fn as_planned(fractions: &[f64]) -> Vec<Progress> {
    fractions.iter().map(|&fraction| Progress { information: fraction, time: fraction }).collect()
}

/// Computes how many times as many learners an experiment with these looks needs as one with a single look, for the same power.
#[must_use]
pub(super) fn inflation(spending: Spending, alpha: f64, power: f64, fractions: &[f64]) -> f64 {
    let bounds = two_sided_bounds(spending, alpha, &as_planned(fractions));
    let reached = |drift: f64| {
        let mut walk = Walk::new(drift);
        for (&fraction, bound) in fractions.iter().zip(&bounds) {
            walk.go_on(fraction, bound.unwrap_or(f64::INFINITY));
        }
        1.0 - walk.mass()
    };
    let fixed = upper_quantile(alpha / 2.0) + upper_quantile(1.0 - power);
    let (mut low, mut high) = (fixed * 0.9, fixed * 2.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if reached(middle) < power {
            low = middle;
        } else {
            high = middle;
        }
    }
    (high / fixed).powi(2).max(1.0)
}

/// Holds the distribution of the statistic at the last look, of those that crossed no bound yet.
struct Walk {
    /// Mean of the statistic at information 1.
    drift: f64,
    /// Information fraction of the last look; 0 before the first.
    fraction: f64,
    /// Values of the statistic, and the density times the weight of integration at each.
    mass_at: Vec<(f64, f64)>,
}

impl Walk {
    fn new(drift: f64) -> Self {
        Self { drift, fraction: 0.0, mass_at: vec![(0.0, 1.0)] }
    }

    /// Returns mean and standard deviation of the statistic at `fraction` after the value `before`.
    fn next(&self, fraction: f64, before: f64) -> (f64, f64) {
        let gained = fraction - self.fraction;
        let mean = (before * self.fraction.sqrt() + self.drift * gained) / fraction.sqrt();
        (mean, (gained / fraction).sqrt())
    }

    /// Finds the bound that is crossed upwards for the first time at `fraction` with probability `level`.
    fn bound(&self, fraction: f64, level: f64) -> f64 {
        let crossed = |bound: f64| -> f64 {
            let tail = |&(before, mass): &(f64, f64)| {
                let (mean, deviation) = self.next(fraction, before);
                mass * upper_tail((bound - mean) / deviation)
            };
            self.mass_at.iter().map(tail).sum()
        };
        let (mut low, mut high) = (0.0, 40.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if crossed(middle) > level {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// Goes on to the look at `fraction`, with those whose statistic lies within `bound` of zero there.
    fn go_on(&mut self, fraction: f64, bound: f64) {
        let grid = grid(self.drift * fraction.sqrt(), bound);
        let density_at = |&(value, weight): &(f64, f64)| {
            let from = |&(before, mass): &(f64, f64)| {
                let (mean, deviation) = self.next(fraction, before);
                mass * density((value - mean) / deviation) / deviation
            };
            (value, weight * self.mass_at.iter().map(from).sum::<f64>())
        };
        self.mass_at = grid.iter().map(density_at).collect();
        self.fraction = fraction;
    }

    /// Returns the probability of having crossed no bound.
    fn mass(&self) -> f64 {
        self.mass_at.iter().map(|(_, mass)| mass).sum()
    }
}

/// Lists points around `mean` and within `bound` of zero, with the weights of Simpson's rule (Jennison & Turnbull 2000,
/// section 19.2).
fn grid(mean: f64, bound: f64) -> Vec<(f64, f64)> {
    let r = GRID as f64;
    let point = |i: usize| {
        let at = i as f64;
        mean + match i {
            _ if i < GRID => -3.0 - 4.0 * (r / at).ln(),
            _ if i <= 5 * GRID => -3.0 + 3.0 * (at - r) / (2.0 * r),
            _ => 3.0 + 4.0 * (r / (6.0 * r - at)).ln(),
        }
    };
    let mut ends: Vec<f64> = (1..6 * GRID).map(point).filter(|at| at.abs() < bound).collect();
    if bound.is_finite() {
        let outermost = mean.abs() + 3.0 + 4.0 * r.ln();
        ends.insert(0, (-bound).max(-outermost));
        ends.push(bound.min(outermost));
    }
    let mut points = Vec::with_capacity(2 * ends.len());
    for pair in ends.windows(2) {
        let width = pair[1] - pair[0];
        points.push((pair[0], width / 6.0));
        points.push((f64::midpoint(pair[0], pair[1]), width * 4.0 / 6.0));
        points.push((pair[1], width / 6.0));
    }
    points
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Fixture {
        bounds: Vec<BoundsCase>,
        power: Vec<PowerCase>,
    }

    #[derive(Deserialize)]
    struct BoundsCase {
        spending: Spending,
        alpha: f64,
        fractions: Vec<f64>,
        /// Where they differ from the fractions.
        times: Option<Vec<f64>>,
        bounds: Vec<f64>,
    }

    #[derive(Deserialize)]
    struct PowerCase {
        spending: Spending,
        alpha: f64,
        power: f64,
        fractions: Vec<f64>,
        inflation: f64,
    }

    /// Compares with bounds that scripts/references/sequential_bounds.py found with the PyPI package gsdesign.
    #[test]
    fn bounds_and_power_agree_with_gsdesign() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../tests/fixtures/sequential_bounds.json")).expect("a fixture");
        assert!(fixture.bounds.len() >= 8 && fixture.power.len() >= 4);
        for case in &fixture.bounds {
            let times = case.times.as_ref().unwrap_or(&case.fractions);
            let looks = case.fractions.iter().zip(times);
            let looks: Vec<Progress> =
                looks.map(|(&information, &time)| Progress { information: 2_000.0 * information, time }).collect();
            let found = two_sided_bounds(case.spending, case.alpha, &looks);
            for (found, expected) in found.iter().zip(&case.bounds) {
                let found = found.expect("a bound");
                assert!(
                    (found - expected).abs() < 5e-6,
                    "{:?} {:?}: {found}, {expected}",
                    case.spending,
                    case.fractions
                );
            }
        }
        for case in &fixture.power {
            let found = inflation(case.spending, case.alpha, case.power, &case.fractions);
            assert!((found - case.inflation).abs() < 1e-5, "{found}, expected {}", case.inflation);
        }
    }

    #[test]
    fn bounds_are_the_published_ones() {
        // Reboussin, DeMets, Kim & Lan (2000), Controlled Clinical Trials 21: five equal looks, two-sided 0.05.
        let fifths = [0.2, 0.4, 0.6, 0.8, 1.0];
        let published = [
            (Spending::ObrienFleming, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
            (Spending::Pocock, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
        ];
        for (spending, expected) in published {
            for (found, expected) in two_sided_bounds(spending, 0.05, &as_planned(&fifths)).into_iter().zip(expected) {
                assert!((found.expect("a bound") - expected).abs() < 2e-4, "{found:?}, published {expected}");
            }
        }
    }

    #[test]
    fn one_look_is_the_plain_test_and_too_little_information_has_no_bound() {
        let only = two_sided_bounds(Spending::Pocock, 0.05, &as_planned(&[1.0]));
        assert!((only[0].expect("a bound") - 1.959_963_985).abs() < 1e-8);
        assert!((inflation(Spending::ObrienFleming, 0.05, 0.8, &[1.0]) - 1.0).abs() < 1e-3);
        let early = two_sided_bounds(Spending::ObrienFleming, 0.05, &as_planned(&[0.01, 1.0]));
        assert_eq!(early[0], None);
        assert!((early[1].expect("a bound") - 1.959_963_985).abs() < 1e-6);
    }
}
