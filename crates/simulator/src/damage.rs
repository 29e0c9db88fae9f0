//! Broken rows: which row a damaged copy follows, and how it is damaged.
//!
//! A damaged row comes in addition to the row that it is a copy of, so it costs a reader nothing but its count, and the
//! truth stays true. Each sort has the one reason under which a reader is to reject it.

use crate::formats::Format;
use crate::random::Draws;

/// How a row is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The row ends early: too few fields, or an object that is never closed.
    Cut,
    /// Its time is one that does not exist.
    Time,
    /// It does not say who.
    Id,
}

impl Damage {
    pub(crate) const ALL: [Self; 3] = [Self::Cut, Self::Time, Self::Id];

    /// What the format's reader calls it. edX's logs are full of events of nobody, which are set aside and not rejected.
    pub(crate) const fn reason(self, format: Format) -> &'static str {
        match (self, format) {
            (Self::Cut, _) => "malformed",
            (Self::Time, _) => "bad_time",
            (Self::Id, Format::Edx) => "no_learner",
            (Self::Id, Format::Kdd2015 | Format::Oulad) => "missing_id",
        }
    }
}

/// Rows broken, by what readers are to call them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Broken {
    counts: [u64; Damage::ALL.len()],
}

impl Broken {
    pub(crate) fn count(&mut self, damage: Damage) {
        self.counts[damage as usize] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(other.counts) {
            *ours += theirs;
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reason under which the reader of that format counts them (`malformed`, `bad_time`, and `missing_id` or, for
    /// edX, `no_learner`), and how many there are.
    pub fn by_reason(&self, format: Format) -> impl Iterator<Item = (&'static str, u64)> {
        Damage::ALL.into_iter().map(move |damage| (damage.reason(format), self.counts[damage as usize]))
    }
}

/// Decides row by row. Takes a draw for each damaged row, none for the others.
#[derive(Debug)]
pub(crate) struct Damages {
    draws: Draws,
    share: f64,
    /// Rows until the next damaged one.
    until: u64,
}

impl Damages {
    pub(crate) fn new(draws: Draws, share: f64) -> Self {
        let mut damages = Self { draws, share, until: 0 };
        damages.until = damages.gap();
        damages
    }

    /// Rows that stay whole before the next damaged one: geometric.
    fn gap(&mut self) -> u64 {
        if self.share == 0.0 {
            return u64::MAX;
        }
        (self.draws.uniform().ln() / (-self.share).ln_1p()) as u64
    }

    /// How the copy that follows the next row is damaged, if one follows.
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
            let mut damages = Damages::new(Streams::new(1).damage(0, 0), share);
            let mut broken = Broken::default();
            let rows = 300_000;
            for _ in 0..rows {
                if let Some(damage) = damages.after_row() {
                    broken.count(damage);
                }
            }
            let expected = share * f64::from(rows);
            let found = broken.total() as f64;
            assert!((found - expected).abs() <= 5.0 * expected.sqrt(), "{share}: {found} of {expected}");
            for (reason, count) in broken.by_reason(Format::Kdd2015) {
                let third = expected / 3.0;
                assert!((count as f64 - third).abs() <= 5.0 * third.sqrt(), "{share}, {reason}: {count}");
            }
        }
    }
}
