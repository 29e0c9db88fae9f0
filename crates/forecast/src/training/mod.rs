//! The training run: plan, inputs, members, calibration, files.
//!
//! [`train()`] is the whole of it, from top to bottom. Every member of the ensemble (and, with folds, every fold's
//! members) is one job; jobs run side by side on a CPU, and one at a time on each GPU (`teams`); each is computed the same
//! way in either case. A job's state is stored after every epoch, so a killed run goes on where it was: [`Start::Resume`].
//!
//! Training writes an [artifact](crate::artifact) and may read one to go on from; it knows nothing of prediction.

pub(crate) mod adamw;
mod calibrate;
pub(crate) mod candidates;
mod checkpoint;
mod choose;
mod early_stopping;
mod error;
mod feasibility;
mod folder;
mod jobs;
pub(crate) mod learner;
pub(crate) mod loss;
mod member;
pub(crate) mod plan;
mod request;
mod split_data;
mod teams;
mod timer;
mod training_set;
mod transfer;
mod work;
mod write;

use staycast_sequences::{CutOff, Dataset};

use crate::artifact::Run;
use crate::config::CheckedConfig;
use crate::examples::Examples;
use crate::inputs::InputsError;
use crate::reach::{all_too_late, enrolled_courses, greatest_cut_off};

pub use error::{Outcomes, Place, TrainError};
pub use request::{Start, TrainRequest, TrainingPlan, TrainingWatch, Unwatched};
pub use work::training_work;

/// Trains a run and stores it in `request.out`. On a CPU, equal data, configuration and version give equal bytes in
/// all files but `timing.json`, for any number of threads and however often the run was interrupted.
///
/// Takes the threads of the rayon pool it is called in. Holds the training set's inputs
/// (enrolments × weeks × inputs × 4 bytes) once, or, with folds, once a thread, and on each device once.
///
/// # Errors
/// See [`TrainError`].
pub fn train(request: &TrainRequest<'_>, watch: &dyn TrainingWatch) -> Result<Run, TrainError> {
    let mut timer = timer::StageTimer::start();
    let adapted = request.config.adapted_to(request.data);
    let request = &TrainRequest { config: &adapted, ..*request };

    let mut folder = folder::RunFolder::find(request)?;
    feasibility::require_outcomes(request)?;

    // Plan: which enrolments train, stop and test each member.
    let last = last_cut_off(request.data, request.config)?;
    let mut examples = Examples::new(request.data, last);
    if let Some(rule) = request.config.training.proxy {
        examples = examples.with_proxies(request.data, rule);
    }
    let plan = plan::SplitPlan::new(request.data, request.config)?;
    if let Some(from) = request.from {
        transfer::check(from, request, &plan)?;
    }
    feasibility::check(request, &plan, &examples)?;
    let inputs = jobs::fit_inputs(request, &plan, &examples)?;
    let checkpoints = folder.begin()?;
    let candidates = candidates::Candidates::new(request.config, &plan, &examples);
    watch.planned(&TrainingPlan::new(request.config, &plan, &candidates, &inputs, last));
    timer.lap("prepare");

    let finish = || {
        // Fit every member on all but its held-out rows.
        let trained = jobs::train_members(request, &plan, &examples, &candidates, inputs, &checkpoints, watch)?;
        timer.lap("train");

        // Choose a model and calibrate it on the held-out rows, and write the run; its manifest last, with which it is finished.
        let calibrated = calibrate::calibrate(request, &plan, &examples, &candidates, &trained)?;
        write::write_run(request, &plan, &examples, &trained, &calibrated)?;
        timer.lap("finish");
        write::write_timing(request.out, timer)?;
        write::write_manifest(request, &plan, &examples, &trained, &calibrated)?;
        Ok(Run::open(request.out)?)
    };
    finish().inspect_err(|error: &TrainError| {
        if error.is_final() {
            folder.remove();
        }
    })
}

/// Returns the last cut-off of a sequence: the last that the labels allow, or an earlier one where the configuration says so.
fn last_cut_off(data: &Dataset, config: &CheckedConfig) -> Result<CutOff, TrainError> {
    if data.enrolments.is_empty() {
        return Err(TrainError::NoEnrolments);
    }
    // Who is in a cohort depends on it, where the source has no withdrawals.
    if !data.manifest.records_withdrawals() && data.feature("days_since_last").is_none() {
        return Err(InputsError::MissingFeatures { missing: vec!["days_since_last".to_owned()] }.into());
    }
    let target = config.training.target;
    let last = greatest_cut_off(data);
    match (last, all_too_late(enrolled_courses(data), data.manifest.labels.rule, target)) {
        (Some(last), None) => Ok(config.training.last_cut_off.map_or(last, |asked| asked.min(last))),
        (last, Some(why)) => Err(TrainError::TargetTooLate { target, why, last }),
        (None, None) => Err(TrainError::NoEnrolments),
    }
}
