//! The models that forecast, and what they read and learn from: weekly inputs in, log-odds of dropout at every week out.
//!
//! Networks live on a device, baselines in memory. A blend mixes the log-odds of several models; hazards say when
//! learners leave. Nothing here reads or writes files; training and prediction both build on it.

pub(crate) mod baseline_targets;
pub(crate) mod blend;
pub(crate) mod enrolment_inputs;
pub(crate) mod inference;
pub(crate) mod network;
pub(crate) mod survival;
pub(crate) mod trained;
