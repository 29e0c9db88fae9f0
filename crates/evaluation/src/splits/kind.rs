//! Kinds of tests.

use serde::{Deserialize, Serialize};

/// Names the kind of a test; reports print it on every page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitKind {
    /// Held-out courses that ran at the same time as training ones (or whose times are unknown).
    Transfer,
    /// Training labels were known before the test courses' cut-off.
    Forecast,
    /// Other learners of the same courses.
    Learner,
    /// Held-out institutions, whenever their courses ran.
    Institution,
    /// Other enrolments of the same courses, drawn at random: flatters.
    RandomOptimistic,
    /// The very rows trained on: says nothing about new learners.
    InSample,
}

impl SplitKind {
    /// Returns the name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Forecast => "forecast",
            Self::Learner => "learner",
            Self::Institution => "institution",
            Self::RandomOptimistic => "random-optimistic",
            Self::InSample => "in-sample",
        }
    }

    /// Tells whether the courses tested on were new to the model.
    #[must_use]
    pub const fn is_on_new_courses(self) -> bool {
        matches!(self, Self::Transfer | Self::Forecast | Self::Institution)
    }

    /// Says in one sentence what figures of this kind mean.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Transfer => {
                "Tested on courses the model never saw, which may have run at the same time as its training courses: \
                 this measures transfer to other courses, not forecasting."
            }
            Self::Forecast => {
                "Tested on courses the model never saw, trained on outcomes known before those courses' cut-off: \
                 what a real forecast could have known."
            }
            Self::Learner => "Tested on learners the model never saw, in courses it was trained on.",
            Self::Institution => {
                "Tested at institutions the model never saw, whose courses may have run at the same time as its \
                 training courses: this measures transfer to another institution, not forecasting."
            }
            Self::RandomOptimistic => {
                "OPTIMISTIC: tested on enrolments drawn at random from the training courses. Expect less on new \
                 courses."
            }
            Self::InSample => {
                "IN-SAMPLE: tested on the rows the model was trained on. These figures say nothing about new learners."
            }
        }
    }
}
