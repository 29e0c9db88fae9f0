#![doc = include_str!("../README.md")]

pub mod archive;
pub mod mlflow;
pub mod registry;
pub mod tensorboard;
