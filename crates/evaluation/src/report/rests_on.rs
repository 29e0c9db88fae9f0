//! On which kind of transfer figures rest, in words.

use serde::Serialize;

use super::evaluation::Evaluation;
use crate::numbers::counted;
use crate::splits::SplitKind;

/// Counts the courses that figures rest on, and those of them of which another run was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RestsOn {
    /// Courses that were evaluated.
    pub courses: u64,
    /// Those of which the training set has another run: a course of the same family.
    pub with_a_run_trained_on: u64,
}

impl RestsOn {
    /// Says in one sentence on which kind of transfer figures of `kind` rest.
    #[must_use]
    pub fn sentence(self, kind: SplitKind) -> String {
        let courses = |count: u64| counted(count, "course");
        let Self { courses: all, with_a_run_trained_on: runs } = self;
        let others = all - runs;
        let run = if kind == SplitKind::Forecast { "later runs" } else { "other runs" };
        let what = match kind {
            SplitKind::Forecast | SplitKind::Transfer => match (runs, others) {
                (_, 0) => format!("{run} of courses that the model was trained on: {}", courses(all)),
                (0, _) => format!("courses of which the model saw no run in training: {}", courses(all)),
                _ => format!(
                    "{run} of courses that the model was trained on ({}), and on courses of which it saw no run ({})",
                    courses(runs),
                    courses(others)
                ),
            },
            SplitKind::Institution => format!("institutions that the model was not trained on: {}", courses(all)),
            SplitKind::Learner => {
                format!("other learners of courses that the model was trained on: {}", courses(all))
            }
            SplitKind::RandomOptimistic => {
                format!("enrolments drawn at random from courses that the model was trained on: {}", courses(all))
            }
            SplitKind::InSample => "the very rows that the model was trained on".to_owned(),
        };
        format!("These figures rest on {what}.")
    }
}

impl Evaluation {
    /// Says in one sentence on which kind of transfer the figures rest; empty where the caller did not say.
    #[must_use]
    pub fn describe_transfer(&self) -> String {
        self.rests_on.map_or_else(String::new, |rests_on| rests_on.sentence(self.kind))
    }

    /// Says what to expect of the AUC in the next course, or why that can't be told.
    #[must_use]
    pub fn describe_next_course(&self) -> String {
        let across = &self.across_courses;
        let next = match self.kind {
            SplitKind::Forecast | SplitKind::Transfer => "the next course of this kind",
            SplitKind::Institution => "the next course of such institutions",
            SplitKind::Learner | SplitKind::RandomOptimistic | SplitKind::InSample => {
                return "What to expect in the next run can't be told: the model was trained on these very courses, and \
                        does worse on new ones."
                    .to_owned();
            }
        };
        let cohorts = [("everyone known by then", &across.all), ("those still active", &across.active)];
        let ranges: Vec<String> = cohorts
            .iter()
            .filter_map(|(name, across)| across.next().map(|(low, high)| format!("{low:.2} to {high:.2} ({name})")))
            .collect();
        if ranges.is_empty() {
            return format!(
                "What to expect in {next} can't be told: it takes at least 3 courses with enough learners of each \
                 outcome, and there {} {}.",
                if across.all.courses == 1 { "is" } else { "are" },
                across.all.courses
            );
        }
        let few = if across.all.courses < 6 {
            " It is wide, as so few courses tell little of how courses differ."
        } else {
            ""
        };
        format!(
            "In {next} expect an AUC of {}: 95% prediction intervals over {}.{few}",
            ranges.join(" and "),
            counted(across.all.courses, "course")
        )
    }
}
