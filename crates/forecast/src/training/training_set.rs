//! The training set of a split, on the device.

use burn::tensor::Tensor;
use staycast_sequences::EnrolmentIndex;

use crate::examples::Examples;
use crate::models::network::Parameter;

/// Holds the training set of a split, as networks read it. Positions are indices into `enrolments`.
pub(super) struct TrainingSet<'a> {
    pub(super) examples: &'a Examples,
    /// The enrolments of the training set.
    pub(super) enrolments: &'a [EnrolmentIndex],
    /// `[positions, weeks, inputs]`, without autodiff: 4 bytes a number, held once for all members.
    pub(super) x: Tensor<3>,
    /// Parameters that networks begin with in place of random ones, by member, where they go on from another run's.
    pub(super) initial: Vec<Vec<Parameter>>,
    /// By position and week, whether the learner was active in the week that follows, where that was observed; empty where
    /// it is no task.
    pub(super) next_week: Vec<Option<bool>>,
}
