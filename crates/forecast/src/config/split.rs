//! The section `[split]`: which rows train and which test.
//!
//! As written the section is a flat table, in which each kind of split reads some of the keys. Checked it is a
//! [`SplitSpec`], each kind of which has its own fields and no others.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use staycast_evaluation::splits::{Grouping, LaterRuns, Split, TestCourses, TestInstitutions};

use super::error::{ConfigError, require};

/// Holds `[split]` as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// The name of a [`SplitBy`].
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
    /// The sign that a course's id has between the course's family and the run, as in `BBB-2013B`: courses whose ids
    /// differ only in what follows the last such sign are runs of one family.
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
            by: SplitBy::Course.name().to_owned(),
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

/// Names by which unit the test is held out: `split.by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitBy {
    /// Whole courses.
    Course,
    /// Later courses; only labels that were known before them are trained on.
    Time,
    /// The latest runs of courses held before; only labels that were known before them are trained on.
    LaterRun,
    /// Learners, with all their rows.
    Learner,
    /// Whole institutions.
    Institution,
    /// Enrolments at random, which flatters.
    Random,
}

impl SplitBy {
    /// Lists all of them.
    pub const ALL: [Self; 6] =
        [Self::Course, Self::Time, Self::LaterRun, Self::Learner, Self::Institution, Self::Random];

    /// Returns the name in the configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Course => "course",
            Self::Time => "time",
            Self::LaterRun => "later-run",
            Self::Learner => "learner",
            Self::Institution => "institution",
            Self::Random => "random",
        }
    }

    /// Returns the way of splitting with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}

impl fmt::Display for SplitBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Holds `[split]`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedSplit {
    /// Which rows test.
    pub(crate) spec: SplitSpec,
    /// Courses of which rows are offered to the split; all if `None`.
    pub(crate) offered_courses: Option<BTreeSet<String>>,
    /// The sign between a course's family and its run; not empty, no colon.
    pub(crate) run_separator: String,
}

/// Says which rows test: one part of them, or every row once a repeat.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitSpec {
    /// One test part; the run has a model for new data.
    OneTest(Split),
    /// Cross-validation in folds that are drawn.
    Folds {
        /// The unit that stays together in a fold.
        by: Grouping,
        /// Folds, 2 to 100.
        folds: u32,
        /// Times that the folds are drawn, 1 to 1000.
        repeats: u32,
    },
    /// Cross-validation with a fold for every one of these.
    LeaveOneOut(LeftOut),
}

/// Names a unit of which one is left out at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// A course.
    Course,
    /// An institution.
    Institution,
}

impl From<LeftOut> for Grouping {
    fn from(unit: LeftOut) -> Self {
        match unit {
            LeftOut::Course => Self::Course,
            LeftOut::Institution => Self::Institution,
        }
    }
}

impl CheckedSplit {
    /// Tells whether the run is a cross-validation, without a test part or a model of its own.
    #[must_use]
    pub const fn cross_validates(&self) -> bool {
        match self.spec {
            SplitSpec::OneTest(_) => false,
            SplitSpec::Folds { .. } | SplitSpec::LeaveOneOut(_) => true,
        }
    }
}

fn joined(names: &[String]) -> String {
    names.join(",")
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

impl SplitConfig {
    pub(super) fn check(&self) -> Result<CheckedSplit, ConfigError> {
        let by = SplitBy::from_name(&self.by).ok_or_else(|| {
            let problem = "use course, time, later-run, learner, institution or random";
            ConfigError::invalid("split.by", &self.by, problem)
        })?;
        let share = self.test_share;
        require(share > 0.0 && share < 1.0, "split.test_share", share, "must be above 0 and below 1")?;
        require(
            !self.run_separator.is_empty() && !self.run_separator.contains(':'),
            "split.run_separator",
            format!("{:?}", self.run_separator),
            "give the sign between a course's family and its run, as - in BBB-2013B; not a colon, which follows an \
             institution's name",
        )?;
        self.check_names(by)?;
        let spec = self.spec(by)?;
        let offered_courses = match (&spec, by) {
            // The split itself leaves out, and counts, the courses that are not named.
            (SplitSpec::OneTest(_), SplitBy::Course) => None,
            _ if self.train_courses.is_empty() => None,
            _ => Some(self.train_courses.iter().chain(&self.test_courses).cloned().collect()),
        };
        Ok(CheckedSplit { spec, offered_courses, run_separator: self.run_separator.clone() })
    }

    /// Refuses names of another unit than the split's.
    fn check_names(&self, by: SplitBy) -> Result<(), ConfigError> {
        let Self { train_courses, test_courses, test_families, test_institutions, .. } = self;
        if let Some(course) = train_courses.iter().find(|course| test_courses.contains(course)) {
            let problem = "the course is among split.train_courses too";
            return Err(ConfigError::invalid("split.test_courses", course, problem));
        }
        require(
            train_courses.is_empty() || !matches!(by, SplitBy::LaterRun | SplitBy::Institution),
            "split.train_courses",
            joined(train_courses),
            "a split by later run or institution trains on all others; leave it empty, or split by course",
        )?;
        require(
            test_courses.is_empty() || matches!(by, SplitBy::Course | SplitBy::Time),
            "split.test_courses",
            joined(test_courses),
            "named test courses need split.by = course or time",
        )?;
        require(
            test_families.is_empty() || by == SplitBy::LaterRun,
            "split.test_families",
            joined(test_families),
            "named families of courses need split.by = later-run",
        )?;
        require(
            test_families.len() < 2 || !test_families.iter().any(|family| family == "*"),
            "split.test_families",
            joined(test_families),
            "* stands for all families; name it alone",
        )?;
        require(
            test_institutions.is_empty() || by == SplitBy::Institution,
            "split.test_institutions",
            joined(test_institutions),
            "named test institutions need split.by = institution",
        )
    }

    fn spec(&self, by: SplitBy) -> Result<SplitSpec, ConfigError> {
        let Self { folds, repeats, .. } = *self;
        require(folds != 1 && folds <= 100, "split.folds", folds, "must be 0 or from 2 to 100")?;
        require((1..=1000).contains(&repeats), "split.repeats", repeats, "must be from 1 to 1000")?;
        if self.leave_one_out {
            self.leave_one_out(by)
        } else if folds > 0 {
            self.in_folds(by)
        } else {
            Ok(SplitSpec::OneTest(self.one_test(by)))
        }
    }

    fn one_test(&self, by: SplitBy) -> Split {
        let test_share = self.test_share;
        let courses = || match self.test_courses.as_slice() {
            [] => TestCourses::Share(test_share),
            courses => TestCourses::Named(set(courses)),
        };
        match by {
            SplitBy::Course => Split::Course {
                test: courses(),
                train: (!self.train_courses.is_empty()).then(|| set(&self.train_courses)),
            },
            SplitBy::Time => Split::Time { test: courses() },
            SplitBy::LaterRun => Split::LaterRun {
                test: match self.test_families.as_slice() {
                    [] => LaterRuns::Share(test_share),
                    [all] if all == "*" => LaterRuns::All,
                    families => LaterRuns::Named(set(families)),
                },
            },
            SplitBy::Learner => Split::Learner { test_share },
            SplitBy::Institution => Split::Institution {
                test: match self.test_institutions.as_slice() {
                    [] => TestInstitutions::Share(test_share),
                    institutions => TestInstitutions::Named(set(institutions)),
                },
            },
            SplitBy::Random => Split::Random { test_share },
        }
    }

    fn in_folds(&self, by: SplitBy) -> Result<SplitSpec, ConfigError> {
        let by = match by {
            SplitBy::Course => Grouping::Course,
            SplitBy::Learner => Grouping::Learner,
            SplitBy::Institution => Grouping::Institution,
            SplitBy::Random => Grouping::Enrolment,
            SplitBy::Time | SplitBy::LaterRun => {
                let problem =
                    "a split by time or later run can't be folded; use split.by = learner, course or institution";
                return Err(ConfigError::invalid("split.folds", self.folds, problem));
            }
        };
        self.refuse_names("split.folds", self.folds)?;
        Ok(SplitSpec::Folds { by, folds: self.folds, repeats: self.repeats })
    }

    fn leave_one_out(&self, by: SplitBy) -> Result<SplitSpec, ConfigError> {
        let unit = match by {
            SplitBy::Course => LeftOut::Course,
            SplitBy::Institution => LeftOut::Institution,
            SplitBy::Time | SplitBy::LaterRun | SplitBy::Learner | SplitBy::Random => {
                let problem = "one course or institution is left out at a time; use split.by = course or institution, \
                               or split.folds";
                return Err(ConfigError::invalid("split.leave_one_out", self.leave_one_out, problem));
            }
        };
        require(
            self.folds == 0,
            "split.folds",
            self.folds,
            "split.leave_one_out makes a fold of every course or institution; leave split.folds at 0",
        )?;
        require(
            self.repeats == 1,
            "split.repeats",
            self.repeats,
            "leaving one out has nothing to draw anew; leave split.repeats at 1",
        )?;
        self.refuse_names("split.leave_one_out", self.leave_one_out)?;
        Ok(SplitSpec::LeaveOneOut(unit))
    }

    /// Refuses names of a test part for a cross-validation, which `key` = `value` asks for.
    fn refuse_names(&self, key: &'static str, value: impl ToString) -> Result<(), ConfigError> {
        let named = [&self.test_courses, &self.test_families, &self.test_institutions];
        require(
            named.iter().all(|names| names.is_empty()),
            key,
            value,
            "folds make their own test parts; leave split.test_courses and split.test_institutions empty",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `[split]` with the given lines of TOML.
    fn written(lines: &str) -> SplitConfig {
        toml::from_str(lines).expect("keys of the section")
    }

    fn spec(lines: &str) -> SplitSpec {
        written(lines).check().unwrap_or_else(|error| panic!("{lines}: {error}")).spec
    }

    fn named(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn each_way_of_splitting_carries_its_own_fields() {
        let ab = named(&["a", "b"]);
        for (lines, expected) in [
            ("", Split::Course { test: TestCourses::Share(0.25), train: None }),
            (
                "test_courses = ['a', 'b']\ntrain_courses = ['c']",
                Split::Course { test: TestCourses::Named(ab.clone()), train: Some(named(&["c"])) },
            ),
            ("by = 'time'\ntest_share = 0.5", Split::Time { test: TestCourses::Share(0.5) }),
            ("by = 'time'\ntest_courses = ['a', 'b']", Split::Time { test: TestCourses::Named(ab.clone()) }),
            ("by = 'later-run'", Split::LaterRun { test: LaterRuns::Share(0.25) }),
            ("by = 'later-run'\ntest_families = ['*']", Split::LaterRun { test: LaterRuns::All }),
            ("by = 'later-run'\ntest_families = ['a', 'b']", Split::LaterRun { test: LaterRuns::Named(ab.clone()) }),
            ("by = 'learner'", Split::Learner { test_share: 0.25 }),
            ("by = 'institution'", Split::Institution { test: TestInstitutions::Share(0.25) }),
            (
                "by = 'institution'\ntest_institutions = ['a', 'b']",
                Split::Institution { test: TestInstitutions::Named(ab) },
            ),
            ("by = 'random'\nrepeats = 3", Split::Random { test_share: 0.25 }),
        ] {
            assert_eq!(spec(lines), SplitSpec::OneTest(expected), "{lines}");
        }
    }

    #[test]
    fn cross_validations_carry_their_unit() {
        for (name, by) in [
            ("course", Grouping::Course),
            ("learner", Grouping::Learner),
            ("institution", Grouping::Institution),
            ("random", Grouping::Enrolment),
        ] {
            let found = spec(&format!("by = '{name}'\nfolds = 3\nrepeats = 2"));
            assert_eq!(found, SplitSpec::Folds { by, folds: 3, repeats: 2 }, "{name}");
        }
        assert_eq!(spec("leave_one_out = true"), SplitSpec::LeaveOneOut(LeftOut::Course));
        let institutions = spec("by = 'institution'\nleave_one_out = true");
        assert_eq!(institutions, SplitSpec::LeaveOneOut(LeftOut::Institution));
    }

    #[test]
    fn named_training_courses_limit_what_other_splits_than_by_course_are_offered() {
        let offered = |lines: &str| written(lines).check().expect("a split").offered_courses;
        assert_eq!(offered("train_courses = ['a']"), None);
        assert_eq!(offered("by = 'learner'"), None);
        assert_eq!(offered("by = 'learner'\ntrain_courses = ['a']"), Some(named(&["a"])));
        assert_eq!(offered("train_courses = ['a']\nfolds = 2"), Some(named(&["a"])));
        assert_eq!(offered("by = 'time'\ntrain_courses = ['a']\ntest_courses = ['b']"), Some(named(&["a", "b"])));
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_name() {
        for (lines, key) in [
            ("by = 'weather'", "by"),
            ("test_share = 1.0", "test_share"),
            ("run_separator = ''", "run_separator"),
            ("run_separator = ':'", "run_separator"),
            ("train_courses = ['a']\ntest_courses = ['a']", "test_courses"),
            ("by = 'later-run'\ntrain_courses = ['a']", "train_courses"),
            ("by = 'institution'\ntrain_courses = ['a']", "train_courses"),
            ("by = 'learner'\ntest_courses = ['a']", "test_courses"),
            ("by = 'random'\ntest_courses = ['a']", "test_courses"),
            ("by = 'later-run'\ntest_courses = ['a']", "test_courses"),
            ("by = 'institution'\ntest_courses = ['a']", "test_courses"),
            ("test_families = ['a']", "test_families"),
            ("by = 'later-run'\ntest_families = ['*', 'a']", "test_families"),
            ("by = 'time'\ntest_institutions = ['a']", "test_institutions"),
            ("folds = 1", "folds"),
            ("folds = 101", "folds"),
            ("repeats = 0", "repeats"),
            ("by = 'time'\nfolds = 3", "folds"),
            ("by = 'later-run'\nfolds = 3", "folds"),
            ("folds = 3\ntest_courses = ['a']", "folds"),
            ("by = 'institution'\nfolds = 3\ntest_institutions = ['a']", "folds"),
            ("by = 'time'\nleave_one_out = true", "leave_one_out"),
            ("by = 'later-run'\nleave_one_out = true", "leave_one_out"),
            ("by = 'learner'\nleave_one_out = true", "leave_one_out"),
            ("by = 'random'\nleave_one_out = true", "leave_one_out"),
            ("leave_one_out = true\nfolds = 3", "folds"),
            ("leave_one_out = true\nrepeats = 2", "repeats"),
            ("leave_one_out = true\ntest_courses = ['a']", "leave_one_out"),
            ("by = 'institution'\nleave_one_out = true\ntest_institutions = ['a']", "leave_one_out"),
        ] {
            let message = written(lines).check().expect_err(lines).to_string();
            assert!(message.starts_with(&format!("`split.{key}` = ")), "{lines}: {message}");
        }
    }
}
