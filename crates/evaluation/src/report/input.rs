//! Inputs of a report, and the checks on them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use super::error::ReportError;
use super::extras::Extras;
use super::prediction_row::PredictionRow;
use super::recency::RecencyBaseline;
use super::resampling::Resampling;
use crate::splits::SplitKind;

/// Holds what was fitted for one week on the training set, stored with the run: nothing in a report is fitted on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekReference {
    /// The model flags rows with `p >= threshold`.
    pub threshold: f64,
    /// Share of dropouts among the rows of the training set known at this week.
    pub training_base_rate: f64,
    /// The recency baseline, if the training set allowed a fit.
    pub recency: Option<RecencyBaseline>,
}

/// Asks for a report.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationRequest<'a> {
    /// One row an enrolment and week, in any order.
    pub rows: &'a [PredictionRow],
    /// Cut-off that the report is about.
    pub week: CutOff,
    /// The last week whose cut-off comes before the label window opens, if labels are made from a window of the log;
    /// later weeks are refused.
    pub last_allowed_week: Option<u16>,
    /// The rule that defines dropout, as the run names it.
    pub label_rule: &'a str,
    /// Kind of the test.
    pub kind: SplitKind,
    /// By week.
    pub references: &'a BTreeMap<CutOff, WeekReference>,
    /// Course identifiers, by course number.
    pub course_names: &'a [String],
    /// Bootstrap to run, if any.
    pub resampling: Resampling,
    /// Number of times that this test part has been evaluated, this time included, if known.
    pub evaluations_of_this_part: Option<u32>,
    /// Optional inputs; `Extras::default()` for none.
    pub extras: Extras<'a>,
}

/// Checks every row, the optional inputs and the references.
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

/// Checks that the asked week has rows and references, and lies before the label window.
pub(super) fn check_asked_week(request: &EvaluationRequest<'_>) -> Result<(), ReportError> {
    let week = request.week;
    if let Some(last_allowed_week) = request.last_allowed_week.filter(|&last| week.weeks() > last) {
        return Err(ReportError::WeekInsideLabelWindow { week, last_allowed_week });
    }
    let present = weeks_present(request);
    if !present.contains(&week) {
        return Err(ReportError::NoRowsAtWeek { week: week.weeks(), present: present.into_iter().collect() });
    }
    if !request.references.contains_key(&week) {
        return Err(ReportError::NoReference { week, present: request.references.keys().copied().collect() });
    }
    Ok(())
}

/// Lists the weeks that have rows.
pub(super) fn weeks_present(request: &EvaluationRequest<'_>) -> BTreeSet<CutOff> {
    request.rows.iter().map(|row| row.week).collect()
}
