//! Errors of making a report.

use staycast_weeks::{CutOff, CutOffList};

use crate::metrics::MetricError;
use crate::metrics::survival::SurvivalError;

/// Says why no report can be made of these rows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReportError {
    /// The asked week's cut-off lies inside the label window.
    #[error(
        "week {week} is refused: its cut-off lies inside the label window, where the label can be seen; \
         the last week that can be forecast is {last_allowed_week}"
    )]
    WeekInsideLabelWindow {
        /// Week asked for.
        week: CutOff,
        /// Last week whose cut-off comes before the window opens.
        last_allowed_week: u16,
    },
    /// There are no predictions at the asked week.
    #[error("no predictions at week {week}; there are some at weeks {}", CutOffList(.present))]
    NoRowsAtWeek {
        /// Week asked for.
        week: u16,
        /// Weeks there are.
        present: Vec<CutOff>,
    },
    /// The run carries nothing to measure the asked week against.
    #[error("the run has no threshold and no baselines for week {week}; it has them for weeks {}", CutOffList(.present))]
    NoReference {
        /// Week asked for.
        week: CutOff,
        /// Weeks the run has them for.
        present: Vec<CutOff>,
    },
    /// A scored row has a NaN score.
    #[error("row {row} (week {week}) is to be scored but its score is NaN: give it an exclusion reason")]
    NanScore {
        /// 0-based row.
        row: usize,
        /// Its week.
        week: CutOff,
    },
    /// A scored row's probability is none.
    #[error("row {row} (week {week}) has probability {value}: it must lie between 0 and 1")]
    NotAProbability {
        /// 0-based row.
        row: usize,
        /// Its week.
        week: CutOff,
        /// The value found.
        value: f64,
    },
    /// A number of days since the last activity is negative or not finite.
    #[error("row {row} (week {week}) was last active {value} days before the cut-off: it must be 0 or more")]
    DaysOutOfRange {
        /// 0-based row.
        row: usize,
        /// Its week.
        week: CutOff,
        /// The value found.
        value: f64,
    },
    /// A training base rate is none.
    #[error("the training base rate of week {week} is {value}: it must lie between 0 and 1")]
    BaseRateOutOfRange {
        /// The week.
        week: CutOff,
        /// The value found.
        value: f64,
    },
    /// A row's course has no name.
    #[error("row {row} is of course number {course}, but only {names} course names were given")]
    UnnamedCourse {
        /// 0-based row.
        row: usize,
        /// Its course number.
        course: u32,
        /// Names given.
        names: usize,
    },
    /// A table given beside the rows does not reach as far as they do.
    #[error("the {table} has {given} entries but needs {needed}: give one for each, or none at all")]
    TableTooShort {
        /// The table.
        table: String,
        /// Entries given.
        given: usize,
        /// Entries needed.
        needed: usize,
    },
    /// The weight of smoothing is out of range.
    #[error("smoothing has weight {weight}: it must lie above 0 and up to 1, which changes nothing")]
    SmoothingOutOfRange {
        /// The weight given.
        weight: f64,
    },
    /// A capacity is no number of learners.
    #[error("a capacity of {capacity} is impossible: give a count from 1, or a share above 0 and up to 100%")]
    ImpossibleCapacity {
        /// The capacity given.
        capacity: String,
    },
    /// An exit time is NaN or infinite.
    #[error("enrolment {enrolment} ends after {weeks} weeks: it must be a number")]
    ExitOutOfRange {
        /// 0-based enrolment number.
        enrolment: usize,
        /// The value found.
        weeks: f64,
    },
    /// A predicted survival curve rises or leaves [0, 1].
    #[error(
        "enrolment {enrolment} is predicted to survive week {week} after the cut-off with probability {value}: a survival \
         curve lies between 0 and 1 and never rises"
    )]
    NotASurvivalCurve {
        /// 0-based enrolment number.
        enrolment: usize,
        /// Week after the cut-off.
        week: usize,
        /// The value found.
        value: f64,
    },
    /// Survival data were refused.
    #[error(transparent)]
    Survival(#[from] SurvivalError),
    /// A metric refused its input.
    #[error(transparent)]
    Metric(#[from] MetricError),
}
