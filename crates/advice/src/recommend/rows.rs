//! The lists of all learners, in little room: what is written of them is made row by row.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;
use staycast_events::Roster;
use staycast_events::time::format_instant;

use super::History;
use super::course::Course;
use super::error::RecommendError;
use super::list::Why;
use super::snapshot::Snapshot;
use super::standing::Standing;
use super::weeks::Choice;

/// Says whether an enrolment has a list, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListStatus {
    /// It has one.
    Recommended,
    /// The learner has used everything that is released.
    NothingLeft,
    /// The enrolment was not known at the instant.
    NotYetKnown,
    /// The learner had withdrawn.
    Withdrawn,
    /// The course had not begun.
    CourseNotStarted,
    /// The course was over.
    CourseOver,
}

impl ListStatus {
    /// Returns the name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::NothingLeft => "nothing_left",
            Self::NotYetKnown => "not_yet_known",
            Self::Withdrawn => "withdrawn",
            Self::CourseNotStarted => "course_not_started",
            Self::CourseOver => "course_over",
        }
    }
}

/// Holds an item on a learner's list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Place among the course's items.
    pub(super) item: u32,
    pub(super) why: Why,
    pub(super) score: f64,
}

/// Holds one learner's list.
#[derive(Clone, Debug)]
pub(super) struct LearnerList {
    /// The enrolment.
    pub(super) enrolment: usize,
    pub(super) status: ListStatus,
    /// The best first.
    pub(super) items: Box<[Item]>,
}

impl LearnerList {
    pub(super) fn with(enrolment: usize, items: Box<[Item]>) -> Self {
        let status = if items.is_empty() { ListStatus::NothingLeft } else { ListStatus::Recommended };
        Self { enrolment, status, items }
    }

    pub(super) fn without(enrolment: usize, standing: Standing) -> Self {
        let status = match standing {
            Standing::Current => ListStatus::NothingLeft,
            Standing::NotYetKnown => ListStatus::NotYetKnown,
            Standing::Withdrawn => ListStatus::Withdrawn,
            Standing::CourseNotStarted => ListStatus::CourseNotStarted,
            Standing::CourseOver => ListStatus::CourseOver,
        };
        Self { enrolment, status, items: Box::default() }
    }
}

/// Describes how lists were made in one course.
#[derive(Clone, Debug, Serialize)]
pub struct CourseSummary {
    /// The course's id.
    pub course: String,
    /// The first instant of which nothing was used, `YYYY-MM-DDTHH:MM:SS`.
    pub until: String,
    /// The method that was chosen.
    pub method: &'static str,
    /// By method: the recall of lists in the last whole week, of the course and of those near to it, from which it was chosen.
    pub recall: BTreeMap<&'static str, f64>,
    /// Items that were known and released, as far as they were looked at.
    pub items: u64,
    /// Known items that were not looked at, as a course has too many.
    pub items_left_out: u64,
    /// Learners with a list.
    pub lists: u64,
}

impl CourseSummary {
    pub(super) fn new(
        history: &History<'_>,
        course: &Course,
        snapshot: &Snapshot<'_>,
        choice: &Choice,
        lists: &[LearnerList],
    ) -> Self {
        Self {
            course: history.source.roster.courses[course.place.as_usize()].id.clone(),
            until: format_instant(course.start + i64::from(snapshot.instant)),
            method: choice.chosen.method().name(),
            recall: choice.recall.iter().map(|&(method, recall)| (method.name(), recall)).collect(),
            items: snapshot.known.len() as u64,
            items_left_out: snapshot.left_out as u64,
            lists: lists.iter().filter(|list| list.status == ListStatus::Recommended).count() as u64,
        }
    }
}

/// Holds the lists of all learners: some 40 bytes an item, and the reasons as numbers.
pub struct Recommendations<'h> {
    pub(super) history: &'h History<'h>,
    /// By enrolment.
    pub(super) lists: Vec<LearnerList>,
    /// Enrolments by what became of them.
    pub statuses: BTreeMap<&'static str, u64>,
    /// How lists were made, of each course with some.
    pub courses: Vec<CourseSummary>,
}

/// Returns the places of enrolments by their ids, in order.
pub(super) fn find(roster: &Roster, ids: &[String]) -> Result<Vec<usize>, RecommendError> {
    let mut asked: FxHashMap<&str, (usize, bool)> =
        ids.iter().enumerate().rev().map(|(number, id)| (id.as_str(), (number + 1, false))).collect();
    let mut found = Vec::new();
    for place in roster.enrolments.places() {
        if let Some((_, is_found)) = asked.get_mut(roster.enrolments.id(place)) {
            *is_found = true;
            found.push(place);
        }
    }
    let missing = || asked.values().filter(|(_, is_found)| !is_found).map(|&(number, _)| number);
    match missing().min() {
        None => Ok(found),
        Some(first) => Err(RecommendError::UnknownEnrolments { count: missing().count(), first }),
    }
}
