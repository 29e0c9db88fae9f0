//! Why an experiment would not see what it is for.

/// Says that an experiment would not see what it is for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", self.describe())]
pub struct TooFewLearners {
    /// Learners that the experiment would have.
    pub learners: u64,
    /// Courses that those at hand are in.
    pub courses: u64,
    /// The effect that is worth finding.
    pub least_effect: f64,
    /// Learners that it needs; `None` where no number suffices.
    pub needed: Option<u64>,
    /// The effect that can be seen; `None` where none can.
    pub detectable: Option<f64>,
    /// Probability to find it.
    pub power: f64,
}

impl TooFewLearners {
    fn describe(&self) -> String {
        let points = |share: f64| format!("{:.1} points", 100.0 * share);
        let seen =
            self.detectable.map_or("no effect at all".to_owned(), |effect| format!("{} or more", points(effect)));
        let needed = match self.needed {
            Some(learners) => format!("{} need {learners} learners", points(self.least_effect)),
            None => format!("no share can change by {}", points(self.least_effect)),
        };
        let courses = if self.courses == 1 { "1 course".to_owned() } else { format!("{} courses", self.courses) };
        format!(
            "{} learners of {courses} show {seen} with a power of {:.0}%, and {needed}; pool more courses or later runs",
            self.learners,
            100.0 * self.power
        )
    }
}
