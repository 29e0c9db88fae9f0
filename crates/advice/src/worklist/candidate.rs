//! Who may get a place, with all that the choice rests on.

use serde::Serialize;
use staycast_weeks::{CutOff, Exclusion};

/// Counts the days without a visit from which on the rule of platforms names a learner: that of Open edX Aspects' "at risk"
/// learners, no visit for seven days.
pub const RULE_DAYS: f64 = 7.0;

/// Holds an enrolment with what is known of it at the cut-off.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner.
    pub learner_id: String,
    /// Who looks after the learner, where learners are dealt out.
    pub tutor: Option<String>,
    /// The forecast, or why there is none.
    pub forecast: Result<CandidateForecast, Exclusion>,
    /// Whether the run was fitted on this learner.
    pub trained_on: bool,
    /// Days since the last visit; `None` before the first.
    pub days_since_last: Option<f64>,
    /// Contacts so far, the latest last.
    pub contacts: Vec<Contact>,
    /// Whether the learner was on the list before.
    pub was_listed: Option<WasListed>,
}

/// Holds what a run says of an enrolment.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateForecast {
    /// Weeks that the forecast rests on.
    pub seen: CutOff,
    /// Calibrated probability of dropout.
    pub p_dropout: f64,
    /// The same a week before.
    pub p_before: Option<f64>,
    /// Whole weeks since the enrolment.
    pub weeks_in_course: u16,
    /// Weeks of the course's calendar that are left.
    pub weeks_left: u16,
    /// Weeks after which the learner has more likely left than not; `None` where the run has no hazards, or they say that the
    /// learner stays.
    pub likely_left_after: Option<u16>,
    /// Date of the cut-off, in days since 1970-01-01; `None` where the source has no dates.
    pub cut_off_day: Option<i64>,
    /// Estimated effect of contact, where there is one.
    pub uplift: Option<Uplift>,
    /// Log odds that both methods grant the largest reason for concern; `None` where none is sure. A message can name it.
    pub reason_size: Option<f64>,
}

/// Holds the estimated effect of contact on a learner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Uplift {
    /// Probability of the good outcome with contact, less that without.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// Describes a contact with a learner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Contact {
    /// Day, in days since 1970-01-01.
    pub day: i64,
    /// Kind of contact, in words.
    pub action: String,
}

/// Holds what an earlier list said of a learner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WasListed {
    /// Its week.
    pub week: u16,
    /// The probability then.
    pub p_dropout: f64,
}

impl Candidate {
    /// Tells whether the rule of platforms names the learner: no visit for seven days.
    #[must_use]
    pub fn is_named_by_rule(&self) -> bool {
        self.days_since_last.is_none_or(|days| days >= RULE_DAYS)
    }

    /// Tells whether the learner has visited since the list on which they were, and the forecast is no higher.
    #[must_use]
    pub fn is_back(&self) -> bool {
        let (Some(before), Ok(forecast)) = (self.was_listed, &self.forecast) else { return false };
        let days_since_list = 7.0 * f64::from(forecast.seen.weeks().saturating_sub(before.week));
        let has_visited = self.days_since_last.is_some_and(|days| days < days_since_list);
        has_visited && forecast.p_dropout <= before.p_dropout
    }
}
