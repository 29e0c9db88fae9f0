//! Files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::leftovers::{BEGINNING, DraftNames, Kind};
use crate::system::{create_file, make_parent, parent_of, permissions_of_file, sync_folder};
use crate::{IfExists, WriteError};

const BUFFER_BYTES: usize = 64 * 1024;

/// Holds a file that is being written. Dropped before it is published, it is removed.
#[derive(Debug)]
pub struct FileDraft {
    file: NamedTempFile,
    place: PathBuf,
}

impl FileDraft {
    /// Begins a draft of the file at `place`, in its own folder, which is created where it is missing.
    ///
    /// # Errors
    /// When the folder or the draft can't be created.
    pub fn begin(place: &Path) -> Result<Self, WriteError> {
        let names = DraftNames::new(place, Kind::File)?;
        make_parent(place)?;
        let _beginning = BEGINNING.lock();
        names.remove_leftovers();
        let permissions = permissions_of_file(place);
        let made = names.make(|path| create_file(path, permissions.as_ref()));
        let file = made.map_err(WriteError::at("write", place))?;
        // Where the file system knows no locks, the name says whose it is.
        let _ = file.as_file().try_lock();
        Ok(Self { file, place: place.to_owned() })
    }

    /// Returns the file to write to.
    pub fn file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Syncs the file and gives it its name.
    ///
    /// # Errors
    /// When something else is in the place and is to be kept, or the system refuses. Then the place is as it was.
    pub fn publish(self, if_exists: IfExists) -> Result<(), WriteError> {
        let Self { file, place } = self;
        file.as_file().sync_all().map_err(WriteError::at("write", &place))?;
        let named = match if_exists {
            IfExists::Refuse => file.persist_noclobber(&place),
            IfExists::Replace => file.persist(&place),
        };
        named.map_err(|error| WriteError::at("write", &place)(error.error))?;
        // The name itself lasts only once the folder is on the disk.
        sync_folder(parent_of(&place)).map_err(WriteError::at("write", &place))
    }
}

/// Writes a file through `fill`, in place of an existing one. When anything fails, the place is as it was.
///
/// # Errors
/// When `fill` fails or the system refuses.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>) -> Result<(), WriteError> {
    let mut draft = FileDraft::begin(path)?;
    let mut buffer = BufWriter::with_capacity(BUFFER_BYTES, draft.file_mut());
    fill(&mut buffer).and_then(|()| buffer.flush()).map_err(WriteError::at("write", path))?;
    drop(buffer);
    draft.publish(IfExists::Replace)
}

/// Writes a file of these bytes, or this text, in place of an existing one.
///
/// # Errors
/// When the system refuses.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), WriteError> {
    write_with(path, |file| file.write_all(contents.as_ref()))
}

/// Writes a value as indented JSON with a line break at its end, in place of an existing file.
///
/// # Errors
/// When the system refuses, or the value has no JSON form.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WriteError> {
    write_with(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}

/// Writes values as JSON, one a line, in place of an existing file.
///
/// # Errors
/// When the system refuses, or a value has no JSON form.
pub fn write_json_lines(path: &Path, values: impl IntoIterator<Item = impl Serialize>) -> Result<(), WriteError> {
    write_with(path, |file| {
        for value in values {
            serde_json::to_writer(&mut *file, &value)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}
