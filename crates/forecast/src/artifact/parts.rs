//! The files of a run's folder that the run consists of.

use std::path::{Path, PathBuf};

use super::error::RunError;
use super::layout::{CONFIG, MANIFEST};
use super::manifest::{Checksums, RunManifest};
use crate::config::Config;
use crate::files::{self, FileError};

/// Bounds the bytes of a configuration.
const MOST_CONFIG_BYTES: u64 = 1 << 20;

/// Finds the files of a run's folder that the run consists of.
pub(super) struct Parts<'a> {
    pub(super) folder: &'a Path,
    pub(super) manifest: &'a RunManifest,
    pub(super) checksums: Checksums,
}

impl Parts<'_> {
    /// Returns the path of a file that the run must have.
    pub(super) fn path(&self, name: &str) -> Result<PathBuf, FileError> {
        self.find(name).ok_or_else(|| {
            let message = format!("the run is to have {name}, and it is not there or not among the run's files");
            FileError::damaged(&self.folder.join(MANIFEST), message)
        })
    }

    /// Reads the configuration.
    pub(super) fn config(&self) -> Result<Config, RunError> {
        let path = self.path(CONFIG)?;
        let text = files::as_text(&path, files::read_up_to(&path, MOST_CONFIG_BYTES)?)?;
        Ok(Config::from_toml(&text, &path.display().to_string())?)
    }

    /// Returns the path of a file that the run may have.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        self.manifest.has_part(self.folder, name, self.checksums).then(|| self.folder.join(name))
    }
}
