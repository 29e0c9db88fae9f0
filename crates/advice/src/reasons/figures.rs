//! Figures of learners, beside those typical of their course and their own from before.

use serde::Serialize;
use staycast_sequences::{CutOff, Dataset, EnrolmentIndex, WeekIndex, whole_weeks};

use super::behaviour::Behaviour;

/// Names a feature that people understand, with the behaviour that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Headline {
    pub(super) behaviour: Behaviour,
    pub(super) feature: &'static str,
    pub(super) unit: Unit,
    /// Whether the feature is of the whole course so far, and not of one week.
    pub(super) is_total: bool,
}

/// Says in which words a figure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Singular and plural of what is counted.
    Count(&'static str, &'static str),
    Seconds,
    Points,
}

const fn weekly(behaviour: Behaviour, feature: &'static str, one: &'static str, many: &'static str) -> Headline {
    Headline { behaviour, feature, unit: Unit::Count(one, many), is_total: false }
}

/// Lists the features by behaviour; of one behaviour the first that a source has is told.
pub(super) const HEADLINES: [Headline; 12] = [
    weekly(Behaviour::Visits, "active_days", "active day", "active days"),
    weekly(Behaviour::Activity, "n_events", "event", "events"),
    Headline { behaviour: Behaviour::StudyTime, feature: "seconds", unit: Unit::Seconds, is_total: false },
    weekly(Behaviour::Videos, "n_video", "video event", "video events"),
    weekly(Behaviour::Exercises, "problems_attempted", "exercise tried", "exercises tried"),
    weekly(Behaviour::Exercises, "n_problem", "exercise event", "exercise events"),
    weekly(Behaviour::Material, "objects", "item opened", "items opened"),
    weekly(Behaviour::Material, "n_access", "page opened", "pages opened"),
    weekly(Behaviour::Forum, "n_discussion", "forum visit", "forum visits"),
    Headline {
        behaviour: Behaviour::Submissions,
        feature: "total_submissions",
        unit: Unit::Count("submission", "submissions"),
        is_total: true,
    },
    Headline { behaviour: Behaviour::Scores, feature: "total_score_mean", unit: Unit::Points, is_total: true },
    weekly(Behaviour::Submissions, "n_submission", "submission", "submissions"),
];

/// Features that sentences mention besides the headlines.
pub(super) const DAYS_SINCE_LAST: &str = "days_since_last";
pub(super) const MISSING: &str = "assessments_missing";
pub(super) const LAST_DUE: &str = "last_due_submitted";

/// Lists the features that figures are read from, where the source has them.
pub const FIGURE_FEATURES: [&str; 15] = [
    "active_days",
    "n_events",
    "seconds",
    "n_video",
    "problems_attempted",
    "n_problem",
    "objects",
    "n_access",
    "n_discussion",
    "total_submissions",
    "total_score_mean",
    "n_submission",
    DAYS_SINCE_LAST,
    MISSING,
    LAST_DUE,
];

/// Holds a learner's figure beside the course's and the learner's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// Name of the feature; `None` where the source has none that people understand.
    pub feature: Option<&'static str>,
    /// The learner's, in the last week seen; `None` where null.
    pub learner: Option<f64>,
    /// Median of those still active in the course; `None` where nobody has one.
    pub typical: Option<f64>,
    /// Mean of the learner's earlier whole weeks; `None` for a feature of the whole course so far, and in the first week.
    pub before: Option<f64>,
}

/// Holds what is typical of a course: medians by feature and week.
#[derive(Clone, Debug)]
pub struct CourseNorms {
    seen: CutOff,
    /// By feature of [`FIGURE_FEATURES`]: its column.
    columns: [Option<usize>; FIGURE_FEATURES.len()],
    /// By feature, by week.
    medians: Vec<Vec<Option<f64>>>,
    learners: usize,
}

impl CourseNorms {
    /// Computes the medians of `learners`, who are those of one course who are active after `seen`.
    #[must_use]
    pub fn new(data: &Dataset, learners: &[EnrolmentIndex], seen: CutOff) -> Self {
        let columns = FIGURE_FEATURES.map(|name| data.feature(name));
        let median = |column: Option<usize>, week: WeekIndex| {
            let column = column?;
            let value =
                |&learner: &EnrolmentIndex| Some(data.week(learner, week)[column]).filter(|value| !value.is_nan());
            let mut values: Vec<f32> = learners.iter().filter_map(value).collect();
            values.sort_unstable_by(f32::total_cmp);
            let middle = values.len() / 2;
            match values.len() {
                0 => None,
                odd if odd % 2 == 1 => Some(f64::from(values[middle])),
                _ => Some((f64::from(values[middle - 1]) + f64::from(values[middle])) / 2.0),
            }
        };
        let of_feature = |column| seen.weeks_seen().map(|week| median(column, week)).collect();
        Self { seen, columns, medians: columns.map(of_feature).to_vec(), learners: learners.len() }
    }

    /// Returns the weeks that the figures are of.
    #[must_use]
    pub fn seen(&self) -> CutOff {
        self.seen
    }

    /// Counts the learners whose medians these are.
    #[must_use]
    pub fn learners(&self) -> usize {
        self.learners
    }
}

/// Lends a learner's figures.
#[derive(Clone, Copy)]
pub(super) struct Learner<'a> {
    pub(super) data: &'a Dataset,
    pub(super) norms: &'a CourseNorms,
    pub(super) enrolment: EnrolmentIndex,
}

impl Learner<'_> {
    fn place(feature: &str) -> usize {
        FIGURE_FEATURES
            .iter()
            .position(|name| *name == feature)
            .expect("one of the features that figures are read from")
    }

    /// Returns the headline of a behaviour that the source has.
    pub(super) fn headline(self, behaviour: Behaviour) -> Option<&'static Headline> {
        HEADLINES
            .iter()
            .find(|one| one.behaviour == behaviour && self.norms.columns[Self::place(one.feature)].is_some())
    }

    /// Returns a feature's value in a week.
    pub(super) fn value(self, feature: &str, week: WeekIndex) -> Option<f64> {
        let column = self.norms.columns[Self::place(feature)]?;
        let value = self.data.week(self.enrolment, week)[column];
        (!value.is_nan()).then(|| f64::from(value))
    }

    /// Returns a feature's value in the last week seen.
    pub(super) fn last(self, feature: &str) -> Option<f64> {
        self.value(feature, self.norms.seen.last_week())
    }

    /// Returns the course's median in the last week seen.
    pub(super) fn typical(self, feature: &str) -> Option<f64> {
        self.norms.medians[Self::place(feature)].last().copied().flatten()
    }

    /// Returns the figure of a behaviour.
    pub(super) fn figure(self, behaviour: Behaviour) -> Figure {
        let Some(headline) = self.headline(behaviour) else { return Figure::default() };
        let last = self.norms.seen.last_week();
        // Weeks from before the enrolment have zeros.
        let earlier: Vec<f64> = whole_weeks(self.data, self.enrolment, self.norms.seen)
            .filter(|&week| week < last)
            .filter_map(|week| self.value(headline.feature, week))
            .collect();
        let mean =
            (!earlier.is_empty() && !headline.is_total).then(|| earlier.iter().sum::<f64>() / earlier.len() as f64);
        Figure {
            feature: Some(headline.feature),
            learner: self.last(headline.feature),
            typical: self.typical(headline.feature),
            before: mean,
        }
    }
}
