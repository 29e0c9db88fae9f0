//! The training of one network of the ensemble.

use std::ops::ControlFlow;

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use staycast_evaluation::metrics::Ranking;

use super::adamw::{AdamW, AdamWState, learning_rate};
use crate::config::{CheckedConfig, ClassWeights};
use crate::examples::Examples;
use crate::network::{DropoutMasks, Network, Parameter};
use crate::random::{Purpose, shuffle, stream, units};

/// Sequences that are forecast at a time; bounds memory, changes no result.
const INFERENCE_BATCH: usize = 4096;

/// The training side of a split, on the device. Positions are indices into `enrolments`.
pub(crate) struct Side<'a> {
    pub(crate) examples: &'a Examples,
    /// The enrolments of the training side.
    pub(crate) enrolments: Vec<usize>,
    /// `[positions, weeks, inputs]`, without autodiff: 4 bytes a number, held once for all members. There where a network
    /// is trained.
    pub(crate) x: Option<Tensor<3>>,
    /// Parameters that networks begin with in place of random ones, by member, where they go on from another run's.
    pub(crate) initial: Vec<Vec<Parameter>>,
    /// By position and week, whether the learner was active in the week that follows, where that was observed; empty where
    /// it is no task.
    pub(crate) next_week: Vec<Option<bool>>,
}

impl Side<'_> {
    /// The inputs on the device.
    pub(crate) fn x(&self) -> &Tensor<3> {
        self.x.as_ref().expect("made where a network is trained")
    }
}

/// What one epoch gave; a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Repeat of the cross-validation, from 0; 0 without one.
    pub repeat: u32,
    /// Fold of the cross-validation, from 0; 0 without one.
    pub fold: u32,
    /// Member of the ensemble, from 0.
    pub member: u32,
    /// Epoch, from 1.
    pub epoch: u32,
    /// Mean loss of the epoch's steps, of all tasks, weighted as in training, with dropout.
    pub training_loss: f64,
    /// Mean log loss over the held-out rows of all weeks, unweighted and uncalibrated.
    pub validation_loss: f64,
    /// AUC over the held-out rows at the target week.
    pub validation_auc: f64,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Whether this epoch is the best so far.
    pub best: bool,
}

/// Where a member's training stands; everything that a resumed run needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MemberState {
    pub(crate) optimiser: AdamWState,
    /// The best epoch's parameters, once there is one.
    pub(crate) best: Vec<f32>,
    pub(crate) history: Vec<EpochRecord>,
    pub(crate) finished: bool,
}

/// One member's task: which positions train and which are held out.
pub(crate) struct MemberTask<'a> {
    pub(crate) config: &'a CheckedConfig,
    pub(crate) device: &'a Device,
    pub(crate) side: &'a Side<'a>,
    pub(crate) training: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
    pub(crate) repeat: u32,
    pub(crate) fold: u32,
    pub(crate) member: u32,
    pub(crate) seed: u64,
}

/// Why a member can't be trained.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum MemberError {
    /// No learnable row, or none of one class, to train on.
    #[error("the training rows of member {member} hold {positives} dropouts and {negatives} others at all weeks")]
    OneClassTraining { member: u32, positives: u64, negatives: u64 },
    /// Early stopping needs both classes in the held-out rows.
    #[error("the held-out rows of member {member} hold {positives} dropouts and {negatives} others at week {week}")]
    OneClassHeldOut { member: u32, week: u32, positives: usize, negatives: usize },
    /// The loss is no number any more.
    #[error("the loss of member {member} is not a number after epoch {epoch}; lower training.learning_rate")]
    Diverged { member: u32, epoch: u32 },
}

impl MemberTask<'_> {
    fn weeks(&self) -> usize {
        self.side.examples.weeks()
    }

    fn network(&self, device: &Device) -> Network {
        let [_, _, inputs] = self.side.x().dims();
        let network = Network::new(&self.config.network, inputs, self.seed, device);
        let network = match self.side.initial.as_slice() {
            [] => network,
            members => network.with_parameters(members[self.member as usize % members.len()].clone()),
        };
        if self.side.next_week.is_empty() { network } else { network.with_next_week(self.seed, device) }
    }

    /// The state before the first epoch.
    pub(crate) fn fresh(&self) -> MemberState {
        let optimiser = AdamWState::fresh(&self.network(self.device));
        MemberState { optimiser, best: Vec::new(), history: Vec::new(), finished: false }
    }

    /// Trains from `state` to the end, handing every epoch's state to `after_epoch`, which may stop it. Returns the
    /// last state.
    pub(crate) fn train<E: From<MemberError>>(
        &self,
        mut state: MemberState,
        mut after_epoch: impl FnMut(&MemberState) -> Result<ControlFlow<()>, E>,
    ) -> Result<MemberState, E> {
        if state.finished {
            return Ok(state);
        }
        let targets = Targets::new(self)?;
        let judge = Judge::new(self)?;
        let tracked = self.network(&self.device.clone().autodiff());
        let mut adam = AdamW::new(&self.config.training.optimiser, &tracked, state.optimiser.clone(), self.device);
        let plain = self.network(self.device);
        let mut tracked = tracked.with_flat(&adam.parameters);
        while !state.finished {
            let epoch = state.history.len() as u32 + 1;
            let (training_loss, rate) = self.epoch(epoch, &targets, &mut tracked, &mut adam);
            let logits = forecast(&plain.clone().with_flat(&adam.parameters), self.side.x(), &self.held_out);
            let (validation_auc, validation_loss) = judge.judge(&logits);
            if !training_loss.is_finite() || !validation_loss.is_finite() {
                return Err(MemberError::Diverged { member: self.member, epoch }.into());
            }
            let best_before = state.history.iter().map(|record| record.validation_auc).fold(f64::MIN, f64::max);
            let best = validation_auc > best_before;
            state.optimiser = adam.state();
            if best {
                state.best.clone_from(&state.optimiser.parameters);
            }
            state.history.push(EpochRecord {
                repeat: self.repeat,
                fold: self.fold,
                member: self.member,
                epoch,
                training_loss,
                validation_loss,
                validation_auc,
                learning_rate: rate,
                best,
            });
            state.finished = self.is_over(&state.history);
            if after_epoch(&state)?.is_break() {
                break;
            }
        }
        Ok(state)
    }

    fn is_over(&self, history: &[EpochRecord]) -> bool {
        let since_best = history.iter().rev().take_while(|record| !record.best).count();
        history.len() as u32 >= self.config.training.optimiser.epochs
            || since_best as u32 >= self.config.training.patience
    }

    /// One pass over the training rows; returns the mean loss and the last learning rate.
    fn epoch(&self, epoch: u32, targets: &Targets, network: &mut Network, adam: &mut AdamW) -> (f64, f64) {
        let mut order = self.training.clone();
        shuffle(&mut order, &mut stream(self.seed, Purpose::Order, u64::from(epoch)));
        let mut dropout = stream(self.seed, Purpose::Dropout, u64::from(epoch));
        let batches = order.chunks(self.config.training.batch_size.for_rows(order.len()));
        let steps = batches.len() as u64;
        let on_device = OnDevice { x: self.side.x(), targets };
        let mut total = Tensor::<1>::zeros([1], self.device);
        let mut rate = 0.0;
        for (step, batch) in batches.enumerate() {
            let model = &self.config.network;
            let [_, _, inputs] = self.side.x().dims();
            let masks = DropoutMasks {
                inputs: mask(batch.len(), inputs, model.input_dropout, &mut dropout, self.device),
                outputs: mask(batch.len(), model.hidden, model.dropout, &mut dropout, self.device),
            };
            rate = learning_rate(&self.config.training.optimiser, u64::from(epoch - 1) * steps + step as u64, steps);
            if !self.side.initial.is_empty() {
                rate *= self.config.training.fine_tuning;
            }
            total = total + on_device.step(batch, masks, network, adam, rate);
        }
        let total: Vec<f32> = total.into_data().try_to_vec().expect("32-bit floats");
        (f64::from(total[0]) / steps as f64, rate)
    }
}

/// What training steps read, all of it on the device: a step fetches its sequences by index, and nothing comes back.
pub(crate) struct OnDevice<'a> {
    /// `[positions, weeks, inputs]`, without autodiff.
    pub(crate) x: &'a Tensor<3>,
    pub(crate) targets: &'a Targets,
}

impl OnDevice<'_> {
    /// One step along the gradient of the sequences `batch`; returns their mean loss, still on the device.
    pub(crate) fn step(
        &self,
        batch: &[usize],
        masks: DropoutMasks,
        network: &mut Network,
        adam: &mut AdamW,
        learning_rate: f64,
    ) -> Tensor<1> {
        let rows = index(batch, &self.x.device());
        let x = sequences(self.x, rows.clone()).autodiff();
        let (logits, next_week) = network.forward_tasks(x, masks);
        let loss = self.targets.loss(logits, next_week, &rows);
        let gradients = loss.backward();
        adam.step(network, &gradients, learning_rate);
        *network = network.clone().with_flat(&adam.parameters);
        loss.inner()
    }
}

pub(crate) fn index(positions: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = positions.iter().map(|&position| position as i32).collect();
    Tensor::from_data(TensorData::new(values, [positions.len()]), device)
}

/// The sequences at `rows` of `x`, `[positions, weeks, inputs]`.
fn sequences(x: &Tensor<3>, rows: Tensor<1, Int>) -> Tensor<3> {
    let ([positions, weeks, inputs], [count]) = (x.dims(), rows.dims());
    // Flex gathers rows of matrices in one pass, and on several threads; with a third dimension it clears them first.
    let flat = x.clone().reshape([positions, weeks * inputs]);
    flat.select(0, rows).reshape([count, weeks, inputs])
}

/// A dropout mask `[rows, 1, columns]`, or none for a share of 0.
fn mask(
    rows: usize,
    columns: usize,
    share: f64,
    rng: &mut rand_chacha::ChaCha8Rng,
    device: &Device,
) -> Option<Tensor<3>> {
    if share == 0.0 {
        return None;
    }
    let kept = (1.0 / (1.0 - share)) as f32;
    let values: Vec<f32> =
        units(rows * columns, rng).map(|unit| if f64::from(unit) < share { 0.0 } else { kept }).collect();
    Some(Tensor::from_data(TensorData::new(values, [rows, 1, columns]), device).autodiff())
}

/// Logits of `positions` at every week, `[position][week]`, computed batch by batch.
pub(crate) fn forecast(network: &Network, x: &Tensor<3>, positions: &[usize]) -> Vec<f32> {
    let batches = positions.chunks(INFERENCE_BATCH);
    batches.flat_map(|batch| forecast_all(network, sequences(x, index(batch, &x.device())))).collect()
}

/// Logits of all sequences of `x`, `[sequence][week]`, at once.
pub(crate) fn forecast_all(network: &Network, x: Tensor<3>) -> Vec<f32> {
    network.forward(x, DropoutMasks::none()).into_data().try_to_vec().expect("32-bit floats")
}

/// Answers and loss weights of all positions, on the device.
pub(crate) struct Targets {
    /// `[positions, 1]`, 1 for dropout.
    labels: Tensor<2>,
    /// `[positions, weeks]`, 0 where there is nothing to learn; averages to 1 / weeks over the training rows.
    weights: Tensor<2>,
    /// The second task, where there is one.
    next_week: Option<NextWeek>,
}

/// Activity in the week that follows each, both `[positions, weeks]`.
struct NextWeek {
    /// 1 where the learner was active.
    active: Tensor<2>,
    /// 0 where there is nothing to learn.
    weights: Tensor<2>,
}

impl Targets {
    fn new(task: &MemberTask<'_>) -> Result<Self, MemberError> {
        let (examples, weeks) = (task.side.examples, task.weeks());
        let label = |position: usize| examples.taught(task.side.enrolments[position]);
        let emphasis: Vec<f64> = (0..weeks)
            .map(|week| {
                let away = (week as f64 + 1.0 - f64::from(task.config.training.target.weeks())).abs();
                1.0 + task.config.training.target_emphasis * 0.5_f64.powf(away)
            })
            .collect();
        let positions = task.side.enrolments.len();
        let mut weights = vec![0.0_f64; positions * weeks];
        let mut sums = [0.0_f64; 2];
        let mut counts = [0_u64; 2];
        for &position in &task.training {
            let Some(dropout) = label(position) else { continue };
            for week in 0..weeks {
                if examples.teachable(task.side.enrolments[position], week) {
                    weights[position * weeks + week] = emphasis[week];
                    sums[usize::from(dropout)] += emphasis[week];
                    counts[usize::from(dropout)] += 1;
                }
            }
        }
        let [negatives, positives] = counts;
        if positives == 0 || negatives == 0 {
            return Err(MemberError::OneClassTraining { member: task.member, positives, negatives });
        }
        let total = sums[0] + sums[1];
        let class = match task.config.training.class_weights {
            ClassWeights::Balanced => sums.map(|sum| total / (2.0 * sum)),
            ClassWeights::None => [1.0, 1.0],
        };
        // With either choice the weights of all training rows sum to `total`.
        let scale = task.training.len() as f64 / total;
        let labels: Vec<f32> =
            (0..positions).map(|position| f32::from(u8::from(label(position) == Some(true)))).collect();
        let next_week = task.config.training.next_week.filter(|_| !task.side.next_week.is_empty());
        let next_week = next_week.map(|weight| {
            let share = weight * scale;
            let of = |value: &dyn Fn(usize, Option<bool>) -> f64| {
                let values: Vec<f32> =
                    task.side.next_week.iter().enumerate().map(|(at, &active)| value(at, active) as f32).collect();
                Tensor::from_data(TensorData::new(values, [positions, weeks]), task.device)
            };
            NextWeek {
                active: of(&|_, active| f64::from(u8::from(active == Some(true)))),
                weights: of(&|at, active| active.map_or(0.0, |_| weights[at] * share)),
            }
        });
        let weights: Vec<f32> = weights
            .iter()
            .enumerate()
            .map(|(at, weight)| (weight * scale * class[usize::from(label(at / weeks) == Some(true))]) as f32)
            .collect();
        Ok(Self { next_week, ..Self::on(task.device, labels, weights) })
    }

    /// Labels, one a position, and weights, `[position][week]`, on `device`.
    pub(crate) fn on(device: &Device, labels: Vec<f32>, weights: Vec<f32>) -> Self {
        let (positions, weeks) = (labels.len(), weights.len() / labels.len());
        Self {
            labels: Tensor::from_data(TensorData::new(labels, [positions, 1]), device),
            weights: Tensor::from_data(TensorData::new(weights, [positions, weeks]), device),
            next_week: None,
        }
    }

    /// Weighted binary cross-entropy of a batch, a mean over its sequences; of both tasks, where there are two.
    pub(crate) fn loss(&self, logits: Tensor<2>, next_week: Option<Tensor<2>>, rows: &Tensor<1, Int>) -> Tensor<1> {
        let [batch, _] = logits.dims();
        let of_batch = |values: &Tensor<2>| values.clone().select(0, rows.clone()).autodiff();
        let mut loss = cross_entropy(logits, of_batch(&self.labels), of_batch(&self.weights));
        if let (Some(logits), Some(task)) = (next_week, &self.next_week) {
            loss = loss + cross_entropy(logits, of_batch(&task.active), of_batch(&task.weights));
        }
        loss.div_scalar(batch as f64)
    }
}

/// The sum of weighted binary cross-entropies.
fn cross_entropy(logits: Tensor<2>, answers: Tensor<2>, weights: Tensor<2>) -> Tensor<1> {
    // ln(1 + e^z) - y z, written so that no exponential overflows.
    let softplus = logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p();
    ((softplus - logits * answers) * weights).sum()
}

/// What early stopping looks at.
struct Judge {
    /// Places in the held-out logits and their answers, at the target week.
    at_target: Vec<(usize, bool)>,
    /// The same at all weeks.
    at_all: Vec<(usize, bool)>,
}

impl Judge {
    fn new(task: &MemberTask<'_>) -> Result<Self, MemberError> {
        let (examples, weeks) = (task.side.examples, task.weeks());
        let rows = |wanted: &dyn Fn(usize) -> bool| {
            let mut found = Vec::new();
            for (row, &position) in task.held_out.iter().enumerate() {
                let enrolment = task.side.enrolments[position];
                let Some(label) = examples.label(enrolment) else { continue };
                let seen = (0..weeks).filter(|&week| wanted(week) && examples.judged(enrolment, week));
                found.extend(seen.map(|week| (row * weeks + week, label)));
            }
            found
        };
        let target = task.config.training.target.last_week().position();
        let at_target = rows(&|week| week == target);
        let positives = at_target.iter().filter(|(_, label)| *label).count();
        let negatives = at_target.len() - positives;
        if positives == 0 || negatives == 0 {
            let week = u32::from(task.config.training.target.weeks());
            return Err(MemberError::OneClassHeldOut { member: task.member, week, positives, negatives });
        }
        Ok(Self { at_target, at_all: rows(&|_| true) })
    }

    /// AUC at the target week and mean log loss at all weeks.
    fn judge(&self, logits: &[f32]) -> (f64, f64) {
        let (scores, labels): (Vec<f64>, Vec<bool>) =
            self.at_target.iter().map(|&(at, label)| (f64::from(logits[at]), label)).unzip();
        let auc = Ranking::new(&scores, &labels).ok().and_then(|ranking| ranking.auc().value()).unwrap_or(f64::NAN);
        let loss: f64 = self
            .at_all
            .iter()
            .map(|&(at, label)| {
                let logit = f64::from(logits[at]);
                let against = if label { -logit } else { logit };
                against.max(0.0) + (-against.abs()).exp().ln_1p()
            })
            .sum();
        (auc, loss / self.at_all.len() as f64)
    }
}
