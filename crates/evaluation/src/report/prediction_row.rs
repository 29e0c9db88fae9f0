//! Prediction rows, which reports are made of.

use staycast_weeks::{CutOff, Exclusion};

/// Holds one enrolment at the end of one week, with its prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictionRow {
    /// Enrolment number, the same at every week: an index into the tables of [`Extras`](super::Extras), where there are any.
    pub enrolment: u32,
    /// Course number: an index into [`EvaluationRequest::course_names`](super::EvaluationRequest::course_names).
    pub course: u32,
    /// Learner number, the same in all of a learner's courses: the unit the bootstrap draws.
    pub learner: u32,
    /// Cut-off at which the prediction is made.
    pub week: CutOff,
    /// Score before calibration, higher for likelier dropout. Ignored where the row is excluded.
    pub score: f64,
    /// Calibrated probability of dropout. Ignored where the row is excluded.
    pub p: f64,
    /// True for dropout, where known.
    pub label: Option<bool>,
    /// True if known by the cut-off: in cohort `all`.
    pub known: bool,
    /// True if the learner has not left by the cut-off: in cohort `active`, if also known.
    pub active: bool,
    /// Days from the last activity to the cut-off; `None` if never active.
    pub days_since_last: Option<f64>,
    /// The reason for no score, if there is none.
    pub exclusion: Option<Exclusion>,
}

impl PredictionRow {
    /// Returns the label of a row that is in cohort `all`, or the reason why it is not. A reason given goes before one
    /// found.
    ///
    /// # Errors
    /// The reason.
    pub fn place(&self) -> Result<bool, Exclusion> {
        match (self.exclusion, self.known, self.label) {
            (Some(reason), _, _) => Err(reason),
            (None, false, _) => Err(Exclusion::NotYetKnown),
            (None, true, None) => Err(Exclusion::LabelUnknown),
            (None, true, Some(label)) => Ok(label),
        }
    }
}
