//! The training of one network of the ensemble.

use std::ops::ControlFlow;

use burn::tensor::Device;
use staycast_lstm::{AdamWState, Epoch, MaskSource};

use super::adamw::{fresh_state, learning_rate};
use super::early_stopping::StoppingRows;
use super::error::MemberError;
use super::learner::Learner;
use super::loss::LossTargets;
use super::training_set::TrainingSet;
use crate::artifact::EpochRecord;
use crate::config::CheckedConfig;
use crate::models::network::Network;
use crate::random::{Purpose, shuffle, stream, words};

/// Holds the state of a network's training: everything that a resumed run needs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MemberState {
    pub(super) optimiser: AdamWState,
    /// The best epoch's parameters, once there is one.
    pub(super) best: Vec<f32>,
    pub(super) history: Vec<EpochRecord>,
    pub(super) finished: bool,
}

/// Describes the training of one network: which positions train and which are held out.
pub(super) struct MemberTask<'a> {
    pub(super) config: &'a CheckedConfig,
    pub(super) device: &'a Device,
    pub(super) set: &'a TrainingSet<'a>,
    pub(super) training: &'a [usize],
    pub(super) held_out: &'a [usize],
    pub(super) repeat: u32,
    pub(super) fold: u32,
    pub(super) member: u32,
    pub(super) seed: u64,
}

impl MemberTask<'_> {
    fn network(&self, device: &Device) -> Network {
        let [_, _, inputs] = self.set.x.dims();
        let network = Network::new(&self.config.network, inputs, self.seed, device);
        let network = match self.set.initial.as_slice() {
            [] => network,
            members => network.with_parameters(members[self.member as usize % members.len()].clone()),
        };
        if self.set.next_week.is_empty() { network } else { network.with_next_week(self.seed, device) }
    }

    /// Returns the state before the first epoch.
    pub(super) fn fresh(&self) -> MemberState {
        let optimiser = fresh_state(&self.network(self.device));
        MemberState { optimiser, best: Vec::new(), history: Vec::new(), finished: false }
    }

    /// Trains from `state` to the end, handing every epoch's state and record to `after_epoch`, which may stop it. Returns the
    /// last state.
    pub(super) fn train<E: From<MemberError>>(
        &self,
        mut state: MemberState,
        mut after_epoch: impl FnMut(&MemberState, &EpochRecord) -> Result<ControlFlow<()>, E>,
    ) -> Result<MemberState, E> {
        if state.finished {
            return Ok(state);
        }
        let config = &self.config.training;
        let targets = LossTargets::new(config, self.set, self.training);
        let stopping = StoppingRows::new(self.set, self.held_out, config.target);
        let network = |device: &Device| self.network(device);
        let mut learner =
            Learner::new(&network, self.set.x.clone(), targets, &config.optimiser, state.optimiser.clone());
        while !state.finished {
            let epoch = state.history.len() as u32 + 1;
            let (training_loss, rate) = self.epoch(epoch, &mut learner);
            let logits = learner.forecast(self.held_out);
            let (validation_auc, validation_loss) = stopping.auc_and_loss(&logits);
            if !training_loss.is_finite() || !validation_loss.is_finite() {
                return Err(MemberError::Diverged { epoch }.into());
            }
            let best_before = state.history.iter().map(|record| record.validation_auc).fold(f64::MIN, f64::max);
            let best = validation_auc > best_before;
            state.optimiser = learner.state();
            if best {
                state.best.clone_from(&state.optimiser.parameters);
            }
            let record = EpochRecord {
                repeat: self.repeat,
                fold: self.fold,
                member: self.member,
                epoch,
                training_loss,
                validation_loss,
                validation_auc,
                learning_rate: rate,
                best,
            };
            state.history.push(record.clone());
            state.finished = self.is_over(&state.history);
            if after_epoch(&state, &record)?.is_break() {
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

    /// Makes one pass over the training rows; returns the mean loss and the last learning rate.
    fn epoch(&self, epoch: u32, learner: &mut Learner) -> (f64, f64) {
        let mut order = self.training.to_vec();
        shuffle(&mut order, &mut stream(self.seed, Purpose::Order, u64::from(epoch)));
        let batch = self.config.training.batch_size.for_rows(order.len());
        let steps = order.len().div_ceil(batch) as u64;
        let slower = if self.set.initial.is_empty() { 1.0 } else { self.config.training.fine_tuning };
        let settings = &self.config.training.optimiser;
        let rates: Vec<f64> = (0..steps)
            .map(|step| slower * learning_rate(settings, u64::from(epoch - 1) * steps + step, steps))
            .collect();
        let mut dropout = stream(self.seed, Purpose::Dropout, u64::from(epoch));
        let mut mask = |share| MaskSource::new(words(&mut dropout), share);
        let (inputs, outputs) = (mask(self.config.network.input_dropout), mask(self.config.network.dropout));
        let total = learner.epoch(&Epoch { order: &order, batch, rates: &rates, inputs, outputs });
        (total / steps as f64, rates.last().copied().unwrap_or(0.0))
    }
}
