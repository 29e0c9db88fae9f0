//! The record of how a run's inputs were chosen.

use std::fmt;

use serde::{Deserialize, Serialize};
use staycast_evaluation::splits::Grouping;
use staycast_sequences::{CutOff, FeatureGroup, group_of};

use super::column::Source;

/// Names a group of inputs that models read together or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputGroup {
    /// A group of weekly features.
    Weekly(FeatureGroup),
    /// The numbers of an enrolment.
    Enrolment,
}

impl fmt::Display for InputGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekly(group) => group.fmt(f),
            Self::Enrolment => f.pad("the enrolment's numbers"),
        }
    }
}

/// Records how the groups of inputs were chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InputChoice {
    /// The groups that help on what was held out are kept.
    Chosen(ChosenGroups),
    /// All are kept, as a choice would rest on too little.
    AllKept {
        /// The lack that made a choice impossible.
        reason: String,
    },
}

impl InputChoice {
    /// Checks a choice that was read from a file.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self::Chosen(chosen) = self else { return Ok(()) };
        let aucs = [chosen.auc, chosen.auc_of_all];
        let is_auc = |auc: &f64| (0.0..=1.0).contains(auc);
        let is_difference = |left: &GroupLeftOut| left.gain.abs() <= 1.0 && (0.0..=1.0).contains(&left.error);
        if aucs.iter().all(is_auc) && chosen.left_out.iter().all(is_difference) {
            Ok(())
        } else {
            Err("the figures of its choice of inputs are none that an AUC can have".to_owned())
        }
    }
}

/// Records which groups of inputs are kept, and what the others would have brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChosenGroups {
    /// The unit that was held out: whole courses, or learners where there is one course.
    pub held_out: Grouping,
    /// Courses of the training set.
    pub courses: u64,
    /// Enrolments that the choice was made on.
    pub enrolments: u64,
    /// Cut-off, and the number of weeks before it that were looked at.
    pub week: CutOff,
    /// The number of weeks up to the cut-off that were looked at.
    pub weeks: u64,
    /// AUC of held-out enrolments with the kept groups: half within their courses and half over all courses, a mean over everyone
    /// known and those still active.
    pub auc: f64,
    /// The same with all groups.
    pub auc_of_all: f64,
    /// The groups kept.
    pub kept: Vec<InputGroup>,
    /// The groups left out, in the order in which they were.
    pub left_out: Vec<GroupLeftOut>,
}

/// Records a group of inputs that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupLeftOut {
    /// The group.
    pub group: InputGroup,
    /// Gain in AUC without it; below 0 for a loss, of less than chance would explain.
    pub gain: f64,
    /// Standard error of that.
    pub error: f64,
}

impl Source {
    /// Returns the group that is chosen or left out as one; `None` for what is always read.
    pub(super) fn group(&self) -> Option<InputGroup> {
        match self {
            Self::Weekly { feature } | Self::Null { feature } => {
                // A feature that a later version knows is counted with the others of its kind, or stays.
                group_of(feature).map(InputGroup::Weekly)
            }
            Self::Fixed { .. } => Some(InputGroup::Enrolment),
            Self::Static { .. } | Self::Calendar { .. } => None,
        }
    }
}
