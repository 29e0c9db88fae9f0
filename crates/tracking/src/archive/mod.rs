//! Packs a folder into one file, and unpacks it elsewhere.
//!
//! An archive is a tar of plain files (POSIX ustar) packed with zstd (RFC 8878, with the frame's content checksum):
//!
//! 1. `staycast-archive.json`, the index: kind, version, and by file its name, bytes and CRC-32C;
//! 2. the files that it lists, in bytewise order of their names.
//!
//! Every other field of a header is fixed (mode 0644, no times, no owners), so equal files give equal bytes with the same
//! version of zstd. Any `tar --zstd -xf` unpacks it; [`unpack`] also checks it.
//!
//! # What an importer may rely on
//! Archives come from strangers. [`unpack`] takes nothing but what the index lists, in its order: no links, devices,
//! folders, absolute names, names that leave the folder, repeated names, or bytes after the end. It writes no more than
//! [`UnpackLimits`] allow, checks every size and checksum, and makes the folder appear whole or not at all, once whoever asked
//! for it has looked at what it holds. It never
//! executes anything, sets no file executable and follows nothing that an archive names. Checksums find damage, not
//! forgery: they do not prove who made an archive.

mod error;
mod export;
mod import;
mod index;
mod version;

pub use error::ArchiveError;
pub use export::{ArchiveMember, ExportRequest, ExportedArchive, export};
pub use import::{ImportedArchive, UnpackLimits, UnpackedArchive, unpack};
pub use index::IndexedFile;
pub use version::{ARCHIVE_KIND, ARCHIVE_VERSION};
