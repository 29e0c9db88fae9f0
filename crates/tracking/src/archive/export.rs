//! Packs a folder into an archive.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use staycast_files::{FileDraft, IfExists, is_leftover, is_stream};

use super::error::ArchiveError;
use super::index::{ArchiveIndex, INDEX, IndexedFile, check_name, check_order};
use super::version::{ARCHIVE_KIND, ARCHIVE_VERSION};

/// Packs a few percent smaller than the default at a cost that the size of a run hides.
const ZSTD_LEVEL: i32 = 9;
const BUFFER_BYTES: usize = 64 * 1024;

/// Names a file or folder that goes into an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveMember<'a> {
    /// A file that must be there.
    Required(&'a str),
    /// A file that is packed where it is there.
    IfPresent(&'a str),
    /// Everything in a folder and beneath, where it is there; half-written files of killed processes are left out.
    Folder(&'a str),
}

/// Describes what to pack.
#[derive(Clone, Copy, Debug)]
pub struct ExportRequest<'a> {
    /// Folder to pack from.
    pub folder: &'a Path,
    /// Files and folders in it, in any order. Names are relative to it, with `/` between folders.
    pub members: &'a [ArchiveMember<'a>],
    /// Path of the archive, which must not exist, or of a pipe or device that it is written to.
    pub out: &'a Path,
}

/// Describes an archive that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedArchive {
    /// Its files.
    pub files: Vec<IndexedFile>,
    /// Its size in bytes.
    pub archive_bytes: u64,
}

/// Packs files of a folder into one archive. Reads each file twice; holds 64 KiB and what zstd needs (about 10 MB).
///
/// # Errors
/// When the archive exists, a required file is missing, something is not a plain file or has a name that not every system
/// takes, a file changes meanwhile, or the system refuses. No archive is left then.
pub fn export(request: &ExportRequest<'_>) -> Result<ExportedArchive, ArchiveError> {
    let out = request.out;
    if fs::symlink_metadata(out).is_ok() && !is_stream(out) {
        return Err(ArchiveError::Exists(out.to_owned()));
    }
    let names = names(request)?;
    let files = names.iter().map(|name| survey(request.folder, name)).collect::<Result<Vec<_>, _>>()?;
    let failed = |action| move |source| ArchiveError::Io { action, path: out.to_owned(), source };

    let mut draft = FileDraft::begin(out)?;
    let encoder = zstd::Encoder::new(BufWriter::new(draft.file_mut()), ZSTD_LEVEL).and_then(|mut encoder| {
        encoder.include_checksum(true)?;
        Ok(encoder)
    });
    let mut tar = tar::Builder::new(encoder.map_err(failed("pack"))?);
    let index = ArchiveIndex { kind: ARCHIVE_KIND.to_owned(), version: ARCHIVE_VERSION, files };
    let mut text = serde_json::to_vec_pretty(&index).expect("texts and numbers have a JSON form");
    text.push(b'\n');
    let header = header(INDEX, text.len() as u64).map_err(failed("pack"))?;
    tar.append(&header, text.as_slice()).map_err(failed("write"))?;
    for file in &index.files {
        append(&mut tar, request.folder, file, out)?;
    }
    let buffered = tar.into_inner().and_then(zstd::Encoder::finish).map_err(failed("write"))?;
    let file = buffered.into_inner().map_err(io::IntoInnerError::into_error).map_err(failed("write"))?;
    let archive_bytes = file.metadata().map_err(failed("write"))?.len();
    draft.publish(IfExists::Refuse).map_err(|error| ArchiveError::not_written(error, out))?;
    Ok(ExportedArchive { files: index.files, archive_bytes })
}

/// Returns the names to pack, in bytewise order.
fn names(request: &ExportRequest<'_>) -> Result<Vec<String>, ArchiveError> {
    let mut names = Vec::new();
    for &member in request.members {
        match member {
            ArchiveMember::Required(name) | ArchiveMember::IfPresent(name) => {
                let present = fs::symlink_metadata(request.folder.join(name)).is_ok();
                if present {
                    names.push(name.to_owned());
                } else if member == ArchiveMember::Required(name) {
                    return Err(ArchiveError::Missing { folder: request.folder.to_owned(), name: name.to_owned() });
                }
            }
            ArchiveMember::Folder(name) => {
                let path = request.folder.join(name);
                match fs::symlink_metadata(&path) {
                    Ok(metadata) if metadata.is_dir() => collect(&path, name, &mut names)?,
                    // A link to a folder may lead anywhere.
                    Ok(_) => return Err(ArchiveError::NotAFile(path)),
                    Err(_) => {}
                }
            }
        }
    }
    names.sort_unstable();
    names.iter().try_for_each(|name| check_name(name))?;
    check_order(names.iter().map(String::as_str))?;
    Ok(names)
}

fn collect(path: &Path, name: &str, names: &mut Vec<String>) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Io { action: "read", path: path.to_owned(), source };
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(own) = entry.file_name().into_string() else {
            let name = entry.file_name().to_string_lossy().into_owned();
            return Err(ArchiveError::Name { name, problem: "it is not UTF-8" });
        };
        if is_leftover(&own) {
            continue;
        }
        let name = format!("{name}/{own}");
        // A link is not followed: it comes to `survey`, which refuses it by name.
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&entry.path(), &name, names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

/// Reads the size and checksum of a file.
fn survey(folder: &Path, name: &str) -> Result<IndexedFile, ArchiveError> {
    let path = folder.join(name);
    let mut file = open(&path)?;
    let (mut bytes, mut crc32c) = (0, 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = read(&mut file, &mut buffer, &path)?;
        if read == 0 {
            return Ok(IndexedFile { name: name.to_owned(), bytes, crc32c });
        }
        bytes += read as u64;
        crc32c = crc32c::crc32c_append(crc32c, &buffer[..read]);
    }
}

fn open(path: &Path) -> Result<File, ArchiveError> {
    let failed = |source| ArchiveError::Io { action: "read", path: path.to_owned(), source };
    if !fs::symlink_metadata(path).map_err(failed)?.is_file() {
        return Err(ArchiveError::NotAFile(path.to_owned()));
    }
    File::open(path).map_err(failed)
}

fn read(file: &mut File, buffer: &mut [u8], path: &Path) -> Result<usize, ArchiveError> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => {
                return result.map_err(|source| ArchiveError::Io { action: "read", path: path.to_owned(), source });
            }
        }
    }
}

/// Appends a file, if it has not changed.
fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    folder: &Path,
    indexed: &IndexedFile,
    out: &Path,
) -> Result<(), ArchiveError> {
    let path: PathBuf = folder.join(&indexed.name);
    let failed = |source| ArchiveError::Io { action: "write", path: out.to_owned(), source };
    let mut file = open(&path)?;
    let out = tar.get_mut();
    out.write_all(header(&indexed.name, indexed.bytes).map_err(failed)?.as_bytes()).map_err(failed)?;
    let (mut bytes, mut crc32c) = (0, 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = read(&mut file, &mut buffer, &path)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        crc32c = crc32c::crc32c_append(crc32c, &buffer[..read]);
        if bytes > indexed.bytes {
            return Err(ArchiveError::Changed(path));
        }
        out.write_all(&buffer[..read]).map_err(failed)?;
    }
    if (bytes, crc32c) != (indexed.bytes, indexed.crc32c) {
        return Err(ArchiveError::Changed(path));
    }
    // Records of a tar are blocks of 512 bytes.
    let padding = bytes.next_multiple_of(512) - bytes;
    out.write_all(&[0; 512][..padding as usize]).map_err(failed)
}

/// Returns a header with name and size, and nothing of this machine.
fn header(name: &str, bytes: u64) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}
