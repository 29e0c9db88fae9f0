//! Finds an enrolment by the course and the learner that a row names.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::checked_mapping::CheckedMapping;
use crate::formats::pair_lookup::PairLookup;
use crate::id_lookup::{IdList, IdLookup};
use crate::index::EnrolmentIndex;
use crate::names::NameList;
use crate::roster::Roster;
use crate::time::format_date;

/// Stands between a course's id and the day on which a run of it begins.
const BEFORE_DAY: char = '@';

/// Makes the id of the run of `course` that begins on `start_day`.
pub(super) fn run_id(course: &str, start_day: i32) -> String {
    format!("{course}{BEFORE_DAY}{}", format_date(start_day))
}

/// Finds enrolments by the course and learner that rows name.
#[derive(Debug)]
pub(super) enum Pairs {
    /// The course is the roster's.
    Courses(PairLookup),
    /// The course has runs in the roster, and each learner is in one of them: by course, its learners.
    Runs(FxHashMap<Box<[u8]>, IdLookup<LearnersOfRuns>>),
}

/// Lists learners by their places in the roster.
#[derive(Debug)]
pub(super) struct LearnersOfRuns {
    names: Arc<NameList>,
    places: Vec<EnrolmentIndex>,
}

impl IdList for LearnersOfRuns {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn id(&self, place: usize) -> &[u8] {
        self.names.get(self.places[place].as_usize()).1.as_bytes()
    }
}

impl Pairs {
    pub(super) fn new(mapping: &CheckedMapping, roster: &Roster) -> Self {
        if mapping.days_from_enrolment.is_none() {
            return Self::Courses(PairLookup::new(roster));
        }
        let mut courses: FxHashMap<&str, Vec<EnrolmentIndex>> = FxHashMap::default();
        for place in (0..roster.enrolments.len() as u32).map(EnrolmentIndex) {
            let run = roster.course_of(place).id.as_str();
            let course = run.rsplit_once(BEFORE_DAY).map_or(run, |(course, _)| course);
            courses.entry(course).or_default().push(place);
        }
        let lookup = |places| IdLookup::new(LearnersOfRuns { names: Arc::clone(roster.enrolments.names()), places });
        Self::Runs(courses.into_iter().map(|(course, places)| (course.as_bytes().into(), lookup(places))).collect())
    }

    /// Returns the enrolment of `learner` in `course`, if there is one; `None` for a course without dates.
    pub(super) fn find(&self, course: &[u8], learner: &[u8]) -> Option<Option<EnrolmentIndex>> {
        match self {
            Self::Courses(pairs) => pairs.course(course).map(|course| pairs.enrolment(course, learner)),
            Self::Runs(courses) => courses.get(course).map(|learners| {
                let place = learners.get(learner)?;
                Some(learners.ids().places[place as usize])
            }),
        }
    }
}
