//! Seconds by stage of a training run.

use std::collections::BTreeMap;
use std::time::Instant;

/// Measures the seconds of each stage, for `timing.json`.
pub(super) struct StageTimer {
    begun: Instant,
    stage_begun: Instant,
    seconds: BTreeMap<&'static str, f64>,
}

impl StageTimer {
    /// Starts the first stage.
    pub(super) fn start() -> Self {
        Self { begun: Instant::now(), stage_begun: Instant::now(), seconds: BTreeMap::new() }
    }

    /// Ends `stage`, and starts the next one.
    pub(super) fn lap(&mut self, stage: &'static str) {
        self.seconds.insert(stage, self.stage_begun.elapsed().as_secs_f64());
        self.stage_begun = Instant::now();
    }

    /// Returns the seconds by stage, and those since the start.
    pub(super) fn finish(self) -> (BTreeMap<&'static str, f64>, f64) {
        (self.seconds, self.begun.elapsed().as_secs_f64())
    }
}
