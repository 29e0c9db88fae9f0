//! Enrolments as they are written, before it is known when their courses begin.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::enrolment::{Enrolment, Outcome};
use crate::enrolments::Enrolments;
use crate::index::CourseIndex;
use crate::moment::Moment;
use crate::names::Names;
use crate::roster::{Course, Roster};

/// Holds an enrolment as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EnrolmentRecord {
    pub(super) names: Names,
    pub(super) course: Arc<str>,
    pub(super) enrolled: Option<Moment>,
    pub(super) withdrawn: Option<Moment>,
    pub(super) outcome: Option<Arc<Outcome>>,
    pub(super) dropout: Option<bool>,
    pub(super) statics: Box<[Option<Arc<str>>]>,
    pub(super) by_log_alone: bool,
}

impl EnrolmentRecord {
    /// Returns what tells enrolments apart where rows of the log do not name them.
    pub(super) fn pair(&self) -> (&str, &str) {
        (&self.course, self.names.learner())
    }
}

/// Holds many of them, packed as in a roster.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// An enrolment's course is a place in `courses`.
    all: Enrolments,
    courses: Vec<Arc<str>>,
    places: FxHashMap<Arc<str>, CourseIndex>,
}

impl Written {
    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns the id of an enrolment.
    pub(super) fn id(&self, place: usize) -> &str {
        self.all.id(place)
    }

    /// Returns the course of an enrolment.
    pub(super) fn course(&self, place: usize) -> &str {
        &self.courses[self.all.course(place).as_usize()]
    }

    /// Returns what tells enrolments apart where rows of the log do not name them.
    pub(super) fn pair(&self, place: usize) -> (&str, &str) {
        (self.course(place), self.all.learner(place))
    }

    /// Returns when somebody enrolled, where the source has it.
    pub(super) fn enrolled(&self, place: usize) -> Option<Moment> {
        let [enrolled, _] = self.all.moments(place);
        enrolled
    }

    /// Returns an enrolment, unpacked.
    pub(super) fn get(&self, place: usize) -> EnrolmentRecord {
        let Enrolment { names, outcome, dropout, statics, by_log_alone, .. } = self.all.get(place);
        let [enrolled, withdrawn] = self.all.moments(place);
        let course = Arc::clone(&self.courses[self.all.course(place).as_usize()]);
        EnrolmentRecord { names, course, enrolled, withdrawn, outcome, dropout, statics, by_log_alone }
    }

    /// Adds an enrolment.
    pub(super) fn push(&mut self, one: EnrolmentRecord) {
        let (course, moments) = (self.place_of(&one.course), [one.enrolled, one.withdrawn]);
        self.all.push(&unmoored(one, course));
        self.all.set_moments(self.all.len() - 1, moments);
    }

    /// Adds an enrolment that rows of the log name.
    pub(super) fn push_named(&mut self, id: &str, learner: &str, course: &str) {
        let course = self.place_of(course);
        self.all.push_named(id, learner, course);
        self.all.set_by_log_alone(self.all.len() - 1);
    }

    /// Puts an enrolment in the place of another.
    pub(super) fn set(&mut self, place: usize, one: EnrolmentRecord) {
        let (course, moments) = (self.place_of(&one.course), [one.enrolled, one.withdrawn]);
        self.all.set(place, &unmoored(one, course));
        self.all.set_moments(place, moments);
    }

    /// Returns these enrolments and others.
    pub(super) fn with(&self, others: &Self) -> Self {
        let mut all = self.clone();
        (0..others.len()).for_each(|place| all.push(others.get(place)));
        all
    }

    /// Keeps the enrolments of whose id and pair `stays` says so.
    pub(super) fn retain(&mut self, stays: impl Fn(&str, (&str, &str)) -> bool) {
        let Self { all, courses, .. } = self;
        all.retain(|all, place| {
            let course = &courses[all.course(place).as_usize()];
            stays(all.id(place), (course, all.learner(place)))
        });
    }

    /// Gives another id to an enrolment.
    pub(super) fn rename(&mut self, place: usize, id: &str) {
        let learner = self.all.learner(place).to_owned();
        self.all.set_names(place, id, &learner);
    }

    /// Moves an enrolment to another course.
    pub(super) fn move_to(&mut self, place: usize, course: &str) {
        let course = self.place_of(course);
        self.all.set_course(place, course);
    }

    fn place_of(&mut self, course: &str) -> CourseIndex {
        if let Some(&place) = self.places.get(course) {
            return place;
        }
        let (course, place): (Arc<str>, _) = (course.into(), CourseIndex(self.courses.len() as u32));
        self.courses.push(Arc::clone(&course));
        self.places.insert(course, place);
        place
    }

    /// Lists the courses that enrolments are in, in the order of their ids.
    pub(super) fn courses_in_use(&self) -> Vec<&str> {
        let mut is_used = vec![false; self.courses.len()];
        (0..self.len()).for_each(|place| is_used[self.all.course(place).as_usize()] = true);
        let mut ids: Vec<&str> =
            self.courses.iter().zip(is_used).filter(|(_, is_used)| *is_used).map(|(id, _)| &**id).collect();
        ids.sort_unstable();
        ids
    }

    /// Lends the enrolments as a roster whose courses, all of one day, begin on `start_day`. To be given back.
    pub(super) fn lend(&mut self, start_day: i32) -> Roster {
        let ids: Vec<Arc<str>> = self.courses_in_use().into_iter().map(Arc::from).collect();
        let places: FxHashMap<Arc<str>, CourseIndex> = ids.iter().cloned().zip((0..).map(CourseIndex)).collect();
        for place in 0..self.len() {
            self.all.set_course(place, places[self.course(place)]);
        }
        (self.courses, self.places) = (ids, places);
        let course = |id: &Arc<str>| Course { id: String::from(&**id), start_day, days: 1, inferred: true };
        Roster::new(self.courses.iter().map(course).collect(), std::mem::take(&mut self.all))
    }

    /// Takes back what was lent.
    pub(super) fn take_back(&mut self, lent: Roster) {
        self.all = lent.enrolments;
    }

    /// Returns a roster of the enrolments, and those of them whose course is not among `courses`.
    pub(super) fn into_roster(self, courses: Vec<Course>, statics: Vec<String>) -> (Roster, UndatedEnrolments) {
        let mut undated = UndatedEnrolments::default();
        let known: FxHashMap<&str, usize> =
            courses.iter().zip(0..).map(|(course, place)| (course.id.as_str(), place)).collect();
        let dated: Vec<Option<usize>> = self.courses.iter().map(|id| known.get(&**id).copied()).collect();
        let mut all = self.all;
        let is_dated = |all: &Enrolments, place: usize| dated[all.course(place).as_usize()].is_some();
        for place in (0..all.len()).filter(|&place| !is_dated(&all, place)) {
            let course = &self.courses[all.course(place).as_usize()];
            undated.courses.insert(course.as_bytes().into());
            undated.ids.push(all.id(place).to_owned());
            undated.course_of_each.push(Arc::clone(course));
        }
        all.retain(is_dated);
        for place in 0..all.len() {
            if let Some(course) = dated[all.course(place).as_usize()] {
                all.set_course(place, CourseIndex(course as u32));
                all.date_from(place, courses[course].start_seconds());
            }
        }
        (Roster { static_columns: statics, ..Roster::new(courses, all) }, undated)
    }
}

/// Returns an enrolment without its moments, which are counted from a start that is not known.
fn unmoored(one: EnrolmentRecord, course: CourseIndex) -> Enrolment {
    let EnrolmentRecord { names, outcome, dropout, statics, by_log_alone, .. } = one;
    Enrolment { names, course, outcome, dropout, statics, by_log_alone, ..Enrolment::default() }
}

/// Holds the enrolments whose course has no dates.
#[derive(Debug, Default)]
pub(super) struct UndatedEnrolments {
    pub(super) ids: Vec<String>,
    pub(super) course_of_each: Vec<Arc<str>>,
    pub(super) courses: FxHashSet<Box<[u8]>>,
}
