//! Describes a request for training, and the trait by which a caller watches it.

use std::ops::ControlFlow;
use std::path::Path;

use staycast_evaluation::splits::SplitKind;
use staycast_sequences::{CutOff, Dataset};

use super::candidates::Candidates;
use super::plan::SplitPlan;
use crate::artifact::{EpochRecord, MemberSummary, Run};
use crate::config::CheckedConfig;
use crate::device::ChosenDevice;
use crate::inputs::Inputs;
use crate::model_kind::{ModelKind, SingleModel};

/// Selects whether to begin or to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A new run; its folder must not hold one.
    Fresh,
    /// Go on with an interrupted run of the same configuration, data and device.
    Resume,
}

/// Asks for a training run.
#[derive(Clone, Copy, Debug)]
pub struct TrainRequest<'a> {
    /// The sequences.
    pub data: &'a Dataset,
    /// The configuration.
    pub config: &'a CheckedConfig,
    /// Where to compute.
    pub device: &'a ChosenDevice,
    /// The run's folder.
    pub out: &'a Path,
    /// Whether to begin or to go on.
    pub start: Start,
    /// A finished run whose networks these go on from, with its inputs, on data of other learners: fine-tuning.
    pub from: Option<&'a Run>,
}

/// Describes the training that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingPlan {
    /// The model, as it was asked for.
    pub model: ModelKind,
    /// The models that are trained for it.
    pub parts: Vec<SingleModel>,
    /// Networks, or other models, to train.
    pub members: u64,
    /// Most epochs that each may take.
    pub epochs: u32,
    /// Enrolments of the training set (of the first fold).
    pub training: u64,
    /// Enrolments of the test part (of the first fold).
    pub test: u64,
    /// Weeks of a sequence.
    pub weeks: u32,
    /// The kind of generalisation that the test measures.
    pub kind: SplitKind,
    /// The split, described in a sentence.
    pub description: String,
    /// Whether anything that learners did is among the inputs. Where all that is the same for everybody, a forecast rests
    /// on what is known of the enrolment, and on the week, alone.
    pub reads_activity: bool,
}

impl TrainingPlan {
    pub(super) fn new(
        config: &CheckedConfig,
        plan: &SplitPlan,
        candidates: &Candidates,
        inputs: &[Inputs],
        last: CutOff,
    ) -> Self {
        let members = plan.splits.iter().map(|split| split.members.len() as u64).sum::<u64>();
        Self {
            model: config.model.kind(),
            parts: candidates.models.clone(),
            members: members * candidates.models.len() as u64,
            epochs: config.training.optimiser.epochs,
            training: plan.splits[0].training.len() as u64,
            test: plan.splits[0].test.len() as u64,
            weeks: last.weeks().into(),
            kind: plan.kind,
            description: plan.description.clone(),
            reads_activity: inputs.iter().all(|inputs| !inputs.features().is_empty()),
        }
    }
}

/// Watches a training run. Called from several threads.
pub trait TrainingWatch: Sync {
    /// Learns that training begins.
    fn planned(&self, _plan: &TrainingPlan) {}

    /// Learns that a network has ended an epoch, and that its state is stored. [`ControlFlow::Break`] ends the run with
    /// [`TrainError::Interrupted`](super::TrainError::Interrupted); it can be resumed.
    fn epoch(&self, _record: &EpochRecord) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Learns that a member is done: a network, or another model.
    fn member_finished(&self, _member: &MemberSummary) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl TrainingWatch for Unwatched {}
