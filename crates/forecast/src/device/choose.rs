//! The choice of a device: the one asked for, or the best that computes right.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use super::backend::{Backend, DeviceInfo, Hardware};
use super::check::{self, Check};
use super::error::DeviceError;
use super::find::{self, DeviceReport, Found};
use super::work::{Prediction, Work, about};

/// Names the device that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A real GPU that passes the check, where it is the faster at the work at hand, or else the CPU through flex.
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

/// Takes the device for `choice`, which `auto` makes depend on the work that is to be done there.
///
/// # Errors
/// When the backend asked for is not in this build, has no device, or has none that computes right. `auto` never
/// fails: flex is always there.
pub fn choose(choice: DeviceChoice, work: &Work) -> Result<ChosenDevice, DeviceError> {
    match choice {
        DeviceChoice::Auto => Ok(choose_for(work)),
        DeviceChoice::Backend(Backend::Flex) => Ok(ChosenDevice::flex()),
        DeviceChoice::Backend(backend) => choose_from(backend),
    }
}

/// Takes the best device of a backend that computes right.
fn choose_from(backend: Backend) -> Result<ChosenDevice, DeviceError> {
    if !backend.built_in() {
        return Err(DeviceError::NotBuiltIn { backend });
    }
    let mut found = find::devices(backend);
    let mut refused = None;
    for (info, device) in found.devices.drain(..) {
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
    Err(refused.unwrap_or_else(|| DeviceError::NoAdapter { backend, reason: found.why_none() }))
}

/// Takes a real GPU that computes right, where it is predicted to be faster at this work than the CPU, or else the CPU.
fn choose_for(work: &Work) -> ChosenDevice {
    let backends: Vec<Backend> =
        [Backend::Cuda, Backend::Vulkan, Backend::Wgpu].into_iter().filter(|backend| backend.built_in()).collect();
    if backends.is_empty() {
        return flex_since("this build has no GPU backend");
    }
    let cores = cores();
    // A driver takes seconds to open: none is asked where no GPU could make up for them.
    if let Some(why) = why_no_gpu(work, cores) {
        return flex_since(&why);
    }
    let mut passed_over = Vec::new();
    for backend in backends {
        let Found { devices, absent, .. } = find::devices(backend);
        passed_over.extend(absent.map(|reason| format!("{backend} found no device ({reason})")));
        for (info, device) in devices {
            if info.hardware == Hardware::Software {
                passed_over.push(format!("{info} is software"));
                continue;
            }
            let predicted = work.predict(cores, 1, info.hardware);
            if let Some(Prediction { cpu, gpu }) = predicted.filter(|predicted| !predicted.gpu_is_faster()) {
                let (cpu, gpu) = (about(cpu), about(gpu));
                passed_over.push(format!("this is predicted to take {cpu} there and {gpu} on {info}"));
                continue;
            }
            match check::check(&info, &device) {
                Check::Passed { error } => {
                    let why = match predicted {
                        Some(Prediction { cpu, gpu }) => format!(
                            "{info}, since this is predicted to take {} there and {} on the CPU; it computes right \
                             (error {error:.1e})",
                            about(gpu),
                            about(cpu)
                        ),
                        None => format!("{info}, a GPU that computes right (error {error:.1e})"),
                    };
                    return ChosenDevice { info, why, device };
                }
                Check::Failed { reason } => passed_over.push(format!("{info} is refused: {reason}")),
            }
        }
    }
    flex_since(&passed_over.join("; "))
}

/// Says why no GPU can be the faster at this work; `None` where one may be.
fn why_no_gpu(work: &Work, cores: usize) -> Option<String> {
    if *work == Work::none() {
        return Some("there is no network to compute".to_owned());
    }
    let Prediction { cpu, gpu } = work.predict_at_best(cores).filter(|best| !best.gpu_is_faster())?;
    Some(format!(
        "this is predicted to take {} there, and {} or more on a GPU, which has to be started first",
        about(cpu),
        about(gpu)
    ))
}

fn flex_since(why: &str) -> ChosenDevice {
    ChosenDevice { why: format!("flex on the CPU, since {why}"), ..ChosenDevice::flex() }
}

/// Counts the cores that the current rayon pool can use at a time.
fn cores() -> usize {
    let there_are = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    rayon::current_num_threads().min(there_are)
}

#[cfg(test)]
mod tests {
    use super::super::work::{NetworkSize, NetworkTask, TaskKind};
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
        let chosen = choose(DeviceChoice::Auto, &Work::Unknown).expect("flex is always there");
        assert_ne!(chosen.info.hardware, Hardware::Software);
        assert!(!chosen.why.is_empty());
    }

    #[test]
    fn auto_says_why_in_a_sentence_and_opens_no_driver_for_little_work() {
        let size = NetworkSize { weeks: 12, inputs: 87, hidden: 64, layers: 1 };
        let scoring = |rows| Work::Tasks(vec![NetworkTask { networks: 1, size, kind: TaskKind::Inference { rows } }]);
        let why = why_no_gpu(&scoring(50_000), 16).expect("the CPU is faster");
        assert_eq!(
            why,
            "this is predicted to take about 0.1 s there, and about 2.0 s or more on a GPU, which has to be started first"
        );
        assert_eq!(why_no_gpu(&Work::none(), 16).as_deref(), Some("there is no network to compute"));
        assert_eq!(why_no_gpu(&scoring(50_000_000), 16), None);
        assert_eq!(why_no_gpu(&Work::Unknown, 16), None);
        for work in [Work::none(), scoring(1000)] {
            let chosen = choose(DeviceChoice::Auto, &work).expect("flex is always there");
            assert_eq!(chosen.info.backend, Backend::Flex);
            let expected = match Backend::Wgpu.built_in() || Backend::Cuda.built_in() {
                true => why_no_gpu(&work, cores()).expect("the CPU is faster"),
                false => "this build has no GPU backend".to_owned(),
            };
            assert_eq!(chosen.why, format!("flex on the CPU, since {expected}"));
        }
    }

    #[test]
    fn a_backend_that_is_not_built_in_is_refused_by_name() {
        for backend in Backend::ALL.into_iter().filter(|backend| !backend.built_in()) {
            let message = choose(DeviceChoice::Backend(backend), &Work::Unknown).expect_err("not built in").to_string();
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
        let found = choose(DeviceChoice::Backend(Backend::Ndarray), &Work::Unknown);
        assert_eq!(found.expect("it computes right").info.hardware, Hardware::Cpu);
    }
}
