//! The device that a command computes on, and those beside it.

use burn::tensor::Device;

use super::backend::{Backend, DeviceInfo, Hardware};
use super::check::{self, Check};
use super::error::DeviceError;
use super::find::{self, DeviceReport};

/// Holds the device that a command computes on, and those on which networks are trained beside it.
#[derive(Clone, Debug)]
pub struct ChosenDevice {
    /// Who it is.
    pub info: DeviceInfo,
    /// Which one was taken and why, in one sentence.
    pub why: String,
    pub(super) device: Device,
    /// The others, without others of their own.
    pub(super) beside: Vec<Self>,
}

impl ChosenDevice {
    pub(super) const fn new(info: DeviceInfo, why: String, device: Device) -> Self {
        Self { info, why, device, beside: Vec::new() }
    }

    /// Takes the CPU through flex, which needs no check: the others are compared with it.
    #[must_use]
    pub fn flex() -> Self {
        Self::new(find::cpu(Backend::Flex), "flex on the CPU was asked for".to_owned(), Device::flex())
    }

    /// Takes the device of a report, unless it failed the check.
    #[must_use]
    pub fn from_report(report: &DeviceReport) -> Option<Self> {
        let device = report.device().cloned()?;
        Some(Self::new(report.info.clone(), "it was found and computes right".to_owned(), device))
    }

    /// Takes a device that the caller has opened, if it computes right.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] where it does not.
    pub fn opened(info: DeviceInfo, device: Device) -> Result<Self, DeviceError> {
        match check::check(&info, &device) {
            Check::Passed { .. } => Ok(Self::new(info, "it was opened and computes right".to_owned(), device)),
            Check::Failed { reason } => Err(DeviceError::Refused { device: info, reason }),
        }
    }

    /// Adds devices on which networks are trained beside this one.
    #[must_use]
    pub fn beside(mut self, others: impl IntoIterator<Item = Self>) -> Self {
        for mut other in others {
            let more = std::mem::take(&mut other.beside);
            self.beside.push(other);
            self.beside.extend(more);
        }
        self
    }

    /// Lists this device and those beside it.
    pub fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.beside)
    }

    /// Lists the kinds of device beside this one that are not its own kind, each once.
    pub(crate) fn other_kinds(&self) -> Vec<DeviceInfo> {
        let mut kinds = vec![&self.info];
        for device in &self.beside {
            if !kinds.contains(&&device.info) {
                kinds.push(&device.info);
            }
        }
        kinds.into_iter().skip(1).cloned().collect()
    }

    /// Deals the devices out to `workers`, of which each gets one or more; to fewer where there are fewer devices.
    #[must_use]
    pub fn deal(&self, workers: usize) -> Vec<Self> {
        let all: Vec<Self> = self.each().map(|device| Self { beside: Vec::new(), ..device.clone() }).collect();
        let workers = workers.clamp(1, all.len());
        let hand = |worker: usize| all.iter().skip(worker).step_by(workers).cloned();
        (0..workers)
            .map(|worker| {
                let mut hand = hand(worker);
                let first = hand.next().expect("as many devices as workers, or more");
                first.beside(hand)
            })
            .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ChosenDevice {
        let flex = ChosenDevice::flex();
        ChosenDevice { info: DeviceInfo { name: name.to_owned(), ..flex.info }, ..flex }
    }

    fn names(device: &ChosenDevice) -> String {
        device.each().map(|one| one.info.name.as_str()).collect()
    }

    #[test]
    fn devices_beside_are_listed_once_and_in_order() {
        let all = named("a").beside([named("b").beside([named("c")]), named("d")]);
        assert_eq!(names(&all), "abcd");
        assert!(all.beside.iter().all(|device| device.beside.is_empty()));
    }

    #[test]
    fn kinds_are_listed_once_and_without_its_own() {
        let all = named("a").beside(["a", "b", "b", "c"].map(named));
        assert_eq!(all.other_kinds().iter().map(|kind| kind.name.as_str()).collect::<String>(), "bc");
        assert_eq!(named("a").beside([named("a")]).other_kinds(), []);
    }

    #[test]
    fn devices_are_dealt_to_workers() {
        let all = named("a").beside(["b", "c", "d", "e"].map(named));
        let dealt = |workers| all.deal(workers).iter().map(names).collect::<Vec<_>>();
        assert_eq!(dealt(0), ["abcde"]);
        assert_eq!(dealt(2), ["ace", "bd"]);
        assert_eq!(dealt(9), ["a", "b", "c", "d", "e"]);
        assert_eq!(named("x").deal(3).iter().map(names).collect::<Vec<_>>(), ["x"]);
    }
}
