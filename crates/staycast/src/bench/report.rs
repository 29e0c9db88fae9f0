//! The report of a bench.

use serde::Serialize;
use staycast_forecast::bench::{Loading, Measured, Shape};
use staycast_forecast::device::ChosenDevice;

use super::machine::Machine;

/// Holds everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct BenchReport {
    pub(super) staycast_version: &'static str,
    pub(super) machine: Machine,
    pub(super) threads: usize,
    pub(super) rounds: u16,
    pub(super) results: Vec<Measured>,
    /// From Parquet to memory, on the CPU.
    pub(super) reading: Reading,
    /// From memory to each device.
    pub(super) loading: Vec<Loading>,
    /// Measurements that could not be made, and why.
    pub(super) failed: Vec<Failed>,
    /// Devices that were left out, and why.
    pub(super) left_out: Vec<String>,
}

/// Holds how fast a sequences folder was read into memory.
#[derive(Debug, Serialize)]
pub(super) struct Reading {
    pub(super) enrolments: u64,
    pub(super) weeks: u64,
    pub(super) features: u64,
    pub(super) seconds: f64,
    pub(super) enrolments_per_second: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Failed {
    pub(super) device: String,
    pub(super) shape: Option<Shape>,
    pub(super) reason: String,
}

impl BenchReport {
    pub(super) fn failed(&mut self, device: &ChosenDevice, shape: Option<Shape>, reason: String) {
        self.failed.push(Failed { device: device.info.to_string(), shape, reason });
    }
}
