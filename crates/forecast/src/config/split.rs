//! The section that says which rows train and which test.

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::sections::require;

/// Which rows train and which are kept for the test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// `course` (whole courses are held out), `time` (later courses are, and only what was known before them is trained
    /// on), `later-run` (the latest runs of courses held before are, likewise), `learner`, `institution` or `random`
    /// (flatters).
    pub by: String,
    /// Courses to train on; all but the test's when empty.
    pub train_courses: Vec<String>,
    /// Courses to hold out, by course or time; chosen by `test_share` when empty.
    pub test_courses: Vec<String>,
    /// Families of courses whose latest run to hold out, by later run; `*` for all that have two runs or more, chosen
    /// by `test_share` when empty.
    pub test_families: Vec<String>,
    /// Institutions to hold out, by institution; chosen by `test_share` when empty.
    pub test_institutions: Vec<String>,
    /// Share of the rows in whole courses or institutions, or of the learners, to hold out when none are named.
    pub test_share: f64,
    /// What a course's id has between the course's family and the run, as in `BBB-2013B`: courses whose ids differ only
    /// in what follows the last such sign are runs of one family.
    pub run_separator: String,
    /// Cross-validation instead of one test part, in this many folds of learners, courses, institutions or (`random`)
    /// enrolments; 0 for none. Such a run has out-of-fold predictions and no model for new data.
    pub folds: u32,
    /// Times to repeat the cross-validation with other folds.
    pub repeats: u32,
    /// Cross-validation with a fold for every course, or institution, in place of `folds`.
    pub leave_one_out: bool,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self {
            by: "course".to_owned(),
            train_courses: Vec::new(),
            test_courses: Vec::new(),
            test_families: Vec::new(),
            test_institutions: Vec::new(),
            test_share: 0.25,
            run_separator: "-".to_owned(),
            folds: 0,
            repeats: 1,
            leave_one_out: false,
        }
    }
}

impl SplitConfig {
    /// Whether the run is a cross-validation, without a test part or a model of its own.
    #[must_use]
    pub const fn cross_validates(&self) -> bool {
        self.folds > 0 || self.leave_one_out
    }

    fn is_by(&self, any: &[&str]) -> bool {
        any.contains(&self.by.as_str())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        require(
            || self.is_by(&["course", "time", "later-run", "learner", "institution", "random"]),
            "split.by",
            &self.by,
            "use course, time, later-run, learner, institution or random",
        )?;
        require(
            || self.test_share > 0.0 && self.test_share < 1.0,
            "split.test_share",
            self.test_share,
            "must be above 0 and below 1",
        )?;
        require(
            || !self.run_separator.is_empty() && !self.run_separator.contains(':'),
            "split.run_separator",
            format!("{:?}", self.run_separator),
            "give the sign between a course's family and its run, as - in BBB-2013B; not a colon, which follows an \
             institution's name",
        )?;
        self.check_named()?;
        self.check_folds()
    }

    /// What is named must be what the split is made by.
    fn check_named(&self) -> Result<(), ConfigError> {
        let both = self.train_courses.iter().find(|course| self.test_courses.contains(course));
        if let Some(course) = both {
            return Err(ConfigError::Invalid {
                key: "split.test_courses",
                value: course.clone(),
                problem: "the course is among split.train_courses too",
            });
        }
        require(
            || self.train_courses.is_empty() || !self.is_by(&["later-run", "institution"]),
            "split.train_courses",
            self.train_courses.join(","),
            "a split by later run or institution trains on all others; leave it empty, or split by course",
        )?;
        require(
            || self.test_courses.is_empty() || self.is_by(&["course", "time"]),
            "split.test_courses",
            self.test_courses.join(","),
            "named test courses need split.by = course or time",
        )?;
        require(
            || self.test_families.is_empty() || self.is_by(&["later-run"]),
            "split.test_families",
            self.test_families.join(","),
            "named families of courses need split.by = later-run",
        )?;
        require(
            || self.test_families.len() < 2 || !self.test_families.iter().any(|family| family == "*"),
            "split.test_families",
            self.test_families.join(","),
            "* stands for all families; name it alone",
        )?;
        require(
            || self.test_institutions.is_empty() || self.is_by(&["institution"]),
            "split.test_institutions",
            self.test_institutions.join(","),
            "named test institutions need split.by = institution",
        )
    }

    fn check_folds(&self) -> Result<(), ConfigError> {
        require(|| self.folds != 1 && self.folds <= 100, "split.folds", self.folds, "must be 0 or from 2 to 100")?;
        require(|| (1..=1000).contains(&self.repeats), "split.repeats", self.repeats, "must be from 1 to 1000")?;
        require(
            || !self.leave_one_out || self.is_by(&["course", "institution"]),
            "split.leave_one_out",
            self.leave_one_out,
            "one course or institution is left out at a time; use split.by = course or institution, or split.folds",
        )?;
        require(
            || !self.leave_one_out || self.folds == 0,
            "split.folds",
            self.folds,
            "split.leave_one_out makes a fold of every course or institution; leave split.folds at 0",
        )?;
        require(
            || !self.leave_one_out || self.repeats == 1,
            "split.repeats",
            self.repeats,
            "leaving one out has nothing to draw anew; leave split.repeats at 1",
        )?;
        require(
            || self.folds == 0 || !self.is_by(&["time", "later-run"]),
            "split.folds",
            self.folds,
            "a split by time or later run can't be folded; use split.by = learner, course or institution",
        )?;
        let named = [&self.test_courses, &self.test_families, &self.test_institutions];
        require(
            || !self.cross_validates() || named.iter().all(|names| names.is_empty()),
            if self.leave_one_out { "split.leave_one_out" } else { "split.folds" },
            if self.leave_one_out { "true".to_owned() } else { self.folds.to_string() },
            "folds make their own test parts; leave split.test_courses and split.test_institutions empty",
        )
    }
}
