//! The names of a run's files, and the version of their layout.

/// Marks the manifest of every run, in its key `kind`.
pub const RUN_KIND: &str = "staycast-run";
/// Numbers the version of a run's layout. A run of a later version is refused.
pub(crate) const RUN_VERSION: u32 = 2;
/// Numbers the version whose manifests list no files, so that a change of these can't be noticed. It is read as well.
pub(crate) const VERSION_WITHOUT_CHECKSUMS: u32 = 1;

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const MODEL: &str = "model.safetensors";
pub(crate) const BASELINES: &str = "baselines.json.zst";
pub(crate) const BLEND: &str = "blend.json";
pub(crate) const SURVIVAL: &str = "survival.json.zst";
pub(crate) const SCALER: &str = "scaler.json";
pub(crate) const CALIBRATION: &str = "calibration.json";
pub(crate) const FOLD_CALIBRATION: &str = "fold_calibration.json";
pub(crate) const SPLIT: &str = "split.json";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const EVALUATIONS: &str = "evaluations.jsonl";
pub(crate) const OUT_OF_FOLD: &str = "out_of_fold.parquet";
pub(crate) const TIMING: &str = "timing.json";
pub(crate) const MANIFEST: &str = "manifest.json";
/// Lists the folders that can be in a run.
pub const RUN_FOLDERS: [&str; 2] = [CHECKPOINTS, "tensorboard"];
/// Lists the files of a run; no run has all of them.
pub const RUN_FILES: [&str; 14] = [
    CONFIG,
    MODEL,
    BASELINES,
    BLEND,
    SURVIVAL,
    SCALER,
    CALIBRATION,
    FOLD_CALIBRATION,
    SPLIT,
    METRICS,
    EVALUATIONS,
    OUT_OF_FOLD,
    TIMING,
    MANIFEST,
];

/// Lists the files that a run may consist of, beside its manifest, which lists those that are there: whatever has a say in what
/// a run forecasts or tells. Not among them are what differs between equal runs, and what is written after the training.
pub(crate) fn parts() -> impl Iterator<Item = &'static str> {
    RUN_FILES.into_iter().filter(|name| ![EVALUATIONS, TIMING, MANIFEST].contains(name))
}
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// Marks, within [`CHECKPOINTS`], a run that was begun.
pub(crate) const STARTED: &str = "started.json";
