//! The limits that rows of a log are held against: the calendars of their courses, and the instant of the log.

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use crate::dated_enrolments::DatedEnrolments;
use crate::event_days::ALL_SET;
use crate::index::{CourseIndex, EnrolmentIndex};
use crate::kind::EventKind;
use crate::names::NameList;
use crate::roster::{Course, Roster, StrayDays};
use crate::time::DAY_SECONDS;

/// Bounds the days before a course's start on which an event can be about the course. Courses open for enrolment some months
/// before they begin.
const MOST_DAYS_BEFORE: i64 = 366;

/// Holds the limits that the rows of a log are held against, by enrolment and by kind of event.
#[derive(Clone, Debug)]
pub struct RowLimits {
    /// By course.
    windows: Vec<CourseWindow>,
    /// By enrolment.
    courses: Vec<CourseIndex>,
    /// The roster's names, where somebody may ask for learners, and the place among them of the first enrolment.
    names: Option<(Arc<NameList>, usize)>,
    as_of: Option<i64>,
    /// Enrolments that rows do not tell apart.
    dated: Option<DatedEnrolments>,
    /// By kind number: whether the learner received such an event from another.
    received: [bool; 1 << u8::BITS],
    /// Place among all courses of the first of the source whose rows are held against these limits.
    first_course: u32,
    objects: ObjectNaming,
}

/// Says whether the reader hands over the names of objects, of which events hold a hash alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectNaming {
    /// No: only features need objects, and these count them.
    #[default]
    Dropped,
    /// Yes, in each block the names of its objects.
    Kept,
}

/// Holds the instants that matter for the events of one course, in seconds since 1970-01-01T00:00:00.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CourseWindow {
    /// The course's first instant.
    pub(crate) start: i64,
    /// The first instant after the course's grid of weeks.
    pub(crate) limit: i64,
    /// The first instant at which an event can be used without further questions.
    pub(crate) usual_from: i64,
    /// The first instant after those at which an event can be used without further questions.
    pub(crate) usual_to: i64,
    /// The first instant that an event can have.
    pub(crate) plausible_from: i64,
    /// The first instant after those that an event can have.
    pub(crate) plausible_to: i64,
}

impl CourseWindow {
    /// Makes the window of a course. `plausible` are the first instant that an event can have, and the first after these.
    fn new(start: i64, limit: i64, as_of: Option<i64>, plausible: [i64; 2]) -> Self {
        let [plausible_from, plausible_to] = plausible;
        let after = as_of.map_or(i64::MAX, |as_of| as_of.saturating_add(1));
        let usual_from = start.saturating_add(i64::from(i32::MIN)).max(ALL_SET).max(plausible_from);
        let usual_to = limit.min(start.saturating_add(i64::from(i32::MAX))).min(after).min(plausible_to);
        Self { start, limit, usual_from, usual_to, plausible_from, plausible_to }
    }
}

impl RowLimits {
    /// Makes the limits of `roster`, whose courses' grids end `grid_days[course]` days after their starts. Rows after
    /// `as_of` (seconds since 1970-01-01T00:00:00) are set aside.
    #[must_use]
    pub fn new(roster: &Roster, grid_days: &[u32], as_of: Option<i64>) -> Self {
        let window = |(course, &days): (&Course, &u32)| {
            let start = course.start_seconds();
            let plausible = plausible_instants(course, &roster.stray_days);
            CourseWindow::new(start, start + i64::from(days) * DAY_SECONDS, as_of, plausible)
        };
        let windows = roster.courses.iter().zip(grid_days).map(window).collect();
        let courses = courses(roster);
        let names = Some((Arc::clone(roster.enrolments.names()), 0));
        let dated = DatedEnrolments::find(roster);
        let (received, objects) = ([false; 1 << u8::BITS], ObjectNaming::Dropped);
        Self { windows, courses, names, as_of, dated, received, first_course: 0, objects }
    }

    /// Makes the limits of a reading that finds out when the courses of `roster` run: no instant is far from them yet.
    pub(crate) fn without_calendars(roster: &Roster) -> Self {
        let window = |course: &Course| {
            let start = course.start_seconds();
            CourseWindow::new(start, start, None, [i64::MIN, i64::MAX])
        };
        let windows = roster.courses.iter().map(window).collect();
        let courses = courses(roster);
        let received = [false; 1 << u8::BITS];
        let objects = ObjectNaming::Dropped;
        Self { windows, courses, names: None, as_of: None, dated: None, received, first_course: 0, objects }
    }

    /// Makes the limits of readings that only look at rows and hand over no events: there are no enrolments.
    pub(crate) fn without_enrolments() -> Self {
        let received = [false; 1 << u8::BITS];
        Self {
            windows: Vec::new(),
            courses: Vec::new(),
            names: None,
            as_of: None,
            dated: None,
            received,
            first_course: 0,
            objects: ObjectNaming::Dropped,
        }
    }

    /// Returns the same limits for rows of these `kinds`. Events that a learner received from another (see
    /// [`crate::Detail::is_received`]) are then kept apart from the learner's own.
    #[must_use]
    pub fn with_kinds(mut self, kinds: &[EventKind]) -> Self {
        for (received, kind) in self.received.iter_mut().zip(kinds) {
            *received = kind.detail.is_received();
        }
        self
    }

    /// Returns the same limits for readings that hand over the names of objects, or do not.
    #[must_use]
    pub fn with_objects(self, objects: ObjectNaming) -> Self {
        Self { objects, ..self }
    }

    /// Tells whether readings hand over the names of objects.
    #[inline]
    pub(crate) fn names_objects(&self) -> bool {
        self.objects == ObjectNaming::Kept
    }

    /// Returns the limits of the `count` enrolments from `first` on, for rows that count enrolments from there, courses
    /// from `first_course` on, and whose kinds stand at the places `kinds` among all.
    pub(crate) fn part(&self, first: EnrolmentIndex, count: usize, first_course: CourseIndex, kinds: &[u8]) -> Self {
        let first = first.as_usize();
        let dated = self.dated.as_ref().and_then(|dated| dated.part(first, count));
        let courses = self.courses[first..first + count].to_vec();
        let names = self.names.as_ref().map(|(names, before)| (Arc::clone(names), before + first));
        let mut part = Self { courses, names, dated, first_course: first_course.0, ..self.clone() };
        for (received, &kind) in part.received.iter_mut().zip(kinds) {
            *received = self.is_received(kind);
        }
        part
    }

    /// Returns the enrolment of a row at `instant` that names `enrolment`: another where the learner enrolled again.
    #[inline]
    pub(crate) fn enrolment_at(&self, enrolment: EnrolmentIndex, instant: i64) -> EnrolmentIndex {
        match &self.dated {
            None => enrolment,
            Some(dated) => dated.at(enrolment, instant),
        }
    }

    /// Tells whether the learner received an event of this kind from another.
    #[inline]
    pub(crate) fn is_received(&self, kind: u8) -> bool {
        self.received[usize::from(kind)]
    }

    /// Tells whether an instant is after the one at which the log is said to be taken.
    pub(crate) fn is_after_log(&self, instant: i64) -> bool {
        self.as_of.is_some_and(|as_of| instant > as_of)
    }

    /// Returns a number that stands for the learner of an enrolment: the same for all of the learner's enrolments.
    pub(crate) fn learner_number(&self, enrolment: EnrolmentIndex) -> u64 {
        match &self.names {
            Some((names, first)) => FxBuildHasher.hash_one(names.get(first + enrolment.as_usize()).1),
            None => u64::from(enrolment.0),
        }
    }

    /// Returns the course of an enrolment.
    #[inline]
    pub(crate) fn course(&self, enrolment: EnrolmentIndex) -> CourseIndex {
        self.courses[enrolment.as_usize()]
    }

    /// Returns the place among all courses of one that the source counts.
    pub(crate) fn among_all(&self, course: CourseIndex) -> CourseIndex {
        CourseIndex(course.0 + self.first_course)
    }

    /// Returns the instants that matter for an enrolment's course.
    #[inline]
    pub(crate) fn window(&self, enrolment: EnrolmentIndex) -> CourseWindow {
        self.course_window(self.course(enrolment))
    }

    /// Returns the instants that matter for a course, by its place among all.
    #[inline]
    pub(crate) fn course_window(&self, course: CourseIndex) -> CourseWindow {
        self.windows[course.as_usize()]
    }
}

/// Lists the course of each enrolment.
fn courses(roster: &Roster) -> Vec<CourseIndex> {
    (0..roster.enrolments.len()).map(|place| roster.enrolments.course(place)).collect()
}

/// Returns the days (since 1970-01-01) whose events are used: those of the course, and those before it that are not far
/// from it. They are more than [`LEAST_GAP_DAYS`](crate::event_days::LEAST_GAP_DAYS), as no stray day is nearer to a course.
pub(crate) fn days_in_use(course: &Course, stray: &[StrayDays]) -> Range<i64> {
    let [first, _] = plausible_instants(course, stray);
    first.div_euclid(DAY_SECONDS)..i64::from(course.start_day) + i64::from(course.days)
}

/// Returns the first instant that an event of `course` can have, and the first after these. An event over a year before
/// the start says nothing of the course, and one on a stray day has no place in it.
fn plausible_instants(course: &Course, stray: &[StrayDays]) -> [i64; 2] {
    let start = course.start_seconds();
    let mut plausible = [start - MOST_DAYS_BEFORE * DAY_SECONDS, i64::MAX];
    for StrayDays { run, .. } in stray.iter().filter(|stray| stray.course == course.id) {
        match run.first > i64::from(course.start_day) {
            true => plausible[1] = plausible[1].min(run.first.saturating_mul(DAY_SECONDS)),
            false => plausible[0] = plausible[0].max(run.last.saturating_add(1).saturating_mul(DAY_SECONDS)),
        }
    }
    plausible
}
