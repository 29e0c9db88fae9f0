//! Says what figures rest on, what they are too few for, and what to expect of the next course.

use super::evaluation::Evaluation;
use crate::numbers::counted;
use crate::splits::SplitKind;

impl Evaluation {
    /// Says in one sentence on which kind of transfer the figures rest; empty where the caller did not say.
    #[must_use]
    pub fn describe_transfer(&self) -> String {
        self.rests_on.map_or_else(String::new, |rests_on| rests_on.sentence(self.kind))
    }

    /// Says that curves, capacities and resampling are left out, where there are too few for them.
    #[must_use]
    pub fn describe_too_few(&self) -> Option<String> {
        let too_few = self.too_few.all?;
        Some(format!("Curves, capacities and intervals by drawing anew are left out, since there are {too_few}."))
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
