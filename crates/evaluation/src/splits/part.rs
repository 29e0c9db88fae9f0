//! Parts of a split.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::SplitKind;

/// Says why a row is in no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitExclusion {
    /// The learner has a row on the test side.
    LearnerOnTestSide,
    /// The learner has a row in the validation part, and this one would be in training.
    LearnerInValidation,
    /// The course is neither among the named training courses nor the test courses.
    CourseNotNamed,
    /// The course's labels were not known before the earliest test course's cut-off.
    LabelsNotKnownInTime,
}

/// Names the part that a row is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Training set.
    Train,
    /// Stopping, calibration, thresholds and model choice.
    Validation,
    /// Used once, at the end.
    Test,
    /// In no part.
    Excluded(SplitExclusion),
}

/// Holds every row's part, in the order of the rows given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// One part a row.
    pub part: Vec<Part>,
    /// Kind of the test.
    pub kind: SplitKind,
    /// Description of the split, with counts.
    pub description: String,
}

impl Assignment {
    /// Counts the rows of each part.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Part, usize> {
        let mut counts = BTreeMap::new();
        for &part in &self.part {
            *counts.entry(part).or_insert(0) += 1;
        }
        counts
    }

    /// Lists the indices of the rows of a part, ascending.
    #[must_use]
    pub fn rows_of(&self, part: Part) -> Vec<usize> {
        self.part.iter().enumerate().filter(|&(_, &of_row)| of_row == part).map(|(row, _)| row).collect()
    }
}
