//! Holds a sequences folder in memory, for training, evaluating and scoring.
//!
//! Holds `enrolments × weeks × features` 32-bit floats: 45,000 enrolments of 5 weeks and 90 features take 81 MB. Bound it
//! with [`Selection::courses`] and [`Selection::features`].

use std::collections::BTreeMap;

use staycast_events::{CourseIndex, EnrolmentIndex};
use staycast_weeks::{CutOff, WeekIndex};

use crate::grid::WeekGrid;
use crate::labels::DropoutRule;
use crate::manifest::Manifest;

/// Holds one course as stored in `courses.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseRow {
    /// The course's id.
    pub id: String,
    /// First day, in days since 1970-01-01; nominal where the source has no dates (see [`CourseRow::nominal_dates`]).
    pub start_day: i32,
    /// Length in days, first and last day included.
    pub days: u32,
    /// Days of the first week: 7, or fewer where weeks end on a date that was asked for.
    pub first_week_days: u32,
    /// Weeks in the grid, the last one short when the days left for it are fewer than 7.
    pub weeks: u32,
    /// Whole weeks, and the short last one, that were over when the log was taken.
    pub observed_weeks: u32,
    /// Days from the course's start to the instant the log was taken; negative before the start.
    pub as_of_days: f64,
    /// The start or the end was inferred from the events.
    pub inferred: bool,
    /// `start_day` is a stand-in, for sources that count days from an unnamed start.
    pub nominal_dates: bool,
}

impl CourseRow {
    /// Returns the cut of the course's days into weeks. Everything that asks which days a week holds asks this.
    #[must_use]
    pub const fn week_grid(&self) -> WeekGrid {
        WeekGrid::new(self.first_week_days, self.days)
    }

    /// Returns the latest cut-off whose weeks are all the course's and were over when the log was taken; `None` where not
    /// one was.
    #[must_use]
    pub fn last_observed(&self) -> Option<CutOff> {
        CutOff::after_weeks(self.observed_weeks.min(self.weeks))
    }

    /// Returns the latest cut-off that was observed and lies before the window of `rule`; `None` where there is none.
    #[must_use]
    pub fn last_cut_off(&self, rule: DropoutRule) -> Option<CutOff> {
        Some(rule.last_cut_off(self.week_grid())?.min(self.last_observed()?))
    }
}

/// Holds one enrolment as stored in `enrolments.parquet`. Days are counted from the course's start and may be negative.
#[derive(Clone, Debug, PartialEq)]
pub struct EnrolmentRow {
    /// The enrolment's id, unique in the folder.
    pub id: String,
    /// Id of the learner; the enrolment's id again where the source does not identify learners.
    pub learner: String,
    /// The course that it is in, of [`Dataset::courses`].
    pub course: CourseIndex,
    /// The learner dropped out; `None` while that is not known.
    pub dropout: Option<bool>,
    /// Week in which the learner left, for those known to have left.
    pub left_week: Option<i32>,
    /// Day of enrolment, where the source has it.
    pub enrolled_day: Option<f64>,
    /// Day of the first event.
    pub first_event_day: Option<f64>,
    /// Day of withdrawal, where the source has withdrawals and the learner withdrew on a known day.
    pub withdrawal_day: Option<f64>,
    /// Events before the course's start.
    pub pre_start_events: u32,
    /// Days with an event before the course's start.
    pub pre_start_active_days: u32,
    /// The source's own word for how it ended, where it has one.
    pub outcome: Option<String>,
    /// Static columns by name; `None` where the source left the value empty.
    pub statics: BTreeMap<String, Option<String>>,
}

/// Holds the choice of what to read from a folder.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these courses; all when `None`.
    pub courses: Option<Vec<String>>,
    /// Only these feature columns, in this order; all of the folder, in its order, when `None`.
    pub features: Option<Vec<String>>,
    /// Only the first so many weeks of each course; all when `None`. Forecasts at the end of week k need k weeks.
    pub weeks: Option<usize>,
}

/// Holds sequences in memory. Enrolments are ordered bytewise by course id, then enrolment id.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The folder's manifest.
    pub manifest: Manifest,
    /// Courses, by id.
    pub courses: Vec<CourseRow>,
    /// Enrolments; the first axis of the values.
    pub enrolments: Vec<EnrolmentRow>,
    /// Feature names; the last axis of the values.
    pub features: Vec<String>,
    /// Weeks; the middle axis of the values: the greatest number of weeks of a course, or fewer if fewer were asked for.
    pub weeks: usize,
    pub(crate) values: Vec<f32>,
}

impl Dataset {
    /// Makes a data set from its parts, for data that does not come from a folder.
    ///
    /// # Panics
    /// When `values` does not hold `enrolments × weeks × features` values, or there are 2³² enrolments or more.
    #[must_use]
    pub fn from_parts(
        manifest: Manifest,
        courses: Vec<CourseRow>,
        enrolments: Vec<EnrolmentRow>,
        features: Vec<String>,
        weeks: usize,
        values: Vec<f32>,
    ) -> Self {
        assert_eq!(values.len(), enrolments.len() * weeks * features.len(), "enrolments × weeks × features");
        assert!(u32::try_from(enrolments.len()).is_ok(), "more enrolments than 32 bits number");
        Self { manifest, courses, enrolments, features, weeks, values }
    }

    /// Tells whether `enrolment` is known before `day` (counted from the course's start): enrolled by then or, where it has no
    /// date of enrolment, seen by then. One without a date in a source with a register is in it, and so is known.
    ///
    /// # Panics
    /// When `enrolment` is out of range.
    pub(crate) fn known_before(&self, enrolment: EnrolmentIndex, day: f64) -> bool {
        let row = self.enrolment(enrolment);
        match row.enrolled_day {
            Some(enrolled) => enrolled < day,
            None => self.manifest.capabilities.register || row.first_event_day.is_some_and(|first| first < day),
        }
    }

    /// Returns the features of `enrolment` in `week`, NaN where null: unknown to the source, undefined in that week, not observed
    /// yet, or past the end of a course shorter than [`Dataset::weeks`].
    ///
    /// # Panics
    /// When `enrolment` or `week` is out of range.
    #[must_use]
    #[inline]
    pub fn week(&self, enrolment: EnrolmentIndex, week: WeekIndex) -> &[f32] {
        let week = week.position();
        assert!(week < self.weeks, "week {week} of {}", self.weeks);
        let width = self.features.len();
        let first = (enrolment.as_usize() * self.weeks + week) * width;
        &self.values[first..first + width]
    }

    /// Returns all values, `[enrolment][week][feature]`, NaN where null.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Finds the position of the feature column `name`.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|feature| feature == name)
    }

    /// Lists the places of all enrolments, in order.
    pub fn enrolment_indices(&self) -> impl DoubleEndedIterator<Item = EnrolmentIndex> + Clone + use<> {
        (0..self.enrolments.len() as u32).map(EnrolmentIndex)
    }

    /// Finds the enrolment with this id.
    #[must_use]
    pub fn find_enrolment(&self, id: &str) -> Option<EnrolmentIndex> {
        self.enrolment_indices().find(|&enrolment| self.enrolment(enrolment).id == id)
    }

    /// Returns an enrolment.
    ///
    /// # Panics
    /// When `enrolment` is out of range.
    #[must_use]
    #[inline]
    pub fn enrolment(&self, enrolment: EnrolmentIndex) -> &EnrolmentRow {
        &self.enrolments[enrolment.as_usize()]
    }

    /// Returns a course.
    ///
    /// # Panics
    /// When `course` is out of range.
    #[must_use]
    #[inline]
    pub fn course(&self, course: CourseIndex) -> &CourseRow {
        &self.courses[course.as_usize()]
    }

    /// Returns the course of an enrolment.
    ///
    /// # Panics
    /// When `enrolment` is out of range.
    #[must_use]
    #[inline]
    pub fn course_of(&self, enrolment: EnrolmentIndex) -> &CourseRow {
        self.course(self.enrolment(enrolment).course)
    }
}
