//! The inputs of a split in memory and on the device, shared by its members while any of them is in work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use staycast_sequences::EnrolmentIndex;

use super::candidates::Candidates;
use super::error::TrainError;
use super::plan::OuterSplit;
use super::request::TrainRequest;
use super::teams::PlacedDevice;
use super::training_set::TrainingSet;
use super::transfer;
use crate::artifact::FoldsRecord;
use crate::examples::{self, Examples};
use crate::inputs::Inputs;
use crate::models::baseline_targets::BaselineTargets;
use crate::models::enrolment_inputs::{EnrolmentInputs, RawFeatures};

/// Lends what all jobs of a run read.
pub(super) struct JobContext<'a> {
    pub(super) request: &'a TrainRequest<'a>,
    pub(super) examples: &'a Examples,
    /// The models that are trained.
    pub(super) candidates: &'a Candidates,
    /// The folds of a cross-validation.
    pub(super) folds: Option<FoldsRecord>,
}

impl JobContext<'_> {
    fn weekly_inputs(
        &self,
        inputs: &Inputs,
        enrolments: &[EnrolmentIndex],
        raw: RawFeatures,
    ) -> Result<EnrolmentInputs, TrainError> {
        Ok(EnrolmentInputs::new(self.request.data, inputs, enrolments, self.examples.weeks(), raw)?)
    }

    /// Computes the test enrolments' inputs, in a run with folds.
    fn test_inputs(&self, data: &SplitData<'_>, raw: RawFeatures) -> Result<Option<Arc<EnrolmentInputs>>, TrainError> {
        if !self.request.config.split.cross_validates() {
            return Ok(None);
        }
        Ok(Some(Arc::new(self.weekly_inputs(data.inputs, &data.split.test, raw)?)))
    }

    /// Brings inputs to the device, `[rows, weeks, columns]`.
    pub(super) fn tensor(&self, values: &[f32], rows: usize, inputs: &Inputs, device: &Device) -> Tensor<3> {
        let data = TensorData::new(values.to_vec(), [rows, self.examples.weeks(), inputs.width()]);
        Tensor::from_data(data, device)
    }
}

/// Holds a split, with the data that its members share while any of them is in work.
pub(super) struct SplitData<'a> {
    pub(super) split: &'a OuterSplit,
    pub(super) inputs: &'a Inputs,
    slot: Mutex<SplitSlot<'a>>,
}

#[derive(Default)]
struct SplitSlot<'a> {
    /// By the number of the device.
    networks: BTreeMap<usize, Arc<NetworkData<'a>>>,
    baselines: Option<Arc<BaselineData>>,
    finished: usize,
}

/// Holds the data that the networks of a split share on one device.
pub(super) struct NetworkData<'a> {
    pub(super) set: TrainingSet<'a>,
    /// The test enrolments' inputs, in a run with folds.
    pub(super) test: Option<Arc<EnrolmentInputs>>,
}

/// Holds the data that the baselines of a split share.
pub(super) struct BaselineData {
    pub(super) training: EnrolmentInputs,
    pub(super) targets: BaselineTargets,
    /// The test enrolments' inputs, in a run with folds.
    pub(super) test: Option<Arc<EnrolmentInputs>>,
}

impl<'a> SplitData<'a> {
    pub(super) fn new(split: &'a OuterSplit, inputs: &'a Inputs) -> Self {
        Self { split, inputs, slot: Mutex::default() }
    }

    /// Returns the networks' data on a device, made by the first that needs it there.
    pub(super) fn networks(
        &self,
        context: &JobContext<'a>,
        placed: &PlacedDevice<'_>,
    ) -> Result<Arc<NetworkData<'a>>, TrainError> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(networks) = slot.networks.get(&placed.number) {
            return Ok(networks.clone());
        }
        let enrolments = self.split.training.as_slice();
        // Scaled inputs are the same for all models: those of a blend's baselines are there anyway.
        let (x, test) = if context.candidates.have_baselines() {
            let baselines = self.baselines_in(&mut slot, context)?;
            let x = context.tensor(baselines.training.values(), enrolments.len(), self.inputs, placed.device);
            (x, baselines.test.clone())
        } else {
            let training = context.weekly_inputs(self.inputs, enrolments, RawFeatures::LeftOut)?;
            let x = context.tensor(training.values(), enrolments.len(), self.inputs, placed.device);
            let test = match slot.networks.values().next() {
                Some(elsewhere) => elsewhere.test.clone(),
                None => context.test_inputs(self, RawFeatures::LeftOut)?,
            };
            (x, test)
        };
        let (data, last) = (context.request.data, context.examples.last_cut_off());
        let next_week = if context.request.config.training.next_week.is_some() {
            examples::active_next_week(data, enrolments, last).ok_or(TrainError::NoNextWeek)?
        } else {
            Vec::new()
        };
        let initial = context.request.from.map(transfer::parameters).unwrap_or_default();
        let set = TrainingSet { examples: context.examples, enrolments, x, initial, next_week };
        let networks = Arc::new(NetworkData { set, test });
        slot.networks.insert(placed.number, networks.clone());
        Ok(networks)
    }

    /// Returns the baselines' data, made by the first that needs it.
    pub(super) fn baselines(&self, context: &JobContext<'a>) -> Result<Arc<BaselineData>, TrainError> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        self.baselines_in(&mut slot, context)
    }

    fn baselines_in(
        &self,
        slot: &mut SplitSlot<'a>,
        context: &JobContext<'a>,
    ) -> Result<Arc<BaselineData>, TrainError> {
        if let Some(baselines) = &slot.baselines {
            return Ok(baselines.clone());
        }
        let enrolments = &self.split.training;
        let baselines = Arc::new(BaselineData {
            training: context.weekly_inputs(self.inputs, enrolments, RawFeatures::Included)?,
            targets: BaselineTargets::new(context.request.data, context.examples, enrolments),
            test: context.test_inputs(self, RawFeatures::Included)?,
        });
        slot.baselines = Some(baselines.clone());
        Ok(baselines)
    }

    /// Counts a finished member of `members`, and lets go of the data after the last one.
    pub(super) fn finish_member(&self, members: usize) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.finished += 1;
        if slot.finished == members {
            slot.networks.clear();
            slot.baselines = None;
        }
    }
}
