//! Settings of a bootstrap.

use serde::{Deserialize, Serialize};

/// Says whether and how to bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resampling {
    /// No bootstrap.
    Off,
    /// So many resamples, drawn by ChaCha8 from this seed.
    Resamples {
        /// Number of resamples.
        count: u32,
        /// Seed.
        seed: u64,
    },
}

impl Default for Resampling {
    /// Asks for 500 resamples.
    fn default() -> Self {
        Self::Resamples { count: 500, seed: 0 }
    }
}

/// Names the unit that a resample draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResampledUnit {
    /// Learners with all their rows.
    Learner,
    /// Courses with all their rows.
    Course,
}
