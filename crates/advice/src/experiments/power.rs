//! The power of an experiment: the least effect that it finds, and the learners that an effect needs.
//!
//! Two shares are compared by the usual normal test (Fleiss, Levin & Paik 2003, chapter 4, without continuity correction).

use staycast_evaluation::metrics::normal::upper_quantile;

/// Describes a comparison of an arm with the holdout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Comparison {
    /// Level of the two-sided test.
    pub(super) alpha: f64,
    /// Probability that an effect of the least size is found.
    pub(super) power: f64,
    /// Share with the outcome in the holdout.
    pub(super) base_rate: f64,
    /// Share of the learners in the arm.
    pub(super) arm_share: f64,
    /// Share of the learners in the holdout.
    pub(super) holdout_share: f64,
    /// Times as many learners as with one look; 1 for one look.
    pub(super) inflation: f64,
}

impl Comparison {
    fn quantiles_squared(&self) -> f64 {
        (upper_quantile(self.alpha / 2.0) + upper_quantile(1.0 - self.power)).powi(2)
    }

    /// Computes the variance of the difference times the learners in all arms, at a difference of `effect`.
    fn variance(&self, effect: f64) -> f64 {
        let moved = self.base_rate + effect;
        self.base_rate * (1.0 - self.base_rate) / self.holdout_share + moved * (1.0 - moved) / self.arm_share
    }

    /// Computes the learners, of all arms together, that a difference of `effect` needs; the harder one of up and down.
    /// `None` where no share can differ so much from the base rate.
    #[must_use]
    pub(super) fn learners_for(&self, effect: f64) -> Option<u64> {
        let need = |effect: f64| {
            let moved = self.base_rate + effect;
            let learners = self.quantiles_squared() * self.inflation * self.variance(effect) / (effect * effect);
            (0.0..=1.0).contains(&moved).then_some(learners)
        };
        let (up, down) = (need(effect), need(-effect));
        up.into_iter()
            .chain(down)
            .reduce(f64::max)
            .filter(|learners| *learners < 1e15)
            .map(|learners| learners.ceil() as u64)
    }

    /// Computes the least effect that `learners` find with the power. `None` where they find none at all.
    #[must_use]
    pub(super) fn detectable(&self, learners: u64) -> Option<f64> {
        let greatest = self.base_rate.max(1.0 - self.base_rate);
        let finds = |effect: f64| self.learners_for(effect).is_some_and(|needed| needed <= learners);
        if !finds(greatest) {
            return None;
        }
        let (mut low, mut high) = (0.0, greatest);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if finds(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison() -> Comparison {
        Comparison { alpha: 0.05, power: 0.8, base_rate: 0.42, arm_share: 0.5, holdout_share: 0.5, inflation: 1.0 }
    }

    #[test]
    fn five_points_from_42_per_cent_need_about_1500_an_arm() {
        // statsmodels' unpooled normal test and hand: 7.8489 (0.2436 + 0.2491) / 0.0025 = 1,546.9 an arm.
        let needed = comparison().learners_for(0.05).expect("a number");
        assert_eq!(needed, 3_094);
        let seen = comparison().detectable(needed).expect("an effect");
        assert!((seen - 0.05).abs() < 1e-4, "{seen}");
    }

    #[test]
    fn a_small_holdout_and_looks_cost_learners() {
        let even = comparison().learners_for(0.05).expect("a number");
        let uneven = Comparison { arm_share: 0.9, holdout_share: 0.1, ..comparison() };
        assert!(uneven.learners_for(0.05).expect("a number") > 2 * even);
        let looks = Comparison { inflation: 1.2, ..comparison() };
        assert_eq!(looks.learners_for(0.05).expect("a number"), 3_713);
    }

    #[test]
    fn what_cannot_be_is_not_promised() {
        let rare = Comparison { base_rate: 0.02, ..comparison() };
        assert!(rare.learners_for(0.05).is_some(), "upwards it can be");
        assert_eq!(rare.learners_for(0.99), None);
        assert_eq!(comparison().detectable(3), None);
    }
}
