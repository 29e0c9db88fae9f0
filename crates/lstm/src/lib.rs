#![doc = include_str!("../README.md")]
// Without any backend there is nothing to run on: the types are there, the operations have no implementation.
#![cfg_attr(
    not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")),
    allow(dead_code, unused_imports, unused_macros, unused_variables)
)]

mod adamw;
mod convert;
mod epoch;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod gpu;
mod layer;
mod masks;
mod module;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod native;
mod norm;
pub mod onnx;
mod ops;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod pool;
pub mod pytorch;
pub mod reference;
mod sizes;
mod trainer;
mod walk;
mod weights;

#[cfg(all(test, any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")))]
#[path = "../tests/common/mod.rs"]
mod plain;

pub use adamw::{AdamWSettings, AdamWState, BETA_1, BETA_2, EPSILON};
pub use epoch::{Epoch, TrainingRows};
pub use layer::LstmLayer;
pub use masks::MaskSource;
pub use module::{Lstm, LstmConfig, LstmState};
pub use norm::LstmNorm;
#[cfg(any(feature = "flex", feature = "ndarray"))]
pub use pool::in_own_pool;
pub use sizes::NetworkSizes;
pub use trainer::{Trainer, forecast};
