//! Broken rows: after which rows a damaged copy follows, and how it is damaged.
//!
//! A damaged copy comes in addition to the row that it copies. A reader that rejects it therefore loses nothing, and the
//! true probabilities stay true. Each kind of damage has one reason under which a reader must reject it.

use crate::format::SimulatedFormat;
use crate::random::Draws;

/// Names how a row is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The row ends early: too few fields, or an object that is never closed.
    Cut,
    /// The time does not exist.
    Time,
    /// The learner is missing.
    Id,
}

impl Damage {
    /// Lists every kind of damage.
    pub(crate) const ALL: [Self; 3] = [Self::Cut, Self::Time, Self::Id];

    /// Names the reason under which the format's reader counts the row. A reader of edX's logs sets rows without a learner
    /// aside, as real logs hold many.
    pub(crate) const fn reason(self, format: SimulatedFormat) -> &'static str {
        match (self, format) {
            (Self::Cut, _) => "malformed",
            (Self::Time, _) => "bad_time",
            (Self::Id, SimulatedFormat::Edx) => "no_learner",
            (Self::Id, SimulatedFormat::Kdd2015 | SimulatedFormat::Oulad) => "missing_id",
        }
    }
}

/// Counts broken rows by kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BrokenRows {
    counts: [u64; Damage::ALL.len()],
}

impl BrokenRows {
    /// Counts a row.
    pub(crate) fn count(&mut self, damage: Damage) {
        self.counts[damage as usize] += 1;
    }

    /// Adds the counts of other rows.
    pub(crate) fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(other.counts) {
            *ours += theirs;
        }
    }

    /// Lists the reasons under which the reader of `format` counts broken rows, with their numbers. They are `malformed`,
    /// `bad_time`, and `missing_id` or, for edX, `no_learner`.
    pub(crate) fn by_reason(&self, format: SimulatedFormat) -> impl Iterator<Item = (&'static str, u64)> {
        Damage::ALL.into_iter().map(move |damage| (damage.reason(format), self.counts[damage as usize]))
    }
}

/// Decides row by row whether a damaged copy follows. Uses random draws for damaged rows only.
#[derive(Debug)]
pub(crate) struct DamageDraws {
    draws: Draws,
    share: f64,
    /// Rows until the next damaged copy.
    until: u64,
}

impl DamageDraws {
    pub(crate) fn new(draws: Draws, share: f64) -> Self {
        let mut damage_draws = Self { draws, share, until: 0 };
        damage_draws.until = damage_draws.gap();
        damage_draws
    }

    /// Draws the number of whole rows before the next damaged copy, from a geometric distribution.
    fn gap(&mut self) -> u64 {
        if self.share == 0.0 {
            return u64::MAX;
        }
        (self.draws.uniform().ln() / (-self.share).ln_1p()) as u64
    }

    /// Moves on by a row; returns the damage of the copy that follows it, if one does.
    #[inline]
    pub(crate) fn after_row(&mut self) -> Option<Damage> {
        if self.until > 0 {
            self.until -= 1;
            return None;
        }
        self.until = self.gap();
        Some(Damage::ALL[self.draws.below(Damage::ALL.len() as u32) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Streams;

    #[test]
    fn the_share_asked_for_is_damaged_in_every_way() {
        for share in [0.0, 0.001, 0.02, 0.5] {
            let mut damage_draws = DamageDraws::new(Streams::new(1).damage(0, 0), share);
            let mut broken = BrokenRows::default();
            let rows = 300_000;
            for _ in 0..rows {
                if let Some(damage) = damage_draws.after_row() {
                    broken.count(damage);
                }
            }
            let expected = share * f64::from(rows);
            let found = broken.by_reason(SimulatedFormat::Kdd2015).map(|(_, count)| count).sum::<u64>() as f64;
            assert!((found - expected).abs() <= 5.0 * expected.sqrt(), "{share}: {found} of {expected}");
            for (reason, count) in broken.by_reason(SimulatedFormat::Kdd2015) {
                let third = expected / 3.0;
                assert!((count as f64 - third).abs() <= 5.0 * third.sqrt(), "{share}, {reason}: {count}");
            }
        }
    }
}
