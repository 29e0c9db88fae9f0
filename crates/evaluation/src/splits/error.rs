//! Errors of splitting.

use super::part::Part;
use super::request::Grouping;

/// Says why rows can't be split as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// Nothing to split.
    #[error("no enrolments to split: the sequences are empty, or the course selection leaves none")]
    NoRows,
    /// Two rows are the same enrolment.
    // Without its id, which may name a learner.
    #[error("an enrolment of course {course:?} appears twice: split enrolments, not enrolment-weeks")]
    RepeatedEnrolment {
        /// Its course.
        course: String,
    },
    /// A share is not between 0 and 1.
    #[error("the {what} share is {share}: it must lie above 0 and below 1")]
    ShareOutOfRange {
        /// The part that it is a share for.
        what: &'static str,
        /// The value given.
        share: f64,
    },
    /// A named course has no rows.
    #[error("no enrolments in the {side} {} {}: the data has {}", course_noun(.named), .named.join(", "), .present.join(", "))]
    UnknownCourses {
        /// `train` or `test`.
        side: &'static str,
        /// Courses named without rows.
        named: Vec<String>,
        /// Courses there are.
        present: Vec<String>,
    },
    /// A course is named for both sides.
    #[error("named for training and for the test: {} {}; name each once", course_noun(.courses), .courses.join(", "))]
    CourseOnBothSides {
        /// The courses.
        courses: Vec<String>,
    },
    /// One course can't be split by course.
    #[error(
        "the {part} part is to be whole courses, and there is only {courses} to take it from: split by learner instead"
    )]
    TooFewCourses {
        /// The part wanted.
        part: &'static str,
        /// Courses there are.
        courses: usize,
    },
    /// Splitting by time needs dates that a course lacks.
    #[error("a split by time or later run needs the start and the day labels are known of every course; missing for {}", .courses.join(", "))]
    MissingDays {
        /// The courses without.
        courses: Vec<String>,
    },
    /// Rows have no institution.
    #[error(
        "{without} of {of} enrolments are of no known institution: a split by institution needs the logs of several, \
         each named when they were preprocessed; split by course or learner instead"
    )]
    NoInstitution {
        /// Rows without one.
        without: usize,
        /// Rows there are.
        of: usize,
    },
    /// A named institution has no rows.
    #[error("no enrolments at the test institution(s) {}: the data has {}", .named.join(", "), .present.join(", "))]
    UnknownInstitutions {
        /// Institutions named without rows.
        named: Vec<String>,
        /// Institutions there are.
        present: Vec<String>,
    },
    /// One institution can't be split by institution.
    #[error(
        "the {part} part is to be whole institutions, but there is only {institutions} institution to take it from: \
         split by course or learner instead"
    )]
    TooFewInstitutions {
        /// The part wanted.
        part: &'static str,
        /// Institutions there are.
        institutions: usize,
    },
    /// A course is said to be of several families.
    #[error("course {course:?} has rows of several families ({}): a course is a run of one", .families.join(", "))]
    SeveralFamilies {
        /// The course.
        course: String,
        /// The families its rows give.
        families: Vec<String>,
    },
    /// A named family has no rows.
    #[error("no course is a run of {}: the data has the families {}", .named.join(", "), .present.join(", "))]
    UnknownFamilies {
        /// Families named without rows.
        named: Vec<String>,
        /// Families there are.
        present: Vec<String>,
    },
    /// A named family has no later run.
    #[error("{} has a single run (courses that start on one day are one run), so none is later: name other families",
        .families.join(", "))]
    SingleRun {
        /// The families.
        families: Vec<String>,
    },
    /// No family has a later run.
    #[error(
        "no course has a second run: {courses} courses are of {families} families, none with courses that start on \
         different days. Runs are of one family if their ids differ only in what follows the last separator \
         (BBB-2013B and BBB-2014J of BBB): set split.run_separator to the one that these ids have, or split by time, \
         course or learner"
    )]
    NoSecondRun {
        /// Courses there are.
        courses: usize,
        /// Families they are of.
        families: usize,
    },
    /// Every course starts on the same day.
    #[error("all courses start on the same day, so none is later: split by course or learner instead")]
    NoLaterCourse,
    /// No course's labels were known in time.
    #[error(
        "no labels were known before the test courses' earliest cut-off, day {cutoff_day}; the first are known on \
         day {first_known_day} (days since 1970-01-01): test on courses {} or more days later, use a later week, or \
         split by course, which measures transfer", .first_known_day - .cutoff_day
    )]
    NothingKnownInTime {
        /// Cut-off of the earliest test course.
        cutoff_day: i64,
        /// Day on which the first labels of any other course are known.
        first_known_day: i64,
    },
    /// A part came out empty.
    #[error(
        "the {part:?} part is empty: every learner who could be in it is in another part, or there are too few; \
         change the share, the courses named, or split by learner"
    )]
    EmptyPart {
        /// The empty part.
        part: Part,
    },
    /// The number of folds makes no sense for these rows.
    #[error("{folds} folds of {groups} {unit}s: give at least 2 folds and no more than there are {unit}s")]
    FoldCount {
        /// Folds asked for.
        folds: u32,
        /// Units there are.
        groups: usize,
        /// The unit that stays together in a fold.
        unit: Grouping,
    },
    /// There is nothing left when one unit is left out.
    #[error("leaving out one {unit} at a time needs two {unit}s or more, and there is {groups}")]
    NothingToLeaveOut {
        /// Units there are.
        groups: usize,
        /// The unit that is left out.
        unit: Grouping,
    },
    /// Validation rows of a learner who is trained on would choose the model that remembers best.
    #[error("validation can't be drawn by enrolment: draw it by learner, course or institution")]
    ValidationByEnrolment,
    /// No repeats asked for.
    #[error("0 repeats of the folds: give at least 1")]
    NoRepeats,
    /// A fold or repeat that does not exist.
    #[error("no fold {fold} of repeat {repeat}: there are {folds} folds and {repeats} repeats, counted from 0")]
    NoSuchFold {
        /// Repeat asked for.
        repeat: u32,
        /// Fold asked for.
        fold: u32,
        /// Repeats there are.
        repeats: u32,
        /// Folds there are.
        folds: u32,
    },
    /// Folds are used with rows they were not made of.
    #[error("the folds were made of {expected} rows but are used with {found}: make them again from these rows")]
    OtherRows {
        /// Rows the folds were made of.
        expected: usize,
        /// Rows given now.
        found: usize,
    },
}

/// Returns the noun for a list of courses.
fn course_noun(named: &[String]) -> &'static str {
    if named.len() == 1 { "course" } else { "courses" }
}
