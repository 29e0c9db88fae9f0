//! Reads the outcomes of those who were assigned from the sequences of a later log.

use std::collections::{BTreeMap, BTreeSet};

use staycast_sequences::{CutOff, Selection, SequenceFolder, WeekIndex};

use super::assignment::Assignment;
use super::error::ExperimentError;
use super::plan::Outcome;
use super::scores::ScoredEnrolment;

/// Names why an outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unknown {
    /// The week after the assignment is not over, or is after the week that was asked for.
    WeekNotOver,
    /// The course has no week after the assignment.
    NoWeekAfter,
    /// The label is not known yet.
    LabelNotKnown,
    /// The sequences lack the enrolment.
    NotInSequences,
}

impl Unknown {
    /// Returns the name as tables have it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::WeekNotOver => "week_not_over",
            Self::NoWeekAfter => "no_week_after",
            Self::LabelNotKnown => "label_not_known",
            Self::NotInSequences => "not_in_sequences",
        }
    }
}

/// Holds what is known of an enrolment afterwards, and what was known of it before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Observed {
    pub(super) active_next_week: Result<bool, Unknown>,
    pub(super) dropout: Result<bool, Unknown>,
    /// Events, active days and days since the last event of the week before the assignment; 0 where null.
    pub(super) before: [f64; 3],
}

impl Observed {
    /// Returns an outcome, or why it is not known.
    pub(super) fn outcome(&self, outcome: Outcome) -> Result<bool, Unknown> {
        match outcome {
            Outcome::ActiveNextWeek => self.active_next_week,
            Outcome::Dropout => self.dropout,
        }
    }
}

/// Lists the features that are read.
const FEATURES: [&str; 3] = ["n_events", "active_days", "days_since_last"];
/// Bounds the enrolments whose sequences are in memory at a time.
const ENROLMENTS_AT_A_TIME: usize = 50_000;

/// Names an enrolment, and the week after which it was looked at.
#[derive(Clone, Copy)]
pub(super) struct AfterWeek<'a> {
    pub(super) course_id: &'a str,
    pub(super) enrolment_id: &'a str,
    pub(super) week: u16,
}

impl<'a> From<&'a Assignment> for AfterWeek<'a> {
    fn from(row: &'a Assignment) -> Self {
        Self { course_id: &row.course_id, enrolment_id: &row.enrolment_id, week: row.week }
    }
}

impl<'a> From<&'a ScoredEnrolment> for AfterWeek<'a> {
    fn from(row: &'a ScoredEnrolment) -> Self {
        Self { course_id: &row.course_id, enrolment_id: &row.enrolment_id, week: row.week }
    }
}

/// Reads the outcomes of `enrolments`, in their order. With `as_of`, as they were known at the end of that week of each course.
pub(super) fn read_outcomes(
    enrolments: &[AfterWeek<'_>],
    folder: &SequenceFolder,
    as_of: Option<CutOff>,
) -> Result<Vec<Observed>, ExperimentError> {
    let missing = Err(Unknown::NotInSequences);
    let mut found = vec![Observed { active_next_week: missing, dropout: missing, before: [0.0; 3] }; enrolments.len()];
    let places: BTreeMap<(&str, &str), usize> =
        enrolments.iter().enumerate().map(|(place, row)| ((row.course_id, row.enrolment_id), place)).collect();
    let wanted: BTreeSet<&str> = enrolments.iter().map(|row| row.course_id).collect();
    let courses: Vec<String> =
        folder.course_ids()?.into_iter().filter(|course| wanted.contains(course.as_str())).collect();
    if courses.is_empty() {
        return Ok(found);
    }
    let last_week = enrolments.iter().map(|row| usize::from(row.week) + 1).max();
    let selection =
        Selection { courses: Some(courses), features: Some(FEATURES.map(str::to_owned).to_vec()), weeks: last_week };
    for part in folder.load_parts(&selection, ENROLMENTS_AT_A_TIME)? {
        let data = part?;
        let column = |name: &str| data.feature(name).expect("it was asked for");
        let columns = FEATURES.map(column);
        for enrolment in data.enrolment_indices() {
            let row = data.enrolment(enrolment);
            let course = data.course_of(enrolment);
            let Some(&place) = places.get(&(course.id.as_str(), row.id.as_str())) else { continue };
            let assigned = enrolments[place].week;
            let week_after = u32::from(assigned);
            let is_over = week_after < course.observed_weeks && as_of.is_none_or(|limit| assigned < limit.weeks());
            let active_next_week = if week_after >= course.weeks {
                Err(Unknown::NoWeekAfter)
            } else if is_over {
                let events = data.week(enrolment, WeekIndex::new(assigned))[columns[0]];
                if events.is_nan() { Err(Unknown::NotInSequences) } else { Ok(events > 0.0) }
            } else {
                Err(Unknown::WeekNotOver)
            };
            let is_label_due = as_of.is_none_or(|limit| u32::from(limit.weeks()) >= course.weeks);
            let dropout = row.dropout.filter(|_| is_label_due).ok_or(Unknown::LabelNotKnown);
            let mut before = [0.0; 3];
            if week_after <= course.weeks && assigned > 0 {
                let values = data.week(enrolment, WeekIndex::new(assigned - 1));
                for (value, &column) in before.iter_mut().zip(&columns) {
                    let read = f64::from(values[column]);
                    *value = if read.is_nan() { 0.0 } else { read };
                }
            }
            found[place] = Observed { active_next_week, dropout, before };
        }
    }
    Ok(found)
}

/// Reads what the last week seen tells of scored enrolments, in their order; `None` of those whom the sequences lack.
pub(super) fn read_before(
    scores: &[ScoredEnrolment],
    folder: &SequenceFolder,
) -> Result<Vec<Option<[f64; 3]>>, ExperimentError> {
    let enrolments: Vec<AfterWeek<'_>> = scores.iter().map(AfterWeek::from).collect();
    let is_there = |observed: &Observed| observed.active_next_week != Err(Unknown::NotInSequences);
    let before = |observed: Observed| is_there(&observed).then_some(observed.before);
    Ok(read_outcomes(&enrolments, folder, None)?.into_iter().map(before).collect())
}
