//! A folder that is being written: a temporary one beside its place, which gets its name in the end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::SimulateError;
use crate::folder::{IfExists, holds_a_simulation, is_free};

/// A folder that is being written. Dropped unpublished, it goes away.
pub(crate) struct Draft {
    folder: TempDir,
    place: PathBuf,
    if_exists: IfExists,
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SimulateError {
    let path = path.to_owned();
    move |source| SimulateError::Folder { action, path, source }
}

impl Draft {
    /// Begins a draft of `place`, which must be free, or hold a simulation that may be replaced.
    pub(crate) fn begin(place: &Path, if_exists: IfExists) -> Result<Self, SimulateError> {
        if !is_free(place).map_err(failed("look into", place))? {
            let path = place.to_owned();
            match if_exists {
                IfExists::Refuse => return Err(SimulateError::NotEmpty { path }),
                IfExists::Replace if !holds_a_simulation(place) => return Err(SimulateError::NotOurs { path }),
                IfExists::Replace => {}
            }
        }
        let parent = parent(place);
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
        let folder = tempfile::Builder::new()
            .prefix(".simulating-")
            .tempdir_in(parent)
            .map_err(failed("create a temporary folder in", parent))?;
        Ok(Self { folder, place: place.to_owned(), if_exists })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A new file.
    pub(crate) fn create(&self, name: &str) -> Result<File, SimulateError> {
        let path = self.path().join(name);
        File::create_new(&path).map_err(failed("create", &path))
    }

    /// Gives the folder its name.
    pub(crate) fn publish(self) -> Result<(), SimulateError> {
        let Self { folder, place, if_exists } = self;
        sync_folder(folder.path()).map_err(failed("sync", folder.path()))?;
        open_to_others(folder.path()).map_err(failed("set the permissions of", &place))?;
        let parent = parent(&place);
        // Goes away at the end, with what it has taken in.
        let mut aside = None;
        if if_exists == IfExists::Replace && !is_free(&place).map_err(failed("look into", &place))? {
            let old = tempfile::Builder::new().prefix(".replaced-").tempdir_in(parent);
            let old = old.map_err(failed("create a temporary folder in", parent))?;
            fs::rename(&place, old.path().join("old")).map_err(failed("move away", &place))?;
            aside = Some(old);
        } else {
            // An empty folder of that name gives way; elsewhere than on Unix a rename does not replace it by itself.
            // That it is still empty is checked by remove_dir itself.
            match fs::remove_dir(&place) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("replace", &place)(error)),
                _ => {}
            }
        }
        fs::rename(folder.path(), &place).map_err(failed("rename the finished files to", &place))?;
        // It has its final name now; nothing is left to remove.
        let _ = folder.keep();
        sync_folder(parent).map_err(failed("sync", parent))?;
        drop(aside);
        Ok(())
    }
}

fn parent(place: &Path) -> &Path {
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary folder is its owner's alone; results have the permissions that a new folder gets.
#[cfg(unix)]
fn open_to_others(folder: &Path) -> io::Result<()> {
    let probe = folder.join("probe");
    fs::create_dir(&probe)?;
    let permissions = fs::metadata(&probe)?.permissions();
    fs::remove_dir(&probe)?;
    fs::set_permissions(folder, permissions)
}

#[cfg(not(unix))]
fn open_to_others(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the names in a folder last; only Unix lets a folder be opened for that.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
