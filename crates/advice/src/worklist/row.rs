//! Rows of a worklist, as files have them.

use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, CandidateForecast, Contact, Uplift};
use super::choose::{ChosenBy, Decision};
use super::rank::benefit;
use crate::reasons::{BehaviourReading, ExplainedLearner};

/// Bounds the reasons that a row tells.
const MOST_REASONS: usize = 3;

/// Names the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichList {
    /// Learners to contact.
    Act,
    /// Learners who do well and deserve a word.
    Praise,
}

impl WhichList {
    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Praise => "praise",
        }
    }
}

/// Says how far a row can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The forecast has reasons on which both methods agree.
    Usual,
    /// No reason is sure: look at the learner before you act.
    NoSureReason,
}

impl Confidence {
    /// Returns the name in files.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::NoSureReason => "no_sure_reason",
        }
    }
}

/// Holds one learner on a list. JSON lines have these fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorklistRow {
    /// Which list.
    pub list: WhichList,
    /// Place on it, from 1, among those of the same tutor.
    pub place: usize,
    /// Who looks after the learner.
    pub tutor: Option<String>,
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner.
    pub learner_id: String,
    /// The cut-off: weeks that the forecast rests on.
    pub week: u16,
    /// Calibrated probability of dropout.
    pub p_dropout: f64,
    /// The same a week before.
    pub p_before: Option<f64>,
    /// How far the row can be trusted.
    pub confidence: Confidence,
    /// Reasons for concern on the first list, what goes well on the second; the largest first.
    pub reasons: Vec<BehaviourReading>,
    /// How the forecast moved since the week before; `None` where it hardly did.
    pub change: Option<String>,
    /// Weeks left in the course.
    pub weeks_left: u16,
    /// Weeks after which the learner has more likely left than not.
    pub likely_left_after: Option<u16>,
    /// Days since the last visit.
    pub days_since_last: Option<f64>,
    /// Whether the rule of platforms names the learner: no visit for seven days.
    pub named_by_rule: bool,
    /// Contacts so far.
    pub contacts: Vec<Contact>,
    /// Why the place is this learner's; `None` for praise.
    pub selection: Option<ChosenBy>,
    /// The probability with which the learner was to get a place; 1 for praise.
    pub propensity: f64,
    /// Expected gain from contact: p (1 - p), or the estimated effect.
    pub benefit: f64,
    /// The estimated effect, where there is one.
    pub uplift: Option<Uplift>,
    /// Whether the run was fitted on this learner: such forecasts fit better than those of new learners.
    pub trained_on: bool,
    /// Action of the policy; `None` where no rule fits.
    pub action: Option<String>,
}

impl WorklistRow {
    /// Makes the row of a candidate who is on a list; `None` for others.
    #[must_use]
    pub fn new(candidate: &Candidate, decision: Decision, explained: Option<&ExplainedLearner>) -> Option<Self> {
        let forecast: &CandidateForecast = candidate.forecast.as_ref().ok()?;
        let (list, place, selection, propensity) = match decision {
            Decision::Act { place, selection, propensity } => (WhichList::Act, place, Some(selection), propensity),
            Decision::Praise { place } => (WhichList::Praise, place, None, 1.0),
            Decision::NoPlace { .. } | Decision::None(_) => return None,
        };
        let reasons: Vec<BehaviourReading> = explained.map_or_else(Vec::new, |one| match list {
            WhichList::Act => one.concerns().take(MOST_REASONS).cloned().collect(),
            WhichList::Praise => one.strengths().take(MOST_REASONS).cloned().collect(),
        });
        Some(Self {
            list,
            place,
            tutor: candidate.tutor.clone(),
            course_id: candidate.course_id.clone(),
            enrolment_id: candidate.enrolment_id.clone(),
            learner_id: candidate.learner_id.clone(),
            week: forecast.seen.weeks(),
            p_dropout: forecast.p_dropout,
            p_before: forecast.p_before,
            confidence: if reasons.is_empty() { Confidence::NoSureReason } else { Confidence::Usual },
            reasons,
            change: explained.and_then(ExplainedLearner::change),
            weeks_left: forecast.weeks_left,
            likely_left_after: forecast.likely_left_after,
            days_since_last: candidate.days_since_last,
            named_by_rule: candidate.is_named_by_rule(),
            contacts: candidate.contacts.clone(),
            selection,
            propensity,
            benefit: benefit(forecast),
            uplift: forecast.uplift,
            trained_on: candidate.trained_on,
            action: None,
        })
    }

    /// Returns the sentence of the main reason.
    #[must_use]
    pub fn reason(&self) -> String {
        match (self.reasons.first(), self.list) {
            (Some(reason), _) => reason.text.clone(),
            (None, WhichList::Act) => "no single reason is sure; look at the learner first".to_owned(),
            (None, WhichList::Praise) => "at less risk than the week before".to_owned(),
        }
    }

    /// Says how much time is left.
    #[must_use]
    pub fn time_left(&self) -> String {
        let weeks = |count: u16| if count == 1 { "1 week".to_owned() } else { format!("{count} weeks") };
        let left = format!("{} left", weeks(self.weeks_left));
        match self.likely_left_after {
            // The hazards are a model of their own: they are told where the forecast says the same.
            Some(after) if self.p_dropout >= 0.5 => format!("likely gone within {}; {left}", weeks(after)),
            Some(_) | None => left,
        }
    }
}
