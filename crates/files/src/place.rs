//! What a path that is written to leads to. Links are followed; pipes and devices are written to as streams.

use std::fs::{self, File, FileType};
use std::io;
use std::path::{Path, PathBuf};

use crate::WriteError;
use crate::stream::Stream;
use crate::system::{make_folders, parent_of};

/// Bounds the links that are followed one after the other, as systems do.
const MOST_LINKS: usize = 40;

/// Holds where a file goes.
#[derive(Debug)]
pub(crate) enum FilePlace {
    /// A regular file or nothing, by its path without links at the end.
    File(PathBuf),
    /// A pipe, a terminal or another device of characters.
    Stream(Stream),
}

/// Finds where a file at `path` goes.
///
/// # Errors
/// When a folder, a socket or a disk is there, or links lead in a circle.
pub(crate) fn file_place(path: &Path) -> Result<FilePlace, WriteError> {
    let failed = WriteError::at("write", path);
    let found = follow(path).and_then(|place| {
        if let Some(stream) = place.descriptor {
            return Ok(FilePlace::Stream(stream));
        }
        let kind = match fs::symlink_metadata(&place.path) {
            Ok(metadata) => metadata.file_type(),
            // What else is wrong with the path, making the file will say.
            Err(_) => return Ok(FilePlace::File(place.path)),
        };
        match special(kind) {
            None if kind.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
            None => Ok(FilePlace::File(place.path)),
            Some(Special::Stream) => Ok(FilePlace::Stream(Stream::Path(place.path))),
            Some(Special::Refused(what)) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, which can't be written to")))
            }
        }
    });
    found.map_err(failed)
}

/// Finds where a folder at `path` goes: its path without links at the end.
///
/// # Errors
/// When something else than a folder is there, or links lead in a circle.
pub(crate) fn folder_place(path: &Path) -> Result<PathBuf, WriteError> {
    let failed = WriteError::at("write", path);
    let found = follow(path).and_then(|place| match fs::symlink_metadata(&place.path) {
        Ok(metadata) if !metadata.is_dir() || place.descriptor.is_some() => {
            Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder"))
        }
        _ => Ok(place.path),
    });
    found.map_err(failed)
}

/// Checks that a file can be at `path`: nothing is there, or what can be replaced or written to. Writes nothing.
///
/// # Errors
/// When a folder, a socket or a disk is there, or links lead in a circle.
pub fn check_file_place(path: &Path) -> Result<(), WriteError> {
    file_place(path).map(drop)
}

/// Tells whether a pipe, a device of characters or an open file is at `path`: what is written to, and never replaced.
#[must_use]
pub fn is_stream(path: &Path) -> bool {
    matches!(file_place(path), Ok(FilePlace::Stream(_)))
}

/// Tells whether `path` leads to this process's output, under whatever name.
#[must_use]
pub fn is_standard_output(path: &Path) -> bool {
    match file_place(path) {
        Ok(FilePlace::Stream(Stream::Stdout)) => true,
        Ok(_) => is_stdout(path).unwrap_or(false),
        Err(_) => false,
    }
}

#[cfg(unix)]
fn is_stdout(path: &Path) -> io::Result<bool> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?).metadata()?;
    let there = fs::metadata(path)?;
    let same = (stdout.dev(), stdout.ino()) == (there.dev(), there.ino());
    // In the null device, nothing can be mixed up.
    Ok(same && !fs::metadata("/dev/null").is_ok_and(|null| (null.dev(), null.ino()) == (there.dev(), there.ino())))
}

#[cfg(not(unix))]
fn is_stdout(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Checks that a folder can be at `path`: nothing is there, or a folder. Writes nothing.
///
/// # Errors
/// When something else is there, or links lead in a circle.
pub fn check_folder_place(path: &Path) -> Result<(), WriteError> {
    folder_place(path).map(drop)
}

/// Makes a folder at `path` with those above it, unless it is there. A link that leads nowhere yet is followed.
///
/// # Errors
/// When something else is there, or the system refuses.
pub fn make_folder(path: &Path) -> Result<(), WriteError> {
    let place = folder_place(path)?;
    make_folders(&place).map_err(WriteError::at("make the folder", path))
}

/// Holds the end of a chain of links.
struct Followed {
    path: PathBuf,
    /// The open file that the path stands for, as `/dev/stdout` does.
    descriptor: Option<Stream>,
}

fn follow(path: &Path) -> io::Result<Followed> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if let Some(descriptor) = Stream::of_descriptor(&path) {
            return Ok(Followed { path, descriptor: Some(descriptor) });
        }
        match fs::read_link(&path) {
            Ok(target) => path = parent_of(&path).join(target),
            Err(_) => return Ok(Followed { path, descriptor: None }),
        }
    }
    Err(io::Error::other("too many links lead to one another"))
}

/// Names what is neither file nor folder.
enum Special {
    Stream,
    Refused(&'static str),
}

#[cfg(unix)]
fn special(kind: FileType) -> Option<Special> {
    use std::os::unix::fs::FileTypeExt;
    match () {
        () if kind.is_fifo() || kind.is_char_device() => Some(Special::Stream),
        () if kind.is_socket() => Some(Special::Refused("a socket")),
        () if kind.is_block_device() => Some(Special::Refused("a disk")),
        () => None,
    }
}

#[cfg(not(unix))]
fn special(_kind: FileType) -> Option<Special> {
    None
}

/// Opens what a killed process left, if it is a plain file or a folder: opening a pipe would wait.
pub(crate) fn open_plain(path: &Path) -> Option<File> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    if kind.is_file() || kind.is_dir() { File::open(path).ok() } else { None }
}
