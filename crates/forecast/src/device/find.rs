//! The devices that each backend finds on this machine.

use burn::tensor::Device;

use super::address_space::too_little_for_drivers;
use super::backend::{Backend, DeviceInfo, Hardware};
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use super::check::quietly;
use super::check::{self, Check};
use super::missing::missing;

/// Describes a device of this build and machine, checked.
#[derive(Clone, Debug)]
pub struct DeviceReport {
    /// Who it is.
    pub info: DeviceInfo,
    /// Whether it computes right.
    pub check: Check,
    device: Option<Device>,
}

/// Lists the devices that a backend of this build found.
#[derive(Clone, Debug)]
pub struct BackendReport {
    /// The backend.
    pub backend: Backend,
    /// Its devices on this machine, best first, checked.
    pub devices: Vec<DeviceReport>,
    /// Why it has none, when it has none.
    pub absent: Option<String>,
    /// Lists what the machine lacks, where a GPU was looked for and none was found: loader, drivers, device files, each with what
    /// brings it.
    pub missing: Vec<String>,
}

/// Lists every backend of this build with its devices, each checked. Opens every device; takes seconds where GPUs compile
/// their shaders.
#[must_use]
pub fn list() -> Vec<BackendReport> {
    Backend::ALL.into_iter().filter(|backend| backend.built_in()).map(report).collect()
}

/// Describes the CPU under a backend's name.
pub(super) fn cpu(backend: Backend) -> DeviceInfo {
    // Without its number of threads, which changes no byte of a run and must not change its manifest either.
    DeviceInfo { backend, name: "CPU".to_owned(), hardware: Hardware::Cpu }
}

/// Finds and checks a backend's devices.
fn report(backend: Backend) -> BackendReport {
    let Found { devices, absent, missing } = devices(backend);
    let devices = devices
        .into_iter()
        .map(|(info, device)| {
            let check = check::check(&info, &device);
            let device = check.passed().then_some(device);
            DeviceReport { info, check, device }
        })
        .collect();
    BackendReport { backend, devices, absent, missing }
}

impl DeviceReport {
    /// Returns burn's device, for one that passed the check.
    #[must_use]
    pub fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }
}

/// Holds what a backend found.
pub(super) struct Found {
    /// Its devices, best first.
    pub(super) devices: Vec<Opened>,
    /// Why it has none, when it has none.
    pub(super) absent: Option<String>,
    /// Lists what the machine lacks, where it has no real GPU.
    pub(super) missing: Vec<String>,
}

impl Found {
    /// Says in one sentence why there is no device.
    pub(super) fn why_none(self) -> String {
        let reasons = self.absent.into_iter().chain(self.missing);
        reasons.collect::<Vec<_>>().join("; ")
    }
}

/// Finds the devices of a backend that this build has, or why there is none. Never panics.
pub(super) fn devices(backend: Backend) -> Found {
    let found = match backend {
        Backend::Flex => Ok(vec![(cpu(backend), Device::flex())]),
        Backend::Ndarray => ndarray(),
        Backend::Wgpu | Backend::Vulkan | Backend::Cuda => match too_little_for_drivers() {
            Some(reason) => return Found { devices: Vec::new(), absent: Some(reason), missing: Vec::new() },
            None => of_driver(backend),
        },
    };
    let (mut devices, absent) = match found {
        Ok(devices) if devices.is_empty() => (devices, Some("there is no adapter, or no driver for it".to_owned())),
        Ok(devices) => (devices, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    // Stable, so that adapters of a kind stay in the driver's order.
    devices.sort_by_key(|(info, _)| info.hardware as u8);
    let through_vulkan = matches!(backend, Backend::Wgpu | Backend::Vulkan) && backend.built_in();
    let has_gpu = devices.iter().any(|(info, _)| info.hardware != Hardware::Software);
    let missing = if through_vulkan && !has_gpu { missing() } else { Vec::new() };
    Found { devices, absent, missing }
}

/// Asks the driver behind a backend.
fn of_driver(backend: Backend) -> AllOpened {
    match backend {
        Backend::Wgpu => wgpu(),
        Backend::Vulkan => vulkan(),
        Backend::Cuda => cuda(),
        Backend::Flex | Backend::Ndarray => Ok(Vec::new()),
    }
}

/// A device by its name; opened, as it is asked for that.
pub(super) type Opened = (DeviceInfo, Device);

type AllOpened = Result<Vec<Opened>, String>;

#[cfg(feature = "ndarray")]
#[allow(deprecated)] // burn prefers flex, and so do we; ndarray is for those who ask for it by name.
fn ndarray() -> AllOpened {
    Ok(vec![(cpu(Backend::Ndarray), Device::ndarray())])
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> AllOpened {
    Err("not part of this build".to_owned())
}

#[cfg(feature = "wgpu")]
fn wgpu() -> AllOpened {
    cube(Backend::Wgpu, burn::tensor::DeviceType::Wgpu)
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> AllOpened {
    Err("not part of this build".to_owned())
}

#[cfg(feature = "vulkan")]
fn vulkan() -> AllOpened {
    cube(Backend::Vulkan, burn::tensor::DeviceType::Vulkan)
}

#[cfg(not(feature = "vulkan"))]
fn vulkan() -> AllOpened {
    Err("not part of this build".to_owned())
}

#[cfg(feature = "cuda")]
fn cuda() -> AllOpened {
    cube(Backend::Cuda, burn::tensor::DeviceType::Cuda)
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> AllOpened {
    Err("not part of this build".to_owned())
}

/// Finds the devices of one CubeCL runtime. Asking for a device's name opens it, and opening may panic.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn cube(backend: Backend, kind: burn::tensor::DeviceType) -> AllOpened {
    let devices = quietly(|| Device::enumerate(kind).into_iter().collect::<Vec<Device>>())?;
    // Adapters that are software all have the same number, and so are one device: the first.
    let mut distinct: Vec<Device> = Vec::with_capacity(devices.len());
    for device in devices {
        if !distinct.contains(&device) {
            distinct.push(device);
        }
    }
    distinct
        .into_iter()
        .map(|device| {
            let hardware = hardware(&device);
            // A device that can't be opened stays in the list under its kind; the check will say why it fails.
            let name = quietly(|| device.identity().map(|identity| identity.name)).ok().flatten();
            let name = name.unwrap_or_else(|| format!("{} adapter", hardware.name()));
            Ok((DeviceInfo { backend, name, hardware }, device))
        })
        .collect()
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn hardware(device: &Device) -> Hardware {
    use burn::backend::{CubeDevice, DispatchDevice};
    match device.as_dispatch() {
        #[cfg(feature = "wgpu")]
        DispatchDevice::Cube(CubeDevice::Wgpu(device)) => {
            use burn::backend::WgpuDeviceKind;
            match device.kind {
                WgpuDeviceKind::DiscreteGpu(_) => Hardware::Discrete,
                WgpuDeviceKind::IntegratedGpu(_) => Hardware::Integrated,
                WgpuDeviceKind::VirtualGpu(_) => Hardware::Virtual,
                WgpuDeviceKind::Cpu => Hardware::Software,
                _ => Hardware::Other,
            }
        }
        #[cfg(feature = "cuda")]
        DispatchDevice::Cube(CubeDevice::Cuda(_)) => Hardware::Discrete,
        _ => Hardware::Other,
    }
}
