//! How a worklist is chosen.

use serde::{Deserialize, Serialize};

/// Holds the settings of worklists: the section `[worklist]` of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorklistSettings {
    /// Lowest probability of dropout of the band in which contact is expected to help most.
    pub band_from: f64,
    /// Highest probability of the band.
    pub band_to: f64,
    /// Share of the places that are drawn at random from the band, from 0 to 1.
    pub exploration: f64,
    /// Whole weeks in the course before which there is not enough data for a place.
    pub least_weeks: u16,
    /// Days after a contact in which a learner gets no place.
    pub pause_days: u32,
    /// Learners for a word of praise, beside the places.
    pub praise: usize,
    /// Seed of what is drawn.
    pub seed: u64,
}

impl Default for WorklistSettings {
    fn default() -> Self {
        Self { band_from: 0.3, band_to: 0.8, exploration: 0.2, least_weeks: 2, pause_days: 7, praise: 5, seed: 1 }
    }
}

impl WorklistSettings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// Names the setting, what it is and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let share = |name: &str, value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(format!("worklist.{name} is {value}; it is a share, from 0 to 1")),
        };
        share("band_from", self.band_from)?;
        share("band_to", self.band_to)?;
        share("exploration", self.exploration)?;
        if self.band_from >= self.band_to {
            return Err(format!(
                "worklist.band_from is {}, and band_to {}; the band begins below its end",
                self.band_from, self.band_to
            ));
        }
        if !(1..=52).contains(&self.least_weeks) {
            return Err(format!("worklist.least_weeks is {}; it is from 1 to 52", self.least_weeks));
        }
        Ok(())
    }
}
