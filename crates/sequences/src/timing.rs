//! Writes `timing.json`: seconds and peak memory by stage. Kept apart from the manifest, as it differs between equal runs.

use std::time::Instant;

use serde::Serialize;

/// Holds the times of a build.
#[derive(Debug, Serialize)]
pub(crate) struct Timing {
    stages: Vec<Stage>,
    /// Threads of the pool that it ran on.
    threads: usize,
    /// Bytes of events that went through the disk for want of memory.
    pub(crate) spilled_bytes: u64,
    #[serde(skip)]
    lap: Instant,
}

#[derive(Debug, Serialize)]
struct Stage {
    stage: &'static str,
    seconds: f64,
    /// Peak of the process's memory up to the stage's end; absent where the system does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
}

impl Timing {
    pub(crate) fn start() -> Self {
        Self { stages: Vec::new(), threads: rayon::current_num_threads(), spilled_bytes: 0, lap: Instant::now() }
    }

    /// Ends the stage that began with the last lap.
    pub(crate) fn lap(&mut self, stage: &'static str) {
        let seconds = self.lap.elapsed().as_secs_f64();
        self.stages.push(Stage { stage, seconds, peak_memory_bytes: peak_memory_bytes() });
        self.lap = Instant::now();
    }
}

/// Reads the peak memory of this process, from Linux's `/proc/self/status`; `None` elsewhere.
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
