//! A stacked LSTM layer for [burn], fast on CPUs and useful by itself.
//!
//! - [`Lstm`] is the module: [`LstmConfig`] describes it, [`Lstm::forward`] runs it.
//!   A layer is one operation with a backward pass of its own: one node of the autodiff graph for any number of
//!   weeks, native code on the CPU backends (flex, ndarray), the backend's tensor operations on GPUs.
//! - [`mod@reference`] is the same recurrence in plain tensor operations, the one to read and to compare with.
//!
//! Tensors are batch first, `[batch, weeks, features]`; a "week" is whatever one step of the sequence is.
//! The layer knows no masks and no padding: every sequence of a batch has the same number of weeks, and
//! since the recurrence only looks back, what comes after a week never changes that week's output.
//!
//! The crate reads no clock, does no IO, and draws random numbers only from the device given to it.

// Without any backend there is nothing to run on: the types are there, the operations have no implementation.
#![cfg_attr(
    not(any(feature = "flex", feature = "ndarray", feature = "wgpu", feature = "cuda")),
    allow(dead_code, unused_imports, unused_macros, unused_variables)
)]

mod module;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod native;
mod ops;
pub mod reference;

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
#[path = "../tests/common/mod.rs"]
mod plain;

pub use module::{Lstm, LstmConfig, LstmLayer, LstmState};
