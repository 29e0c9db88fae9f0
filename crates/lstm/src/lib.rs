//! A stacked LSTM layer for [burn], fast on CPUs and useful by itself.
//!
//! - [`Lstm`] is the module: [`LstmConfig`] describes it, [`Lstm::forward`] runs it.
//!   A layer is one operation with a backward pass of its own: one node of the autodiff graph for any number of
//!   steps, native code on the CPU backends (flex, ndarray), kernels of its own on GPUs.
//! - [`mod@reference`] is the same recurrence in plain tensor operations, the one to read and to compare with.
//!
//! Tensors are batch first, `[batch, steps, features]`. Sequences of different lengths are padded at their ends, and
//! their lengths given ([`Lstm::forward_with_lengths`]); what lies in the padding is never read.
//!
//! The crate reads no clock, does no IO, and draws random numbers only from the device given to it.

// Without any backend there is nothing to run on: the types are there, the operations have no implementation.
#![cfg_attr(
    not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")),
    allow(dead_code, unused_imports, unused_macros, unused_variables)
)]

mod convert;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod gpu;
mod layer;
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
mod walk;
mod weights;

#[cfg(all(test, any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")))]
#[path = "../tests/common/mod.rs"]
mod plain;

pub use layer::LstmLayer;
pub use module::{Lstm, LstmConfig, LstmState};
pub use norm::LstmNorm;
#[cfg(any(feature = "flex", feature = "ndarray"))]
pub use pool::in_own_pool;
