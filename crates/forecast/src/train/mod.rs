//! The training run: plan, inputs, members, calibration, files.
//!
//! Every member of the ensemble (and, with folds, every fold's members) is one job; jobs run side by side on a CPU and
//! one after the other on a GPU, and each is computed the same way in either case. A job's state is stored after every
//! epoch, so a killed run goes on where it was: [`Start::Resume`].

pub(crate) mod adamw;
pub(crate) mod baselines;
pub(crate) mod checkpoint;
mod error;
mod jobs;
pub(crate) mod member;
mod mixed;
pub(crate) mod plan;
mod record;
mod transfer;

use std::ops::ControlFlow;
use std::path::Path;

use staycast_evaluation::splits::SplitKind;
use staycast_sequences::Dataset;

use crate::config::CheckedConfig;
use crate::device::ChosenDevice;
use crate::examples::{Examples, greatest_cutoff};
use crate::inputs::InputsError;
use crate::model::ModelKind;
use crate::run::{MemberSummary, Run};

pub use error::TrainError;
pub(crate) use jobs::MemberModel;
pub use member::EpochRecord;
pub(crate) use mixed::FoldPrediction;
pub use record::{RunState, run_state};

/// Whether to begin or to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A new run; its folder must not hold one.
    Fresh,
    /// Go on with an interrupted run of the same configuration, data and device.
    Resume,
}

/// What to train.
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

/// What is about to be trained, for those who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingPlan {
    /// Which model.
    pub model: ModelKind,
    /// Networks, or other models, to train.
    pub members: u64,
    /// Most epochs that each may take.
    pub epochs: u32,
    /// Enrolments on the training side (of the first fold).
    pub training: u64,
    /// Enrolments of the test part (of the first fold).
    pub test: u64,
    /// Weeks of a sequence.
    pub weeks: u32,
    /// What the test measures.
    pub kind: SplitKind,
    /// The split in words.
    pub description: String,
}

/// Someone who watches a training run. Called from several threads.
pub trait TrainingWatch: Sync {
    /// Training begins.
    fn planned(&self, _plan: &TrainingPlan) {}

    /// A network has ended an epoch, and its state is stored. [`ControlFlow::Break`] ends the run with
    /// [`TrainError::Interrupted`]; it can be resumed.
    fn epoch(&self, _record: &EpochRecord) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// A member is done: a network, or another model.
    fn member_finished(&self, _member: &MemberSummary) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl TrainingWatch for Unwatched {}

/// Trains a run and stores it in `request.out`. On a CPU, equal data, configuration and version give equal bytes in
/// all files but `timing.json`, for any number of threads and however often the run was interrupted.
///
/// Takes the threads of the rayon pool it is called in. Holds the training side's inputs
/// (enrolments × weeks × inputs × 4 bytes) once, or, with folds, once a thread.
///
/// # Errors
/// See [`TrainError`].
pub fn train(request: &TrainRequest<'_>, watch: &dyn TrainingWatch) -> Result<Run, TrainError> {
    let mut clock = record::Clock::start();
    let weeks = weeks(request.data, request.config)?;
    let mut examples = Examples::of(request.data, weeks);
    if let Some(rule) = request.config.training.proxy {
        examples = examples.with_proxies(request.data, rule);
    }
    let plan = plan::SplitPlan::new(request.data, request.config)?;
    if let Some(from) = request.from {
        transfer::check(from, request, &plan)?;
    }
    let folder = record::prepare(request)?;
    watch.planned(&TrainingPlan {
        model: request.config.model.kind(),
        members: plan.splits.iter().map(|outer| outer.members.len() as u64).sum::<u64>()
            * request.config.model.parts().len() as u64,
        epochs: request.config.training.optimiser.epochs,
        training: plan.splits[0].training.len() as u64,
        test: plan.splits[0].test.len() as u64,
        weeks: weeks as u32,
        kind: plan.kind,
        description: plan.description.clone(),
    });
    clock.lap("prepare");
    let trained = jobs::train_all(request, &plan, &examples, &folder, watch)?;
    clock.lap("train");
    record::finish(request, &plan, &examples, &trained, clock)?;
    Ok(Run::open(request.out)?)
}

/// Weeks of a sequence: all that the labels allow, or fewer when the configuration says so.
fn weeks(data: &Dataset, config: &CheckedConfig) -> Result<usize, TrainError> {
    if data.enrolments.is_empty() {
        return Err(TrainError::NoEnrolments);
    }
    // Who is in a cohort is told by it, where the source has no withdrawals.
    if !data.manifest.records_withdrawals() && data.feature("days_since_last").is_none() {
        return Err(InputsError::MissingFeatures { missing: vec!["days_since_last".to_owned()] }.into());
    }
    let greatest = greatest_cutoff(data);
    let target = u32::from(config.training.target.weeks());
    if target > greatest {
        let rule = data.manifest.labels.rule.to_string();
        return Err(TrainError::TargetInLabelWindow { target, greatest, rule });
    }
    let last = config.training.last_cut_off.map(|last| u32::from(last.weeks()));
    Ok(last.map_or(greatest, |last| last.min(greatest)) as usize)
}
