//! The building of sequences, as `preprocess`, `bench` and `demo` do it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use staycast_sequences::manifest::Manifest;
use staycast_sequences::{BuildMode, BuildOptions, build, peak_memory_bytes};

use crate::console::Console;
use crate::log_input::LogInput;
use crate::output_place;
use crate::progress::StageProgress;
use crate::status::Status;

/// Holds the log to read, the options, and the folder to write.
#[derive(Debug)]
pub(crate) struct PreprocessJob {
    pub(crate) log: LogInput,
    pub(crate) build: BuildOptions,
    pub(crate) out: PathBuf,
    pub(crate) if_exists: BuildMode,
    pub(crate) max_rejected: f64,
}

impl PreprocessJob {
    /// Prepares the folder to write.
    pub(super) fn prepare_place(&self) -> anyhow::Result<()> {
        output_place::prepare_whole_folder(&self.out, self.log.paths())
    }
}

/// Holds the result of a build, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct PreprocessOutcome {
    /// The folder written.
    #[serde(serialize_with = "crate::display::path_text")]
    pub(crate) out: PathBuf,
    /// True where it was there already, finished, and has been kept.
    pub(crate) kept: bool,
    pub(crate) seconds: f64,
    /// Threads that it ran on.
    pub(crate) threads: usize,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) max_rejected: f64,
    /// The exit status.
    pub(crate) status: u8,
    pub(crate) manifest: Manifest,
}

impl PreprocessOutcome {
    pub(crate) fn status(&self) -> Status {
        let (_, rejected) = self.manifest.rows.worst_table();
        if rejected > self.max_rejected { Status::TooManyRejected } else { Status::Fine }
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// Builds the sequences.
pub(crate) fn execute(job: &PreprocessJob, console: &Console) -> anyhow::Result<PreprocessOutcome> {
    let begun = Instant::now();
    let was_there = job.out.join("manifest.json").is_file();
    let (source, _standard_input) = job.log.open(&job.out)?;
    tracing::info!(
        format = source.format,
        courses = source.roster.courses.len(),
        enrolments = source.roster.enrolments.len(),
        event_files = source.events.len(),
        threads = rayon::current_num_threads(),
        "log opened"
    );
    let manifest = build(&source, &job.build, &job.out, job.if_exists, &StageProgress::new(console))
        .context("no sequences were written")?;
    let mut built = PreprocessOutcome {
        out: job.out.clone(),
        kept: was_there && job.if_exists == BuildMode::Resume,
        seconds: begun.elapsed().as_secs_f64(),
        threads: rayon::current_num_threads(),
        peak_memory_bytes: peak_memory_bytes(),
        max_rejected: job.max_rejected,
        status: 0,
        manifest,
    };
    built.status = built.status().code();
    Ok(built)
}
