//! Finds an enrolment by its learner and course, for sources whose rows name both instead of an enrolment.

use rustc_hash::FxHashMap;

use crate::roster::{EnrolmentIndex, Roster};

/// The id of an enrolment that the source gives none.
pub(super) fn pair_id(course: &str, learner: &str) -> String {
    format!("{course}/{learner}")
}

/// Enrolments by course and learner. No allocation on the way to an answer.
#[derive(Debug)]
pub(super) struct PairIndex {
    courses: FxHashMap<Box<[u8]>, u32>,
    /// By course: an index over its learners, and the roster's place of the first of them.
    learners: Vec<(EnrolmentIndex, u32)>,
}

impl PairIndex {
    pub(super) fn new(roster: &Roster) -> Self {
        let courses =
            roster.courses.iter().zip(0..).map(|(course, place)| (course.id.as_bytes().into(), place)).collect();
        let mut learners = Vec::with_capacity(roster.courses.len());
        let mut first = 0;
        // The roster is ordered by course, so each course's enrolments stand together.
        for course in 0..roster.courses.len() as u32 {
            let count = roster.enrolments[first..].iter().take_while(|enrolment| enrolment.course == course).count();
            let ids = roster.enrolments[first..first + count].iter().map(|enrolment| enrolment.learner.as_bytes());
            learners.push((EnrolmentIndex::of(ids), first as u32));
            first += count;
        }
        Self { courses, learners }
    }

    /// Number of courses.
    pub(super) fn courses(&self) -> usize {
        self.learners.len()
    }

    /// Place of the course in the roster.
    pub(super) fn course(&self, id: &[u8]) -> Option<u32> {
        self.courses.get(id).copied()
    }

    /// Place in the roster of the enrolment of `learner` in the course at place `course`.
    pub(super) fn enrolment(&self, course: u32, learner: &[u8]) -> Option<u32> {
        let (index, first) = &self.learners[course as usize];
        index.get(learner).map(|place| first + place)
    }
}
