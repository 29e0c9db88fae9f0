//! Folders.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use crate::leftovers::{BEGINNING, DraftNames, Kind, lock, remove_all_dead, remove_leftovers};
use crate::live;
use crate::own::OwnFiles;
use crate::place::folder_place;
use crate::system::{
    create_private_folder, exchange, make_folders, make_parent, parent_of, permissions_by_umask, permissions_of_file,
    permissions_of_folder, sync_folder,
};
use crate::{IfExists, WriteError};

/// Holds a folder that is being written, beside its place. Dropped before it is published, it is removed. Until then
/// nobody but its owner can look into it. A link at its place is followed.
#[derive(Debug)]
pub struct FolderDraft {
    folder: PathBuf,
    /// As the user named it.
    place: PathBuf,
    /// The place without links at its end.
    target: PathBuf,
    /// Those of the folder in the place, which are handed on, or of the umask.
    permissions: Permissions,
    /// Whether nothing, or an empty folder, was in the place at first.
    was_free: bool,
    /// Tells other processes that this one still runs.
    _lock: Option<File>,
    published: bool,
}

impl Drop for FolderDraft {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: the next output in this folder tries again.
            live::drop_draft(&self.folder, || drop(fs::remove_dir_all(&self.folder)));
        }
    }
}

impl FolderDraft {
    /// Begins an empty draft of `place`. Folders above it are created where they are missing; what killed processes left
    /// beside it is removed.
    ///
    /// # Errors
    /// When something else than a folder is in the place, or a folder can't be created.
    pub fn begin(place: &Path) -> Result<Self, WriteError> {
        Self::resume(place, |_| None::<()>).map(|(draft, _)| draft)
    }

    /// Begins a draft of `place` with what a killed process left of one, if `adopt` takes it: it gets the path of each such
    /// draft, and returns something for the first that is to be continued. The others are removed.
    ///
    /// # Errors
    /// When something else than a folder is in the place, or a folder can't be created.
    pub fn resume<T>(place: &Path, adopt: impl Fn(&Path) -> Option<T>) -> Result<(Self, Option<T>), WriteError> {
        DraftNames::new(place, Kind::Folder)?;
        let target = folder_place(place)?;
        let names = DraftNames::new(&target, Kind::Folder)?;
        make_parent(&target)?;
        let _beginning = BEGINNING.lock();
        put_back(&target)?;
        let mut adopted = None;
        for leftover in names.leftovers() {
            match adopt(&leftover.path).filter(|_| adopted.is_none()) {
                // Of two processes that find the same draft, one can rename it.
                Some(found) => adopted = leftover.adopt(&names).ok().map(|own| (own, found)),
                None => leftover.remove(),
            }
        }
        remove_all_dead(parent_of(&target));
        let ((folder, lock), found) = match adopted {
            Some((own, found)) => (own, Some(found)),
            None => {
                let made = live::with_drafts(|drafts| {
                    let folder = names.make_folder(create_private_folder)?;
                    drafts.insert(folder.clone());
                    Ok(folder)
                });
                let folder = made.map_err(WriteError::at("write", place))?;
                let lock = lock(&folder);
                ((folder, lock), None)
            }
        };
        let permissions = permissions_of_folder(&target).map_or_else(|| permissions_by_umask(&folder), Ok);
        let permissions = permissions.map_err(WriteError::at("write", place))?;
        let was_free = fs::read_dir(&target).map_or(true, |mut entries| entries.next().is_none());
        let place = place.to_owned();
        Ok((Self { folder, place, target, permissions, was_free, _lock: lock, published: false }, found))
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
        let made = make_folders(parent_of(&path))
            .and_then(|()| File::options().read(true).write(true).create_new(true).open(&path));
        made.map_err(WriteError::at("make", &self.place.join(name)))
    }

    /// Syncs everything in the draft and gives it its name.
    ///
    /// # Errors
    /// When something else than an empty folder is in the place and is to be kept, or holds files of which the draft has
    /// none, or the system refuses. Then the place is as it was.
    pub fn publish(self, if_exists: IfExists) -> Result<(), WriteError> {
        match if_exists {
            IfExists::Refuse => self.publish_as(None),
            IfExists::Replace => {
                let own = OwnFiles::of(&self.folder).map_err(WriteError::at("write", &self.place))?;
                self.publish_as(Some(&own))
            }
        }
    }

    /// Syncs everything in the draft and gives it its name, in place of a folder that holds nothing but `own` files. Modes
    /// of files with the same names are kept.
    ///
    /// # Errors
    /// When the folder in the place holds another file, or the system refuses. Then the place is as it was.
    pub fn publish_over(self, own: &OwnFiles) -> Result<(), WriteError> {
        self.publish_as(Some(own))
    }

    fn publish_as(mut self, replaceable: Option<&OwnFiles>) -> Result<(), WriteError> {
        let place = self.place.clone();
        let failed = |action| WriteError::at(action, &place);
        remove_leftovers(&self.folder);
        let replaced = replaceable.filter(|_| self.target.is_dir());
        if let Some(own) = replaced {
            own.check(&self.target).map_err(failed("replace"))?;
        }
        self.sync(&self.folder)?;
        if replaced.is_some() {
            self.keep_modes(Path::new("")).map_err(failed("set the permissions of"))?;
        }
        fs::set_permissions(&self.folder, self.permissions.clone()).map_err(failed("set the permissions of"))?;
        let old = match replaced {
            Some(own) => Some(self.replace(own)?),
            None => {
                live::with_drafts(|drafts| {
                    rename_folder(&self.folder, &self.target).map_err(|error| self.explained(error))?;
                    drafts.remove(&self.folder);
                    self.published = true;
                    Ok(())
                })
                .map_err(failed("write"))?;
                None
            }
        };
        sync_folder(parent_of(&self.target)).map_err(failed("write"))?;
        if let Some(old) = old {
            // Best effort: the next output in this folder tries again.
            live::drop_draft(&old, || drop(fs::remove_dir_all(&old)));
        }
        Ok(())
    }

    /// Says what is in the way of a new folder.
    fn explained(&self, error: io::Error) -> io::Error {
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty if self.was_free => {
                "another command has written there meanwhile; what it wrote is kept"
            }
            io::ErrorKind::DirectoryNotEmpty => "the folder is not empty; what is in it is kept",
            _ => return error,
        };
        io::Error::new(error.kind(), why)
    }

    /// Takes the place of a folder, in one step where the system can. Returns where the old one is then.
    fn replace(&mut self, own: &OwnFiles) -> Result<PathBuf, WriteError> {
        let (place, target) = (self.place.clone(), self.target.clone());
        let failed = |action| WriteError::at(action, &place);
        let names = DraftNames::new(&target, Kind::Replaced)?;
        live::with_drafts(|drafts| {
            let old = if exchange(&self.folder, &self.target).map_err(failed("replace"))? {
                self.folder.clone()
            } else {
                // Between the two renames nothing is in the place. A process that is killed there leaves the old folder under
                // a name by which the next one puts it back.
                let old = names.make_folder(|path| fs::rename(&self.target, path)).map_err(failed("replace"))?;
                if let Err(error) = rename_folder(&self.folder, &self.target) {
                    fs::rename(old, &self.target).map_err(failed("put back"))?;
                    return Err(failed("write")(error));
                }
                old
            };
            drafts.remove(&self.folder);
            self.published = true;
            // Somebody may have put a file there since it was looked through.
            if let Err(error) = own.check(&old) {
                self.put_back(&old).map_err(failed("put back"))?;
                drafts.insert(self.folder.clone());
                self.published = false;
                return Err(failed("replace")(error));
            }
            drafts.insert(old.clone());
            Ok(old)
        })
    }

    /// Takes back a replacement: the old folder is in its place again, and the draft under its own name.
    fn put_back(&self, old: &Path) -> io::Result<()> {
        if !exchange(old, &self.target)? {
            fs::rename(&self.target, &self.folder)?;
            fs::rename(old, &self.target)?;
        }
        Ok(())
    }

    /// Gives files and folders in the draft the modes of those that they replace.
    fn keep_modes(&self, inside: &Path) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join(inside))? {
            let entry = entry?;
            let name = inside.join(entry.file_name());
            let old = self.target.join(&name);
            let permissions = if entry.file_type()?.is_dir() {
                self.keep_modes(&name)?;
                permissions_of_folder(&old)
            } else {
                permissions_of_file(&old)
            };
            if let Some(permissions) = permissions {
                fs::set_permissions(entry.path(), permissions)?;
            }
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
