//! The rule for learners who enrol in a course again.

/// Names the enrolments that count where a table has several of one learner in one course, on different dates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnrolledAgain {
    /// The first. What came later does not change it.
    #[default]
    First,
    /// The last. Before it happened, the first was all that anybody knew.
    Last,
    /// Each, as an enrolment of its own. An event is of the one that began last before it.
    Each,
}

impl EnrolledAgain {
    /// Returns the name used in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Each => "each",
        }
    }
}

/// Makes the id of an enrolment that began on `date` after the first one of its learner in its course.
pub(crate) fn again_id(first: &str, date: &str) -> String {
    format!("{first}@{date}")
}
