//! Why there is no device to compute on.

use super::backend::{Backend, DeviceInfo};

/// Describes why there is no device to compute on.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such device in any build.
    #[error(
        "`{0}` is not a device; use auto, cpu, flex, ndarray, wgpu, vulkan or cuda, and wgpu:1 or wgpu:all among several"
    )]
    Unknown(String),
    /// Devices of a CPU.
    #[error("`{0}` is not a device: the CPU is one device, called cpu, flex or ndarray")]
    OneCpu(String),
    /// No numbers after the backend.
    #[error("`{text}` names no devices; write {backend}:0, {backend}:0,1 or {backend}:all, with numbers below 64")]
    Numbers {
        /// The text as it was written.
        text: String,
        /// The backend named in it.
        backend: Backend,
    },
    /// The backend has fewer devices.
    #[error("{backend} has no device {number}: it found {found}, counted from 0")]
    NoSuchNumber {
        /// The backend asked for.
        backend: Backend,
        /// The number asked for.
        number: usize,
        /// Devices that it found.
        found: usize,
    },
    /// The backend is not part of this build.
    #[error("this build of Staycast has no {backend}: it was compiled without the feature `{backend}`")]
    NotBuiltIn {
        /// The backend asked for.
        backend: Backend,
    },
    /// The backend found nothing on this machine.
    #[error("{backend} found no device: {reason}")]
    NoAdapter {
        /// The backend asked for.
        backend: Backend,
        /// The driver's message.
        reason: String,
    },
    /// Every device of the backend failed the numeric check.
    #[error("{device} is refused: {reason}")]
    Refused {
        /// The best of them.
        device: DeviceInfo,
        /// How it failed, with the measured error.
        reason: String,
    },
}
