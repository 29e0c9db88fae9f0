//! The machine that figures are measured on.

use serde::Serialize;

/// Describes a machine, as far as figures depend on it.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    /// The processor's own name, or its architecture where the system does not say.
    pub(super) cpu: String,
    /// Cores that this process may use.
    pub(super) cores: usize,
    /// Operating system.
    pub(super) system: &'static str,
}

impl Machine {
    pub(super) fn describe() -> Self {
        let cpu = cpu_name().unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { cpu, cores, system: std::env::consts::OS }
    }
}

/// Reads the model name from Linux's `/proc/cpuinfo`, which processors of other makers than Intel and AMD may lack.
fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
