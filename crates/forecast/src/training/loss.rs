//! The loss of a network: weighted binary cross-entropy over the weeks of each sequence.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::training_set::TrainingSet;
use crate::config::{CheckedTraining, ClassWeights};
use crate::models::network::cross_entropy;

/// Holds the labels and loss weights of all positions of a training set, on the device.
pub(crate) struct LossTargets {
    /// `[positions, 1]`, 1 for dropout.
    labels: Tensor<2>,
    /// `[positions, weeks]`, 0 where there is nothing to learn; averages to 1 / weeks over the training rows.
    weights: Tensor<2>,
    /// The second task, where there is one.
    next_week: Option<NextWeek>,
}

/// Holds activity in the week that follows each, both tensors `[positions, weeks]`.
struct NextWeek {
    /// 1 where the learner was active.
    active: Tensor<2>,
    /// 0 where there is nothing to learn.
    weights: Tensor<2>,
}

impl LossTargets {
    /// Weighs the rows that one member learns from: `training`, as positions in `set`.
    ///
    /// # Panics
    /// When they hold one class only, which `feasibility::check` refuses.
    pub(super) fn new(config: &CheckedTraining, set: &TrainingSet<'_>, training: &[usize]) -> Self {
        let (examples, device) = (set.examples, &set.x.device());
        let weeks = examples.weeks();
        let label = |position: usize| examples.training_label(set.enrolments[position]);
        let emphasis: Vec<f64> = (0..weeks)
            .map(|week| {
                let away = (week as f64 + 1.0 - f64::from(config.target.weeks())).abs();
                1.0 + config.target_emphasis * 0.5_f64.powf(away)
            })
            .collect();
        let positions = set.enrolments.len();
        let mut weights = vec![0.0_f64; positions * weeks];
        let mut sums = [0.0_f64; 2];
        let mut counts = [0_u64; 2];
        for &position in training {
            let Some(dropout) = label(position) else { continue };
            for week in examples.week_indices() {
                if examples.is_trainable(set.enrolments[position], week) {
                    let emphasis = emphasis[week.position()];
                    weights[position * weeks + week.position()] = emphasis;
                    sums[usize::from(dropout)] += emphasis;
                    counts[usize::from(dropout)] += 1;
                }
            }
        }
        let [negatives, positives] = counts;
        assert!(positives > 0 && negatives > 0, "{positives} dropouts and {negatives} others to train on");
        let total = sums[0] + sums[1];
        let class = match config.class_weights {
            ClassWeights::Balanced => sums.map(|sum| total / (2.0 * sum)),
            ClassWeights::None => [1.0, 1.0],
        };
        // With either choice the weights of all training rows sum to `total`.
        let scale = training.len() as f64 / total;
        let labels: Vec<f32> =
            (0..positions).map(|position| f32::from(u8::from(label(position) == Some(true)))).collect();
        let next_week = config.next_week.filter(|_| !set.next_week.is_empty()).map(|weight| {
            let share = weight * scale;
            let tensor = |value: &dyn Fn(usize, Option<bool>) -> f64| {
                let values: Vec<f32> =
                    set.next_week.iter().enumerate().map(|(at, &active)| value(at, active) as f32).collect();
                Tensor::from_data(TensorData::new(values, [positions, weeks]), device)
            };
            NextWeek {
                active: tensor(&|_, active| f64::from(u8::from(active == Some(true)))),
                weights: tensor(&|at, active| active.map_or(0.0, |_| weights[at] * share)),
            }
        });
        let weights: Vec<f32> = weights
            .iter()
            .enumerate()
            .map(|(at, weight)| (weight * scale * class[usize::from(label(at / weeks) == Some(true))]) as f32)
            .collect();
        Self { next_week, ..Self::from_values(device, labels, weights) }
    }

    /// Brings labels, one a position, and weights, `[position][week]`, to `device`.
    pub(crate) fn from_values(device: &Device, labels: Vec<f32>, weights: Vec<f32>) -> Self {
        let (positions, weeks) = (labels.len(), weights.len() / labels.len());
        Self {
            labels: Tensor::from_data(TensorData::new(labels, [positions, 1]), device),
            weights: Tensor::from_data(TensorData::new(weights, [positions, weeks]), device),
            next_week: None,
        }
    }

    /// Returns the labels and loss weights of all tasks, `[tasks, positions, weeks]` each.
    pub(crate) fn of_tasks(&self) -> (Tensor<3>, Tensor<3>) {
        let [_, weeks] = self.weights.dims();
        let (mut labels, mut weights) = (vec![self.labels.clone().repeat_dim(1, weeks)], vec![self.weights.clone()]);
        if let Some(task) = &self.next_week {
            labels.push(task.active.clone());
            weights.push(task.weights.clone());
        }
        (Tensor::stack(labels, 0), Tensor::stack(weights, 0))
    }

    /// Returns the weighted binary cross-entropy of a batch, a mean over its sequences; of both tasks, where there are two.
    pub(crate) fn loss(&self, logits: Tensor<2>, next_week: Option<Tensor<2>>, rows: &Tensor<1, Int>) -> Tensor<1> {
        let [batch, _] = logits.dims();
        let pick = |values: &Tensor<2>| values.clone().select(0, rows.clone()).autodiff();
        let mut loss = cross_entropy(logits, pick(&self.labels), pick(&self.weights));
        if let (Some(logits), Some(task)) = (next_week, &self.next_week) {
            loss = loss + cross_entropy(logits, pick(&task.active), pick(&task.weights));
        }
        loss.div_scalar(batch as f64)
    }
}
