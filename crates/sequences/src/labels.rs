//! Defines what counts as dropout (docs/definitions.md).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use staycast_weeks::CutOff;

use crate::grid::{WEEK_DAYS, WeekGrid};

/// Says who dropped out. Positive always means dropout.
///
/// As text: `inactive-last N` (N weeks; `inactive-last` alone is 2), `no-activity-after D` (D days), `withdrawn`,
/// `withdrawn-or-failed`, `not-completed`, `labels-file`. A space, `=` or `:` may stand before the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DropoutRule {
    /// No event in the calendar's last weeks.
    InactiveLast {
        /// Number of weeks.
        weeks: u32,
    },
    /// No event in the days after the calendar's end.
    NoActivityAfter {
        /// Number of days.
        days: u32,
    },
    /// The source says that the learner withdrew.
    Withdrawn,
    /// The source says that the learner withdrew or failed.
    WithdrawnOrFailed,
    /// The source has no completion record.
    NotCompleted,
    /// A file says so.
    LabelsFile,
}

/// Counts the days after a course's end until a labels file is taken to be known: such a file does not say when it was
/// made.
const LABELS_FILE_LAG_DAYS: u32 = 14;

/// Holds text that is not a [`DropoutRule`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a dropout rule; use inactive-last N (weeks), no-activity-after D (days), withdrawn, \
     withdrawn-or-failed, not-completed or labels-file"
)]
pub struct UnknownRule(String);

impl FromStr for DropoutRule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let unknown = || UnknownRule(text.to_owned());
        let mut parts = text.split([' ', '=', ':']).filter(|part| !part.is_empty());
        let name = parts.next().ok_or_else(unknown)?;
        let number = parts
            .next()
            .map(|digits| digits.parse::<u32>().ok().filter(|&number| number > 0).ok_or_else(unknown))
            .transpose()?;
        if parts.next().is_some() {
            return Err(unknown());
        }
        match (name, number) {
            ("inactive-last", weeks) => Ok(Self::InactiveLast { weeks: weeks.unwrap_or(2) }),
            ("no-activity-after", days) => Ok(Self::NoActivityAfter { days: days.unwrap_or(10) }),
            ("withdrawn", None) => Ok(Self::Withdrawn),
            ("withdrawn-or-failed", None) => Ok(Self::WithdrawnOrFailed),
            ("not-completed", None) => Ok(Self::NotCompleted),
            ("labels-file", None) => Ok(Self::LabelsFile),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DropoutRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InactiveLast { weeks } => write!(f, "inactive-last {weeks}"),
            Self::NoActivityAfter { days } => write!(f, "no-activity-after {days}"),
            Self::Withdrawn => f.write_str("withdrawn"),
            Self::WithdrawnOrFailed => f.write_str("withdrawn-or-failed"),
            Self::NotCompleted => f.write_str("not-completed"),
            Self::LabelsFile => f.write_str("labels-file"),
        }
    }
}

impl TryFrom<String> for DropoutRule {
    type Error = UnknownRule;

    fn try_from(text: String) -> Result<Self, UnknownRule> {
        text.parse()
    }
}

impl From<DropoutRule> for String {
    fn from(rule: DropoutRule) -> Self {
        rule.to_string()
    }
}

impl DropoutRule {
    /// Tells whether the rule rests on an outcome that the source records, rather than on activity.
    #[must_use]
    pub const fn rests_on_outcomes(self) -> bool {
        matches!(self, Self::Withdrawn | Self::WithdrawnOrFailed | Self::NotCompleted)
    }

    /// Returns how many days after a course's end its labels are known.
    #[must_use]
    pub const fn days_until_known(self) -> u32 {
        match self {
            Self::NoActivityAfter { days } => days,
            Self::LabelsFile => LABELS_FILE_LAG_DAYS,
            _ => 0,
        }
    }

    /// Returns the latest cut-off at which a forecast does not overlap the label's own window, for a course cut into
    /// `weeks`: at a later one part of the answer would already be seen. `None` where there is no such cut-off.
    #[must_use]
    pub fn last_cut_off(self, weeks: WeekGrid) -> Option<CutOff> {
        match self {
            Self::InactiveLast { weeks: last } => {
                weeks.over_by(weeks.days().saturating_sub(WEEK_DAYS.saturating_mul(last)))
            }
            _ => CutOff::after_weeks(weeks.count()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_and_print() {
        for (text, rule) in [
            ("inactive-last", DropoutRule::InactiveLast { weeks: 2 }),
            ("inactive-last 3", DropoutRule::InactiveLast { weeks: 3 }),
            ("inactive-last=3", DropoutRule::InactiveLast { weeks: 3 }),
            ("no-activity-after:10", DropoutRule::NoActivityAfter { days: 10 }),
            ("withdrawn-or-failed", DropoutRule::WithdrawnOrFailed),
        ] {
            assert_eq!(text.parse(), Ok(rule));
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        for text in ["", "inactive-last 0", "withdrawn 3", "inactive-last 2 3", "gone"] {
            assert!(text.parse::<DropoutRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_cutoff_stops_where_the_label_window_opens() {
        let rule = DropoutRule::InactiveLast { weeks: 2 };
        let last = |rule: DropoutRule, days, week_ending| {
            let weeks = WeekGrid::for_course(0, days, None, week_ending);
            rule.last_cut_off(weeks).map(CutOff::weeks)
        };
        assert_eq!(last(rule, 84, None), Some(10));
        assert_eq!(last(rule, 30, None), Some(2));
        assert_eq!(last(DropoutRule::LabelsFile, 30, None), Some(5));
        // Weeks of 2, 7, 7, 7, 7 days: the window opens on day 16, when three are over; of 4, 7, 7, 7, 5: two.
        assert_eq!(last(rule, 30, Some(1)), Some(3));
        assert_eq!(last(rule, 30, Some(3)), Some(2));
    }
}
