//! The backends of burn, and the devices that they drive, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names the burn backends that a build may have.
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
    /// Lists all of them, the CPUs first.
    pub const ALL: [Self; 5] = [Self::Flex, Self::Ndarray, Self::Wgpu, Self::Vulkan, Self::Cuda];

    /// Returns the name used on the command line and in files.
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

    /// Tells whether this build has it.
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

/// Names the kinds of hardware that a device may be.
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
    /// Returns the name used in listings and files.
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

/// Identifies a device, as runs record it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceInfo {
    /// The backend that drives it.
    pub backend: Backend,
    /// Its own name.
    pub name: String,
    /// The kind of hardware.
    pub hardware: Hardware,
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.backend, self.name, self.hardware.name())
    }
}
