//! Unpacks an archive into a folder. Everything in an archive is checked before it is used.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use staycast_files::{FolderDraft, IfExists};

use super::error::ArchiveError;
use super::index::{ArchiveIndex, INDEX, IndexedFile, check_name, check_order, printable, without_controls};
use super::version::{ARCHIVE_KIND, ARCHIVE_VERSION};

const BUFFER_BYTES: usize = 64 * 1024;
/// Bounds the bytes of an index: room for [`UnpackLimits::files`] of the default with names of any length.
const LARGEST_INDEX: u64 = 4 * 1024 * 1024;
/// Sets the greatest window that is held in memory for unpacking: 2^27 bytes, the limit that zstd's own tool has.
const WINDOW_LOG: u32 = 27;

/// Sets what an archive may always unpack to, whatever its own size: less is no burden.
const HARMLESS_BYTES: u64 = 64 << 20;

/// Limits what an archive may unpack to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Bytes of all files together as a multiple of the archive's own, where that is more than 64 MiB; `None` for any.
    pub ratio: Option<u64>,
    /// Files.
    pub files: u64,
}

impl Default for UnpackLimits {
    /// Allows 4 GiB, a hundred times the archive's size, and 10,000 files. Runs take a thousandth of the first and the last,
    /// and pack to a third.
    fn default() -> Self {
        Self { bytes: 4 << 30, ratio: Some(100), files: 10_000 }
    }
}

impl UnpackLimits {
    /// Returns the bytes that an archive of `packed` bytes may unpack to.
    fn bytes_of(self, packed: u64) -> u64 {
        let by_ratio = self.ratio.map(|ratio| packed.saturating_mul(ratio).max(HARMLESS_BYTES));
        by_ratio.map_or(self.bytes, |most| most.min(self.bytes))
    }
}

/// Describes an archive that was unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedArchive {
    /// Its files.
    pub files: Vec<IndexedFile>,
    /// Bytes of all files together.
    pub bytes: u64,
}

/// Holds an archive that was unpacked beside its place, so that whoever asked for it can look at what it holds before it
/// gets its name. Dropped before that, it is removed.
#[derive(Debug)]
pub struct UnpackedArchive {
    draft: FolderDraft,
    out: PathBuf,
    imported: ImportedArchive,
}

impl UnpackedArchive {
    /// Returns the folder that its files are in for now.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.draft.path()
    }

    /// Describes what it holds.
    #[must_use]
    pub fn contents(&self) -> &ImportedArchive {
        &self.imported
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// When something has come into the place meanwhile, or the system refuses. No folder is left then.
    pub fn publish(self) -> Result<ImportedArchive, ArchiveError> {
        self.draft.publish(IfExists::Refuse).map_err(|error| ArchiveError::not_written(error, &self.out))?;
        Ok(self.imported)
    }
}

/// Unpacks `archive` beside `out`, which must not exist, and gets its name by [`UnpackedArchive::publish`]. The
/// [module](super) lists what is refused. Holds at most 128 MiB (zstd's window) and the index.
///
/// # Errors
/// When `out` exists, the archive is damaged, cut off, of another version, holds something that no export makes, or unpacks to more
/// than `limits` allow, or the system refuses. No folder is left then.
pub fn unpack(archive: &Path, out: &Path, limits: UnpackLimits) -> Result<UnpackedArchive, ArchiveError> {
    // A link that leads nowhere is something too.
    if fs::symlink_metadata(out).is_ok() {
        return Err(ArchiveError::Exists(out.to_owned()));
    }
    let failed = |source| ArchiveError::Io { action: "read", path: archive.to_owned(), source };
    // Anything else may have no end.
    let metadata = fs::metadata(archive).map_err(failed)?;
    if !metadata.is_file() {
        return Err(ArchiveError::NotAFile(archive.to_owned()));
    }
    let most_bytes = limits.bytes_of(metadata.len());
    let unpacking = Unpacking { archive, out, most_bytes, most_files: limits.files };
    let packed = File::open(archive).map_err(failed)?;
    let draft = FolderDraft::begin(out)?;
    let imported = unpacking.unpack(packed, &draft)?;
    Ok(UnpackedArchive { draft, out: out.to_owned(), imported })
}

struct Unpacking<'a> {
    archive: &'a Path,
    out: &'a Path,
    most_bytes: u64,
    most_files: u64,
}

impl Unpacking<'_> {
    fn unpack(&self, packed: File, draft: &FolderDraft) -> Result<ImportedArchive, ArchiveError> {
        let mut decoder = zstd::Decoder::new(packed).map_err(|error| self.unreadable(&error))?.single_frame();
        decoder.window_log_max(WINDOW_LOG).map_err(|error| self.unreadable(&error))?;
        let mut tar = tar::Archive::new(decoder);
        // Raw: extensions (long names, pax headers) come as entries of their own, and are refused as such.
        let mut entries = tar.entries().map_err(|error| self.unreadable(&error))?.raw(true);
        let index = self.index(entries.next())?;
        for indexed in &index.files {
            let entry = entries.next();
            let mut entry = self.entry(entry, &indexed.name)?;
            if entry.size() != indexed.bytes {
                let name = &indexed.name;
                let (here, there) = (entry.size(), indexed.bytes);
                return Err(self.refused(format!("{name} has {here} bytes, and the index says {there}")));
            }
            self.write(&mut entry, draft, indexed)?;
        }
        if let Some(entry) = entries.next() {
            let name = entry.map_err(|error| self.unreadable(&error))?.path_bytes().into_owned();
            return Err(self.refused(format!("{} is not in its index", printable(&String::from_utf8_lossy(&name)))));
        }
        self.end(tar.into_inner())?;
        Ok(ImportedArchive { bytes: index.files.iter().map(|file| file.bytes).sum(), files: index.files })
    }

    fn index<R: Read>(&self, entry: Option<io::Result<tar::Entry<'_, R>>>) -> Result<ArchiveIndex, ArchiveError> {
        let mut entry = self.entry(entry, INDEX)?;
        if entry.size() > LARGEST_INDEX {
            return Err(self.too_large(format!("an index of {} bytes", entry.size()), LARGEST_INDEX));
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(|error| self.unreadable(&error))?;
        let damaged = |error: serde_json::Error| self.damaged(&format!("its index: {error}"));
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(damaged)?;
        if value["kind"] != ARCHIVE_KIND {
            return Err(self.damaged("its index is not that of an archive"));
        }
        let found = value["version"].as_u64().unwrap_or(0);
        if found != u64::from(ARCHIVE_VERSION) {
            return Err(ArchiveError::OtherVersion { archive: self.archive.to_owned(), found });
        }
        let index: ArchiveIndex = serde_json::from_value(value).map_err(damaged)?;
        let files = index.files.len() as u64;
        if files > self.most_files {
            return Err(self.too_large(format!("{files} files"), self.most_files));
        }
        let names = || index.files.iter().map(|file| file.name.as_str());
        names().try_for_each(check_name).and_then(|()| check_order(names())).map_err(|error| match error {
            ArchiveError::Name { name, problem } => self.refused(format!("file `{name}`: {problem}")),
            other => other,
        })?;
        let bytes = index.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
        if bytes > self.most_bytes {
            return Err(self.too_large(format!("{bytes} bytes of files"), self.most_bytes));
        }
        Ok(index)
    }

    /// Returns the entry, if it is a plain file of this name.
    fn entry<'a, R: Read>(
        &self,
        entry: Option<io::Result<tar::Entry<'a, R>>>,
        name: &str,
    ) -> Result<tar::Entry<'a, R>, ArchiveError> {
        let Some(entry) = entry else { return Err(self.damaged(&format!("{name} is missing"))) };
        let entry = entry.map_err(|error| self.unreadable(&error))?;
        let found = entry.path_bytes();
        let kind = entry.header().entry_type();
        if kind != tar::EntryType::Regular {
            let found = printable(&String::from_utf8_lossy(&found));
            return Err(self.refused(format!("`{found}` is not a plain file (it has type {kind:?})")));
        }
        if *found != *name.as_bytes() {
            let found = printable(&String::from_utf8_lossy(&found));
            return Err(self.refused(format!("`{found}` stands where its index has {name}")));
        }
        drop(found);
        Ok(entry)
    }

    fn write(&self, entry: &mut impl Read, draft: &FolderDraft, indexed: &IndexedFile) -> Result<(), ArchiveError> {
        let mut file = draft.create(&indexed.name)?;
        let (mut bytes, mut crc32c) = (0, 0);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = match entry.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.map_err(|error| self.unreadable(&error))?,
            };
            if read == 0 {
                break;
            }
            bytes += read as u64;
            crc32c = crc32c::crc32c_append(crc32c, &buffer[..read]);
            file.write_all(&buffer[..read]).map_err(|source| self.io("write", source))?;
        }
        if bytes != indexed.bytes {
            return Err(self.damaged(&format!("{} ends after {bytes} of {} bytes", indexed.name, indexed.bytes)));
        }
        if crc32c != indexed.crc32c {
            return Err(self.damaged(&format!("the checksum of {} is not the one in its index", indexed.name)));
        }
        Ok(())
    }

    /// Checks that nothing but a tar's padding follows the last file, and that zstd's checksum fits.
    fn end(&self, mut decoder: zstd::Decoder<'static, BufReader<File>>) -> Result<(), ArchiveError> {
        let mut left = 0_u64;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = decoder.read(&mut buffer).map_err(|error| self.unreadable(&error))?;
            if read == 0 {
                break;
            }
            left += read as u64;
            // GNU tar pads to 10,240 bytes.
            if left > 1 << 20 || buffer[..read].iter().any(|&byte| byte != 0) {
                return Err(self.refused("there are bytes behind its last file".to_owned()));
            }
        }
        let mut packed = decoder.finish();
        match packed.read(&mut buffer[..1]).map_err(|error| self.unreadable(&error))? {
            0 => Ok(()),
            _ => Err(self.refused("there are bytes behind its end".to_owned())),
        }
    }

    fn unreadable(&self, error: &io::Error) -> ArchiveError {
        let problem = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
            _ => error.to_string(),
        };
        self.damaged(&problem)
    }

    fn damaged(&self, problem: &str) -> ArchiveError {
        // The parsers of tar and JSON quote what they can't read.
        let problem = without_controls(problem);
        ArchiveError::Damaged { archive: self.archive.to_owned(), problem }
    }

    fn refused(&self, problem: String) -> ArchiveError {
        ArchiveError::Refused { archive: self.archive.to_owned(), problem }
    }

    fn too_large(&self, what: String, limit: u64) -> ArchiveError {
        ArchiveError::TooLarge { archive: self.archive.to_owned(), what, limit }
    }

    fn io(&self, action: &'static str, source: io::Error) -> ArchiveError {
        ArchiveError::Io { action, path: self.out.to_owned(), source }
    }
}
