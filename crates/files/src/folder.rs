//! Folders.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use crate::leftovers::{BEGINNING, DraftNames, Kind, lock, remove_leftovers};
use crate::system::{create_file, create_folder, make_parent, parent_of, permissions_of_folder, sync_folder};
use crate::{IfExists, WriteError};

/// Holds a folder that is being written, beside its place. Dropped before it is published, it is removed.
#[derive(Debug)]
pub struct FolderDraft {
    folder: PathBuf,
    place: PathBuf,
    /// Those of the folder in the place, which are handed on.
    permissions: Option<Permissions>,
    /// Tells other processes that this one still runs.
    _lock: Option<File>,
    published: bool,
}

impl Drop for FolderDraft {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: the next draft of this place tries again.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl FolderDraft {
    /// Begins an empty draft of `place`. Folders above it are created where they are missing; drafts of the same place
    /// that killed processes left are removed.
    ///
    /// # Errors
    /// When a folder can't be created.
    pub fn begin(place: &Path) -> Result<Self, WriteError> {
        Self::resume(place, |_| None::<()>).map(|(draft, _)| draft)
    }

    /// Begins a draft of `place` with what a killed process left of one, if `adopt` takes it: it gets the path of each such
    /// draft, and returns something for the first that is to be continued. The others are removed.
    ///
    /// # Errors
    /// When a folder can't be created.
    pub fn resume<T>(place: &Path, adopt: impl Fn(&Path) -> Option<T>) -> Result<(Self, Option<T>), WriteError> {
        let names = DraftNames::new(place, Kind::Folder)?;
        make_parent(place)?;
        let _beginning = BEGINNING.lock();
        put_back(place)?;
        let permissions = permissions_of_folder(place);
        let mut adopted = None;
        for leftover in names.leftovers() {
            match adopt(&leftover.path).filter(|_| adopted.is_none()) {
                // Of two processes that find the same draft, one can rename it.
                Some(found) => adopted = leftover.adopt(&names).ok().map(|folder| (folder, found)),
                None => leftover.remove(),
            }
        }
        let (folder, found) = match adopted {
            Some((folder, found)) => (folder, Some(found)),
            None => {
                let made = names.make_folder(|path| create_folder(path, permissions.as_ref()));
                (made.map_err(WriteError::at("write", place))?, None)
            }
        };
        let lock = lock(&folder);
        Ok((Self { folder, place: place.to_owned(), permissions, _lock: lock, published: false }, found))
    }

    /// Returns where the draft is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Returns the path that `path`, which is in the draft, will have: for messages.
    #[must_use]
    pub fn place_of(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.folder).map_or_else(|_| path.to_owned(), |rest| self.place.join(rest))
    }

    /// Creates a new file in the draft. `name` may have folders in it, which are created.
    ///
    /// # Errors
    /// When there is such a file, or the system refuses.
    pub fn create(&self, name: &str) -> Result<File, WriteError> {
        let path = self.folder.join(name);
        let made = fs::create_dir_all(parent_of(&path)).and_then(|()| create_file(&path, None));
        made.map_err(WriteError::at("make", &self.place.join(name)))
    }

    /// Syncs everything in the draft and gives it its name.
    ///
    /// # Errors
    /// When something else than an empty folder is in the place and is to be kept, or the system refuses. Then the place
    /// is as it was.
    pub fn publish(mut self, if_exists: IfExists) -> Result<(), WriteError> {
        remove_leftovers(&self.folder);
        self.sync(&self.folder)?;
        let failed = |action| WriteError::at(action, &self.place);
        if let Some(permissions) = &self.permissions {
            fs::set_permissions(&self.folder, permissions.clone()).map_err(failed("set the permissions of"))?;
        }
        let replaced = match if_exists {
            IfExists::Replace if fs::symlink_metadata(&self.place).is_ok() => Some(move_away(&self.place)?),
            _ => None,
        };
        if let Err(source) = rename_folder(&self.folder, &self.place) {
            if let Some(replaced) = replaced {
                fs::rename(replaced, &self.place).map_err(failed("put back"))?;
            }
            return Err(failed("write")(source));
        }
        self.published = true;
        sync_folder(parent_of(&self.place)).map_err(WriteError::at("write", &self.place))?;
        if let Some(replaced) = replaced {
            // Best effort: the next draft of this place tries again.
            let _ = if replaced.is_dir() { fs::remove_dir_all(replaced) } else { fs::remove_file(replaced) };
        }
        Ok(())
    }

    /// Syncs a folder of the draft with everything in it.
    fn sync(&self, folder: &Path) -> Result<(), WriteError> {
        let failed = |path: &Path| WriteError::at("write", &self.place_of(path));
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let entry = entry.map_err(failed(folder))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed(folder))?);
            if kind.is_dir() {
                self.sync(&path)?;
            } else if kind.is_file() {
                File::open(&path).and_then(|file| file.sync_all()).map_err(failed(&path))?;
            }
        }
        sync_folder(folder).map_err(failed(folder))
    }
}

/// Moves what is in the place away, and returns where it is.
fn move_away(place: &Path) -> Result<PathBuf, WriteError> {
    let names = DraftNames::new(place, Kind::Replaced)?;
    names.make_folder(|path| fs::rename(place, path)).map_err(WriteError::at("replace", place))
}

/// Puts back what a killed process had moved away from the place, if nothing is there, and removes it otherwise.
fn put_back(place: &Path) -> Result<(), WriteError> {
    for leftover in DraftNames::new(place, Kind::Replaced)?.leftovers() {
        if fs::symlink_metadata(place).is_ok() || fs::rename(&leftover.path, place).is_err() {
            leftover.remove();
        }
    }
    Ok(())
}

/// Renames a folder. An empty folder of the new name gives way.
fn rename_folder(from: &Path, to: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        // Elsewhere a rename does not replace it by itself. That it is empty is checked by remove_dir.
        match fs::remove_dir(to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(from, to)
}
