//! The section `[ensemble]`: how many members a run has, and what each of them holds out.

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, require};

/// Holds `[ensemble]` as written.
///
/// The training set is cut into `validation_folds` folds, the way the test was split off. Member m is trained on all
/// but fold m modulo their number, and stopped early on that one. The held-out predictions of all members together
/// cover the training set and fit calibration and thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnsembleConfig {
    /// Networks; a forecast is the mean of their logits.
    pub members: u32,
    /// Folds of the training set.
    pub validation_folds: u32,
}

impl Default for EnsembleConfig {
    fn default() -> Self {
        Self { members: 5, validation_folds: 5 }
    }
}

/// Holds `[ensemble]`, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedEnsemble {
    /// Members of each model, 1 to 100.
    pub(crate) members: u32,
    /// Folds of the training set, 2 to 100.
    pub(crate) validation_folds: u32,
}

impl EnsembleConfig {
    pub(super) fn check(&self) -> Result<CheckedEnsemble, ConfigError> {
        let Self { members, validation_folds } = *self;
        require((1..=100).contains(&members), "ensemble.members", members, "must be from 1 to 100")?;
        let folds = "ensemble.validation_folds";
        require((2..=100).contains(&validation_folds), folds, validation_folds, "must be from 2 to 100")?;
        Ok(CheckedEnsemble { members, validation_folds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        for (members, validation_folds, key) in
            [(0, 5, "members"), (101, 5, "members"), (5, 1, "validation_folds"), (5, 101, "validation_folds")]
        {
            let written = EnsembleConfig { members, validation_folds };
            let message = written.check().expect_err(key).to_string();
            assert!(message.starts_with(&format!("`ensemble.{key}` = ")), "{message}");
        }
    }
}
