//! All members of a run, networks and baselines, trained side by side.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use burn::tensor::{Tensor, TensorData};
use staycast_baselines::{BaselineKind, Forecaster};

use super::candidates::Candidates;
use super::checkpoint;
use super::early_stopping::held_out_auc;
use super::error::{JobError, MemberError, Place, TrainError};
use super::member::{MemberState, MemberTask};
use super::plan::{MemberSplit, OuterSplit, SplitPlan};
use super::request::{TrainRequest, TrainingWatch};
use super::split_data::{JobContext, SplitData};
use super::teams::{PlacedDevice, Team, Worker, teams};
use crate::artifact::{EpochRecord, MemberSummary, Run};
use crate::compressed_json;
use crate::config::IncludedFeatures;
use crate::examples::Examples;
use crate::inputs::{ChoiceRequest, Inputs};
use crate::model_kind::SingleModel;
use crate::models::enrolment_inputs::EnrolmentInputs;
use crate::models::inference::PlacedNetwork;
use crate::models::network::Network;
use crate::models::trained::MemberModel;
use crate::random::member_seed;

/// Holds the trained members of one split, model by model.
pub(super) struct TrainedSplit {
    pub(super) inputs: Inputs,
    pub(super) members: Vec<TrainedMember>,
}

/// Holds a trained member with its forecasts of rows that it was not trained on.
pub(super) struct TrainedMember {
    /// The run's model that it belongs to.
    pub(super) kind: SingleModel,
    pub(super) model: MemberModel,
    /// Its epochs; none where there are none.
    pub(super) history: Vec<EpochRecord>,
    pub(super) summary: MemberSummary,
    /// Logits of the positions that it held out, `[row][week]`.
    pub(super) held_out: Vec<f32>,
    /// Logits of the test enrolments, `[row][week]`, in a run with folds; else empty, as the test is for evaluations.
    pub(super) test: Vec<f32>,
}

/// Fits the inputs of every split on its training set; a run that goes on from another has that one's, to which its
/// weights belong.
pub(super) fn fit_inputs(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
) -> Result<Vec<Inputs>, TrainError> {
    let fit = |split: &OuterSplit| match request.from.and_then(Run::inputs) {
        Some(inputs) => Ok(inputs.clone()),
        None => {
            let config = request.config;
            let inputs = Inputs::fit(&config.inputs, request.data, examples, &split.training)?;
            match config.inputs.include {
                IncludedFeatures::Named(_) => Ok(inputs),
                IncludedFeatures::Auto => Ok(inputs.choose_groups(&ChoiceRequest {
                    data: request.data,
                    examples,
                    training: &split.training,
                    week: config.training.target.min(examples.last_cut_off()),
                    seed: config.training.seed,
                })?),
            }
        }
    };
    plan.splits.iter().map(fit).collect()
}

/// Trains every member of every split, or goes on with the states in the folder `checkpoints`.
pub(super) fn train_members(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    candidates: &Candidates,
    inputs: Vec<Inputs>,
    checkpoints: &Path,
    watch: &dyn TrainingWatch,
) -> Result<Vec<TrainedSplit>, TrainError> {
    let splits: Vec<SplitData<'_>> =
        plan.splits.iter().zip(&inputs).map(|(split, inputs)| SplitData::new(split, inputs)).collect();
    let kinds = candidates.models.as_slice();
    let jobs: Vec<MemberJob<'_, '_>> = splits
        .iter()
        .enumerate()
        .flat_map(|(number, data)| kinds.iter().map(move |&kind| (number, data, kind)))
        .flat_map(|(number, data, kind)| {
            let members = 0..data.split.members.len() as u32;
            members.map(move |member| MemberJob { number, data, kind, member })
        })
        .collect();
    let outcomes = TrainingJobs {
        context: JobContext { request, examples, candidates, folds: plan.folds },
        checkpoints,
        watch,
        outcomes: jobs.iter().map(|_| OnceLock::new()).collect(),
        stop: AtomicBool::new(false),
        jobs,
    }
    .run();
    let mut trained = all_trained(outcomes)?.into_iter();
    drop(splits);
    let members_of = |split: &OuterSplit| split.members.len() * kinds.len();
    Ok(plan
        .splits
        .iter()
        .zip(inputs)
        .map(|(split, inputs)| TrainedSplit { inputs, members: trained.by_ref().take(members_of(split)).collect() })
        .collect())
}

/// Returns all members, or the failure that explains best why there are not all: a real one rather than those of the jobs
/// that were stopped by it.
fn all_trained(outcomes: Vec<Option<Result<TrainedMember, TrainError>>>) -> Result<Vec<TrainedMember>, TrainError> {
    let mut trained = Vec::with_capacity(outcomes.len());
    let mut interrupted = false;
    for outcome in outcomes {
        match outcome {
            Some(Ok(member)) => trained.push(member),
            Some(Err(TrainError::Interrupted)) | None => interrupted = true,
            Some(Err(error)) => return Err(error),
        }
    }
    if interrupted { Err(TrainError::Interrupted) } else { Ok(trained) }
}

/// Describes the training of one member of one split.
struct MemberJob<'s, 'a> {
    /// The split's number.
    number: usize,
    data: &'s SplitData<'a>,
    kind: SingleModel,
    member: u32,
}

impl MemberJob<'_, '_> {
    fn summary(&self, best_epoch: Option<u32>, validation_auc: f64) -> MemberSummary {
        let OuterSplit { repeat, fold, .. } = *self.data.split;
        MemberSummary { model: self.kind, repeat, fold, member: self.member, best_epoch, validation_auc }
    }

    /// Returns the positions that the member is trained on, and those that it holds out.
    fn positions(&self) -> &MemberSplit {
        &self.data.split.members[self.member as usize]
    }
}

/// Runs every job of a training run.
struct TrainingJobs<'s, 'a> {
    context: JobContext<'a>,
    checkpoints: &'a Path,
    watch: &'a dyn TrainingWatch,
    jobs: Vec<MemberJob<'s, 'a>>,
    outcomes: Vec<OnceLock<Result<TrainedMember, TrainError>>>,
    stop: AtomicBool,
}

impl<'a> TrainingJobs<'_, 'a> {
    /// Runs the jobs on the threads of the current rayon pool, by the workers that [`teams`](super::teams) says. Each has a pool
    /// of its own, so that no worker waits in another's work. Returns each job's outcome; `None` for those that were not begun.
    fn run(self) -> Vec<Option<Result<TrainedMember, TrainError>>> {
        let is_network = |job: &MemberJob<'_, '_>| job.kind == SingleModel::Lstm;
        let kinds: Vec<bool> = self.jobs.iter().map(is_network).collect();
        let teams = teams(self.context.request.device, &kinds, rayon::current_num_threads());
        std::thread::scope(|scope| {
            for team in &teams {
                for worker in &team.workers {
                    let this = &self;
                    scope.spawn(move || this.work(team, worker));
                }
            }
        });
        self.outcomes.into_iter().map(OnceLock::into_inner).collect()
    }

    fn work(&self, team: &Team<'_>, worker: &Worker<'_>) {
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let own = pool(worker.threads);
        while !self.stop.load(Ordering::Relaxed) {
            let Some(taken) = team.next_job() else { return };
            let larger = (taken.threads > worker.threads).then(|| pool(taken.threads));
            let train = || self.train_member(&self.jobs[taken.job], &worker.device);
            let outcome = match larger.as_ref().unwrap_or(&own) {
                Ok(pool) => staycast_lstm::in_own_pool(pool, train),
                // Without a pool of its own a worker takes the global one: slower, the same bytes.
                Err(_) => train(),
            };
            if outcome.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            let _ = self.outcomes[taken.job].set(outcome);
        }
    }

    fn train_member(&self, job: &MemberJob<'_, 'a>, device: &PlacedDevice<'_>) -> Result<TrainedMember, TrainError> {
        let trained = match job.kind {
            SingleModel::Baseline(kind) => self.train_baseline(job, kind)?,
            SingleModel::Lstm => self.train_network(job, device)?,
        };
        self.watch.member_finished(&trained.summary);
        job.data.finish_member(job.data.split.members.len() * self.context.candidates.models.len());
        Ok(trained)
    }

    fn train_network(&self, job: &MemberJob<'_, 'a>, placed: &PlacedDevice<'_>) -> Result<TrainedMember, TrainError> {
        let networks = job.data.networks(&self.context, placed)?;
        let (config, device) = (self.context.request.config, placed.device);
        let MemberSplit { training, held_out } = job.positions();
        let task = MemberTask {
            config,
            device,
            set: &networks.set,
            training,
            held_out,
            repeat: job.data.split.repeat,
            fold: job.data.split.fold,
            member: job.member,
            seed: self.seed(job),
        };
        let state = self.train_epochs(job, &task)?;
        let best = state.history.iter().rev().find(|record| record.best);
        let best = best.ok_or_else(|| self.problem(job, &MemberError::NoAuc))?;
        let summary = job.summary(Some(best.epoch), best.validation_auc);

        let network = Network::new(&config.network, job.data.inputs.width(), task.seed, device);
        let flat = Tensor::from_data(TensorData::new(state.best.clone(), [state.best.len()]), device);
        let network = network.with_flat(&flat);
        let placed = PlacedNetwork::new(network.clone());
        let test = match &networks.test {
            Some(test) => {
                let rows = job.data.split.test.len();
                let x = self.context.tensor(test.values(), rows, job.data.inputs, device);
                placed.forecast_all(&x)
            }
            None => Vec::new(),
        };
        Ok(TrainedMember {
            kind: job.kind,
            held_out: placed.forecast(&networks.set.x, held_out),
            model: MemberModel::Network(network.parameters()),
            history: state.history,
            summary,
            test,
        })
    }

    /// Trains one network from its checkpoint, or from the start. With folds, whose networks take seconds, a network is
    /// stored when it is done.
    fn train_epochs(&self, job: &MemberJob<'_, '_>, task: &MemberTask<'_>) -> Result<MemberState, TrainError> {
        let path = self.checkpoint(job);
        let state = if path.exists() { checkpoint::load_member(&path)? } else { task.fresh() };
        let folds = self.context.request.config.split.cross_validates();
        let trained = task.train(state, |state, record| {
            if state.finished || !folds {
                checkpoint::save_member(&path, state)?;
            }
            let flow = self.watch.epoch(record);
            if flow.is_break() {
                self.stop.store(true, Ordering::Relaxed);
            }
            let stop = self.stop.load(Ordering::Relaxed);
            Ok::<_, JobError>(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        match trained {
            Ok(state) if state.finished => Ok(state),
            Ok(_) => Err(TrainError::Interrupted),
            Err(JobError::File(error)) => Err(error.into()),
            Err(JobError::Member(error)) => Err(self.problem(job, &error)),
        }
    }

    /// Fits a baseline, or takes it from its checkpoint: it is stored when it is done.
    fn train_baseline(&self, job: &MemberJob<'_, 'a>, kind: BaselineKind) -> Result<TrainedMember, TrainError> {
        let data = job.data.baselines(&self.context)?;
        let enrolments = &job.data.split.training;
        let MemberSplit { training, held_out } = job.positions();
        let path = self.checkpoint(job);
        let model = if path.exists() {
            compressed_json::read_with_checksum(&path)?
        } else {
            // Nothing is chosen on proxies.
            let judged: Vec<usize> = held_out
                .iter()
                .copied()
                .filter(|&position| self.context.examples.label(enrolments[position]).is_some())
                .collect();
            let model = data.training.lend(|inputs| {
                let training = data.targets.training(inputs, training, &judged, self.seed(job));
                kind.fit(&self.context.request.config.baselines, &training)
            });
            let model = model.map_err(|error| self.problem(job, &error))?;
            compressed_json::write_with_checksum(&path, &model)?;
            model
        };
        let forecast = |rows: &EnrolmentInputs| rows.lend(|inputs| model.forecast(inputs));
        let held_out_logits =
            forecast(&data.training.pick_rows(held_out)).map_err(|error| self.problem(job, &error))?;
        let test = match &data.test {
            Some(test) => forecast(test).map_err(|error| self.problem(job, &error))?,
            None => Vec::new(),
        };
        let week = self.context.request.config.training.target;
        let auc = held_out_auc(self.context.examples, enrolments, held_out, &held_out_logits, week);
        let auc =
            auc.ok_or_else(|| self.problem(job, &format!("`{kind}` has no AUC on held-out rows at week {week}")))?;
        // Between epochs of networks and after each model is where a run can be stopped.
        if self.stop.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted);
        }
        Ok(TrainedMember {
            kind: job.kind,
            model: MemberModel::Baseline(Arc::new(model)),
            history: Vec::new(),
            summary: job.summary(None, auc),
            held_out: held_out_logits,
            test,
        })
    }

    fn problem(&self, job: &MemberJob<'_, '_>, problem: &impl ToString) -> TrainError {
        TrainError::Member {
            place: Place::new(job.data.split.repeat, job.data.split.fold, self.context.folds),
            problem: problem.to_string(),
        }
    }

    fn seed(&self, job: &MemberJob<'_, '_>) -> u64 {
        let config = self.context.request.config;
        let run_member = (job.number as u64) * u64::from(config.ensemble.members) + u64::from(job.member);
        member_seed(config.training.seed, run_member)
    }

    fn checkpoint(&self, job: &MemberJob<'_, '_>) -> PathBuf {
        let OuterSplit { repeat, fold, .. } = job.data.split;
        let fold = if self.context.request.config.split.cross_validates() {
            format!("repeat{repeat}-fold{fold}-")
        } else {
            String::new()
        };
        let member = job.member;
        self.checkpoints.join(match job.kind {
            SingleModel::Baseline(kind) => format!("{fold}{kind}-member{member}.json.zst"),
            SingleModel::Lstm => format!("{fold}member{member}.safetensors"),
        })
    }
}
