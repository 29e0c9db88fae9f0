//! The roster: courses, enrolments and what belongs to them, as a source's small tables have them.
//!
//! In memory as a whole: some 25 bytes and the text of its ids an enrolment ([`Enrolments`]), and 16 bytes an object, whatever
//! the length of the log.

use crate::activity::Activity;
use crate::enrolled_again::EnrolledAgain;
use crate::enrolments::Enrolments;
use crate::event::ObjectKey;
use crate::event_days::DayRun;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::not_yet_known::NotYetKnown;
use crate::places::Places;
use crate::releases::Releases;
use crate::time::DAY_SECONDS;

/// Describes one run of a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The course's id.
    pub id: String,
    /// First day, in days since 1970-01-01.
    pub start_day: i32,
    /// Length in days, first and last day included; at least 1.
    pub days: u32,
    /// Whether the dates were inferred from the events.
    pub inferred: bool,
}

impl Course {
    /// Bounds the days of a course. More than these, ten years, are a mistake: of a date, or of whoever meant that it never
    /// ends.
    pub const GREATEST_DAYS: u32 = 3_660;

    /// Returns the course's first instant, in seconds since 1970-01-01T00:00:00.
    #[must_use]
    pub fn start_seconds(&self) -> i64 {
        i64::from(self.start_day) * DAY_SECONDS
    }
}

/// Describes days with events so far from a course's other events that the calendar inferred from these does not hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayDays {
    /// The course's id.
    pub course: String,
    /// The days and how many events they have.
    pub run: DayRun,
}

/// Describes something to be submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The source's id.
    pub id: String,
    /// The course.
    pub course: CourseIndex,
    /// Day it is due, counted from the course's start; `None` when the source leaves it open.
    pub due_day: Option<i32>,
}

/// Describes an object that a table of the source lists, whether or not anybody used it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// The course.
    pub course: CourseIndex,
    /// The key of its id.
    pub object: ObjectKey,
    /// The source's id.
    pub id: Box<str>,
    /// Activity of learners with it, where its type tells.
    pub activity: Option<Activity>,
}

/// Describes something submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The enrolment.
    pub enrolment: EnrolmentIndex,
    /// Index into [`Roster::assessments`].
    pub assessment: u32,
    /// When, in seconds from the course's start.
    pub seconds: i32,
    /// Points, 0 to 100, where they are known.
    pub score: Option<f32>,
    /// Whether it is a result carried over from an earlier run: it counts as submitted, and as nothing else.
    pub banked: bool,
}

/// Holds courses, enrolments and what belongs to them.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// Courses, ordered bytewise by id.
    pub courses: Vec<Course>,
    /// Enrolments, ordered bytewise by course id, then enrolment id.
    pub enrolments: Enrolments,
    /// Names of the static columns.
    pub static_columns: Vec<String>,
    /// Assessments, ordered by course and id.
    pub assessments: Vec<Assessment>,
    /// Submissions, ordered by enrolment, instant and assessment.
    pub submissions: Vec<Submission>,
    /// When objects are released.
    pub releases: Releases,
    /// The objects that a table lists, where the log is opened so that they are named; in the table's order.
    pub listed_objects: Vec<ListedObject>,
    /// What counts of several enrolments of one learner in one course. Where it is each, those that rows of the log do not
    /// tell apart bear the id of the first and their date.
    pub enrolled_again: EnrolledAgain,
    /// Days that inferred calendars do not hold, by course and time: their events are set aside.
    pub stray_days: Vec<StrayDays>,
    /// Enrolments that are not known yet when the log is taken.
    pub not_yet_known: NotYetKnown,
}

impl Roster {
    /// Makes a roster of these courses and enrolments, in order; an enrolment's `course` is an index into `courses` as
    /// given.
    #[must_use]
    pub fn new(courses: Vec<Course>, mut enrolments: Enrolments) -> Self {
        let mut ordered: Vec<(usize, Course)> = courses.into_iter().enumerate().collect();
        ordered.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
        let mut place = vec![CourseIndex(0); ordered.len()];
        for (rank, (index, _)) in ordered.iter().enumerate() {
            place[*index] = CourseIndex(rank as u32);
        }
        for one in 0..enrolments.len() {
            enrolments.set_course(one, place[enrolments.course(one).as_usize()]);
        }
        enrolments.sort_by_rank(|course| course);
        let courses = ordered.into_iter().map(|(_, course)| course).collect();
        Self { courses, enrolments, ..Self::default() }
    }

    /// Brings the enrolments in order again, after others came behind them.
    pub(crate) fn sort_enrolments(&mut self) {
        self.enrolments.sort_by_rank(|course| course);
    }

    /// Counts the learners.
    #[must_use]
    pub fn count_learners(&self) -> usize {
        let learner = |place: usize| self.enrolments.learner(place);
        let mut found = Places::default();
        for place in 0..self.enrolments.len() {
            if found.find(learner(place), |other| learner(other) == learner(place)).is_none() {
                found.add(place, learner);
            }
        }
        found.len()
    }

    /// Lists, by enrolment, another one of the same learner: going from one to the next comes around to all of them. An only
    /// one is its own next.
    #[must_use]
    pub fn next_of_learner(&self) -> Vec<u32> {
        let learner = |place: usize| self.enrolments.learner(place);
        let mut next: Vec<u32> = (0..self.enrolments.len() as u32).collect();
        let mut firsts = Places::default();
        for place in self.enrolments.places() {
            match firsts.find(learner(place), |first| learner(first) == learner(place)) {
                Some(first) => next[place] = std::mem::replace(&mut next[first], place as u32),
                None => firsts.add(place, learner),
            }
        }
        next
    }

    /// Returns the course of an enrolment.
    #[must_use]
    pub fn course_of(&self, enrolment: EnrolmentIndex) -> &Course {
        &self.courses[self.enrolments.course(enrolment.as_usize()).as_usize()]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::enrolment::Enrolment;
    use crate::names::Names;

    proptest! {
        #[test]
        fn enrolments_are_ordered_as_a_stable_sort_orders_them(
            given in prop::collection::vec((0_u32..4, "[ab]{0,3}", 0_i32..100), 0..60),
        ) {
            let course = |id: &str| Course { id: id.to_owned(), start_day: 0, days: 1, inferred: false };
            let courses = ["d", "a", "c", "b"].map(course).to_vec();
            let enrolment = |(course, id, second): &(u32, String, i32)| Enrolment {
                names: Names::new(id, id),
                course: CourseIndex(*course),
                enrolled_seconds: Some(*second),
                ..Enrolment::default()
            };
            let roster = Roster::new(courses, given.iter().map(enrolment).collect());
            let mut expected = given;
            expected.iter_mut().for_each(|one| one.0 = [3, 0, 2, 1][one.0 as usize]);
            expected.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            prop_assert_eq!(&roster.enrolments, &expected.iter().map(enrolment).collect());
        }
    }

    #[test]
    fn a_learner_in_two_courses_counts_once() {
        let enrolment = |id: &str, learner: &str| Enrolment { names: Names::new(id, learner), ..Enrolment::default() };
        let all = [enrolment("1", "ann"), enrolment("2", "bob"), enrolment("3", "ann")];
        let enrolments = all.into_iter().collect();
        let roster = Roster { enrolments, ..Roster::default() };
        assert_eq!((roster.count_learners(), roster.next_of_learner()), (2, vec![2, 1, 0]));
    }
}
