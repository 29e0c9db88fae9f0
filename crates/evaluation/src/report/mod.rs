//! From prediction rows to the evaluation report, which serialises as JSON.
//!
//! Both cohorts at the asked week, the same for every week, the simplest baselines beside the model, and every row
//! that is not in a cohort counted under a reason. Nothing is fitted here: thresholds, base rates and the recency
//! baseline come from the training set, by week, as [`WeekReference`].
//!
//! At the asked week alone, since they cost more: bootstrap intervals, lines by course, capacities, and the parts that
//! [`Extras`] allow: groups and tests between them, survival, data quality. Stability covers all weeks of the report.

mod across_courses;
mod baselines;
mod bootstrap;
mod by_cohort;
mod capacity;
mod cohort;
mod comparison;
mod curves;
mod error;
mod evaluate;
mod evaluation;
mod extras;
mod groups;
mod input;
mod mean;
mod metric_names;
mod next_course;
mod prediction_row;
mod recency;
mod resampling;
mod rests_on;
mod rows;
mod slices;
mod stability;
mod survival;

pub use staycast_weeks::Exclusion;

pub use across_courses::AcrossCourses;
pub use baselines::{DAYS_SINCE_LAST, EVERYONE_DROPS};
pub use bootstrap::{BootstrapIntervals, BootstrapRange};
pub use by_cohort::ByCohort;
pub use capacity::CapacityLine;
pub use cohort::Cohort;
pub use comparison::{ComparedForecast, ModelComparison, PairedDifference, compare};
pub use curves::{CohortCurves, ForecastCurves, Plots, plots};
pub use error::ReportError;
pub use evaluate::evaluate;
pub use evaluation::{Evaluation, WeekRefusal, WeekReport};
pub use extras::{
    DEFAULT_CAPACITIES, DataQuality, ExcludedCourse, Extras, GroupColumn, MinimumSize, Randomisation, TooFew,
};
pub use groups::{Gaps, GroupComparison, GroupLine, GroupReport, GroupTable, TestedGap};
pub use input::{EvaluationRequest, WeekReference};
pub use prediction_row::PredictionRow;
pub use recency::{BaselineError, RecencyBaseline};
pub use resampling::{ResampledUnit, Resampling};
pub use rests_on::RestsOn;
pub use slices::{CourseLine, CourseReport, Slice};
pub use stability::{SmoothingReport, StabilityReport};
pub use survival::{BrierOfWeek, SurvivalPoint, SurvivalReport, TooFewFollowed};

pub(crate) use groups::group_name;
pub(crate) use metric_names::metric_name;
