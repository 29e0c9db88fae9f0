//! The report of a bench.

use serde::Serialize;
use staycast_forecast::bench::{Loading, Measured, Shape};
use staycast_forecast::device::{Backend, ChosenDevice};

use super::machine::Machine;
use super::start::StartUp;

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
    /// Of GPUs: from the start of the program to the first step.
    pub(super) start_up: Vec<StartUp>,
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
    /// The shape, `loading` or `start-up`.
    pub(super) what: String,
    pub(super) reason: String,
}

impl Failed {
    pub(super) fn start_up(backend: Backend, error: &anyhow::Error) -> Self {
        let device = backend.name().to_owned();
        Self { device, shape: None, what: "start-up".to_owned(), reason: format!("{error:#}") }
    }
}

impl BenchReport {
    pub(super) fn failed(&mut self, device: &ChosenDevice, shape: Option<Shape>, reason: String) {
        let what = shape.map_or_else(|| "loading".to_owned(), |shape| shape.to_string());
        self.failed.push(Failed { device: device.info.to_string(), shape, what, reason });
    }
}
