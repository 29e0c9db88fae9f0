//! The choice of a device: the one asked for, or the best that computes right.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use super::backend::{Backend, DeviceInfo, Hardware};
use super::check::{self, Check};
use super::error::DeviceError;
use super::find::{self, DeviceReport};

/// Names the device that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A real GPU that passes the check, or else the CPU through flex.
    #[default]
    Auto,
    /// One backend, on the best adapter it has.
    Backend(Backend),
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

/// Holds the device that a command computes on.
#[derive(Clone, Debug)]
pub struct ChosenDevice {
    /// Who it is.
    pub info: DeviceInfo,
    /// Which one was taken and why, in one sentence.
    pub why: String,
    device: Device,
}

impl ChosenDevice {
    /// Takes the CPU through flex, which needs no check: the others are compared with it.
    #[must_use]
    pub fn flex() -> Self {
        Self { info: find::cpu(Backend::Flex), why: "flex on the CPU was asked for".to_owned(), device: Device::flex() }
    }

    /// Takes the device of a report, unless it failed the check.
    #[must_use]
    pub fn from_report(report: &DeviceReport) -> Option<Self> {
        let device = report.device().cloned()?;
        Some(Self { info: report.info.clone(), why: "it was found and computes right".to_owned(), device })
    }

    /// Returns burn's device, without autodiff.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Tells whether equal runs give equal bytes on it: true for CPUs.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.info.hardware == Hardware::Cpu
    }
}

/// Takes the device for `choice`.
///
/// # Errors
/// When the backend asked for is not in this build, has no device, or has none that computes right. `auto` never
/// fails: flex is always there.
pub fn choose(choice: DeviceChoice) -> Result<ChosenDevice, DeviceError> {
    match choice {
        DeviceChoice::Auto => Ok(choose_any()),
        DeviceChoice::Backend(Backend::Flex) => Ok(ChosenDevice::flex()),
        DeviceChoice::Backend(backend) => choose_from(backend),
    }
}

/// Takes the best device of a backend that computes right.
fn choose_from(backend: Backend) -> Result<ChosenDevice, DeviceError> {
    if !backend.built_in() {
        return Err(DeviceError::NotBuiltIn { backend });
    }
    let (found, absent) = find::devices(backend);
    let mut refused = None;
    for (info, device) in found {
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
    let no_adapter = || DeviceError::NoAdapter { backend, reason: absent.unwrap_or_else(|| "no adapter".to_owned()) };
    Err(refused.unwrap_or_else(no_adapter))
}

/// Takes a real GPU that computes right, or else the CPU.
fn choose_any() -> ChosenDevice {
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
        let reports = super::super::find::list();
        let flex = &reports[0];
        assert_eq!(flex.backend, Backend::Flex);
        assert!(matches!(flex.devices[0].check, Check::Passed { error } if error == 0.0));
    }

    #[test]
    #[cfg(feature = "ndarray")]
    fn ndarray_passes() {
        let found = choose(DeviceChoice::Backend(Backend::Ndarray));
        assert_eq!(found.expect("it computes right").info.hardware, Hardware::Cpu);
    }
}
