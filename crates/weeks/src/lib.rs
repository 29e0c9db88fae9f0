#![doc = include_str!("../README.md")]

mod cut_off_list;
mod exclusion;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::cut_off_list::CutOffList;
pub use self::exclusion::{Exclusion, SCORED, serialize_status, status};

/// Numbers a week of a course, from 0.
///
/// Week w holds the instants from the course's start + 7w days up to, not including, start + 7 (w + 1) days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WeekIndex(u16);

impl WeekIndex {
    /// Numbers a week, from 0.
    #[must_use]
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Numbers the week at `position` of a slice of weeks.
    ///
    /// # Panics
    /// When the position is past 65,535: no course has so many weeks.
    #[must_use]
    pub fn from_position(position: usize) -> Self {
        Self(u16::try_from(position).expect("a course has fewer than 65,536 weeks"))
    }

    /// Returns the number, from 0.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Returns the number as a place in a slice of weeks.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0 as usize
    }

    /// Returns the cut-off at the end of this week; `None` after the last week that can be numbered.
    #[must_use]
    pub const fn cut_off(self) -> Option<CutOff> {
        match self.0.checked_add(1) {
            Some(weeks) => Some(CutOff(weeks)),
            None => None,
        }
    }
}

/// Marks the instant up to which a forecast looks: the end of the last of the weeks that it sees.
///
/// "Week k" on the screen is the cut-off at the course's start + 7k days: weeks 0 to k − 1 are seen. A cut-off sees at
/// least one week.
// Not a `NonZeroU16`: rustc 1.95 compiles `Option<CutOff>::map(|one| one.min(other))` wrongly where 0 stands for `None`; it
// takes the least of two such numbers for one that is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct CutOff(u16);

impl CutOff {
    /// Makes the cut-off that sees the first `weeks` weeks; `None` for no weeks, or more than can be numbered.
    #[must_use]
    pub fn after_weeks(weeks: impl TryInto<u16>) -> Option<Self> {
        weeks.try_into().ok().filter(|&weeks| weeks > 0).map(Self)
    }

    /// Returns how many weeks are seen, at least 1.
    #[must_use]
    pub const fn weeks(self) -> u16 {
        self.0
    }

    /// Returns how many weeks are seen, as the length of a slice of weeks.
    #[must_use]
    pub const fn count(self) -> usize {
        self.0 as usize
    }

    /// Lists the weeks that are seen, the first one first.
    pub fn weeks_seen(self) -> impl DoubleEndedIterator<Item = WeekIndex> + Clone {
        (0..self.0).map(WeekIndex)
    }

    /// Lists the cut-offs up to `last`, the first one first.
    pub fn up_to(last: Self) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (0..last.0).map(|week| Self(week + 1))
    }

    /// Returns the last week that is seen.
    #[must_use]
    pub const fn last_week(self) -> WeekIndex {
        WeekIndex(self.0 - 1)
    }

    /// Tells whether `week` is over at this cut-off.
    #[must_use]
    pub const fn sees(self, week: WeekIndex) -> bool {
        week.0 < self.0
    }
}

impl TryFrom<u16> for CutOff {
    type Error = &'static str;

    fn try_from(weeks: u16) -> Result<Self, Self::Error> {
        Self::after_weeks(weeks).ok_or("a cut-off sees at least one week")
    }
}

impl From<CutOff> for u16 {
    fn from(cut_off: CutOff) -> Self {
        cut_off.0
    }
}

impl fmt::Display for WeekIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_sees_the_weeks_before_it() {
        let cut_off = CutOff::after_weeks(4).expect("four weeks");
        assert_eq!((cut_off.weeks(), cut_off.last_week().get()), (4, 3));
        assert_eq!(WeekIndex::new(3).cut_off(), Some(cut_off));
        assert!(CutOff::after_weeks(0).is_none(), "no weeks, no cut-off");
        assert!(CutOff::after_weeks(-1).is_none() && CutOff::after_weeks(1_u32 << 16).is_none());
        assert_eq!(cut_off.weeks_seen().map(WeekIndex::get).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(serde_json::from_str::<CutOff>("0").is_err());
        assert_eq!(serde_json::to_string(&cut_off).expect("a number"), "4");
        assert!(WeekIndex::new(u16::MAX).cut_off().is_none(), "no week after the last");
    }
}
