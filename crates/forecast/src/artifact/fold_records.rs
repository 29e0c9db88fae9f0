//! The fits and hazards of a cross-validation's folds, read into memory.

use std::sync::Arc;

use super::error::RunError;
use super::layout::{FOLD_CALIBRATION, SURVIVAL};
use super::parts::Parts;
use super::records::{FoldFit, FoldHazards};
use crate::compressed_json;
use crate::files;

/// Holds what a cross-validation has in place of models.
#[derive(Clone, Debug)]
pub(super) struct FoldRecords {
    pub(super) fits: Vec<FoldFit>,
    /// Of the folds for which hazards could be fitted.
    pub(super) hazards: Arc<Vec<FoldHazards>>,
}

impl FoldRecords {
    pub(super) fn read(parts: &Parts<'_>) -> Result<Self, RunError> {
        let fits = files::read_json(&parts.path(FOLD_CALIBRATION)?)?;
        let hazards: Option<Vec<FoldHazards>> =
            parts.find(SURVIVAL).map(|path| compressed_json::read(&path)).transpose()?;
        Ok(Self { fits, hazards: Arc::new(hazards.unwrap_or_default()) })
    }
}
