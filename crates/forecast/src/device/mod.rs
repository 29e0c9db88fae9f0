//! Which device computes: what was asked for, what this build and machine have, and whether it computes right.
//!
//! No adapter is trusted by its name: every device runs a small forward and backward pass and is compared with flex
//! ([`Check`]). One that fails is refused with the measured error. A driver that panics is a failed check, not a
//! crash.

mod check;
mod find;

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

pub use check::{Check, TOLERANCE};
pub(crate) use check::{WeightGradients, quietly};

/// Names the device that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A real GPU that passes the check, or else the CPU through flex.
    #[default]
    Auto,
    /// One backend, on the best adapter it has.
    Backend(Backend),
}

/// The burn backends that a build may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The CPU, burn's own; also called `cpu`.
    Flex,
    /// The CPU through ndarray, deprecated by burn.
    Ndarray,
    /// A GPU through wgpu: Vulkan, Metal, DirectX 12 or WebGPU with WGSL shaders.
    Wgpu,
    /// A GPU through wgpu on Vulkan, with SPIR-V shaders.
    Vulkan,
    /// An NVIDIA GPU through CUDA.
    Cuda,
}

impl Backend {
    /// All of them, the CPUs first.
    pub const ALL: [Self; 5] = [Self::Flex, Self::Ndarray, Self::Wgpu, Self::Vulkan, Self::Cuda];

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Vulkan => "vulkan",
            Self::Cuda => "cuda",
        }
    }

    /// Whether this build has it.
    #[must_use]
    pub const fn built_in(self) -> bool {
        match self {
            Self::Flex => true,
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Backend(backend) => backend.fmt(f),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Backend(Backend::Flex)),
            _ => Backend::ALL
                .into_iter()
                .find(|backend| backend.name() == text)
                .map(Self::Backend)
                .ok_or_else(|| DeviceError::Unknown(text.to_owned())),
        }
    }
}

/// What a device is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hardware {
    /// The CPU, used as such.
    Cpu,
    /// A graphics card of its own.
    Discrete,
    /// A GPU that shares the CPU's memory.
    Integrated,
    /// A GPU that a virtual machine passes through.
    Virtual,
    /// A GPU that does not say what it is.
    Other,
    /// A CPU that plays a GPU (lavapipe, SwiftShader): for tests, never chosen by `auto`.
    Software,
}

impl Hardware {
    /// The name used in listings and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Other => "other",
            Self::Software => "software",
        }
    }
}

/// Who a device is, as runs record it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceInfo {
    /// The backend that drives it.
    pub backend: Backend,
    /// What it calls itself.
    pub name: String,
    /// What it is made of.
    pub hardware: Hardware,
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.backend, self.name, self.hardware.name())
    }
}

/// A device of this build and machine, checked.
#[derive(Clone, Debug)]
pub struct DeviceReport {
    /// Who it is.
    pub info: DeviceInfo,
    /// Whether it computes right.
    pub check: Check,
    device: Option<Device>,
}

/// A backend of this build, and what it found.
#[derive(Clone, Debug)]
pub struct BackendReport {
    /// The backend.
    pub backend: Backend,
    /// Its devices on this machine, best first, checked.
    pub devices: Vec<DeviceReport>,
    /// Why it has none, when it has none.
    pub absent: Option<String>,
}

/// The device that a command computes on.
#[derive(Clone, Debug)]
pub struct ChosenDevice {
    /// Who it is.
    pub info: DeviceInfo,
    /// Which one was taken and why, in one sentence.
    pub why: String,
    device: Device,
}

impl ChosenDevice {
    /// The CPU through flex, which needs no check: the others are compared with it.
    #[must_use]
    pub fn flex() -> Self {
        Self { info: find::cpu(Backend::Flex), why: "flex on the CPU was asked for".to_owned(), device: Device::flex() }
    }

    /// The device of a report, unless it failed the check.
    #[must_use]
    pub fn of(report: &DeviceReport) -> Option<Self> {
        let device = report.device.clone()?;
        Some(Self { info: report.info.clone(), why: "it was found and computes right".to_owned(), device })
    }

    /// burn's device, without autodiff.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whether equal runs give equal bytes on it: true for CPUs.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.info.hardware == Hardware::Cpu
    }
}

/// Why there is no device to compute on.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such device in any build.
    #[error("`{0}` is not a device; use auto, cpu, flex, ndarray, wgpu, vulkan or cuda")]
    Unknown(String),
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
        /// What it said.
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

/// Every backend of this build with its devices, each checked. Opens every device; takes seconds where GPUs compile
/// their shaders.
#[must_use]
pub fn list() -> Vec<BackendReport> {
    Backend::ALL.into_iter().filter(|backend| backend.built_in()).map(find::report).collect()
}

/// The device for `choice`.
///
/// # Errors
/// When the backend asked for is not in this build, has no device, or has none that computes right. `auto` never
/// fails: flex is always there.
pub fn choose(choice: DeviceChoice) -> Result<ChosenDevice, DeviceError> {
    match choice {
        DeviceChoice::Auto => Ok(auto()),
        DeviceChoice::Backend(Backend::Flex) => Ok(ChosenDevice::flex()),
        DeviceChoice::Backend(backend) => one(backend),
    }
}

fn one(backend: Backend) -> Result<ChosenDevice, DeviceError> {
    if !backend.built_in() {
        return Err(DeviceError::NotBuiltIn { backend });
    }
    let (mut found, absent) = find::devices(backend);
    if found.is_empty() {
        let reason = absent.unwrap_or_else(|| "no adapter".to_owned());
        return Err(DeviceError::NoAdapter { backend, reason });
    }
    let mut refused = None;
    for (info, device) in found.drain(..) {
        match check::check(&info, &device) {
            Check::Passed { .. } => {
                let why = format!("{backend} was asked for, and its first device that computes right is {}", info.name);
                return Ok(ChosenDevice { info, why, device });
            }
            Check::Failed { reason } => {
                refused.get_or_insert(DeviceError::Refused { device: info, reason });
            }
        }
    }
    Err(refused.expect("at least one device was tried"))
}

fn auto() -> ChosenDevice {
    let mut passed_over = Vec::new();
    for backend in [Backend::Cuda, Backend::Vulkan, Backend::Wgpu].into_iter().filter(|backend| backend.built_in()) {
        let (found, absent) = find::devices(backend);
        passed_over.extend(absent.map(|reason| format!("{backend} found no device ({reason})")));
        for (info, device) in found {
            if info.hardware == Hardware::Software {
                passed_over.push(format!("{info} is software"));
                continue;
            }
            match check::check(&info, &device) {
                Check::Passed { error } => {
                    let why = format!("{info} is a GPU that computes right (error {error:.1e})");
                    return ChosenDevice { info, why, device };
                }
                Check::Failed { reason } => passed_over.push(format!("{info} is refused: {reason}")),
            }
        }
    }
    let mut chosen = ChosenDevice::flex();
    chosen.why = if passed_over.is_empty() {
        "flex on the CPU, since this build has no GPU backend".to_owned()
    } else {
        format!("flex on the CPU, since {}", passed_over.join("; "))
    };
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_and_print() {
        assert_eq!("cpu".parse::<DeviceChoice>().expect("known"), DeviceChoice::Backend(Backend::Flex));
        for name in ["auto", "flex", "ndarray", "wgpu", "vulkan", "cuda"] {
            assert_eq!(name.parse::<DeviceChoice>().expect("known").to_string(), name);
        }
        let message = "gpu".parse::<DeviceChoice>().expect_err("not a device").to_string();
        assert!(message.contains("gpu") && message.contains("wgpu"), "{message}");
    }

    #[test]
    fn auto_always_finds_a_device_and_says_why() {
        let chosen = choose(DeviceChoice::Auto).expect("flex is always there");
        assert_ne!(chosen.info.hardware, Hardware::Software);
        assert!(!chosen.why.is_empty());
    }

    #[test]
    fn a_backend_that_is_not_built_in_is_refused_by_name() {
        for backend in Backend::ALL.into_iter().filter(|backend| !backend.built_in()) {
            let message = choose(DeviceChoice::Backend(backend)).expect_err("not built in").to_string();
            assert!(message.contains(&format!("without the feature `{backend}`")), "{message}");
        }
    }

    #[test]
    fn flex_passes_its_own_check() {
        let reports = list();
        let flex = &reports[0];
        assert_eq!(flex.backend, Backend::Flex);
        assert!(matches!(flex.devices[0].check, Check::Passed { error } if error == 0.0));
    }
}
