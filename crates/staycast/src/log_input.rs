//! A log that is to be read: files, standard input, pipes, a database.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;
use staycast_events::formats::{self, Institution, OpenOptions};
use staycast_events::{Source, is_pipe, open_pipe};
use staycast_files::ScratchFolder;

use crate::status::usage;

/// Holds where a log is, and how it is to be opened.
#[derive(Debug)]
pub(crate) struct LogInput {
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) institutions: Vec<Institution>,
    pub(crate) open: OpenOptions,
}

impl LogInput {
    /// Returns the log in a folder, whose format is to be recognised.
    pub(crate) fn of_folder(folder: PathBuf) -> Self {
        Self { inputs: vec![folder], institutions: Vec::new(), open: OpenOptions::default() }
    }

    /// Lists the files and folders that are named.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let tables = [&self.open.mapping, &self.open.courses, &self.open.labels];
        let inputs = self.inputs.iter().chain(self.institutions.iter().flat_map(|one| &one.inputs));
        inputs.chain(tables.into_iter().flatten()).map(PathBuf::as_path)
    }

    /// Opens the log. Standard input and pipes are written beside `out` first, as some formats are read twice. The
    /// folder that holds them must live until the log is read.
    pub(crate) fn open(&self, out: &Path) -> anyhow::Result<(Source, Option<ScratchFolder>)> {
        let mut kept = KeptStreams { out, folder: None, streams: 0 };
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
