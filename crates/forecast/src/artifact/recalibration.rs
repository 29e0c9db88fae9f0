//! How a run was carried to other courses, as its manifest records it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use staycast_sequences::CutOff;

/// Names the part of a week's calibration that was fitted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refit {
    /// Slope and intercept of the calibration, and the threshold: 100 labelled rows or more, 20 of each class.
    Curve,
    /// One shift of all log odds, to the labels: from 10 labelled rows on.
    ShiftToLabels,
    /// One shift of all log odds, to the forecasts of rows without labels. It made forecasts worse more often than better, and is
    /// read from runs of earlier versions only.
    ShiftToUnlabelled,
    /// Nothing: too few labelled rows.
    Kept,
}

impl Refit {
    /// Tells whether labels were fitted to.
    #[must_use]
    pub const fn reads_labels(self) -> bool {
        matches!(self, Self::Curve | Self::ShiftToLabels)
    }
}

/// Records how one week was recalibrated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekRefit {
    /// The part that was fitted anew.
    pub refit: Refit,
    /// Rows with a label.
    pub labelled: u64,
    /// Rows without.
    pub unlabelled: u64,
    /// Mean probability of dropout of all these rows before the recalibration; `None` without rows.
    pub mean_before: Option<f64>,
    /// The same after it.
    pub mean: Option<f64>,
}

/// Records how a run was carried to other courses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecalibrationRecord {
    /// Fingerprint of the sequences.
    pub data_fingerprint: String,
    /// The courses, where not all of the sequences.
    pub courses: Vec<String>,
    /// By cut-off week.
    pub weeks: BTreeMap<CutOff, WeekRefit>,
}
