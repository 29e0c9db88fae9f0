#![doc = include_str!("../README.md")]

pub mod archive;
#[cfg(feature = "mlflow")]
pub mod mlflow;
pub mod registry;
pub mod tensorboard;
