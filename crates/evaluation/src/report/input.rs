//! What a report is made from, and the checks on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_weeks::{CutOff, Exclusion};

use super::{Extras, RecencyBaseline, ReportError, Resampling};
use crate::splits::SplitKind;

/// One enrolment at the end of one week, with its prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictionRow {
    /// Enrolment number, the same at every week: an index into the tables of [`Extras`], where there are any.
    pub enrolment: u32,
    /// Course number: an index into [`EvaluationRequest::course_names`].
    pub course: u32,
    /// Learner number, the same in all of a learner's courses: the unit the bootstrap draws.
    pub learner: u32,
    /// Cut-off at which the prediction is made.
    pub week: CutOff,
    /// Score before calibration, higher for likelier dropout. Not looked at where the row is excluded.
    pub score: f64,
    /// Calibrated probability of dropout. Not looked at where the row is excluded.
    pub p: f64,
    /// Dropout, where known.
    pub label: Option<bool>,
    /// Known by the cut-off: in cohort `all`.
    pub known: bool,
    /// Not yet gone at the cut-off: in cohort `active`, if also known.
    pub active: bool,
    /// Days from the last activity to the cut-off; `None` if never active.
    pub days_since_last: Option<f64>,
    /// Why the row is not scored, if it is not.
    pub exclusion: Option<Exclusion>,
}

impl PredictionRow {
    /// The label of a row that is in cohort `all`, or why it is not. A reason given goes before one found.
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

/// What the training side says about one week, stored with the run: nothing in a report is fitted on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekReference {
    /// The model flags rows with `p >= threshold`.
    pub threshold: f64,
    /// Share of dropouts among the training side's rows known at this week.
    pub training_base_rate: f64,
    /// The recency baseline, if the training side allowed a fit.
    pub recency: Option<RecencyBaseline>,
}

/// What is to be reported.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationRequest<'a> {
    /// One row an enrolment and week, in any order.
    pub rows: &'a [PredictionRow],
    /// Cut-off that the report is about.
    pub week: CutOff,
    /// The last week whose cut-off comes before the label window opens, if labels are made from a window of the log;
    /// later weeks are refused.
    pub last_allowed_week: Option<u16>,
    /// What counts as dropout, as the run names it.
    pub label_rule: &'a str,
    /// What the test measures.
    pub kind: SplitKind,
    /// By week.
    pub references: &'a BTreeMap<CutOff, WeekReference>,
    /// Course identifiers, by course number.
    pub course_names: &'a [String],
    /// Whether and how to bootstrap.
    pub resampling: Resampling,
    /// How often this test part has been evaluated, this time included, if known.
    pub evaluations_of_this_part: Option<u32>,
    /// What else the report may be made from; `Extras::default()` for nothing.
    pub extras: Extras<'a>,
}

pub(super) fn check_rows(request: &EvaluationRequest<'_>) -> Result<(), ReportError> {
    for (row, about) in request.rows.iter().enumerate() {
        let week = about.week;
        let names = request.course_names.len();
        if about.course as usize >= names {
            return Err(ReportError::UnnamedCourse { row, course: about.course, names });
        }
        if about.place().is_err() {
            continue;
        }
        if about.score.is_nan() {
            return Err(ReportError::NanScore { row, week });
        }
        if !(0.0..=1.0).contains(&about.p) {
            return Err(ReportError::NotAProbability { row, week, value: about.p });
        }
        let days = about.days_since_last.filter(|days| !(0.0..f64::INFINITY).contains(days));
        if let Some(value) = days {
            return Err(ReportError::DaysOutOfRange { row, week, value });
        }
    }
    let enrolments = request.rows.iter().map(|row| row.enrolment as usize + 1).max().unwrap_or(0);
    request.extras.check(request.rows.len(), enrolments)?;
    for (&week, reference) in request.references {
        let value = reference.training_base_rate;
        if !(0.0..=1.0).contains(&value) {
            return Err(ReportError::BaseRateOutOfRange { week, value });
        }
    }
    Ok(())
}
