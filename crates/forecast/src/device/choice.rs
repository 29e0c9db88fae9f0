//! The devices that are asked for, as they are written: `auto`, a backend, or devices of it by number.

use std::fmt;
use std::str::FromStr;

use super::backend::Backend;
use super::error::DeviceError;

/// Names the devices that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A real GPU that passes the check, where it is the faster at the work at hand, or else the CPU through flex.
    #[default]
    Auto,
    /// One backend, on the best adapter it has; where several networks are trained, on all that are like it.
    Backend(Backend),
    /// Some devices of a backend of GPUs.
    Devices(Backend, Numbers),
}

/// Names devices of a backend by their places in its listing, best first, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// All of them.
    All,
    /// Those of a set, one or more, each below [`Numbers::MOST`]: bit n stands for number n.
    Set(u64),
}

impl Numbers {
    /// Bounds the numbers.
    pub const MOST: u32 = 64;

    /// Reads `all`, or numbers separated by commas.
    fn parse(text: &str) -> Option<Self> {
        if text == "all" {
            return Some(Self::All);
        }
        let bit = |number: &str| {
            let number: u32 = number.parse().ok().filter(|&number| number < Self::MOST)?;
            Some(1_u64 << number)
        };
        text.split(',').try_fold(0, |set, number| Some(set | bit(number)?)).map(Self::Set)
    }

    /// Lists the numbers of a set, the least first; none for all.
    pub(super) fn list(self) -> Vec<usize> {
        match self {
            Self::All => Vec::new(),
            Self::Set(set) => (0..Self::MOST as usize).filter(|number| set >> number & 1 == 1).collect(),
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Set(_) => f.write_str(&self.list().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Backend(backend) => backend.fmt(f),
            Self::Devices(backend, numbers) => write!(f, "{backend}:{numbers}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let (name, numbers) = text.split_once(':').map_or((text, None), |(name, numbers)| (name, Some(numbers)));
        let unknown = || DeviceError::Unknown(text.to_owned());
        let backend = match name {
            "auto" if numbers.is_none() => return Ok(Self::Auto),
            "cpu" => Backend::Flex,
            _ => Backend::ALL.into_iter().find(|backend| backend.name() == name).ok_or_else(unknown)?,
        };
        match (numbers, backend) {
            (None, _) => Ok(Self::Backend(backend)),
            (Some(_), Backend::Flex | Backend::Ndarray) => Err(DeviceError::OneCpu(text.to_owned())),
            (Some(numbers), _) => Numbers::parse(numbers)
                .map(|numbers| Self::Devices(backend, numbers))
                .ok_or_else(|| DeviceError::Numbers { text: text.to_owned(), backend }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_and_print() {
        assert_eq!("cpu".parse::<DeviceChoice>().expect("known"), DeviceChoice::Backend(Backend::Flex));
        for name in ["auto", "flex", "ndarray", "wgpu", "vulkan", "cuda", "wgpu:all", "vulkan:0", "cuda:0,1,63"] {
            assert_eq!(name.parse::<DeviceChoice>().expect("known").to_string(), name);
        }
        let twice = "wgpu:3,1,3".parse::<DeviceChoice>().expect("known");
        assert_eq!(twice, DeviceChoice::Devices(Backend::Wgpu, Numbers::Set(0b1010)));
        assert_eq!(twice.to_string(), "wgpu:1,3");
    }

    #[test]
    fn what_is_no_device_says_what_is_one() {
        for (text, words) in [
            ("gpu", &["`gpu`", "wgpu"][..]),
            ("auto:0", &["`auto:0`"]),
            ("wgpu:", &["`wgpu:`", "wgpu:0", "wgpu:all"]),
            ("vulkan:64", &["`vulkan:64`", "vulkan:0,1"]),
            ("vulkan:0,", &["`vulkan:0,`"]),
            ("wgpu:-1", &["`wgpu:-1`"]),
            ("cpu:0", &["`cpu:0`", "CPU is one device"]),
            ("flex:all", &["`flex:all`", "CPU is one device"]),
        ] {
            let message = text.parse::<DeviceChoice>().expect_err(text).to_string();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        }
    }
}
