//! A folder as one file, and the folder again on another machine.
//!
//! An archive is a tar of plain files (POSIX ustar) packed with zstd (RFC 8878, with the frame's content checksum):
//!
//! 1. `staycast-archive.json`, the index: kind, version, and by file its name, bytes and CRC-32C;
//! 2. the files that it lists, in bytewise order of their names.
//!
//! Every other field of a header is fixed (mode 0644, no times, no owners), so equal files give equal bytes with the same
//! version of zstd. Any `tar --zstd -xf` unpacks it; [`import`] does, and checks it besides.
//!
//! # What an importer may rely on
//! Archives come from strangers. [`import`] takes nothing but what the index lists, in its order: no links, devices,
//! folders, absolute names, names that leave the folder, repeated names, or bytes after the end. It writes no more than
//! [`Limits`] allow, checks every size and checksum, makes the folder under a temporary name beside its place, and
//! renames it once everything is on the disk: a folder appears whole or not at all. It never executes anything, sets no
//! file executable and follows nothing that an archive names. Checksums find damage, not forgery: that an archive is from
//! who is said to have made it, nobody here can tell.

mod export;
mod import;
mod index;

use std::io;
use std::path::{Path, PathBuf};

use staycast_files::WriteError;

pub use export::{ExportRequest, Exported, Member, export};
pub use import::{Imported, Limits, import};
pub use index::{ARCHIVE_KIND, ARCHIVE_VERSION, IndexedFile};

/// Why an archive can't be written or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that the archive needs is not in the folder.
    #[error("{folder} has no {name}, which the archive needs; name a finished run")]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The file.
        name: String,
    },
    /// What is to be packed is not a plain file.
    #[error("{0} is not a plain file or folder, and archives hold no links or devices; put the thing itself there")]
    NotAFile(PathBuf),
    /// A name that archives don't hold.
    #[error("`{name}` can't be the name of a file in an archive: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file was written to meanwhile.
    #[error("{0} changed while it was packed; export again when nothing writes to the folder")]
    Changed(PathBuf),
    /// Nothing is overwritten.
    #[error("{0} exists already; name another place, or remove it first")]
    Exists(PathBuf),
    /// Not an archive, or not all of it, or changed since.
    #[error("{archive} is damaged or not an archive of Staycast: {problem}; nothing was unpacked, get it again")]
    Damaged {
        /// The archive.
        archive: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It holds what an export never does.
    #[error("{archive} is refused, as no export makes such an archive: {problem}; nothing was unpacked")]
    Refused {
        /// The archive.
        archive: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A later version wrote it.
    #[error(
        "{archive} has version {found}, and this version of Staycast reads {ARCHIVE_VERSION}; import it with the version that made it"
    )]
    OtherVersion {
        /// The archive.
        archive: PathBuf,
        /// Its version.
        found: u64,
    },
    /// It would unpack to more than is allowed.
    #[error("{archive} holds {what}, and the limit is {limit}; nothing was unpacked; raise the limit if you trust it")]
    TooLarge {
        /// The archive.
        archive: PathBuf,
        /// What is too much.
        what: String,
        /// What is allowed.
        limit: u64,
    },
}

impl From<WriteError> for ArchiveError {
    fn from(error: WriteError) -> Self {
        Self::Io { action: error.action, path: error.path, source: error.source }
    }
}

impl ArchiveError {
    /// Says why what is finished did not get its name: where something came into the place meanwhile, that.
    fn not_written(error: WriteError, out: &Path) -> Self {
        if error.is_taken() { Self::Exists(out.to_owned()) } else { error.into() }
    }
}
