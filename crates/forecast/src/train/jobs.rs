//! All networks of a run, trained side by side.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use burn::tensor::{Tensor, TensorData};

use super::error::{JobError, TrainError};
use super::member::{EpochRecord, MemberTask, Side, forecast};
use super::plan::{Outer, Plan};
use super::{TrainRequest, TrainingWatch, checkpoint};
use crate::examples::Examples;
use crate::inputs::Inputs;
use crate::network::{Network, Parameter};
use crate::random::member_seed;

/// A trained training side.
pub(super) struct TrainedSplit {
    pub(super) inputs: Inputs,
    pub(super) members: Vec<TrainedMember>,
}

/// A trained network with what it says about rows that it was not trained on.
pub(super) struct TrainedMember {
    pub(super) parameters: Vec<Parameter>,
    pub(super) history: Vec<EpochRecord>,
    /// Logits of the positions that it held out, `[row][week]`.
    pub(super) held_out: Vec<f32>,
    /// Logits of the test enrolments, `[row][week]`, in a run with folds; else empty, as the test is for `evaluate`.
    pub(super) test: Vec<f32>,
}

/// What the members of one split share.
struct Shared<'a> {
    inputs: Inputs,
    side: Side<'a>,
    /// The test enrolments' inputs, in a run with folds.
    test: Option<Tensor<3>>,
}

struct Job<'a> {
    split: usize,
    outer: &'a Outer,
    member: u32,
}

/// Trains every network, or goes on with what `folder` has of them.
pub(super) fn train_all(
    request: &TrainRequest<'_>,
    plan: &Plan,
    examples: &Examples,
    folder: &Path,
    watch: &dyn TrainingWatch,
) -> Result<Vec<TrainedSplit>, TrainError> {
    let jobs: Vec<Job<'_>> = plan
        .splits
        .iter()
        .enumerate()
        .flat_map(|(split, outer)| (0..outer.members.len() as u32).map(move |member| Job { split, outer, member }))
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
    shared: Option<std::sync::Arc<Shared<'a>>>,
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
                        Ok(pool) => pool.install(|| self.work()),
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
        let config = self.request.config;
        let (training, held_out) = job.outer.members[job.member as usize].clone();
        let run_member = (job.split as u64) * u64::from(config.ensemble.members) + u64::from(job.member);
        let task = MemberTask {
            config,
            device: self.request.device.device(),
            side: &shared.side,
            training,
            held_out,
            repeat: job.outer.repeat,
            fold: job.outer.fold,
            member: job.member,
            seed: member_seed(config.training.seed, run_member),
        };
        let state = self.train(job, &task)?;
        let best = state.history.iter().rev().find(|record| record.best).expect("the first epoch is the best so far");
        self.watch.member_finished(best);

        let device = self.request.device.device();
        let network = Network::new(&config.model, shared.inputs.width(), task.seed, device);
        let flat = Tensor::from_data(TensorData::new(state.best.clone(), [state.best.len()]), device);
        let network = network.with_flat(&flat);
        let test = match &shared.test {
            Some(x) => forecast(&network, x, &(0..job.outer.test.len()).collect::<Vec<_>>()),
            None => Vec::new(),
        };
        let trained = TrainedMember {
            parameters: network.parameters(),
            history: state.history,
            held_out: forecast(&network, &shared.side.x, &task.held_out),
            test,
        };
        self.release(job);
        Ok(trained)
    }

    /// Trains one member from its checkpoint, or from the start. With folds, whose networks take seconds, a member is
    /// stored when it is done.
    fn train(&self, job: &Job<'_>, task: &MemberTask<'_>) -> Result<super::member::MemberState, TrainError> {
        let path = self.checkpoint(job);
        let state = if path.exists() { checkpoint::load_member(&path)? } else { task.fresh() };
        let folds = self.request.config.split.folds > 0;
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
        let Outer { repeat, fold, .. } = job.outer;
        let name = if self.request.config.split.folds > 0 {
            format!("repeat{repeat}-fold{fold}-member{}.safetensors", job.member)
        } else {
            format!("member{}.safetensors", job.member)
        };
        self.folder.join(name)
    }

    /// The split's shared data, made by the first who needs it.
    fn shared(&self, job: &Job<'a>) -> Result<std::sync::Arc<Shared<'a>>, TrainError> {
        let mut slot = self.shared[job.split].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(shared) = &slot.shared {
            return Ok(shared.clone());
        }
        let Outer { training, test, .. } = job.outer;
        let inputs = Inputs::fit(&self.request.config.inputs, self.request.data, self.examples, training)?;
        let with_folds = self.request.config.split.folds > 0;
        let x = self.tensor(&inputs, training)?;
        let test = if with_folds { Some(self.tensor(&inputs, test)?) } else { None };
        let side = Side { examples: self.examples, enrolments: training.clone(), x };
        let shared = std::sync::Arc::new(Shared { inputs: inputs.clone(), side, test });
        slot.inputs = Some(inputs);
        slot.shared = Some(shared.clone());
        Ok(shared)
    }

    /// Lets go of the split's inputs when its last member is done.
    fn release(&self, job: &Job<'a>) {
        let mut slot = self.shared[job.split].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        slot.finished += 1;
        if slot.finished == job.outer.members.len() {
            slot.shared = None;
        }
    }

    fn tensor(&self, inputs: &Inputs, enrolments: &[usize]) -> Result<Tensor<3>, TrainError> {
        let weeks = self.examples.weeks();
        let values = inputs.for_data(self.request.data)?.fill(enrolments, weeks);
        let data = TensorData::new(values, [enrolments.len(), weeks, inputs.width()]);
        Ok(Tensor::from_data(data, self.request.device.device()))
    }

    fn collect(self, plan: &Plan) -> Result<Vec<TrainedSplit>, TrainError> {
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
        for (slot, outer) in self.shared.into_iter().zip(&plan.splits) {
            let slot = slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            let members = trained.by_ref().take(outer.members.len()).collect();
            splits.push(TrainedSplit { inputs: slot.inputs.expect("its members are trained"), members });
        }
        Ok(splits)
    }
}
