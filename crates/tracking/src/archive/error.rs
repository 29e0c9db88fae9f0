//! Why an archive can't be written or unpacked.

use std::io;
use std::path::{Path, PathBuf};

use staycast_files::WriteError;

use super::version::ARCHIVE_VERSION;

/// Says why an archive can't be written or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// Action that failed.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A file that the archive needs is not in the folder.
    #[error("{folder} has no {name}, which the archive needs; name a finished run")]
    Missing {
        /// Folder to pack.
        folder: PathBuf,
        /// Missing file.
        name: String,
    },
    /// Something to be packed is not a plain file.
    #[error("{0} is not a plain file or folder, and archives hold no links or devices; put the thing itself there")]
    NotAFile(PathBuf),
    /// A file's name is not allowed in an archive.
    #[error("`{name}` can't be the name of a file in an archive: {problem}")]
    Name {
        /// Name of the file.
        name: String,
        /// Problem with it.
        problem: &'static str,
    },
    /// A file was written to meanwhile.
    #[error("{0} changed while it was packed; export again when nothing writes to the folder")]
    Changed(PathBuf),
    /// The place is taken, and nothing is overwritten.
    #[error("{0} exists already; name another place, or remove it first")]
    Exists(PathBuf),
    /// Not an archive, or not all of it, or changed since.
    #[error("{archive} is damaged or not an archive of Staycast: {problem}; nothing was unpacked, get it again")]
    Damaged {
        /// Path of the archive.
        archive: PathBuf,
        /// Problem with it.
        problem: String,
    },
    /// It holds something that an export never makes.
    #[error("{archive} is refused, as no export makes such an archive: {problem}; nothing was unpacked")]
    Refused {
        /// Path of the archive.
        archive: PathBuf,
        /// Problem with it.
        problem: String,
    },
    /// A later version wrote it.
    #[error(
        "{archive} has version {found}, and this version of Staycast reads {ARCHIVE_VERSION}; import it with the version that made it"
    )]
    OtherVersion {
        /// Path of the archive.
        archive: PathBuf,
        /// Version of the archive.
        found: u64,
    },
    /// It would unpack to more than is allowed.
    #[error("{archive} holds {what}, and the limit is {limit}; nothing was unpacked")]
    TooLarge {
        /// Path of the archive.
        archive: PathBuf,
        /// Amount that is too much.
        what: String,
        /// Greatest amount allowed.
        limit: u64,
    },
}

impl From<WriteError> for ArchiveError {
    fn from(error: WriteError) -> Self {
        Self::Io { action: error.action, path: error.path, source: error.source }
    }
}

impl ArchiveError {
    /// Returns the error of a finished draft that did not get its name, as something may have come into the place.
    pub(super) fn not_written(error: WriteError, out: &Path) -> Self {
        if error.is_taken() { Self::Exists(out.to_owned()) } else { error.into() }
    }
}
