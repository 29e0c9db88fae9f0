//! All members of a run, networks and models to beat, trained side by side.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use burn::tensor::{Tensor, TensorData};
use staycast_baselines::{BaselineKind, Forecaster};

use super::baselines::{self, Answers, held_out_auc};
use super::error::{JobError, TrainError};
use super::member::{EpochRecord, MemberTask, Side, forecast};
use super::plan::{MemberSplit, OuterSplit, SplitPlan};
use super::{TrainRequest, TrainingWatch, checkpoint, transfer};
use crate::examples::{self, Examples};
use crate::host::HostWeekly;
use crate::inputs::Inputs;
use crate::model::SingleModel;
use crate::network::{Network, Parameter};
use crate::random::member_seed;
use crate::run::{MemberSummary, Run};

/// A trained training side.
pub(super) struct TrainedSplit {
    pub(super) inputs: Inputs,
    pub(super) members: Vec<TrainedMember>,
}

/// What a member of an ensemble is, once trained.
#[derive(Clone, Debug)]
pub(crate) enum MemberModel {
    /// A network's parameters.
    Network(Vec<Parameter>),
    /// A model to beat.
    Baseline(Arc<staycast_baselines::BaselineModel>),
}

/// A trained member with what it says about rows that it was not trained on.
pub(super) struct TrainedMember {
    /// Which of the run's models it belongs to.
    pub(super) kind: SingleModel,
    pub(super) model: MemberModel,
    /// Its epochs; none where there are none.
    pub(super) history: Vec<EpochRecord>,
    pub(super) summary: MemberSummary,
    /// Logits of the positions that it held out, `[row][week]`.
    pub(super) held_out: Vec<f32>,
    /// Logits of the test enrolments, `[row][week]`, in a run with folds; else empty, as the test is for `evaluate`.
    pub(super) test: Vec<f32>,
}

/// What the members of one split share.
struct Shared<'a> {
    inputs: Inputs,
    side: Side<'a>,
    /// The training side's inputs for models to beat, where there is one.
    host: Option<HostWeekly>,
    /// The test enrolments' inputs, in a run with folds.
    test: Option<HostWeekly>,
}

struct Job<'a> {
    split: usize,
    outer: &'a OuterSplit,
    kind: SingleModel,
    member: u32,
}

/// Trains every network, or goes on with what `folder` has of them.
pub(super) fn train_all(
    request: &TrainRequest<'_>,
    plan: &SplitPlan,
    examples: &Examples,
    folder: &Path,
    watch: &dyn TrainingWatch,
) -> Result<Vec<TrainedSplit>, TrainError> {
    let parts = request.config.model.parts();
    let jobs: Vec<Job<'_>> = plan
        .splits
        .iter()
        .enumerate()
        .flat_map(|(split, outer)| parts.iter().map(move |&kind| (split, outer, kind)))
        .flat_map(|(split, outer, kind)| {
            (0..outer.members.len() as u32).map(move |member| Job { split, outer, kind, member })
        })
        .collect();
    let work = Work {
        request,
        examples,
        folder,
        watch,
        shared: plan.splits.iter().map(|_| Mutex::new(SplitSlot::default())).collect(),
        done: jobs.iter().map(|_| OnceLock::new()).collect(),
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        jobs,
    };
    work.run();
    work.collect(plan)
}

/// A split's shared data while any of its members is in work.
#[derive(Default)]
struct SplitSlot<'a> {
    shared: Option<Arc<Shared<'a>>>,
    inputs: Option<Inputs>,
    finished: usize,
}

struct Work<'a> {
    request: &'a TrainRequest<'a>,
    examples: &'a Examples,
    folder: &'a Path,
    watch: &'a dyn TrainingWatch,
    jobs: Vec<Job<'a>>,
    shared: Vec<Mutex<SplitSlot<'a>>>,
    done: Vec<OnceLock<Result<TrainedMember, TrainError>>>,
    next: AtomicUsize,
    stop: AtomicBool,
}

impl<'a> Work<'a> {
    /// Runs the jobs on the threads of the current rayon pool: as many workers as there are jobs and threads for, each
    /// with a pool of its own, so that no worker waits in another's work. On a GPU there is one worker.
    fn run(&self) {
        let threads = rayon::current_num_threads();
        let workers = if self.request.device.is_cpu() { threads.min(self.jobs.len()) } else { 1 };
        let each = (threads / workers).max(1);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(move || {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(each).build();
                    match pool {
                        Ok(pool) => staycast_lstm::in_own_pool(&pool, || self.work()),
                        // Without a pool of its own a worker takes the global one: slower, the same bytes.
                        Err(_) => self.work(),
                    }
                });
            }
        });
    }

    fn work(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = self.jobs.get(at) else { return };
            let outcome = self.job(job);
            if outcome.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            let _ = self.done[at].set(outcome);
        }
    }

    fn job(&self, job: &Job<'a>) -> Result<TrainedMember, TrainError> {
        let shared = self.shared(job)?;
        let trained = match job.kind {
            SingleModel::Baseline(kind) => self.baseline(job, &shared, kind)?,
            SingleModel::Lstm => self.network(job, &shared)?,
        };
        self.watch.member_finished(&trained.summary);
        drop(shared);
        self.release(job);
        Ok(trained)
    }

    fn seed(&self, job: &Job<'_>) -> u64 {
        let config = self.request.config;
        let run_member = (job.split as u64) * u64::from(config.ensemble.members) + u64::from(job.member);
        member_seed(config.training.seed, run_member)
    }

    fn network(&self, job: &Job<'a>, shared: &Shared<'a>) -> Result<TrainedMember, TrainError> {
        let config = self.request.config;
        let MemberSplit { training, held_out } = job.outer.members[job.member as usize].clone();
        let task = MemberTask {
            config,
            device: self.request.device.device(),
            side: &shared.side,
            training,
            held_out,
            repeat: job.outer.repeat,
            fold: job.outer.fold,
            member: job.member,
            seed: self.seed(job),
        };
        let state = self.train(job, &task)?;
        let best = state.history.iter().rev().find(|record| record.best).expect("the first epoch is the best so far");
        let summary = summary(job, Some(best.epoch), best.validation_auc);

        let device = self.request.device.device();
        let network = Network::new(&config.network, shared.inputs.width(), task.seed, device);
        let flat = Tensor::from_data(TensorData::new(state.best.clone(), [state.best.len()]), device);
        let network = network.with_flat(&flat);
        let test = match &shared.test {
            Some(test) => {
                let x = self.tensor(test.values(), job.outer.test.len(), shared.inputs.width());
                forecast(&network, &x, &(0..job.outer.test.len()).collect::<Vec<_>>())
            }
            None => Vec::new(),
        };
        Ok(TrainedMember {
            kind: job.kind,
            held_out: forecast(&network, shared.side.x(), &task.held_out),
            model: MemberModel::Network(network.parameters()),
            history: state.history,
            summary,
            test,
        })
    }

    /// Fits a model to beat, or takes it from its checkpoint: it is stored when it is done.
    fn baseline(&self, job: &Job<'a>, shared: &Shared<'a>, kind: BaselineKind) -> Result<TrainedMember, TrainError> {
        let problem = |problem: String| TrainError::Member { repeat: job.outer.repeat, fold: job.outer.fold, problem };
        let host = shared.host.as_ref().expect("made where there is a model to beat");
        let MemberSplit { training, held_out } = &job.outer.members[job.member as usize];
        let path = self.checkpoint(job);
        let model = if path.exists() {
            baselines::load(&path)?
        } else {
            let answers = Answers::of(self.request.data, self.examples, &shared.side.enrolments);
            // Nothing is chosen on proxies.
            let judged: Vec<usize> = held_out
                .iter()
                .copied()
                .filter(|&position| self.examples.label(shared.side.enrolments[position]).is_some())
                .collect();
            let model = host.lend(|inputs| {
                kind.fit(&self.request.config.baselines, &answers.training(inputs, training, &judged, self.seed(job)))
            });
            let model = model.map_err(|error| problem(error.to_string()))?;
            baselines::save(&path, &model)?;
            model
        };
        let forecast = |rows: &HostWeekly| rows.lend(|inputs| model.forecast(inputs));
        let of_held_out = forecast(&host.of_rows(held_out)).map_err(|error| problem(error.to_string()))?;
        let test = match &shared.test {
            Some(test) => forecast(test).map_err(|error| problem(error.to_string()))?,
            None => Vec::new(),
        };
        let week = self.request.config.training.target.count();
        let auc = held_out_auc(self.examples, &shared.side.enrolments, held_out, &of_held_out, week);
        let auc = auc.ok_or_else(|| {
            problem(format!("the held-out rows of {kind}'s member {} have no AUC at week {week}", job.member))
        })?;
        // Between epochs of networks and after each model is where a run can be stopped.
        if self.stop.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted);
        }
        Ok(TrainedMember {
            kind: job.kind,
            model: MemberModel::Baseline(Arc::new(model)),
            history: Vec::new(),
            summary: summary(job, None, auc),
            held_out: of_held_out,
            test,
        })
    }

    /// Trains one member from its checkpoint, or from the start. With folds, whose networks take seconds, a member is
    /// stored when it is done.
    fn train(&self, job: &Job<'_>, task: &MemberTask<'_>) -> Result<super::member::MemberState, TrainError> {
        let path = self.checkpoint(job);
        let state = if path.exists() { checkpoint::load_member(&path)? } else { task.fresh() };
        let folds = self.request.config.split.cross_validates();
        let trained = task.train(state, |state| {
            if state.finished || !folds {
                checkpoint::save_member(&path, state)?;
            }
            let record = state.history.last().expect("an epoch has ended");
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
            Err(JobError::Member(error)) => {
                let (repeat, fold) = (job.outer.repeat, job.outer.fold);
                Err(TrainError::Member { repeat, fold, problem: error.to_string() })
            }
        }
    }

    fn checkpoint(&self, job: &Job<'_>) -> PathBuf {
        let OuterSplit { repeat, fold, .. } = job.outer;
        let fold = if self.request.config.split.cross_validates() {
            format!("repeat{repeat}-fold{fold}-")
        } else {
            String::new()
        };
        let member = job.member;
        self.folder.join(match job.kind {
            SingleModel::Baseline(kind) => format!("{fold}{kind}-member{member}.json.zst"),
            SingleModel::Lstm => format!("{fold}member{member}.safetensors"),
        })
    }

    /// The split's shared data, made by the first who needs it.
    fn shared(&self, job: &Job<'a>) -> Result<Arc<Shared<'a>>, TrainError> {
        let mut slot = self.shared[job.split].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(shared) = &slot.shared {
            return Ok(shared.clone());
        }
        let OuterSplit { training, test, .. } = job.outer;
        let inputs = match self.request.from.and_then(Run::inputs) {
            // The weights to go on from belong to these.
            Some(inputs) => inputs.clone(),
            None => Inputs::fit(&self.request.config.inputs, self.request.data, self.examples, training)?,
        };
        let (data, weeks) = (self.request.data, self.examples.weeks());
        let parts = self.request.config.model.parts();
        let with_raw = parts.iter().any(|kind| matches!(kind, SingleModel::Baseline(_)));
        let mut host = Some(HostWeekly::new(data, &inputs, training, weeks, with_raw)?);
        let test = if self.request.config.split.cross_validates() {
            Some(HostWeekly::new(data, &inputs, test, weeks, with_raw)?)
        } else {
            None
        };
        let values = host.as_ref().map(HostWeekly::values).filter(|_| parts.contains(&SingleModel::Lstm));
        let x = values.map(|values| self.tensor(values, training.len(), inputs.width()));
        if !with_raw {
            host = None;
        }
        let initial = self.request.from.map(transfer::parameters).unwrap_or_default();
        let next_week = match self.request.config.training.next_week.is_some() && x.is_some() {
            true => examples::active_next_week(data, training, weeks).ok_or(TrainError::NoNextWeek)?,
            false => Vec::new(),
        };
        let side = Side { examples: self.examples, enrolments: training.clone(), x, initial, next_week };
        let shared = Arc::new(Shared { inputs: inputs.clone(), side, host, test });
        slot.inputs = Some(inputs);
        slot.shared = Some(shared.clone());
        Ok(shared)
    }

    /// Lets go of the split's inputs when its last member is done.
    fn release(&self, job: &Job<'a>) {
        let mut slot = self.shared[job.split].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        slot.finished += 1;
        if slot.finished == job.outer.members.len() * self.request.config.model.parts().len() {
            slot.shared = None;
        }
    }

    /// `[rows, weeks, columns]` on the device.
    fn tensor(&self, values: &[f32], rows: usize, columns: usize) -> Tensor<3> {
        let data = TensorData::new(values.to_vec(), [rows, self.examples.weeks(), columns]);
        Tensor::from_data(data, self.request.device.device())
    }

    fn collect(self, plan: &SplitPlan) -> Result<Vec<TrainedSplit>, TrainError> {
        let mut outcomes: Vec<Option<Result<TrainedMember, TrainError>>> =
            self.done.into_iter().map(OnceLock::into_inner).collect();
        // The first real failure explains the stop better than the jobs that were stopped by it.
        let failed = outcomes
            .iter()
            .position(|outcome| matches!(outcome, Some(Err(error)) if !matches!(error, TrainError::Interrupted)));
        if let Some(Some(Err(error))) = failed.map(|at| outcomes.swap_remove(at)) {
            return Err(error);
        }
        let mut trained = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            trained.push(outcome.unwrap_or(Err(TrainError::Interrupted))?);
        }
        let mut trained = trained.into_iter();
        let mut splits = Vec::new();
        let parts = self.request.config.model.parts().len();
        for (slot, outer) in self.shared.into_iter().zip(&plan.splits) {
            let slot = slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            let members = trained.by_ref().take(outer.members.len() * parts).collect();
            splits.push(TrainedSplit { inputs: slot.inputs.expect("its members are trained"), members });
        }
        Ok(splits)
    }
}

fn summary(job: &Job<'_>, best_epoch: Option<u32>, validation_auc: f64) -> MemberSummary {
    let OuterSplit { repeat, fold, .. } = *job.outer;
    MemberSummary { model: job.kind, repeat, fold, member: job.member, best_epoch, validation_auc }
}
