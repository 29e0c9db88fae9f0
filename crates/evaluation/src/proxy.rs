//! Labels by proxy, for courses that are still running.
//!
//! A course's labels are known when it is over. Who wants to train on courses that are not, or to have anything at all
//! to train on in a first term, can let inactivity stand for dropout: [`proxy_label`] says *dropped out* of an enrolment
//! that has been inactive for at least N days at the instant the log was taken, *stayed* of one that has not and whose
//! course is almost over, and nothing of the others.
//!
//! # Where it goes wrong
//! - **Learners come back.** Whoever is inactive for N days in week 3 of 20 may yet finish: proxies overstate dropout, the
//!   more, the shorter N is and the longer the course has to go. And whoever has finished early is inactive too.
//! - **The label is made of an input.** Inactivity up to the instant the log was taken is what recency features tell a
//!   model at cut-offs near it, so a model would learn the rule and not the outcome. Only cut-offs that lie N days or
//!   more before that instant may be trained on: [`ProxyRule::allows_cutoff`].
//! - **Having a label is not random.** Inactive learners have one in every week, active ones only in the last
//!   weeks: among rows with a proxy dropouts are too many, and probabilities fitted on them too high. Recalibrate on
//!   courses that are over.
//!
//! So proxies are for training only. **No figure may be measured on them**: a report against proxies would say how well
//! inactivity forecasts inactivity.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Says from when on inactivity counts as dropout, and from when on activity counts as staying.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Numbers", into = "Numbers")]
pub struct ProxyRule(Numbers);

/// Holds the numbers of a rule, not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    inactive_days: f64,
    stayed_weeks_left: f64,
}

/// Says why numbers make no rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProxyRuleError {
    /// The days are no length of time.
    #[error("a proxy for dropout of {given} days without activity: give a number of days above 0")]
    InactiveDays {
        /// Days given.
        given: f64,
    },
    /// The weeks are none.
    #[error("active learners counted as staying from {given} weeks before the end: give 0 or more weeks")]
    StayedWeeksLeft {
        /// Weeks given.
        given: f64,
    },
}

impl ProxyRule {
    /// Makes a rule: dropout after `inactive_days` days of inactivity (above 0, finite); active learners count as staying once
    /// `stayed_weeks_left` weeks (0 or more, finite) or fewer are left of the course.
    ///
    /// # Errors
    /// [`ProxyRuleError`] if a number is out of range.
    pub fn new(inactive_days: f64, stayed_weeks_left: f64) -> Result<Self, ProxyRuleError> {
        if !(inactive_days > 0.0 && inactive_days.is_finite()) {
            return Err(ProxyRuleError::InactiveDays { given: inactive_days });
        }
        if !(stayed_weeks_left >= 0.0 && stayed_weeks_left.is_finite()) {
            return Err(ProxyRuleError::StayedWeeksLeft { given: stayed_weeks_left });
        }
        Ok(Self(Numbers { inactive_days, stayed_weeks_left }))
    }

    /// Returns the days of inactivity from which on an enrolment counts as dropped out.
    #[must_use]
    pub fn inactive_days(self) -> f64 {
        self.0.inactive_days
    }

    /// Returns the weeks left of a course from which on an active enrolment counts as staying.
    fn stayed_weeks_left(self) -> f64 {
        self.0.stayed_weeks_left
    }

    /// Tells whether a row with a cut-off so many days before the log was taken may be trained on with this rule's labels:
    /// the days whose inactivity makes the label must all lie after the cut-off.
    #[must_use]
    pub fn allows_cutoff(self, days_before_as_of: f64) -> bool {
        days_before_as_of >= self.inactive_days()
    }
}

impl TryFrom<Numbers> for ProxyRule {
    type Error = ProxyRuleError;

    fn try_from(numbers: Numbers) -> Result<Self, ProxyRuleError> {
        Self::new(numbers.inactive_days, numbers.stayed_weeks_left)
    }
}

impl From<ProxyRule> for Numbers {
    fn from(rule: ProxyRule) -> Self {
        rule.0
    }
}

impl fmt::Display for ProxyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Numbers { inactive_days, stayed_weeks_left } = self.0;
        write!(
            f,
            "by proxy: inactive for {inactive_days} days or more when the log was taken; staying if active with \
             {stayed_weeks_left} weeks or fewer left"
        )
    }
}

/// Returns the days without an event up to the instant the log was taken, for as long as there could have been one: counted from
/// the last event, the course's start or the learner's enrolment, whichever is latest.
///
/// `since_last_event` is `None` for an enrolment without an event, `since_enrolment` where the source has no day of
/// enrolment; `since_start` is days since the course's start. Negative before the course or the enrolment has begun.
#[must_use]
pub fn days_inactive(since_last_event: Option<f64>, since_start: f64, since_enrolment: Option<f64>) -> f64 {
    [since_last_event, since_enrolment].into_iter().flatten().fold(since_start, f64::min)
}

/// Tells whether an enrolment of a running course counts as dropped out, as things stood when the log was taken.
///
/// Returns `Some(true)` if it had been inactive for [`ProxyRule::inactive_days`] or more; else `Some(false)` if no more than
/// the rule's number of weeks of the course were left; else `None`. `days_inactive_at_as_of` comes
/// from [`days_inactive`]; `None` if that is negative. `weeks_left` runs from the instant the log was taken to the
/// course's end, and is negative after it and infinite where no end is known. `None` if either number is NaN.
///
/// ```
/// use staycast_evaluation::proxy::{ProxyRule, proxy_label};
///
/// let rule = ProxyRule::new(14.0, 1.0)?;
/// assert_eq!(proxy_label(20.0, 6.0, rule), Some(true));
/// assert_eq!(proxy_label(3.0, 6.0, rule), None); // active, but much can happen in six weeks
/// assert_eq!(proxy_label(3.0, 1.0, rule), Some(false));
/// # Ok::<(), staycast_evaluation::proxy::ProxyRuleError>(())
/// ```
#[must_use]
pub fn proxy_label(days_inactive_at_as_of: f64, weeks_left: f64, rule: ProxyRule) -> Option<bool> {
    if days_inactive_at_as_of.is_nan() || weeks_left.is_nan() || days_inactive_at_as_of < 0.0 {
        return None;
    }
    if days_inactive_at_as_of >= rule.inactive_days() {
        return Some(true);
    }
    (weeks_left <= rule.stayed_weeks_left()).then_some(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inactivity_is_dropout_and_activity_is_staying_near_the_end_only() {
        let rule = ProxyRule::new(14.0, 1.0).expect("a rule");
        for (inactive, left, expected) in [
            (14.0, 6.0, Some(true)),
            (13.99, 6.0, None),
            (13.99, 1.0, Some(false)),
            (0.0, 1.01, None),
            (0.0, -3.0, Some(false)),
            (30.0, -3.0, Some(true)),
            (-1.0, 12.0, None),
            (-1.0, 0.0, None),
            (20.0, f64::INFINITY, Some(true)),
            (2.0, f64::INFINITY, None),
            (f64::NAN, 0.0, None),
            (20.0, f64::NAN, None),
        ] {
            assert_eq!(proxy_label(inactive, left, rule), expected, "inactive for {inactive} days, {left} weeks left");
        }
    }

    #[test]
    fn nobody_is_inactive_before_there_was_anything_to_do() {
        // Enrolled a month before the start and clicked once then; the course is in its fifth day.
        assert_eq!(days_inactive(Some(30.0), 5.0, Some(31.0)), 5.0);
        // Joined late and has not begun.
        assert_eq!(days_inactive(None, 40.0, Some(3.0)), 3.0);
        assert_eq!(days_inactive(Some(2.0), 40.0, None), 2.0);
        assert_eq!(days_inactive(None, 40.0, None), 40.0);
        assert_eq!(days_inactive(None, -2.0, Some(9.0)), -2.0);
    }

    #[test]
    fn the_inactivity_that_makes_the_label_lies_after_the_cutoff() {
        let rule = ProxyRule::new(14.0, 1.0).expect("a rule");
        assert_eq!([13.9, 14.0, 28.0].map(|days| rule.allows_cutoff(days)), [false, true, true]);
    }

    #[test]
    fn rules_out_of_range_are_refused_also_when_read() {
        for (days, weeks, expected) in [
            (0.0, 1.0, "above 0"),
            (f64::NAN, 1.0, "NaN days"),
            (f64::INFINITY, 1.0, "inf days"),
            (7.0, -1.0, "-1 weeks"),
            (7.0, f64::NAN, "NaN weeks"),
        ] {
            let error = ProxyRule::new(days, weeks).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let rule = ProxyRule::new(10.5, 2.0).expect("a rule");
        let stored = serde_json::to_string(&rule).expect("JSON");
        assert_eq!(stored, r#"{"inactive_days":10.5,"stayed_weeks_left":2.0}"#);
        assert_eq!(serde_json::from_str::<ProxyRule>(&stored).expect("JSON"), rule);
        let negative = r#"{"inactive_days":-1.0,"stayed_weeks_left":2.0}"#;
        assert!(serde_json::from_str::<ProxyRule>(negative).expect_err("refused").to_string().contains("above 0"));
    }

    proptest! {
        #[test]
        fn more_inactivity_never_turns_dropout_into_staying(
            (less, more) in (0.0_f64..60.0, 0.0_f64..60.0).prop_map(|(a, b)| (a.min(b), a.max(b))),
            left in -5.0_f64..40.0,
            (days, weeks) in (0.1_f64..40.0, 0.0_f64..5.0),
        ) {
            let rule = ProxyRule::new(days, weeks).unwrap();
            let (before, after) = (proxy_label(less, left, rule), proxy_label(more, left, rule));
            prop_assert!(before != Some(true) || after == Some(true));
            prop_assert!(after != Some(false) || before == Some(false));
        }
    }
}
