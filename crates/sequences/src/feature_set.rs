//! Names the two sets of features that a build may compute.

use serde::{Deserialize, Serialize};

/// Names the set of features to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureSet {
    /// Counts, active days, distinct objects, sessions, seconds, and days since the last activity.
    Core,
    /// Every feature.
    #[default]
    All,
}
