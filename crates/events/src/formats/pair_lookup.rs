//! Finds an enrolment by its learner and course, for sources whose rows name both instead of an enrolment.

use rustc_hash::FxHashMap;

use crate::id_lookup::IdLookup;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::roster::Roster;

/// Makes the id of an enrolment that the source gives none.
pub(super) fn pair_id(course: &str, learner: &str) -> String {
    format!("{course}/{learner}")
}

/// Finds enrolments by course and learner, without allocating.
#[derive(Debug)]
pub(super) struct PairLookup {
    courses: FxHashMap<Box<[u8]>, CourseIndex>,
    /// By course: a lookup over its learners, and the roster's place of the first of them.
    learners: Vec<(IdLookup, u32)>,
}

impl PairLookup {
    pub(super) fn new(roster: &Roster) -> Self {
        let places = (0..).map(CourseIndex);
        let courses =
            roster.courses.iter().zip(places.clone()).map(|(course, place)| (course.id.as_bytes().into(), place));
        let mut learners = Vec::with_capacity(roster.courses.len());
        let mut first = 0;
        // The roster is ordered by course, so each course's enrolments stand together.
        for course in places.take(roster.courses.len()) {
            let count = roster.enrolments[first..].iter().take_while(|enrolment| enrolment.course == course).count();
            let ids = roster.enrolments[first..first + count].iter().map(|enrolment| enrolment.learner.as_bytes());
            learners.push((IdLookup::new(ids), first as u32));
            first += count;
        }
        Self { courses: courses.collect(), learners }
    }

    /// Returns the number of courses.
    pub(super) fn courses(&self) -> usize {
        self.learners.len()
    }

    /// Returns the course with this id.
    pub(super) fn course(&self, id: &[u8]) -> Option<CourseIndex> {
        self.courses.get(id).copied()
    }

    /// Returns the enrolment of `learner` in `course`.
    pub(super) fn enrolment(&self, course: CourseIndex, learner: &[u8]) -> Option<EnrolmentIndex> {
        let (learners, first) = &self.learners[course.as_usize()];
        learners.get(learner).map(|place| EnrolmentIndex(first + place))
    }
}
