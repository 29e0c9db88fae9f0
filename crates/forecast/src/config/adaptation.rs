//! Records what became other than usual when a configuration met data.

use std::fmt;

use serde::{Deserialize, Serialize};
use staycast_sequences::CutOff;

/// Describes a setting that is not the usual one, as the data does not allow that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adaptation {
    /// The target week is an earlier one.
    TargetWeek {
        /// The usual one.
        usual: CutOff,
        /// The last week at which a forecast can be made for at least half of the enrolments.
        chosen: CutOff,
    },
    /// A forecast is made at an earlier week than the run is for. Of a forecast alone, and never of a run.
    ShorterCourses {
        /// The run's week.
        run: CutOff,
        /// The last week at which a forecast can be made in any of the courses.
        chosen: CutOff,
    },
    /// Networks learn no second task.
    NoSecondTask(NoNextWeek),
}

/// Says why there is no next week to learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoNextWeek {
    /// The data does not tell on which days learners were active.
    ActivityUnknown,
    /// No course was observed for two weeks.
    OneWeek,
}

impl fmt::Display for Adaptation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TargetWeek { usual, chosen } => write!(
                f,
                "week {chosen} in place of {usual}: for most learners the last week that can be forecast is {chosen}"
            ),
            Self::ShorterCourses { run, chosen } => {
                write!(f, "week {chosen} in place of the run's week {run}, the last that these courses allow")
            }
            Self::NoSecondTask(why) => {
                f.write_str("networks learn dropout alone, not activity in the next week, as ")?;
                f.write_str(match why {
                    NoNextWeek::ActivityUnknown => "the data does not tell who was active in which week",
                    NoNextWeek::OneWeek => "no course was observed for two weeks",
                })
            }
        }
    }
}
