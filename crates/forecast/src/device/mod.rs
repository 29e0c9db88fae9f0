//! The device that computes: what was asked for, what this build and machine have, and whether it computes right.
//!
//! No adapter is trusted by its name: every device runs a small forward and backward pass and is compared with flex
//! ([`Check`]). One that fails is refused with the measured error. A driver that panics is a failed check, not a
//! crash.

mod address_space;
mod backend;
mod check;
mod choice;
mod choose;
mod chosen;
mod error;
mod find;
mod missing;
mod work;

pub use backend::{Backend, DeviceInfo, Hardware};
pub use check::{Check, TOLERANCE};
pub(crate) use check::{WeightGradients, quietly};
pub use choice::{DeviceChoice, Numbers};
pub use choose::choose;
pub use chosen::ChosenDevice;
pub use error::DeviceError;
pub use find::{BackendReport, DeviceReport, list};
pub use work::{NetworkSize, NetworkTask, TaskKind, Work};
