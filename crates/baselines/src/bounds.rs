//! Keeps the forecast of boosted trees to one direction of a column.
//!
//! A question about such a column lies between the values of its two sides: nothing below the one side may pass it, nor
//! anything below the other.

use crate::config::Direction;
use crate::histogram::{Cut, Least, Sums};

/// Holds what the values of a node's leaves must lie between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    /// Bounds nothing.
    pub(crate) const NONE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// Returns the nearest value within.
    pub(crate) fn nearest(self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
    }
}

/// Holds which columns have a direction, and in which units sums are counted.
pub(crate) struct Bounding<'a> {
    /// By column of the weekly inputs.
    pub(crate) directions: &'a [Option<Direction>],
    /// Slope of 1, in units of the sums.
    pub(crate) slope: f64,
    /// Curvature of 1, in units of the sums.
    pub(crate) curvature: f64,
    pub(crate) least: Least,
}

impl Bounding<'_> {
    /// Returns the direction of a position in the weeks laid side by side.
    pub(crate) fn direction(&self, position: u32) -> Option<Direction> {
        self.directions[position as usize % self.directions.len()]
    }

    /// Returns the best value within bounds for rows with these sums.
    fn value(&self, sums: Sums, bounds: Bounds) -> f64 {
        let slope = f64::from(sums.slope()) / self.slope;
        bounds.nearest(-slope / self.weight(sums))
    }

    fn weight(&self, sums: Sums) -> f64 {
        (f64::from(sums.curvature()) + f64::from(self.least.penalty)) / self.curvature
    }

    /// Computes what a value brings to rows with these sums, in the units of a cut's gain.
    fn gain_of(&self, sums: Sums, value: f64) -> f64 {
        let slope = f64::from(sums.slope()) / self.slope;
        let gain = -(2.0 * slope * value + self.weight(sums) * value * value);
        gain * self.slope * self.slope / self.curvature
    }

    /// Computes what the best value within bounds brings.
    pub(crate) fn gain(&self, sums: Sums, bounds: Bounds) -> f64 {
        self.gain_of(sums, self.value(sums, bounds))
    }

    /// Finds the cut of a column with the greatest gain, if it is above `than`; the first of equal ones.
    pub(crate) fn best(
        &self,
        bins: &[Sums],
        total: Sums,
        direction: Option<Direction>,
        bounds: Bounds,
        than: f32,
    ) -> Option<Cut> {
        let mut best: Option<Cut> = None;
        let mut left = Sums::default();
        for (bin, &here) in bins[..bins.len() - 1].iter().enumerate() {
            left = left.plus(here);
            let right = total.minus(left);
            if left.curvature().min(right.curvature()) < self.least.curvature {
                continue;
            }
            let (low, high) = (self.value(left, bounds), self.value(right, bounds));
            let against = match direction {
                Some(Direction::Rising) => low > high,
                Some(Direction::Falling) => low < high,
                None => false,
            };
            let gain = (self.gain_of(left, low) + self.gain_of(right, high)) as f32;
            if !against && gain > best.map_or(than, |best| best.gain) {
                best = Some(Cut { gain, bin: bin as u8 });
            }
        }
        best
    }

    /// Returns the bounds of both sides of a question about a column with this direction.
    pub(crate) fn sides(&self, direction: Option<Direction>, bounds: Bounds, left: Sums, right: Sums) -> [Bounds; 2] {
        let middle = f64::midpoint(self.value(left, bounds), self.value(right, bounds));
        let (below, above) = (Bounds { high: middle, ..bounds }, Bounds { low: middle, ..bounds });
        match direction {
            Some(Direction::Rising) => [below, above],
            Some(Direction::Falling) => [above, below],
            None => [bounds; 2],
        }
    }
}
