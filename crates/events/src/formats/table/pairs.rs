//! Finds an enrolment by the course and the learner that a row names.

use rustc_hash::FxHashMap;

use super::checked_mapping::CheckedMapping;
use crate::formats::pair_lookup::PairLookup;
use crate::id_lookup::IdLookup;
use crate::index::EnrolmentIndex;
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
    /// The course has runs in the roster, and each learner is in one of them: by course, its learners and their places.
    Runs(FxHashMap<Box<[u8]>, (IdLookup, Vec<EnrolmentIndex>)>),
}

impl Pairs {
    pub(super) fn new(mapping: &CheckedMapping, roster: &Roster) -> Self {
        if mapping.days_from_enrolment.is_none() {
            return Self::Courses(PairLookup::new(roster));
        }
        let mut courses: FxHashMap<&str, (Vec<&[u8]>, Vec<EnrolmentIndex>)> = FxHashMap::default();
        for (enrolment, place) in roster.enrolments.iter().zip((0..).map(EnrolmentIndex)) {
            let run = roster.courses[enrolment.course.as_usize()].id.as_str();
            let course = run.rsplit_once(BEFORE_DAY).map_or(run, |(course, _)| course);
            let (learners, places) = courses.entry(course).or_default();
            learners.push(enrolment.learner().as_bytes());
            places.push(place);
        }
        let lookup = |(learners, places): (Vec<&[u8]>, _)| (IdLookup::new(learners.into_iter()), places);
        Self::Runs(courses.into_iter().map(|(course, found)| (course.as_bytes().into(), lookup(found))).collect())
    }

    /// Returns the enrolment of `learner` in `course`, if there is one; `None` for a course without dates.
    pub(super) fn find(&self, course: &[u8], learner: &[u8]) -> Option<Option<EnrolmentIndex>> {
        match self {
            Self::Courses(pairs) => pairs.course(course).map(|course| pairs.enrolment(course, learner)),
            Self::Runs(courses) => courses.get(course).map(|(learners, places)| {
                let place = learners.get(learner)?;
                Some(places[place as usize])
            }),
        }
    }
}
