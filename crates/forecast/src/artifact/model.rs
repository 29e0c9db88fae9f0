//! The models of a run, read into memory.

use std::sync::Arc;

use super::error::RunError;
use super::layout::{BASELINES, BLEND, CALIBRATION, MODEL, SCALER, SURVIVAL};
use super::members::{self, Members};
use super::parts::Parts;
use crate::compressed_json;
use crate::config::CheckedConfig;
use crate::files::{self, FileError};
use crate::inputs::Inputs;
use crate::model_kind::{ModelKind, SingleModel};
use crate::models::blend::BlendRecord;
use crate::week_fits::WeekFits;

/// Holds the models of a run without folds, with everything it takes to forecast with them.
#[derive(Clone, Debug)]
pub(crate) struct RunModel {
    pub(crate) inputs: Inputs,
    pub(crate) fits: WeekFits,
    /// By model, in the order of a blend's record; one unless it is a blend.
    pub(crate) parts: Members,
    pub(crate) blend: Option<BlendRecord>,
    /// Hazards by forecast.
    pub(crate) survival: Option<Arc<staycast_baselines::BaselineModel>>,
}

impl RunModel {
    pub(super) fn read(parts: &Parts<'_>, config: &CheckedConfig) -> Result<Self, RunError> {
        let scaler = parts.path(SCALER)?;
        let inputs: Inputs = files::read_json(&scaler)?;
        // Before anything is made of its size.
        inputs.check().map_err(|problem| FileError::damaged(&scaler, problem))?;
        let fits = files::read_json(&parts.path(CALIBRATION)?)?;
        let kinds = parts.manifest.parts();
        for &kind in &kinds {
            parts.path(if kind == SingleModel::Lstm { MODEL } else { BASELINES })?;
        }
        let members = members::load(parts.folder, &kinds, config, &inputs)?;
        let blend = match parts.manifest.model {
            ModelKind::Blend => Some(files::read_json(&parts.path(BLEND)?)?),
            _ => None,
        };
        let survival = match parts.find(SURVIVAL) {
            Some(hazards) => Some(Arc::new(compressed_json::read(&hazards)?)),
            None => None,
        };
        Ok(Self { inputs, fits, parts: members, blend, survival })
    }
}
