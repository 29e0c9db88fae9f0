//! The types a caller fills in to ask for a split.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

/// Holds one enrolment, as far as splitting needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitRow<'a> {
    /// Enrolment identifier, unique within its course.
    pub enrolment: &'a str,
    /// Learner identifier, the same in all of a learner's courses. A source without learners gives the enrolment.
    pub learner: &'a str,
    /// Course identifier.
    pub course: &'a str,
    /// Family that the course is a run of: OULAD's `BBB` of `BBB-2013B`. The same in all rows of a course; the course itself
    /// where runs are not distinguished. [`course_family`](super::course_family) finds it in the course's identifier.
    /// Needed by [`Split::LaterRun`].
    pub family: &'a str,
    /// Institution of the enrolment, for data of several; needed by [`Split::Institution`] and
    /// [`Grouping::Institution`].
    pub institution: Option<&'a str>,
    /// First day of the course, in days since 1970-01-01; needed by [`Split::Time`] and [`Split::LaterRun`].
    pub course_start_day: Option<i64>,
    /// The first day at whose start the course's labels are known (the day after the label window), in days since
    /// 1970-01-01; needed by [`Split::Time`] and [`Split::LaterRun`], and by splits by course to tell a forecast from
    /// transfer.
    pub labels_known_day: Option<i64>,
    /// Dropout, where known. Used to spread positives evenly, never to decide whether a row is in.
    pub label: Option<bool>,
}

/// Selects the courses that are kept for the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TestCourses {
    /// These.
    Named(BTreeSet<String>),
    /// Whole courses until they hold this share of the rows, as near as whole courses come: drawn by seed in
    /// [`Split::Course`], the latest to start in [`Split::Time`].
    Share(f64),
}

/// Selects the course families whose latest run is kept for the test. A family's latest run is every course of it that
/// starts on the last day on which one of them does; families whose courses all start on one day have none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum LaterRuns {
    /// Of every family with two runs or more.
    All,
    /// Of these families, each of which must have two runs or more.
    Named(BTreeSet<String>),
    /// Of as many families as it takes to hold this share of the rows, as near as whole runs come: those whose latest
    /// run starts last come first, and the seed decides between those that start on one day.
    Share(f64),
}

/// Selects the institutions that are kept for the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TestInstitutions {
    /// These.
    Named(BTreeSet<String>),
    /// Whole institutions, drawn by seed, until they hold this share of the rows, as near as whole institutions come.
    Share(f64),
}

/// Says how the test part is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Split {
    /// Whole courses. Measures transfer to other courses, or a forecast if every training label was known before
    /// the test courses' first cut-off.
    Course {
        /// Courses kept for the test.
        test: TestCourses,
        /// Courses to train on; all others if `None`.
        train: Option<BTreeSet<String>>,
    },
    /// Later courses are the test, and only courses whose labels were known before the earliest test course's
    /// cut-off are trained on: what a forecast in real use can do.
    Time {
        /// Courses kept for the test.
        test: TestCourses,
    },
    /// The latest runs of course families are the test, and every other course (earlier runs of any family, and
    /// families with a single run) is trained on if its labels were known before the earliest test run's cut-off: what
    /// a forecast can do for a course that has been held before.
    LaterRun {
        /// Families whose latest run is kept for the test.
        test: LaterRuns,
    },
    /// A share of the learners with all their rows: the same courses on both sides.
    Learner {
        /// Share of learners on the test side, above 0 and below 1.
        test_share: f64,
    },
    /// Whole institutions: how the forecast does where nothing was learnt from.
    Institution {
        /// Institutions kept for the test.
        test: TestInstitutions,
    },
    /// A share of the enrolments. Optimistic: the same courses, at the same time, on both sides. A learner still is on
    /// one side only.
    Random {
        /// Share of enrolments on the test side, above 0 and below 1.
        test_share: f64,
    },
}

/// Names the unit by which a part is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// Whole courses.
    Course,
    /// Learners with all their rows.
    Learner,
    /// Institutions with all their rows.
    Institution,
    /// Single enrolments, in folds only: optimistic, and the one grouping under which a learner may be on both sides.
    Enrolment,
}

/// Says how the validation part is drawn from the training set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Share of the training set's learners, or of its rows in whole courses or institutions; above 0 and below 1.
    pub share: f64,
    /// The unit, other than [`Grouping::Enrolment`]. [`Validation::like`] takes the test's.
    pub by: Grouping,
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Course => "course",
            Self::Learner => "learner",
            Self::Institution => "institution",
            Self::Enrolment => "enrolment",
        })
    }
}

impl Validation {
    /// Draws validation by the same unit as the test of `split`, so that models are chosen by what the test measures. Under [`Split::Time`] and [`Split::LaterRun`] validation by course takes the latest training
    /// courses.
    #[must_use]
    pub fn like(split: &Split, share: f64) -> Self {
        let by = match split {
            Split::Course { .. } | Split::Time { .. } | Split::LaterRun { .. } => Grouping::Course,
            Split::Learner { .. } | Split::Random { .. } => Grouping::Learner,
            Split::Institution { .. } => Grouping::Institution,
        };
        Self { share, by }
    }
}

/// Asks for a split in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitRequest {
    /// Choice of the test part.
    pub split: Split,
    /// Draw of the validation part; none if `None`.
    pub validation: Option<Validation>,
    /// Cut-off at which forecasts are made.
    #[serde(rename = "cutoff_week")]
    pub cut_off: CutOff,
    /// Seed of every draw.
    pub seed: u64,
}
