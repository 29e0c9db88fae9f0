//! The building of sequences, as `preprocess`, `bench` and `demo` do it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::Context;
use serde::Serialize;
use staycast_events::formats::{self, Institution, OpenOptions};
use staycast_events::{Source, is_pipe, open_pipe};
use staycast_files::ScratchFolder;
use staycast_sequences::manifest::Manifest;
use staycast_sequences::{BuildMode, BuildOptions, build, peak_memory_bytes};

use crate::console::Console;
use crate::output_place;
use crate::progress::StageProgress;
use crate::status::{Status, usage};

/// Holds the log to read, the options, and the folder to write.
#[derive(Debug)]
pub(crate) struct PreprocessJob {
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) institutions: Vec<Institution>,
    pub(crate) open: OpenOptions,
    pub(crate) build: BuildOptions,
    pub(crate) out: PathBuf,
    pub(crate) if_exists: BuildMode,
    pub(crate) max_rejected: f64,
}

impl PreprocessJob {
    /// Prepares the folder to write.
    pub(super) fn prepare_place(&self) -> anyhow::Result<()> {
        let tables = [&self.open.mapping, &self.open.courses, &self.open.labels];
        let inputs = self.inputs.iter().chain(self.institutions.iter().flat_map(|one| &one.inputs));
        let inputs = inputs.chain(tables.into_iter().flatten()).map(PathBuf::as_path);
        output_place::prepare_whole_folder(&self.out, inputs)
    }

    /// Opens the log. Standard input and pipes are written beside the output first, as some formats are read twice. The
    /// folder that holds them must live until the log is read.
    pub(super) fn open(&self) -> anyhow::Result<(Source, Option<ScratchFolder>)> {
        let mut kept = KeptStreams { out: &self.out, folder: None, streams: 0 };
        if !self.institutions.is_empty() {
            let mut institutions = self.institutions.clone();
            for input in institutions.iter_mut().flat_map(|institution| &mut institution.inputs) {
                kept.keep_pipe(input)?;
            }
            return Ok((formats::open_institutions(&institutions, &self.open)?, kept.folder));
        }
        let mut inputs = self.inputs.clone();
        if inputs.iter().filter(|input| *input == Path::new("-")).count() > 1 {
            return Err(usage("standard input can be read once: give - once"));
        }
        for input in &mut inputs {
            match input == Path::new("-") {
                true => *input = kept.keep("standard-input".as_ref(), || Ok(io::stdin().lock()))?,
                false => kept.keep_pipe(input)?,
            }
        }
        Ok((formats::open(&inputs, &self.open)?, kept.folder))
    }
}

/// Keeps beside the output what can be read but once.
struct KeptStreams<'a> {
    out: &'a Path,
    folder: Option<ScratchFolder>,
    /// Streams that it holds.
    streams: u32,
}

impl KeptStreams<'_> {
    /// Puts a file that holds what comes out of it in place of an input that is a pipe.
    fn keep_pipe(&mut self, input: &mut PathBuf) -> anyhow::Result<()> {
        if is_pipe(input) {
            let name = input.file_name().unwrap_or_else(|| "pipe".as_ref()).to_owned();
            *input = self.keep(&name, || Ok(open_pipe(input)?))?;
        }
        Ok(())
    }

    /// Writes a stream into a file of this name, and returns where it is.
    fn keep<R: io::Read>(&mut self, name: &OsStr, open: impl FnOnce() -> anyhow::Result<R>) -> anyhow::Result<PathBuf> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => ScratchFolder::beside(self.out)?,
        };
        let place = self.folder.insert(folder).path();
        // Several pipes may have one name.
        let own = match self.streams {
            0 => place.to_owned(),
            before => place.join(before.to_string()),
        };
        self.streams += 1;
        let path = own.join(name);
        let mut stream = open()?;
        fs::create_dir_all(&own)
            .and_then(|()| create_private(&path))
            .and_then(|mut file| io::copy(&mut stream, &mut file))
            .with_context(|| {
                let what = if name == "standard-input" { "standard input" } else { "a pipe" };
                format!("{what} can't be kept beside {} until it is read", self.out.display())
            })?;
        Ok(path)
    }
}

/// Creates a file that its owner alone can read: what comes from standard input is a raw log.
fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
    let (source, _standard_input) = job.open()?;
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
