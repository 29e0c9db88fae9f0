//! A trained member of a run: a network's parameters, or a baseline.

use std::sync::Arc;

use super::network::Parameter;

/// Holds one trained member of an ensemble.
#[derive(Clone, Debug)]
pub(crate) enum MemberModel {
    /// A network's parameters.
    Network(Vec<Parameter>),
    /// A baseline.
    Baseline(Arc<staycast_baselines::BaselineModel>),
}
