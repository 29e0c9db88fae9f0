//! On which kind of transfer figures rest, in words.

use serde::Serialize;

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
        let (this, that) =
            if kind == SplitKind::Forecast { ("later", "an earlier one") } else { ("other", "another one") };
        let of_runs = || {
            let of = if runs == 1 { "a course" } else { "courses" };
            format!("{} of {of} of which the model saw {that}", counted(runs, &format!("{this} run")))
        };
        let what = match kind {
            SplitKind::Forecast | SplitKind::Transfer => match (runs, others) {
                (_, 0) => of_runs(),
                (0, _) => format!("{} of which the model saw no run", courses(all)),
                _ => format!("{}, and on {} of which it saw no run", of_runs(), courses(others)),
            },
            SplitKind::Institution => format!("{} of institutions that the model never saw", courses(all)),
            SplitKind::Learner => format!("other learners of {} that the model was trained on", courses(all)),
            SplitKind::RandomOptimistic => {
                format!("enrolments drawn at random from {} that the model was trained on", courses(all))
            }
            SplitKind::InSample => "the very rows that the model was trained on".to_owned(),
        };
        format!("These figures rest on {what}.")
    }
}
