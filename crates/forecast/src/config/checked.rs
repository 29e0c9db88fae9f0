//! A configuration that makes sense.

use staycast_baselines::CheckedBaselines;
use staycast_evaluation::calibration::CalibrationMethod;
use staycast_evaluation::threshold::ThresholdRule;

use super::adaptation::Adaptation;
use super::ensemble::CheckedEnsemble;
use super::error::ConfigError;
use super::inputs::CheckedInputs;
use super::model::{ModelSpec, NetworkSpec};
use super::split::CheckedSplit;
use super::training::CheckedTraining;
use super::written::Config;

/// Holds a configuration that makes sense by itself, in types that hold nothing else. Made by [`Config::check`] only.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedConfig {
    written: Config,
    pub(crate) inputs: CheckedInputs,
    pub(crate) model: ModelSpec,
    pub(crate) network: NetworkSpec,
    pub(crate) training: CheckedTraining,
    pub(crate) ensemble: CheckedEnsemble,
    pub(crate) calibration: CalibrationMethod,
    pub(crate) threshold: ThresholdRule,
    pub(crate) split: CheckedSplit,
    pub(crate) baselines: CheckedBaselines,
    /// Settings that became other than usual, as the data asked for it.
    pub(crate) adaptations: Vec<Adaptation>,
}

impl CheckedConfig {
    /// Returns the configuration as it was written, which a run stores.
    #[must_use]
    pub const fn written(&self) -> &Config {
        &self.written
    }

    /// Lists what became other than usual when the configuration was [adapted](Self::adapted_to) to data.
    #[must_use]
    pub fn adaptations(&self) -> &[Adaptation] {
        &self.adaptations
    }

    /// Tells whether networks learn a second task: who is active in the week after each.
    #[must_use]
    pub const fn has_second_task(&self) -> bool {
        self.training.next_week.is_some()
    }

    /// Returns the model that the run forecasts with.
    #[must_use]
    pub const fn model(&self) -> &ModelSpec {
        &self.model
    }

    /// Returns the shape of the run's networks, if it has any.
    #[must_use]
    pub const fn network(&self) -> &NetworkSpec {
        &self.network
    }
}

impl Config {
    /// Checks that the configuration makes sense by itself; what depends on the data is checked by training.
    ///
    /// # Errors
    /// Names the first setting that makes no sense, and why.
    pub fn check(self) -> Result<CheckedConfig, ConfigError> {
        let inputs = self.inputs.check()?;
        let (model, network) = self.model.check()?;
        let training = self.training.check()?;
        let ensemble = self.ensemble.check()?;
        let calibration = self.calibration.check()?;
        let threshold = self.threshold.check()?;
        let split = self.split.check()?;
        let baselines = self.baselines.check().map_err(ConfigError::Baselines)?;
        Ok(CheckedConfig {
            inputs,
            model,
            network,
            training,
            ensemble,
            calibration,
            threshold,
            split,
            baselines,
            adaptations: Vec::new(),
            written: self,
        })
    }
}
