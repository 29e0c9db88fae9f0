//! Runs seen from outside: TensorBoard event files, MLflow, archives, and a table of many runs.
//!
//! | module | makes |
//! |---|---|
//! | [`tensorboard`] | event files: scalars by step, hyperparameters |
//! | [`mlflow`] | a run on an MLflow tracking server, over its REST API, from a thread of its own |
//! | [`archive`] | one `.tar.zst` of a run's folder, and the folder again elsewhere |
//! | [`registry`] | the table of many runs: in which settings they differ, and their figures |
//!
//! Plain data comes in: names, numbers, paths, JSON. Nothing here knows what is trained or how, reads a clock to stamp
//! what it writes (callers hand in the time), or writes to the screen.

pub mod archive;
pub mod mlflow;
pub mod registry;
pub mod tensorboard;
