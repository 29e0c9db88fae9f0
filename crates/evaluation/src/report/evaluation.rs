//! The evaluation report.

use std::collections::BTreeMap;

use serde::Serialize;
use staycast_weeks::{CutOff, Exclusion};

use super::across_courses::AcrossCourses;
use super::bootstrap::BootstrapIntervals;
use super::by_cohort::ByCohort;
use super::capacity::CapacityLine;
use super::cohort::Cohort;
use super::extras::{DataQuality, TooFew};
use super::groups::GroupReport;
use super::rests_on::RestsOn;
use super::slices::{CourseLine, CourseReport};
use super::stability::StabilityReport;
use super::survival::SurvivalReport;
use crate::splits::SplitKind;

/// Holds one week of the curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekReport {
    /// The cut-off.
    pub week: CutOff,
    /// The model's figures.
    pub cohorts: ByCohort<Cohort>,
    /// The same for each baseline, by name.
    pub baselines: BTreeMap<&'static str, ByCohort<Cohort>>,
    /// Rows in no cohort, by reason.
    pub excluded: BTreeMap<Exclusion, u64>,
}

/// Says why a week that has rows is not on the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekRefusal {
    /// Its cut-off lies inside the label window.
    InsideLabelWindow,
    /// The run has no threshold and baselines for it, as when a test course is longer than every training course.
    NoTrainingReference,
}

impl Evaluation {
    /// Describes weeks that are not on the curve, a sentence for each reason.
    pub(crate) fn describe_refused_weeks(&self) -> Vec<String> {
        let reasons = [
            (WeekRefusal::InsideLabelWindow, "the outcome could already be seen at their cut-off"),
            (WeekRefusal::NoTrainingReference, "no training course reached them"),
        ];
        let sentence = |(refusal, reason): (WeekRefusal, &str)| {
            let weeks = self.weeks_refused.iter().filter(|&(_, &why)| why == refusal);
            let weeks: Vec<String> = weeks.map(|(week, _)| week.to_string()).collect();
            (!weeks.is_empty()).then(|| format!("Weeks not reported, since {reason}: {}.", weeks.join(", ")))
        };
        reasons.into_iter().filter_map(sentence).collect()
    }
}

/// Holds the evaluation report. Its JSON is a contract: `week`, `label_rule`, `kind`, `cohorts`,
/// `weeks`, `excluded`, `baselines`; the fields after those came later.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The cut-off that was asked for.
    pub week: CutOff,
    /// The rule that defines dropout.
    pub label_rule: String,
    /// Kind of the test.
    pub kind: SplitKind,
    /// The model's figures at the asked week.
    pub cohorts: ByCohort<Cohort>,
    /// The same for every week that can be reported, ascending.
    pub weeks: Vec<WeekReport>,
    /// Rows in no cohort at the asked week, by reason.
    pub excluded: BTreeMap<Exclusion, u64>,
    /// The simplest baselines at the asked week, by name.
    pub baselines: BTreeMap<&'static str, ByCohort<Cohort>>,
    /// Weeks with rows that are not on the curve, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weeks_refused: BTreeMap<CutOff, WeekRefusal>,
    /// Bootstrap intervals at the asked week, by learner and, with ten courses or more, by course.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bootstrap: Vec<ByCohort<BootstrapIntervals>>,
    /// Figures by course at the asked week, where there are fewer than ten courses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub courses: Vec<CourseReport>,
    /// Why readers are shown no curves, capacities and intervals by resampling of a cohort: it is smaller than the report's
    /// minimum size.
    pub too_few: ByCohort<Option<TooFew>>,
    /// AUC over courses at the asked week, and what to expect of the next course.
    pub across_courses: ByCohort<AcrossCourses>,
    /// The courses that the figures rest on, where the caller says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rests_on: Option<RestsOn>,
    /// Number of times that this test part has been evaluated, this time included, where the caller keeps count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluations_of_this_part: Option<u32>,
    /// Precision, recall and lift at each capacity, by cohort, at the asked week.
    pub capacity: ByCohort<Vec<CapacityLine>>,
    /// A line a course at the asked week, however many there are, ordered bytewise; those too small have no figures.
    pub course_lines: Vec<CourseLine>,
    /// A table a group column at the asked week.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupReport>,
    /// Survival from the asked week on, where there are exit times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survival: Option<ByCohort<SurvivalReport>>,
    /// Movement of forecasts from week to week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<StabilityReport>,
    /// Of a mean over repeats of a cross-validation, the repeat that the fields from `capacity` to `stability` are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sections_of_repeat: Option<u32>,
    /// Counts of the data before there were predictions, where the caller gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_quality: Option<DataQuality>,
}
